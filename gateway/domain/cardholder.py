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
class Risk:
    """What the office warns of: level 2 passes with an alarm, level 3 denies visitors and contractors only.

    Until `until`, if it has an end. `reason` is the office's code or short text, without personal data.
    """

    level: int
    reason: str
    until: datetime | None = None


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
    risk: Risk | None = None
    anti_passback_exempt: bool = False
    escort_needed: bool = False
    can_escort: bool = False
    special_care: bool = False
    """Shown on the muster list only, and to whoever deals with an emergency."""
    groups: tuple[str, ...] = ()
    """For rules that want people of several groups, and for who walks guard tours."""
