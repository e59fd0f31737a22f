"""Events of doors: locks, contacts, modes, lockdown and fire."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPressed(Occurrence):
    """The exit button (REX) was pressed."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedByGuard(Occurrence):
    """A guard opened a door, for a reason."""

    door: str
    reason: str
    note: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockReleased(Occurrence):
    """The lock was told to release. `seconds` is None while it stays released.

    CommandEnded of that `command_id` says whether it did.
    """

    door: str
    because: str
    command_id: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockNotReleased(Occurrence):
    """No command of a release went out in time: the door stayed locked.

    While an earlier release still ran it is told at that one's end, after LockSecured.
    """

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSecured(Occurrence):
    """The lock was told to secure, or its pulse has ended (`command_id` is then the pulse's)."""

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFoundReleased(Occurrence):
    """At start or after a device's return the lock was released though nothing recorded says so; it was secured."""

    door: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOpened(Occurrence):
    """The door's contact says open."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorClosed(Occurrence):
    """The door's contact says closed."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorInputFaultChanged(Occurrence):
    """The supervised loop of a door's `contact` or `rex` (`part`) is at fault, or (`fault` None) whole again."""

    door: str
    part: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorForcedOpen(Occurrence):
    """The door was opened with no grant, exit or release."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHeldWarning(Occurrence):
    """The door is open nearly too long (ONVIF: PreAlarmTime)."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHeldOpen(Occurrence):
    """The door is open too long (ONVIF: DoorOpenTooLong)."""

    door: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeChanged(Occurrence):
    """What the door is meant to do has changed, by its schedule, a guard or fire."""

    door: str
    mode: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeOverridden(Occurrence):
    """A guard set a door's mode until a time, or gave it back to the schedule (`mode` None)."""

    door: str
    mode: str | None
    until: datetime | None
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorModeOverrideEnded(Occurrence):
    """A guard's setting of a door's mode has run out: `mode` is what it was."""

    door: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockdownStarted(Occurrence):
    """A guard locked the doors of a group down (`group` None: of all); `doors` are those that were not yet."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockdownReleased(Occurrence):
    """Two people, `actor` and `second`, released a lockdown."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    second: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOpenStarted(Occurrence):
    """A guard's life-safety release: the doors of a group (None: all) stand open until it is taken back."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOpenReleased(Occurrence):
    """A life-safety release was taken back."""

    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FireDetected(Occurrence):
    """The fire input is active; doors are released. Latched until a person clears it."""

    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FireCleared(Occurrence):
    """A person cleared the fire release."""

    actor: str
    post: str


DoorEvent: TypeAlias = (
    ExitPressed
    | OpenedByGuard
    | LockReleased
    | LockNotReleased
    | LockSecured
    | LockFoundReleased
    | DoorOpened
    | DoorClosed
    | DoorInputFaultChanged
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
)
