"""What is asked of a decision, what it looks at, and what it answers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Grade, Pass
from gateway.domain.door_mode import DoorMode
from gateway.domain.site import DegradedMode
from gateway.domain.trace import TraceStep


class DenialReason(StrEnum):
    """Why somebody may not pass (ONVIF's names where ONVIF has one)."""

    NO_VALID_LIST = "NoValidList"
    UNKNOWN_ACCESS_POINT = "UnknownAccessPoint"
    CREDENTIAL_NOT_FOUND = "CredentialNotFound"
    PASS_INVALID = "PassInvalid"
    PASS_EXPIRED = "PassExpired"
    PASS_REPLAYED = "PassReplayed"
    BLOCKED_LOCALLY = "BlockedLocally"
    CREDENTIAL_NOT_ENABLED = "CredentialNotEnabled"
    CREDENTIAL_LOST = "CredentialLost"
    CREDENTIAL_NOT_ACTIVE = "CredentialNotActive"
    CREDENTIAL_EXPIRED = "CredentialExpired"
    CARDHOLDER_NOT_ACTIVE = "CardholderNotActive"
    CARDHOLDER_EXPIRED = "CardholderExpired"
    CLOCK_SUSPECT = "ClockSuspect"
    FORMAT_NOT_ACCEPTED = "FormatNotAccepted"
    RISK_REFUSED = "RiskRefused"
    LOCKED_DOWN = "LockedDown"
    DOOR_BLOCKED = "DoorBlocked"
    ACCESS_POINT_LOCKED = "AccessPointLocked"
    UNAUTHORIZED = "Unauthorized"
    NOT_PERMITTED_AT_THIS_TIME = "NotPermittedAtThisTime"
    USES_EXHAUSTED = "UsesExhausted"
    ANTIPASSBACK_VIOLATION = "AntipassbackViolation"
    OCCUPANCY_LIMIT = "OccupancyLimit"
    INTERLOCK_ACTIVE = "InterlockActive"
    LOCKED_OUT = "LockedOut"
    INVALID_PIN = "InvalidPIN"
    PIN_MISSING = "PinMissing"
    ESCORT_MISSING = "EscortMissing"
    SECOND_CREDENTIAL_MISSING = "SecondCredentialMissing"
    CONFIRMATION_MISSING = "ConfirmationMissing"
    CONFIRMATION_REFUSED = "ConfirmationRefused"


class Want(StrEnum):
    """What would complete a request."""

    PIN = "pin"
    ESCORT = "escort"
    PERSON = "person"
    CONFIRMATION = "confirmation"


MISSING: dict[Want, DenialReason] = {
    Want.PIN: DenialReason.PIN_MISSING,
    Want.ESCORT: DenialReason.ESCORT_MISSING,
    Want.PERSON: DenialReason.SECOND_CREDENTIAL_MISSING,
    Want.CONFIRMATION: DenialReason.CONFIRMATION_MISSING,
}
"""Why a request is denied when what it wants doesn't come."""


MODE_REASONS = {DoorMode.LOCKED_DOWN: DenialReason.LOCKED_DOWN, DoorMode.BLOCKED: DenialReason.DOOR_BLOCKED}
"""The door modes in which no credential opens."""


class PinResult(StrEnum):
    """What a typed PIN was, for the credential that it was typed for."""

    RIGHT = "right"
    DURESS = "duress"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Shown:
    """One credential as it was shown: the keys that may look it up, in the reader's priority; or a pass.

    `facilities` are the (format, facility code) of its readings, for the degraded mode alone. `forged_pass`: it looks
    like a pass, and no key of the list has signed it.
    """

    keys: tuple[str, ...] = ()
    grade: Grade = Grade.CLONABLE
    shown_pass: Pass | None = None
    forged_pass: bool = False
    facilities: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PointRules:
    """What the site's wiring says of the access point. `way_out`: an escape route's exit, which nothing refuses.

    `exit`: any way out, which no lockdown refuses.
    """

    way_out: bool = False
    accepts: frozenset[Grade] | None = None
    degraded: DegradedMode = DegradedMode.LAST_LIST
    facility: tuple[str, int] | None = None
    exit: bool = False


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What is asked: who was shown so far (the newest last), the PIN's result and the answer of who must confirm."""

    access_point: str
    shown: tuple[Shown, ...]
    pin: PinResult | None = None
    confirmed: bool | None = None
    rules: PointRules = PointRules()
    confirmed_by: str = ""
    """Who answered: `guard:NAME` or `office:NAME`."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is remembered of one of those who are shown. `used` and `used_today` count grants."""

    known: bool = False
    """Does anti-passback count where the cardholder is?"""
    area: str | None = None
    since: datetime | None = None
    """Where the cardholder was seen last (None: outside), and when; no time if never."""
    used: int = 0
    used_today: int = 0
    blocked: str = ""
    """The subject that a guard has blocked."""
    local_grant_until: datetime | None = None
    """A guard's leave for this access point."""
    made_at: datetime | None = None
    """The newest rotating pass of this id that was taken."""
    revoked: bool = False
    """The office has revoked it since the list was made."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that a decision looks at beside the request, the time and the list; people by credential or pass id."""

    mode: DoorMode = DoorMode.LOCKED
    interlocked_by: str = ""
    inside: int = 0
    """People in the area that the access point leads to, and those on their way into it."""
    locked_out: bool = False
    """Too many wrong PINs, or unknown cards, lately."""
    people: dict[str, PersonFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was shown, as the list knows them. A pass may stand for a cardholder whom the list doesn't know."""

    id: str
    credential: Credential | None
    cardholder: Cardholder | None
    shown: Shown
    facts: PersonFacts = PersonFacts()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. Granted; or denied for `reason`; or neither while it `wants` something.

    `people` are those who were shown. `floors`: of a lift. `soft_passback`: those of them whose whereabouts
    contradict the passage, which is allowed and must be reported.
    """

    granted: bool
    reason: DenialReason | None
    trace: tuple[TraceStep, ...]
    list_version: int | None
    wants: Want | None = None
    people: tuple[Person, ...] = ()
    floors: tuple[str, ...] = ()
    duress: bool = False
    soft_passback: tuple[str, ...] = ()

    @property
    def tells_duress(self) -> bool:
        """Is a silent alarm due? Whoever is in force is heard where they are refused, or wait, as well."""
        in_force = self.granted or any(step.check == "cardholder_validity" and step.passed for step in self.trace)
        return self.duress and in_force

    @property
    def credential(self) -> Credential | None:
        """The credential that was shown first."""
        return self.people[0].credential if self.people else None

    @property
    def cardholder(self) -> Cardholder | None:
        """Its holder."""
        return self.people[0].cardholder if self.people else None
