"""Events: what happened, in the past tense, journalled. The third vocabulary.

The class name is the event's type in the journal; `version` is its schema version. Events name people and
credentials by opaque ids only. Old versions are read for ever: see `gateway.store.records.UPCASTERS`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from gateway.domain.trace import TraceStep


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted(_Event):
    """The doors process runs. `restored`: there was a state to go on from."""

    software: str
    restored: bool
    list_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivated(_Event):
    """An access list is in force."""

    list_version: int
    digest: str
    credentials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRejected(_Event):
    """A list from the office was refused; the old one stays."""

    list_version: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequested(_Event):
    """A credential may pass if something comes too (ONVIF AccessControl/Request). `wants` is a `Want`.

    `request` names it until it ends in AccessGranted or AccessDenied.
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
class AccessGranted(_Event):
    """A credential may pass. `circumstances` is what the decision looked at beside the list: see `replay`.

    `credential` is None where any card of the site's facility code passes; `accompanied` are the credentials that were
    shown with it.
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
class AccessDenied(_Event):
    """A credential may not pass, for exactly one reason. `circumstances` as in AccessGranted."""

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
class AccessTaken(_Event):
    """The door was opened after a grant; who, if it was a credential's."""

    door: str
    because: str
    credential: str | None
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessNotTaken(_Event):
    """The release time passed and the door was not opened."""

    door: str
    because: str
    credential: str | None
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEntered(_Event):
    """Somebody went from one area into another (None is outside).

    `because` is `taken`; or `no_contact`, `already_open` or `free` where a door can't tell and the grant must do.
    """

    cardholder: str
    credential: str | None
    access_point: str
    area_from: str | None
    area_to: str | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AntipassbackViolated(_Event):
    """A passage that the whereabouts contradict was allowed and is reported: `area` is where they should be."""

    access_point: str
    credential: str
    cardholder: str
    area: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AntipassbackForgiven(_Event):
    """Where somebody is, or everybody (None), counts no more for anti-passback; the areas keep them."""

    cardholder: str | None
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuressUsed(_Event):
    """Somebody opened under duress. Nothing at the door shows it."""

    access_point: str
    door: str | None
    credential: str
    cardholder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPassed(_Event):
    """Somebody of whom the office warns has passed."""

    access_point: str
    credential: str
    cardholder: str
    level: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelImpossible(_Event):
    """The same card at two access points within a time in which nobody gets there."""

    credential: str
    cardholder: str | None
    access_point: str
    before: str
    metres: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorsEnabled(_Event):
    """A lift's floor buttons were told to work for a while."""

    lift: str
    access_point: str
    floors: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfirmed(_Event):
    """Somebody said yes or no to an AccessRequested."""

    request: str
    allowed: bool
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectBlocked(_Event):
    """A guard blocked a credential or a cardholder (`kind:id`), whatever any list says."""

    subject: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectUnblocked(_Event):
    """The block was lifted."""

    subject: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGrantGiven(_Event):
    """A guard lets a credential pass some access points for a while."""

    credential: str
    access_points: tuple[str, ...]
    until: datetime
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGrantEnded(_Event):
    """A guard took it back before its time."""

    credential: str
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDropped(_Event):
    """A read did not count: retained, replayed or out of its window."""

    reader: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPressed(_Event):
    """The exit button (REX) was pressed."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedByGuard(_Event):
    """A guard opened a door, for a reason."""

    door: str
    reason: str
    note: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(_Event):
    """A guard's request was refused."""

    request_id: str
    request: str
    subject: str
    reason: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockReleased(_Event):
    """The lock was told to release. `seconds` is None while it stays released."""

    door: str
    because: str
    command_id: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockNotReleased(_Event):
    """No command of a release went out in time: the door stayed locked."""

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSecured(_Event):
    """The lock was told to secure, or its pulse has ended (`command_id` is then the pulse's)."""

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFoundReleased(_Event):
    """At start or after a device's return the lock was released though nothing recorded says so; it was secured."""

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSentBeforeCommit(_Event):
    """The journal was slow: a command went to a device before its event was durable."""

    command_id: str
    waited_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded(_Event):
    """A device's answer to a command."""

    command_id: str
    device: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOpened(_Event):
    """The contact says open."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorClosed(_Event):
    """The contact says closed."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorForcedOpen(_Event):
    """Opened with no grant, exit or release."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHeldWarning(_Event):
    """Open nearly too long (ONVIF: PreAlarmTime)."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHeldOpen(_Event):
    """Open too long (ONVIF: DoorOpenTooLong)."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeChanged(_Event):
    """The door's mode by schedule, or the fire overlay, changed. `mode` is a `DoorMode`."""

    door: str
    mode: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeOverridden(_Event):
    """A guard set a door's mode until a time, or gave it back to the schedule (`mode` None)."""

    door: str
    mode: str | None
    until: datetime | None
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeOverrideEnded(_Event):
    """A guard's setting has run out."""

    door: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockdownStarted(_Event):
    """A guard locked doors down."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockdownReleased(_Event):
    """Two people released a lockdown."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    second: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOpenStarted(_Event):
    """A guard's life-safety release."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOpenReleased(_Event):
    """It was taken back."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FireDetected(_Event):
    """The fire input is active; doors are released. Latched until a person clears it."""

    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FireCleared(_Event):
    """A person cleared the fire release."""

    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputActivated(_Event):
    """A site input (panic, tamper, fire …) became active."""

    input: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputNormal(_Event):
    """A site input returned to normal."""

    input: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLost(_Event):
    """A device, camera or peer can't be reached."""

    device: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReturned(_Event):
    """It can be reached again."""

    device: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RubbishReceived(_Event):
    """Bytes from a device that made no valid frame."""

    device: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMisconfigured(_Event):
    """A device is set up in a way that safety does not allow."""

    device: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLost(_Event):
    """One of the gateway's own processes died."""

    process: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReturned(_Event):
    """It runs again."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationStarted(_Event):
    """A camera's rule holds."""

    observation: str
    camera: str
    rule: str
    zone: str
    armed: bool
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationEnded(_Event):
    """A camera's rule holds no more, or its end was never told (`timed_out`)."""

    observation: str
    camera: str
    rule: str
    zone: str
    timed_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceStored(_Event):
    """A snapshot or clip was kept; `alarm` is the alarm it belongs to, if one was raised."""

    observation: str
    camera: str
    alarm: str | None
    kind: str
    path: str
    sha256: str
    size_bytes: int
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(_Event):
    """Something a guard must see.

    `kind` is an `AlarmKind`, `priority` 1 to 4; `source` is the door, camera, device or input.
    """

    alarm: str
    kind: str
    priority: int
    source: str
    door: str | None
    camera: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRepeated(_Event):
    """The cause of an open alarm came again; one that was normal meanwhile must be acknowledged anew."""

    alarm: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNormal(_Event):
    """The alarm's cause is gone; it stays until a guard has acknowledged it."""

    alarm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(_Event):
    """A guard has seen it."""

    alarm: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmResolved(_Event):
    """A guard ended it, with an outcome."""

    alarm: str
    outcome: str
    note: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAudited(_Event):
    """Something a person did at the console."""

    action: str
    actor: str
    post: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalGap(_Event):
    """Events that could not be kept: how many, between when and when, and why."""

    lost: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLost(_Event):
    """The inbox was full and signals were dropped."""

    kind: str
    count: int


