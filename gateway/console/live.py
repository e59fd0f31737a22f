"""The live feed: one follower of the journal and of the doors process, shared by every page that is open."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from gateway.console.parts import ConsoleJournal, ConsoleParts
from gateway.console.projection import LASTING_EVENTS, Projection
from gateway.domain.ports import RecordedEvent
from gateway.domain.signals import StatusReported
from gateway.errors import JournalUnavailable, LinkError

log = logging.getLogger(__name__)

STALE_S = 5.0
"""Without a word from the doors process for this long, what is shown is not live."""
_POLL_S = 1.0
"""The journal is asked this often even when nobody wakes us: the doors process may be gone."""
_REPORT_S = 2.0
_BATCH = 500
_RECENT = 2_000
"""Events kept for pages that follow or come back; older cursors are served from the journal."""
_LOOK_BACK = timedelta(days=30)
_LOOK_BACK_EVENTS = 50_000
"""Read at start, newest first: about a second of work."""

_FIRST_LOOK_S = 5.0
"""A journal that is not read by then is on a sick disk: the page says so, and is better than none."""

T = TypeVar("T")


class JournalDesk:
    """The journal reader behind one thread of its own, so that a slow disk holds up nobody else."""

    def __init__(self, journal: ConsoleJournal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="console-journal")

    async def ask(self, question: Callable[[ConsoleJournal], T]) -> T:
        """Ask the reader. Raises JournalUnavailable when it can't be read."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._journal)
        except (sqlite3.Error, OSError) as error:
            raise JournalUnavailable(str(error)) from error

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class LiveFeed:
    """Follows journal and doors; keeps the projection; wakes the pages."""

    def __init__(self, parts: ConsoleParts, desk: JournalDesk) -> None:
        self.parts, self.desk = parts, desk
        self.projection = Projection()
        self.status: dict[str, Any] = {}
        self.status_number = 0
        self.epoch = ""
        self.row = 0
        self.journal_readable = False
        self.pages = 0
        self._recent: deque[RecordedEvent] = deque(maxlen=_RECENT)
        self._connected = False
        self._heard_s = float("-inf")
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._listeners: set[asyncio.Event] = set()

    @property
    def live(self) -> bool:
        """Whether the doors process spoke within the last five seconds."""
        return self._connected and self.age_s < STALE_S

    @property
    def age_s(self) -> float:
        """Seconds since the doors process last spoke."""
        return self.parts.clock.now().monotonic_s - self._heard_s

    def listen(self) -> asyncio.Event:
        """An event that is set whenever something changed; give it back with `unlisten`."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def unlisten(self, event: asyncio.Event) -> None:
        """Stop waking it."""
        self._listeners.discard(event)

    async def after(self, row: int, limit: int) -> list[RecordedEvent]:
        """Events after a cursor, up to what the projection has seen."""
        if row >= self.row:
            return []
        if self._recent and self._recent[0].row_id <= row + 1:
            return [event for event in self._recent if event.row_id > row][:limit]
        found = await self.desk.ask(lambda journal: journal.after(row, limit))
        return [event for event in found if event.row_id <= self.row]

    async def first_look(self) -> None:
        """Return when `run` has read the journal, or could not: before it no alarm is known, nor any page's cursor."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_S):
                await self._looked.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_doors())
            tasks.create_task(self._follow_journal())
            tasks.create_task(self._report())

    async def _follow_doors(self) -> None:
        while True:
            try:
                async for feed in self.parts.doors.feed():
                    self._connected = feed.connected
                    if feed.connected:
                        self._heard_s = self.parts.clock.now().monotonic_s
                    if feed.status is not None:
                        # How many alarms are open isn't everybody's to know: see `Sight`.
                        self.status = {name: value for name, value in feed.status.items() if name != "alarms_open"}
                        self.status_number += 1
                    self._wake.set()
                    self._tell()
            except LinkError as error:
                log.info("doors process: %s", error)
            self._connected = False
            self._tell()
            await asyncio.sleep(_POLL_S)

    async def _follow_journal(self) -> None:
        while True:
            try:
                await self._catch_up()
                self.journal_readable = True
            except JournalUnavailable as error:
                if self.journal_readable:
                    log.warning("journal: %s", error)
                self.journal_readable = False
            self._looked.set()
            try:
                async with asyncio.timeout(_POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    async def _catch_up(self) -> None:
        head = await self.desk.ask(lambda journal: journal.head())
        if head is None:
            return
        if head.epoch != self.epoch:
            if head.row_id < self.row:
                self.projection, self.row = Projection(), 0
                self._recent.clear()
            self.epoch = head.epoch
        if self.row == 0:
            await self._look_back(head.row_id)
        while self.row < head.row_id:
            events = await self.desk.ask(lambda journal: journal.after(self.row, _BATCH))
            if not events:
                break
            for event in events:
                self.projection.apply(event)
                self._recent.append(event)
            self.row = events[-1].row_id
            self._tell()

    async def _look_back(self, head: int) -> None:
        """What lasts, of the last days, without reading everything else that happened in them."""
        since = self.parts.clock.now().wall - _LOOK_BACK
        start = max(0, head - _RECENT)
        lasting: list[RecordedEvent] = []
        before = start + 1
        while len(lasting) < _LOOK_BACK_EVENTS:
            older = await self.desk.ask(partial(_lasting_before, before=before, since=since))
            lasting += older
            if len(older) < _BATCH:
                break
            before = older[-1].row_id
        for event in reversed(lasting):
            self.projection.apply(event)
        self.row = start

    async def _report(self) -> None:
        while True:
            values: dict[str, str | int | float | bool | None] = {
                "pages": self.pages,
                "row": self.row,
                "journal_readable": self.journal_readable,
            }
            try:
                await self.parts.doors.send(StatusReported("console", values))
            except LinkError:
                log.debug("nobody to report to")
            await asyncio.sleep(_REPORT_S)

    def _tell(self) -> None:
        for event in self._listeners:
            event.set()


def _lasting_before(journal: ConsoleJournal, *, before: int, since: datetime) -> list[RecordedEvent]:
    return journal.search(types=LASTING_EVENTS, before_row=before, since=since, limit=_BATCH)
