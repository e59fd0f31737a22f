"""Events of alarms, and of the cameras' observations and evidence that lead to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationStarted(Occurrence):
    """A camera's rule holds."""

    observation: str
    camera: str
    rule: str
    zone: str
    armed: bool
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationEnded(Occurrence):
    """A camera's rule holds no more, or its end was never told (`timed_out`)."""

    observation: str
    camera: str
    rule: str
    zone: str
    timed_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceStored(Occurrence):
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
class AlarmRaised(Occurrence):
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
class AlarmRepeated(Occurrence):
    """The cause of an open alarm came again; one that was normal meanwhile must be acknowledged anew."""

    alarm: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNormal(Occurrence):
    """The alarm's cause is gone; it stays until a guard has acknowledged it."""

    alarm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(Occurrence):
    """A guard has seen it."""

    alarm: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmResolved(Occurrence):
    """A guard ended it, with an outcome."""

    alarm: str
    outcome: str
    note: str
    actor: str
    post: str


AlarmEvent: TypeAlias = (
    ObservationStarted
    | ObservationEnded
    | EvidenceStored
    | AlarmRaised
    | AlarmRepeated
    | AlarmNormal
    | AlarmAcknowledged
    | AlarmResolved
)
