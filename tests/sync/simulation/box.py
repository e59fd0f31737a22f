"""One gateway in the simulation: its real journal and uplink, its doors and lists where they are played, on a machine
that dies and is put back.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from gateway.clock import BUILD_FLOOR
from gateway.domain.commands import ForkJournal
from gateway.domain.events import AlarmRaised, DoorOpened, Event, JournalGap
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.ports import RecordedEvent, Reply
from gateway.domain.signals import HistoryDiverged, Signal
from gateway.store.gone import REMOVABLE, Removable, ranges_of, remove_rows
from gateway.store.journal import SqliteJournal
from gateway.store.journal_commit import TurnCommit
from gateway.store.journal_reader import SqliteJournalReader
from sync.device_key import DeviceKey
from sync.link import OfficeLink
from sync.office_client import OfficeClient
from sync.uplink import Uplink
from tests.sync.simulation.disk import Crashed, Disk
from tests.sync.simulation.machine import Life, Machine
from tests.sync.simulation.network import Line, Listener, Transport
from tests.sync.simulation.office import START, TOKEN, Office
from tests.sync.simulation.office_lists import SITE

JOURNAL = "journal.db"
DEVICE_KEY = DeviceKey(b"d" * 32)


class BoxClock:
    """A clock on virtual seconds, whose wall is put forward and back."""

    def __init__(self, boot_id: str) -> None:
        self.boot_id, self.skew_s = boot_id, 0.0
        self._floor = BUILD_FLOOR

    def now(self) -> Moment:
        passed_s = asyncio.get_running_loop().time()
        wall = START + timedelta(seconds=passed_s + self.skew_s)
        quality = ClockQuality.SUSPECT if wall < self._floor else ClockQuality.UNSYNCHRONISED
        return Moment(wall, passed_s, self.boot_id, quality)

    def raise_floor(self, floor: datetime) -> None:
        """As the real one's."""
        self._floor = max(self._floor, floor)


class InlineJournal(SqliteJournal):
    """The real journal, whose writer's work is done in the caller's turn instead of on a thread."""

    def append(self, events: Sequence[Event], moment: Moment, *rest: Any, **named: Any) -> TurnCommit:
        commit = super().append(events, moment, *rest, **named)
        self.work()
        return commit

    def fork(self, point: ForkJournal, moment: Moment) -> "Future[str | None]":
        done = super().fork(point, moment)
        self.work()
        return done

    def work(self) -> None:
        """What the writer's thread does with what is queued."""
        if self._queue or self._forks or self._gap_is_due():
            self._attempt(self._next_group())


class _ForkingDoors:
    """The doors process as the uplink knows it, where no lists are played: it has the journal fork."""

    def __init__(self, box: "Box") -> None:
        self._box = box

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        await asyncio.sleep(0)
        if isinstance(signal, HistoryDiverged):
            self._box.fork(signal)
        return Reply(accepted=True)


class _NoList:
    def in_force(self) -> tuple[int, int]:
        return 0, 0


