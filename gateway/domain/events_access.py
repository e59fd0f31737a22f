"""Events of access: who asked to pass, what was decided, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from gateway.domain.event import Occurrence
from gateway.domain.trace import TraceStep


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequested(Occurrence):
    """A credential may pass if something comes too (ONVIF AccessControl/Request): `wants` says what.

    An office may answer `confirmation`. `request` names it until it ends in AccessGranted or AccessDenied, or in a
    GatewayStarted that restored nothing.
    """

    request: str
    access_point: str
    door: str | None
    reader: str
    wants: str
    credential: str
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGranted(Occurrence):
    """A credential may pass; the door's own events, and AccessTaken, tell whether anybody went through.

    `credential` is None where any card of the site's facility code passes; `accompanied` are the credentials that were
    shown with it, `floors` those of a lift that it opens, `request` the AccessRequested that it ends. `circumstances`
    is what the decision looked at beside the list, for `gatehouse replay`: its form may change.
    """

    version: ClassVar[int] = 2

    access_point: str
    door: str | None
    reader: str
    credential: str | None
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]
    accompanied: tuple[str, ...] = ()
    floors: tuple[str, ...] = ()
    request: str | None = None
    circumstances: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDenied(Occurrence):
    """A credential may not pass, for exactly one reason.

    `credential` is None where it is in no list; `request` and `circumstances` as in AccessGranted.
    """

    version: ClassVar[int] = 2

    access_point: str
    door: str | None
    reader: str
    reason: str
    credential: str | None
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]
    request: str | None = None
    circumstances: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfirmed(Occurrence):
    """Somebody said yes (`allowed`) or no to an AccessRequested: to whom, and where.

    `post` is `office` where the office said it; `request_id` is then its `answer_id`.
    """

    version: ClassVar[int] = 2

    request: str
    allowed: bool
    actor: str
    post: str
    request_id: str
    access_point: str | None = None
    door: str | None = None
    credential: str | None = None
    cardholder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTaken(Occurrence):
    """The door was opened after a release; who, if it was for a credential."""

    door: str
    because: str
    credential: str | None
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessNotTaken(Occurrence):
    """The release time passed and the door was not opened; by whom, if it was for a credential."""

    door: str
    because: str
    credential: str | None
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseGivenBack(Occurrence):
    """A grant had counted a use, or taken a rotating pass, and its door or lift never moved: it counts no more."""

    access_point: str
    door: str | None
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEntered(Occurrence):
    """Somebody went from one area into another (None is outside).

    `because` is `taken`; where a door can't tell and the grant must do, it is `no_contact`, `contact_fault`,
    `already_open` or `free`.
    """

    cardholder: str
    credential: str | None
    access_point: str
    area_from: str | None
    area_to: str | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AntipassbackViolated(Occurrence):
    """A passage that the whereabouts contradict was allowed and is reported: `area` is where they should be."""

    access_point: str
    credential: str
    cardholder: str
    area: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AntipassbackForgiven(Occurrence):
    """Where somebody is, or everybody (None), counts no more for anti-passback; the areas keep them."""

    cardholder: str | None
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuressUsed(Occurrence):
    """Somebody opened, or was refused, under duress. Nothing at the door shows it."""

    access_point: str
    door: str | None
    credential: str
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPassed(Occurrence):
    """Somebody of whom the office warns has passed: `level` and `reason` are the list's."""

    access_point: str
    credential: str
    cardholder: str
    level: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelImpossible(Occurrence):
    """The same card at two access points, `before` the first, within a time in which nobody gets there."""

    credential: str
    cardholder: str | None
    access_point: str
    before: str
    metres: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorsEnabled(Occurrence):
    """A lift's floor buttons were told to work for a while."""

    lift: str
    access_point: str
    floors: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectBlocked(Occurrence):
    """A guard blocked a credential or a cardholder (`kind:id`), whatever any list says."""

    subject: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectUnblocked(Occurrence):
    """A guard lifted the block of a credential or a cardholder (`kind:id`)."""

    subject: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGrantGiven(Occurrence):
    """A guard lets a credential pass some access points for a while."""

    credential: str
    access_points: tuple[str, ...]
    until: datetime
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGrantEnded(Occurrence):
    """A guard took a local grant back before its time."""

    credential: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAmbiguous(Occurrence):
    """One read is the credential of several people, by different formats; the one first in the reader's order counts.

    `rivals` are the others' credentials.
    """

    access_point: str
    reader: str
    credential: str
    rivals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDropped(Occurrence):
    """A read did not count, and nothing was decided.

    `reason` is `WrongParity`, `ReaderBelongsToNoAccessPoint`, `NoTourAwaitsIt`, or in the driver's own words: retained,
    out of its window.
    """

    reader: str
    reason: str


AccessEvent: TypeAlias = (
    AccessRequested
    | AccessGranted
    | AccessDenied
    | AccessConfirmed
    | AccessTaken
    | AccessNotTaken
    | UseGivenBack
    | AreaEntered
    | AntipassbackViolated
    | AntipassbackForgiven
    | DuressUsed
    | RiskPassed
    | TravelImpossible
    | FloorsEnabled
    | SubjectBlocked
    | SubjectUnblocked
    | LocalGrantGiven
    | LocalGrantEnded
    | ReadAmbiguous
    | ReadDropped
)
