"""A journal whose clock is set by hand, and whose housekeeping doesn't wait."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.ports import EpochParent
from gateway.store.gone import Gone
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.retention import RetentionRules

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEN = ev.ObservationStarted(observation="o", camera="yard", rule="motion", zone="z", armed=True, started_at=NOON)


class HandClock:
    """Real seconds; the wall stands where it is put."""

    def __init__(self, wall: datetime = NOON, quality: ClockQuality = ClockQuality.SYNCHRONISED) -> None:
        self.wall, self.quality = wall, quality
        self._real = SystemClock()

    def now(self) -> Moment:
        return Moment(self.wall, self._real.now().monotonic_s, "boot-1", self.quality)

    def raise_floor(self, floor: datetime) -> None:
        """It has none."""


class Kept:
    """One journal, its reader, and what it told."""

    def __init__(self, folder: Path, rules: RetentionRules, clock: HandClock) -> None:
        self.path, self.clock = folder / "journal.db", clock
        self.told: list[tuple[bool, str, int]] = []
        self.journal = SqliteJournal(self.path, clock, on_change=lambda *told: self.told.append(told), rules=rules)
        self.reader = SqliteJournalReader(self.path)

    async def append(self, *events: Event) -> None:
        """Durable turns, one an event, with a checkpoint each."""
        commits = [self.journal.append([event], self.clock.now(), {"state": 1}) for event in events]
        assert await commits[-1].wait(10)

    def close(self) -> None:
        """As at a stop."""
        self.reader.close()
        self.journal.close()

    def seqs(self) -> list[int]:
        """What is there."""
        return [row.seq for row in self.reader.after(0, 5000)]

    def head_place(self) -> tuple[str, int]:
        """The newest event's."""
        head = self.reader.head()
        assert head is not None
        return head.epoch, head.seq


class Interrupted:
    """A journal that is read for its proof by pages of three rows; `what` happens before one of the calls."""

    def __init__(self, reader: SqliteJournalReader, calls: int, what: Callable[[], None]) -> None:
        self._reader, self._calls, self._what = reader, calls, what

    def parents(self) -> dict[str, EpochParent]:
        self._count()
        return self._reader.parents()

    def page_to_verify(self, after: int) -> tuple[list[Gone], list[tuple[Any, ...]]]:
        self._count()
        gone, page = self._reader.page_to_verify(after)
        return gone, page[:3]

    def _count(self) -> None:
        self._calls -= 1
        if self._calls == 0:
            self._what()


def at_once(keep_days: int = 30, keep_bytes: int = 1 << 40, unknown_office_s: float = 0.0) -> RetentionRules:
    """Rules that are looked at all the time."""
    return RetentionRules(keep_days, keep_bytes, 0.02, 0.0, 0.005, unknown_office_s)


def door(number: int) -> Event:
    """An event of a door."""
    return ev.DoorOpened(door=f"d{number}")


DAY = timedelta(days=1)


def copy_at_a_commit(path: Path, folder: Path) -> None:
    """The file and its log, as a power cut might leave them."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.execute("BEGIN IMMEDIATE")  # no writer meanwhile: what is copied is one state
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", folder / f"{path.name}{suffix}")
    connection.execute("ROLLBACK")
    connection.close()