class Box(Machine):
    """A gateway. `seen` is what its journal has held durably since it was last put back."""

    def __init__(self, name: str, folder: Path, office: Office, chance: Random) -> None:
        super().__init__()
        self.name, self.office, self._chance = name, office, chance
        self.disk, self.line = Disk(folder, chance), Line()
        self.way: Listener = office
        """What its line leads to."""
        self.seen: set[str] = set()
        self.told_gone: set[str] = set()
        """What it removed, and said so: a copy of it may have it, and the office go on without it."""
        self.put_back = False
        """Whether an image was restored, or it is a copy: only then may its history fork."""
        self.boots = 0
        self.dies_in_forks = True
        self.tell: Callable[[str], None] = lambda _: None
        self._uplink: Uplink | None = None
        self._journal: InlineJournal | None = None
        self._sync: Life | None = None
        self._reader = SqliteJournalReader(self.path)
        """Ours, not the product's."""
        self.clock = BoxClock("")

    @property
    def runs(self) -> bool:
        """Whether it is switched on."""
        return self._journal is not None

    @property
    def path(self) -> Path:
        return self.disk.folder / JOURNAL

    def start(self) -> None:
        """Boot: doors first, then the uplink."""
        self.boots += 1
        skew_s, self.clock = self.clock.skew_s, BoxClock(f"{self.name}-{self.boots}")
        self.clock.skew_s = skew_s  # a clock that is wrong is wrong after a boot as well
        try:
            self._start_doors()
        except Crashed:
            self.crash()
            return
        self.start_sync()

    def _start_doors(self) -> None:
        self._journal = InlineJournal(self.path, self.clock)

    def start_sync(self) -> None:
        """Begin the sync process."""
        transport = Transport(self.line, self.way, self._chance)
        client = OfficeClient("http://office", SITE, TOKEN, DEVICE_KEY, self.clock, transport)
        self._sync = self._begin(self._sync_work(client))

    def _sync_work(self, client: OfficeClient) -> Coroutine[Any, Any, None]:
        """Here only the uplink: lists, and the whole process, are played in a `ListedBox`."""
        reader = SqliteJournalReader(self.path)
        lists: Any = _NoList()
        doors: Any = _ForkingDoors(self)
        self._uplink = Uplink(reader, lists, client, OfficeLink(), self.clock, "sim", doors, _nobody_waits)
        return self._uplink.run()

    def _begin(self, work: Coroutine[Any, Any, None]) -> Life:
        """A process of this machine; it ends by dying only."""
        life = Life(self)
        life.begin(work).add_done_callback(self._ended)
        return life

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not _is_crash(error):
            self.trouble.append(f"{self.name}: a process ended by {error!r}")

    def die(self) -> None:
        """The whole machine, here and now."""
        if self.runs or self._sync is not None:
            self.crash(power=self._chance.random() < 0.5)
            self.tell("died")

    def stop_sync(self) -> None:
        """The sync process dies, wherever it is just now."""
        if self._sync is not None:
            self._sync.end()
        self._sync = self._uplink = None

    def crash(self, *, power: bool = False) -> None:
        """The machine dies; with `power`, in the middle of a write."""
        self.stop_sync()
        self._journal = None
        self.disk.drop_connections()
        self._reader = SqliteJournalReader(self.path)
        self.disk.crash_at = self.dies_at = None
        if power:
            self.disk.tear(JOURNAL)
            self.disk.cut_power()

    def restore(self, image: Path) -> None:
        """It is put back to an image; it must not run."""
        self.disk.restore(image)
        self.put_back = True
        self.seen = set(self.event_ids())

    def record(self, count: int) -> None:
        """Something happens at the doors. Raises Crashed."""
        assert self._journal is not None
        events: list[Event] = [DoorOpened(door=f"d-{n}") for n in range(count)]
        if self._chance.random() < 0.1:
            events.append(AlarmRaised(alarm="a", kind="duress", priority=1, source="d", door=None, camera=None))
        commit = self._journal.append(events, self.clock.now())
        if commit.durable and self._uplink is not None:
            self._uplink.wake()

    def fork(self, signal: HistoryDiverged) -> None:
        """What the doors do about another history. Raises Crashed."""
        if self._journal is None:
            return
        self._may_die_in_fork()
        point = ForkJournal("fork", signal.current, signal.epoch, signal.seq, signal.hash)
        self._journal.fork(point, self.clock.now())

    def _may_die_in_fork(self) -> None:
        if self.dies_in_forks and self._chance.random() < 0.4:
            self.disk.crash_at = self._chance.randrange(2)

    def work(self) -> None:
        """The journal's writer tries again what is queued."""
        if self._journal is not None:
            self._journal.work()

    def remove_some(self) -> int:
        """Make room as the journal does it: some events go, whether the office has them or not. Raises Crashed."""
        assert self._journal is not None
        rows = self._journal._rows
        if rows is None:
            return 0
        connection = rows._connection
        found = [Removable(*row) for row in connection.execute(f"SELECT {REMOVABLE} FROM event ORDER BY row_id")]
        epoch = self._chance.choice([row.epoch for row in found] or [""])
        places = [row for row in found if row.epoch == epoch][:-1]  # the last says where the epoch ends
        first = self._chance.randrange(1, max(2, len(places)))  # at its start only what the office had is removed
        going = [row for row in places[first : first + self._chance.randrange(1, 6)] if row.type == "DoorOpened"]
        if not going:
            return 0
        before = set(self.event_ids())
        rows.begin()
        rows.add(JournalGap(lost=len(going), reason="size", epoch=epoch, ranges=ranges_of(going)), self.clock.now())
        try:
            rows.commit(also=partial(remove_rows, connection, going))
        except sqlite3.Error:
            rows.roll_back()
            return 0
        finally:
            self.told_gone |= before - set(self.event_ids())
            self.seen -= self.told_gone
        return len(going)

    def check_forks(self, events: Sequence[RecordedEvent]) -> list[str]:
        """Each of its new epochs has the record of how it came."""
        recorded, forks = sum(event.type == "HistoryForked" for event in events), self._reader.parents()
        return [f"{self.name}: {len(forks)} forks, {recorded} records of them"] if recorded < len(forks) else []

    def look(self) -> list[str]:
        """What is durable is never lost: returns what is wrong."""
        now = set(self.event_ids())
        lost = self.seen - now
        self.seen |= now
        return [f"{self.name}: {len(lost)} durable events are gone from its journal"] if lost else []

    def event_ids(self) -> list[str]:
        """What its journal holds, in row order, whether it runs or not."""
        if not self.path.exists():
            return []
        try:
            rows = self.disk.watch(JOURNAL).execute("SELECT event_id FROM event ORDER BY row_id")
        except sqlite3.OperationalError:  # it died before it had made its tables
            return []
        return [row[0] for row in rows]

    def journalled(self) -> list[RecordedEvent]:
        """Every event of its journal, in row order."""
        found: list[RecordedEvent] = []
        while page := self._reader.after(found[-1].row_id if found else 0, 1000):
            found += page
        return found

    def check_chain(self) -> list[str]:
        """Its journal's own chain holds: returns what is wrong."""
        verdict = self._reader.verify()
        return [f"{self.name}: row {verdict.broken_row}: {verdict.fault}"] if verdict.fault else []


def _nobody_waits(_delivered: Sequence[RecordedEvent]) -> None:
    """For an answer of the office."""


def _is_crash(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_is_crash(each) for each in error.exceptions)
    return isinstance(error, Crashed)
