"""Credentials and what a reader saw of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Identifier:
    """What names a credential: (format, facility code or none, number)."""

    format: str
    facility_code: int | None
    number: int

    def canonical(self) -> str:
        """The text whose keyed hash looks the credential up, such as `H10301:123:4567` or `EM4100::15517587`."""
        facility = "" if self.facility_code is None else str(self.facility_code)
        return f"{self.format}:{facility}:{self.number}"


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

    `id` and `cardholder` are opaque ids; `label` is the office's name for the card.
    """

    id: str
    cardholder: str
    label: str = ""
    state: CredentialState = CredentialState.ACTIVE
    valid_from: datetime | None = None
    valid_until: datetime | None = None
