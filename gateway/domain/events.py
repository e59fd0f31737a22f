"""Events: what happened, in the past tense, journalled. The third vocabulary.

The class name is the event's type in the journal; `version` is its schema version. Events name people and
credentials by opaque ids only. Old versions are read for ever: see `gateway.store.upcast`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeAlias

from gateway.domain.access import TraceStep


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
class AccessGranted(_Event):
    """A credential may pass."""

    access_point: str
    door: str
    reader: str
    credential: str
    cardholder: str
    list_version: int
    trace: tuple[TraceStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDenied(_Event):
    """A credential may not pass, for exactly one reason."""

    access_point: str
    door: str
    reader: str
    reason: str
    credential: str | None
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]


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
    | AccessGranted
    | AccessDenied
    | AccessTaken
    | AccessNotTaken
    | ReadDropped
    | ExitPressed
    | OpenedByGuard
    | RequestRefused
    | LockReleased
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
