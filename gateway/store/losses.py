"""Events that could not be kept, until the journal says so: what was given up, why, and when that is told."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from gateway.domain.events import JournalGap
from gateway.store.shedding import EventClass, Shed, highest, lowest_written, shed
from gateway.store.turn import Turn

GAP_EVENTS, GAP_AFTER_S = 1000, 60.0
"""While little room is left, what was given up is told together, this many or this late: a record takes room, too."""

ALMOST_FULL, QUEUE_FULL = "the disk is almost full", "the queue was full"


class Losses:
    """What was lost and isn't told yet. `free_bytes` tells the room inside the file; the caller holds its own lock."""

    def __init__(self, path: Path, free_bytes: Callable[[], int]) -> None:
        self._folder, self._log, self._free_bytes = path.parent, path.with_name(f"{path.name}-wal"), free_bytes
        self._lost = Shed()
        self.because, self._since_s = QUEUE_FULL, 0.0

    def __bool__(self) -> bool:
        return self._lost.count > 0

    def shed_queue(self, queue: Iterable[Turn], wanted: int) -> int:
        """Give up events of a queue that is too long; how many."""
        if not self:
            self.because = QUEUE_FULL
        return shed(queue, self._lost, wanted)

    def spare(self, group: list[Turn], now_s: float) -> None:
        """While little room is left, give up what is less important than what may still come."""
        lowest = self._lowest_written()
        for turn in group:
            if highest(turn.events) >= lowest:
                continue
            turn.commit.fail(ALMOST_FULL)
            if not self:
                self.because, self._since_s = ALMOST_FULL, now_s
            for event in turn.events:
                self._lost.add(event, turn.moment.wall)
            turn.events = []

    def log_crowds_disk(self) -> bool:
        """Would the disk soon have no room to fold the log into the file? Then nothing could be written for ever."""
        with suppress(OSError):
            disk = os.statvfs(self._folder)
            return self._log.stat().st_size * 2 > disk.f_bavail * disk.f_frsize
        return False

    def is_due(self, now_s: float, closing: bool) -> bool:
        """Is it time to tell?"""
        if not self:
            return False
        if closing or self.because != ALMOST_FULL or self._lost.count >= GAP_EVENTS:
            return True
        return now_s >= self._since_s + GAP_AFTER_S or self._lowest_written() is EventClass.DEBUG

    def record(self, failure: str | None) -> tuple[Shed, JournalGap]:
        """What is told now, and the event that tells it; `failure` is why the journal could not be written."""
        told = self._lost.snapshot()
        return told, told.record(failure or self.because)

    def told(self, told: Shed) -> None:
        """That record is durable."""
        self._lost.subtract(told)

    def _lowest_written(self) -> EventClass:
        try:
            disk = os.statvfs(self._folder)
        except OSError:  # the next write tells what is the matter
            return EventClass.DEBUG
        free_bytes = disk.f_bavail * disk.f_frsize + self._free_bytes()
        return lowest_written(free_bytes, disk.f_blocks * disk.f_frsize)
