"""Keys in Wiegand messages (pure): what a keypad sends on the same two wires as cards.

Sources: Rosslare AYC-Qx4 manual 4.2.3 (the options of its keypads), CDVI KCPROXWLC manual 13 (8 bits), Tasmota
xsns_82_wiegand. No card has 4 or 8 bits: such a message is a key. A PIN that comes whole looks like a card, and only
the reader's settings tell.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from drivers.registry import DriverSettings
from drivers.wiegand.formats import BUILT_IN

KEYS = "0123456789*#"
"""A key's number is its place: 10 is `*`, 11 is `#`."""

_BCD_DIGITS = 6


class KeypadKind(StrEnum):
    """How a keypad sends its keys."""

    NONE = "none"
    """There is none: what looks like a key is rubbish."""
    BURST = "burst"
    """Each key at once, in 4 bits: its number; or in 8 bits: its number in the low four, their complement above."""
    BUFFERED_26 = "26bit"
    """A whole PIN as the card number of an H10301 message, under the keypad's own facility code."""
    BCD_26 = "26bit-bcd"
    """Six keys as six decimal digits between the parities of a 26-bit message."""


@dataclass(frozen=True, slots=True)
class Keypad:
    """A reader's keypad. `facility` and `digits` matter to `26bit`: the keypad's facility code, and how many digits its
    PINs have at least (the message drops zeros in front).
    """

    kind: KeypadKind = KeypadKind.BURST
    facility: int = 0
    digits: int = 4


BURST_KEYPAD = Keypad()


class KeypadSettings(DriverSettings):
    """The settings of a keypad on a reader that says raw bits."""

    keypad: Literal["none", "burst", "26bit", "26bit-bcd"] = "burst"
    keypad_facility: int = Field(default=0, ge=0, le=255)
    keypad_digits: int = Field(default=4, ge=1, le=5)

    def make_keypad(self) -> Keypad:
        """The keypad that they describe."""
        return Keypad(KeypadKind(self.keypad), self.keypad_facility, self.keypad_digits)


class BadKey(ValueError):
    """A message that must be a key and is none; says why, without digits."""


def read_keys(bits: int, length: int, keypad: Keypad = BURST_KEYPAD) -> str | None:
    """The keys that a message of `length` bits says, one sign each; None where it is no key but a card.

    A buffered PIN comes as `*` (which clears what was half typed), its digits, and `#`. Raises BadKey.
    """
    if keypad.kind is KeypadKind.NONE:
        return None
    if length == 4:
        return _key(bits)
    if length == 8:
        if bits >> 4 != ~bits & 0xF:
            raise BadKey("a key whose halves contradict each other")
        return _key(bits & 0xF)
    if length == 26 and keypad.kind is KeypadKind.BUFFERED_26:
        return _buffered(bits, keypad)
    if length == 26 and keypad.kind is KeypadKind.BCD_26:
        return _decimal(bits)
    return None


def _key(number: int) -> str:
    if not 0 <= number < len(KEYS):
        raise BadKey("no key has this number")
    return KEYS[number]


def _buffered(bits: int, keypad: Keypad) -> str | None:
    """The keypad's facility code tells a PIN from a card."""
    (reading,) = BUILT_IN.read(bits, 26, ("H10301",))
    if reading.identifier.facility_code != keypad.facility:
        return None
    if not reading.parity_ok:
        raise BadKey("a PIN with wrong parity")
    return f"*{reading.identifier.number:0{keypad.digits}d}#"


def _decimal(bits: int) -> str | None:
    """A message with another sign than a decimal digit is a card."""
    (reading,) = BUILT_IN.read(bits, 26, ("H10301",))
    digits = f"{bits >> 1 & 0xFFFFFF:0{_BCD_DIGITS}x}"
    if not digits.isdecimal():
        return None
    if not reading.parity_ok:
        raise BadKey("a PIN with wrong parity")
    return f"*{digits}#"
