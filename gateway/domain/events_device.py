"""Events of devices: their inputs, their answers to commands, their loss and return."""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSentBeforeCommit(Occurrence):
    """The journal was slow: a command went to a device before its event was durable."""

    command_id: str
    waited_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded(Occurrence):
    """A device's answer to a command, or that none came; `detail` is for people."""

    command_id: str
    device: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputActivated(Occurrence):
    """A site input (panic, tamper, fire …) became active."""

    input: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputNormal(Occurrence):
    """A site input returned to normal."""

    input: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFaultChanged(Occurrence):
    """A site input's supervised loop is shorted or open (`fault`), or whole again (None)."""

    input: str
    purpose: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SirenStarted(Occurrence):
    """Nobody was at a console: these sirens and lights call for somebody, for these alarms."""

    outputs: tuple[str, ...]
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SirenStopped(Occurrence):
    """Sirens and lights have ended: every alarm is acknowledged, or they were at their limit."""

    outputs: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SirenTested(Occurrence):
    """A guard had a siren or light work for a moment."""

    output: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SirensSilenced(Occurrence):
    """A guard ended all sirens and lights."""

    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFoundActive(Occurrence):
    """A siren, a light or a lift's floor button was on though nothing recorded says so; it was switched off."""

    device: str
    output: int
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLost(Occurrence):
    """A device, a camera, a broker or the office (`device` is `office`) can't be reached; `detail` is for people."""

    device: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReturned(Occurrence):
    """What DeviceLost told of can be reached again."""

    device: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RubbishReceived(Occurrence):
    """Bytes from a device that made no valid frame."""

    device: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMisconfigured(Occurrence):
    """A device is set up so that it is unsafe or can't work."""

    device: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderConditionChanged(Occurrence):
    """A reader was opened or torn off the wall (`tampered`), its power is failing, or it is well again."""

    device: str
    tampered: bool
    power_fault: bool


DeviceEvent: TypeAlias = (
    CommandSentBeforeCommit
    | CommandEnded
    | InputActivated
    | InputNormal
    | InputFaultChanged
    | SirenStarted
    | SirenStopped
    | SirenTested
    | SirensSilenced
    | OutputFoundActive
    | DeviceLost
    | DeviceReturned
    | RubbishReceived
    | DeviceMisconfigured
    | ReaderConditionChanged
)