Event: TypeAlias = (
    GatewayStarted
    | ListActivated
    | ListRejected
    | AccessRequested
    | AccessGranted
    | AccessDenied
    | AccessTaken
    | AccessNotTaken
    | AreaEntered
    | AntipassbackViolated
    | AntipassbackForgiven
    | DuressUsed
    | RiskPassed
    | TravelImpossible
    | FloorsEnabled
    | AccessConfirmed
    | SubjectBlocked
    | SubjectUnblocked
    | LocalGrantGiven
    | LocalGrantEnded
    | ReadDropped
    | ExitPressed
    | OpenedByGuard
    | RequestRefused
    | LockReleased
    | LockNotReleased
    | LockSecured
    | LockFoundReleased
    | CommandSentBeforeCommit
    | CommandEnded
    | DoorOpened
    | DoorClosed
    | DoorForcedOpen
    | DoorHeldWarning
    | DoorHeldOpen
    | DoorModeChanged
    | DoorModeOverridden
    | DoorModeOverrideEnded
    | LockdownStarted
    | LockdownReleased
    | LockOpenStarted
    | LockOpenReleased
    | FireDetected
    | FireCleared
    | InputActivated
    | InputNormal
    | DeviceLost
    | DeviceReturned
    | RubbishReceived
    | DeviceMisconfigured
    | ProcessLost
    | ProcessReturned
    | ObservationStarted
    | ObservationEnded
    | EvidenceStored
    | AlarmRaised
    | AlarmRepeated
    | AlarmNormal
    | AlarmAcknowledged
    | AlarmResolved
    | OperatorAudited
    | JournalGap
    | SignalsLost
)
