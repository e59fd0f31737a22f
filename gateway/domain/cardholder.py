"""Who holds credentials, and the access levels they hold."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CardholderKind(StrEnum):
    """What somebody is to the compound."""

    RESIDENT = "resident"
    FAMILY = "family"
    TENANT = "tenant"
    STAFF = "staff"
    VISITOR = "visitor"
    CONTRACTOR = "contractor"


@dataclass(frozen=True, slots=True)
class HeldLevel:
    """An access level held by a cardholder, with a validity of its own: `valid_from <= t < valid_until`."""

    level: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cardholder:
    """A person by opaque id; validity is `valid_from <= t < valid_until`."""

    id: str
    kind: CardholderKind = CardholderKind.RESIDENT
    levels: tuple[HeldLevel, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    extended_time: bool = False
    """Needs longer to pass (ONVIF: ExtendedGrant)."""
