"""What goes first when the disk takes nothing and the queue is full.

Observations, then routine, then who passed which door. What a turn had to remember is no event and stays.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.store.turn import Turn


class EventClass(IntEnum):
    """The lower is shed first."""

    OBSERVATION = 0
    ROUTINE = 1
    ACCESS = 2


_OBSERVATION = (ev.ObservationStarted, ev.ObservationEnded, ev.EvidenceStored, ev.RubbishReceived, ev.SignalsLost)
_ROUTINE = (
    ev.AccessNotTaken,
    ev.AccessRequested,  # its answer is an event of its own
    ev.CommandEnded,
    ev.CommandSentBeforeCommit,
    ev.DeviceLost,
    ev.DeviceReturned,
    ev.DoorClosed,
    ev.InputNormal,
    ev.LockSecured,
    ev.ProcessLost,
    ev.ProcessReturned,
    ev.ReadDropped,
)


def class_of(event: Event) -> EventClass:
    """Which class an event is shed with; whatever isn't named is kept longest."""
    if isinstance(event, _OBSERVATION):
        return EventClass.OBSERVATION
    return EventClass.ROUTINE if isinstance(event, _ROUTINE) else EventClass.ACCESS


class Shed:
    """What was lost since the last gap record: how many of each class, between when and when."""

    def __init__(self) -> None:
        self.classes: Counter[EventClass] = Counter()
        self.first: datetime | None = None
        self.last: datetime | None = None

    @property
    def count(self) -> int:
        """Events lost."""
        return self.classes.total()

    def add(self, event: Event, wall: datetime) -> None:
        """One more event is lost."""
        self.classes[class_of(event)] += 1
        self.first = min(self.first or wall, wall)
        self.last = max(self.last or wall, wall)

    def snapshot(self) -> "Shed":
        """A copy that a gap record can be written from."""
        copy = Shed()
        copy.classes, copy.first, copy.last = Counter(self.classes), self.first, self.last
        return copy

    def subtract(self, recorded: "Shed") -> None:
        """A gap record of `recorded` is durable."""
        self.classes -= recorded.classes
        if not self.count:
            self.first = self.last = None

    def describe(self, cause: str) -> str:
        """For a `JournalGap`: the cause, the span, and how many of each class."""
        parts = ", ".join(f"{kind.name.lower()} {self.classes[kind]}" for kind in EventClass if self.classes[kind])
        span = "" if self.first is None or self.last is None else f"{self.first.isoformat()} .. {self.last.isoformat()}"
        return f"{cause[:80]}: {span}: {parts}"


def shed(turns: Iterable[Turn], lost: Shed, wanted: int) -> int:
    """Drop at least `wanted` events (if there are as many), the lowest class first and the oldest of it first.

    A turn that loses one is not durable any more, whatever becomes of the rest. Returns how many were dropped.
    """
    dropped = 0
    for kind in EventClass:
        for turn in turns:
            if dropped >= wanted:
                return dropped
            going = [event for event in turn.events if class_of(event) is kind]
            if not going:
                continue
            turn.commit.fail("the queue is full")
            turn.events = [event for event in turn.events if class_of(event) is not kind]
            for event in going:
                lost.add(event, turn.moment.wall)
            dropped += len(going)
    return dropped
