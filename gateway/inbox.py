"""The doors' inbox: bounded, and never in the way of a read or an input."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from gateway.domain.ports import Reply
from gateway.domain.signals import (
    AccessConfirmRequested,
    BlockRequested,
    CardRead,
    CommandCompleted,
    DeadlineReached,
    DoorModeRequested,
    FireResetRequested,
    InputFaultChanged,
    InputsChanged,
    KeyPressed,
    LocalGrantRequested,
    LockdownReleaseRequested,
    LockdownRequested,
    LockOpenReleaseRequested,
    LockOpenRequested,
    OpenRequested,
    OutputsRead,
    OutputsUnknown,
    ReaderConditionChanged,
    Signal,
    SignalsDropped,
    SirenSilenceRequested,
    TextRead,
)

FIRST_CLASS_MAX = 2000
"""Some minutes of every reader and input of a big site; more means a device that runs wild."""
SECOND_CLASS_MAX = 500
"""Observations, status and audit: what is dropped here is counted and told."""

_FIRST_CLASS = (
    CardRead,
    KeyPressed,
    TextRead,
    InputsChanged,
    InputFaultChanged,
    OutputsRead,
    ReaderConditionChanged,
    OutputsUnknown,
    CommandCompleted,
    OpenRequested,
    DoorModeRequested,
    LockdownRequested,
    LockdownReleaseRequested,
    LockOpenRequested,
    LockOpenReleaseRequested,
    BlockRequested,
    LocalGrantRequested,
    AccessConfirmRequested,
    FireResetRequested,
    SirenSilenceRequested,
    DeadlineReached,
)

Answer = Callable[[Reply], None]


class Inbox:
    """Two queues; reads, inputs and guards' requests go before everything else. Order is kept within each."""

    def __init__(self) -> None:
        self._first: deque[tuple[Signal, Answer | None]] = deque()
        self._second: deque[tuple[Signal, Answer | None]] = deque()
        self._dropped: Counter[str] = Counter()
        self._waiting = asyncio.Event()
        self.dropped_total = 0

    def put(self, signal: Signal, answer: Answer | None = None) -> bool:
        """Queue a signal; False when its class is full (counted)."""
        first = isinstance(signal, _FIRST_CLASS)
        queue, bound = (self._first, FIRST_CLASS_MAX) if first else (self._second, SECOND_CLASS_MAX)
        if len(queue) >= bound:
            self._dropped[type(signal).__name__] += 1
            self.dropped_total += 1
            return False
        queue.append((signal, answer))
        self._waiting.set()
        return True

    async def get(self, timeout_s: float) -> tuple[Signal, Answer | None]:
        """The next signal; `DeadlineReached` when `timeout_s` runs out first."""
        if not (self._first or self._second):
            self._waiting.clear()
            try:
                async with asyncio.timeout(max(timeout_s, 0)):
                    await self._waiting.wait()
            except TimeoutError:
                return DeadlineReached(), None
        return self._first.popleft() if self._first else self._second.popleft()

    def take_dropped(self) -> list[Signal]:
        """What was dropped since the last call, as signals."""
        told: list[Signal] = [SignalsDropped(kind, count) for kind, count in self._dropped.items()]
        self._dropped.clear()
        return told

    @property
    def depth(self) -> int:
        """Signals waiting."""
        return len(self._first) + len(self._second)
