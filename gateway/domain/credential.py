"""Credentials and what a reader saw of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Grade(StrEnum):
    """How a credential was shown, and so what that is worth: a clonable number is not a DESFire's answer."""

    CLONABLE = "clonable"
    """A number that anybody can copy: 125 kHz tags, card UIDs, and every Wiegand reader whose site says no better."""
    SECURE = "secure"
    """The reader has proved the card by its keys."""
    PIN = "pin"
    PLATE = "plate"
    PASS = "pass"
    """A signed pass, shown as text."""


PLATE_FORMAT = "PLATE"

NUMBER_MAX = 2**128 - 1
"""The longest numbers that name cards are the EPCs of UHF tags with 128 bits (format EPC128). A list names longer ones
by their keyed hash."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """What names a credential: (format, facility code or none, number). A plate's number is its text."""

    format: str
    facility_code: int | None
    number: int | str

    def canonical(self) -> str:
        """The text whose keyed hash looks the credential up, such as `H10301:123:4567` or `EM4100::15517587`."""
        return canonical_text(self.format, self.facility_code, self.number)

    def grade(self, card_grade: Grade = Grade.CLONABLE) -> Grade:
        """What a reading of it is worth; `card_grade` is what the reader's cards are."""
        if self.format == PLATE_FORMAT:
            return Grade.PLATE
        return Grade.PIN if is_pin_format(self.format) else card_grade


def canonical_text(format_name: str, facility_code: int | None, number: int | str) -> str:
    """The canonical text of an identifier that nobody has to make first: a list has a million of them."""
    return f"{format_name}:{'' if facility_code is None else facility_code}:{number}"


def is_pin_format(format_name: str) -> bool:
    """`PIN4` to `PIN12`: a PIN that identifies by itself; the format carries its length, so that 007 isn't 7."""
    return format_name.startswith("PIN") and format_name[3:].isdecimal()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the bits of a card; `parity_ok` is None where the format has no parity."""

    identifier: Identifier
    parity_ok: bool | None = None
    version_byte: int | None = None
    """EM4100's version or customer byte: an attribute, not part of the identifier."""


class CredentialState(StrEnum):
    """What the office says of a credential."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOST = "lost"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential of the access list.

    `id` and `cardholder` are opaque ids; `label` is the office's name for the card. `uses` and `uses_per_day` count
    grants. `pin` and `duress_pin` are keyed hashes (`AccessList.pin_key`), asked for where an access point wants card
    and PIN. `duress`: showing it signals duress. `grade`: it must be shown at this grade, or it is a copy.
    """

    id: str
    cardholder: str
    label: str = ""
    state: CredentialState = CredentialState.ACTIVE
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses: int | None = None
    uses_per_day: int | None = None
    pin: bytes | None = None
    duress_pin: bytes | None = None
    duress: bool = False
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """A signed pass whose signature holds under the list's key `key`.

    A rotating one carries `made_at` and is good for a minute; a counted one carries `uses`. Its levels are among those
    that its key may give.
    """

    id: str
    key: str
    cardholder: str | None
    levels: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime
    uses: int | None = None
    made_at: datetime | None = None

    @property
    def name(self) -> str:
        """What is remembered of it goes by this, and no credential's id is like it.

        Another key's pass of the same id is another pass: no holder of a key uses up or blocks a neighbour's.
        """
        return f"{_PASS_NAME}{self.key}/{self.id}"


_PASS_NAME = "pass:"


def former_pass_name(name: str) -> str:
    """What a pass of that name went by before its key was part of the name."""
    return _PASS_NAME + name.partition("/")[2]
