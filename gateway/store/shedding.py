"""What goes first when there is no room: the one table of classes, and what was lost by class.

Programs' own remarks, then what cameras saw, then routine, then who passed which door, alarms and whatever else.
What a turn had to remember is no event and stays.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum

from gateway.domain import events as ev
from gateway.domain.events import Event, JournalGap
from gateway.store.turn import Turn


class EventClass(IntEnum):
    """The lower is shed first."""

    DEBUG = 0
    OBSERVATION = 1
    ROUTINE = 2
    ACCESS = 3
    """Decisions and alarms, and whatever isn't named."""
    RECORD = 4
    """What says that something is gone: never removed to make room."""


CLASSES: dict[EventClass, tuple[type[Event], ...]] = {
    EventClass.DEBUG: (
        ev.CommandSentBeforeCommit,
        ev.ReadDropped,
        ev.RubbishReceived,
        ev.SignalsLost,
    ),
    EventClass.OBSERVATION: (ev.ObservationStarted, ev.ObservationEnded, ev.EvidenceStored),
    EventClass.ROUTINE: (
        ev.AccessNotTaken,
        ev.AccessRequested,  # its answer is an event of its own
        ev.CommandEnded,
        ev.DeviceLost,
        ev.DeviceReturned,
        ev.DoorClosed,
        ev.InputNormal,
        ev.LockSecured,
        ev.ProcessLost,
        ev.ProcessReturned,
    ),
    EventClass.RECORD: (ev.JournalGap, ev.JournalPruned, ev.PersonErased),
}

_CLASS_OF = {cls: kind for kind, classes in CLASSES.items() for cls in classes}

RESERVED: dict[EventClass, float] = {EventClass.DEBUG: 1.0, EventClass.OBSERVATION: 0.75, EventClass.ROUTINE: 0.5}
"""A class is written while more of the reserve is left than this; the others as long as the disk takes anything."""
RESERVE_BYTES = 64 << 20
"""Room for some 50,000 decisions and alarms: hours of a compound's busiest day."""
RESERVE_PART = 0.1
"""Of a small disk the reserve is this part."""


def class_of(event: Event) -> EventClass:
    """Which class an event is shed with."""
    return _CLASS_OF.get(type(event), EventClass.ACCESS)


def highest(events: Iterable[Event]) -> EventClass:
    """The class of the most important one."""
    return max(map(class_of, events), default=EventClass.RECORD)


def lowest_written(free_bytes: int, disk_bytes: int) -> EventClass:
    """The lowest class that is written while so much of the disk is free."""
    reserve = min(RESERVE_BYTES, disk_bytes * RESERVE_PART)
    shut = [kind for kind, part in RESERVED.items() if free_bytes < reserve * part]
    return EventClass(max(shut) + 1) if shut else EventClass.DEBUG


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

    def record(self, cause: str) -> JournalGap:
        """What the journal says of it."""
        return JournalGap(
            lost=self.count,
            reason=cause[:120],
            classes={kind.name.lower(): self.classes[kind] for kind in EventClass if self.classes[kind]},
            first_at=self.first,
            last_at=self.last,
        )


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
