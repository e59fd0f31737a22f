"""What the office's list says beside people and credentials, and the port that a compiled list fills."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.schedule import Schedule


class Authentication(StrEnum):
    """What an access point wants to see, by schedule (ONVIF AuthenticationBehavior)."""

    CARD = "card"
    CARD_OR_PIN = "card_or_pin"
    CARD_AND_PIN = "card_and_pin"
    PIN = "pin"
    TWO_CARDS = "two_cards"
    """Two people; or as many of each group as the access point's `persons` says."""
    CONFIRM = "confirm"
    """A card, and a guard or the office who says yes."""
    UNLOCKED = "unlocked"
    """The door stands unlocked."""
    FIRST_CARD = "first_card"
    """As card, until an authorised one was shown: then unlocked, to the period's end or midnight."""
    LOCKED = "locked"
    """No credential opens."""


DEFAULT_AUTHENTICATION = Authentication.CARD_OR_PIN


@dataclass(frozen=True, slots=True)
class Grant:
    """An access level's leave to pass an access point by a schedule; for a lift, to these floors."""

    access_point: str
    schedule: str
    floors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessLevel:
    """Grants under one id, with a validity of its own."""

    id: str
    grants: tuple[Grant, ...]
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """While `schedule` covers the time, the access point wants `authentication`."""

    schedule: str
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class PersonsOf:
    """So many people of a group."""

    group: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ListedAccessPoint:
    """What the list says of an access point. Of its settings the first whose schedule covers the time counts.

    `unlock_schedule` is short for a first setting `unlocked`. It leads from `area_from` into `area_to` (ONVIF AreaFrom,
    AreaTo); None is outside.
    """

    id: str
    unlock_schedule: str | None = None
    settings: tuple[Setting, ...] = ()
    area_from: str | None = None
    area_to: str | None = None
    persons: tuple[PersonsOf, ...] = ()


class AntiPassback(StrEnum):
    """What happens to a passage that the whereabouts contradict."""

    OFF = "off"
    SOFT = "soft"
    """It is allowed and reported."""
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the site that people are in. `forgive_at_minute` of the local day: it starts anew."""

    id: str
    anti_passback: AntiPassback = AntiPassback.OFF
    timed_minutes: int | None = None
    """A violation lapses so long after the last passage."""
    max_occupancy: int | None = None
    forgive_at_minute: int | None = None


@dataclass(frozen=True, slots=True)
class PassKey:
    """A public key (Ed25519, 32 bytes) that passes are signed with, and the levels that they may give.

    One bound to a cardholder signs that cardholder's own passes only.
    """

    id: str
    public_key: bytes
    cardholder: str | None = None
    levels: tuple[str, ...] = ()


class AccessList(Protocol):
    """A compiled access list. Look-ups are pure reads in memory; one list never changes."""

    @property
    def generation(self) -> int:
        """Counts how often an office began anew; a list of a later generation is newer whatever its version."""
        ...

    @property
    def version(self) -> int: ...
    @property
    def zone(self) -> ZoneInfo: ...
    @property
    def issued_at(self) -> datetime: ...
    @property
    def fallback(self) -> bool:
        """Is it the list before the one that should be in force, because that one is damaged?"""
        ...

    def key(self, identifier: Identifier) -> str:
        """What looks the identifier up: its keyed hash in hex, which no longer tells the digits."""
        ...

    def credential(self, key: str) -> Credential | None: ...
    def pin_key(self, credential_id: str, digits: str) -> bytes:
        """The keyed hash of a credential's PIN."""
        ...

    def open_pass(self, text: str) -> Pass | None:
        """The pass in a text that a scanner read, if it is one and a key of this list has signed it."""
        ...

    def cardholder(self, cardholder_id: str) -> Cardholder | None: ...
    def level(self, level_id: str) -> AccessLevel | None: ...
    def schedule(self, schedule_id: str) -> Schedule | None: ...
    def access_point(self, access_point_id: str) -> ListedAccessPoint | None: ...
    def area(self, area_id: str) -> Area | None: ...
    def areas(self) -> Iterable[Area]: ...
