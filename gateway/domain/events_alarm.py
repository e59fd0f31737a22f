"""Events of alarms, and of the cameras' observations and evidence that lead to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationStarted(Occurrence):
    """A camera's rule holds in a zone of its picture. Where the camera is `armed` an alarm is raised."""

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
    """A snapshot or clip was kept at the gateway; `alarm` is the alarm it belongs to, if one was raised.

    `observation` is what it was recorded for: an observation, or that alarm. `path` lies in the gateway's data
    directory, `sha256` is of the file.
    """

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
    """Something a guard must see, until AlarmResolved ends it.

    `priority` is 1 (at once) to 4. `source` is what it is about: the door, access point, camera, device, reader, input,
    process or tour; a credential (impossible_travel, antipassback, wrong_attempts) or a cardholder (risk); a dropped
    signal's name; or `office`, `site`, `journal`, `clock`, `fire`. One alarm at most of a kind and source is open.
    """

    alarm: str
    kind: str
    priority: int
    source: str
    door: str | None
    camera: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRepeated(Occurrence):
    """The cause of an open alarm came again, `count` times by now.

    One that was normal meanwhile must be acknowledged anew.
    """

    alarm: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNormal(Occurrence):
    """The alarm's cause is gone; it stays open until a guard has acknowledged it, or (P1, P2) resolved it."""

    alarm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged(Occurrence):
    """A guard has seen the alarm."""

    alarm: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmResolved(Occurrence):
    """The alarm is over: a guard ended it, or it ended by itself, normal and acknowledged (`actor` is `gateway`)."""

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
