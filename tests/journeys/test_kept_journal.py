"""The doors process keeps its journal by the site's rules, and whatever the office hasn't acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.ports import RecordedEvent
from gateway.domain.signals import StatusReported
from gateway.doors_client import DoorsClient
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.store.kept import HandClock
from tests.journeys.doors_process import OFFICE, DoorsProcess
from tests.waiting import wait_until_async

KEEP_DAYS, KEEP_MB = 7, 64
KEPT = f"[journal]\nkeep_days = {KEEP_DAYS}\nkeep_mb = {KEEP_MB}\n"
BIG, BIG_ONES = 1 << 20, KEEP_MB + 10
"""Bytes of a big event, and how many of them are too many."""


class KeptSite:
    """A site with an office and a journal of an earlier time; the test is its sync process."""

    def __init__(self, data: Path, more: str) -> None:
        self.process = DoorsProcess(data, [], more)
        self.path = data / "journal.db"
        self.client = DoorsClient(data / "run" / "doors.sock", "sync")
        self.epoch = ""

    async def record(self, age: timedelta, *events: Event) -> None:
        """Before the process runs."""
        clock = HandClock(SystemClock().now().wall - age)
        journal = SqliteJournal(self.path, clock)
        assert await journal.append(events, clock.now()).wait(30)
        journal.close()

    @asynccontextmanager
    async def runs(self) -> AsyncIterator[None]:
        """From its start on until it is stopped."""
        self.epoch = self._first()[0]
        self.process.start("tests.journeys.tidy_doors")
        calling = asyncio.create_task(self.client.run())
        try:
            await wait_until_async(lambda: self._search("GatewayStarted"), 30, "the doors run")
            yield
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            self.process.stop()

    async def acknowledge(self, through: int) -> None:
        """The office has got so much, says the sync process."""
        values: dict[str, str | int | float | bool | None] = {"office_epoch": self.epoch, "office_through": through}
        assert (await self.client.send(StatusReported("sync", values), timeout_s=10.0)).accepted

    async def until_first_is(self, seq: int) -> None:
        """Wait until what was recorded before is gone. Nothing that was removed too early comes back."""
        await wait_until_async(lambda: self._first()[1] >= seq, 15, f"{seq} is the first that is left")
        assert self._first()[1] == seq

    def pruned(self) -> list[tuple[int, str]]:
        """Each time up to where it was removed, and why."""
        return [(event.body["through_seq"], event.body["because"]) for event in self._search("JournalPruned")]

    def _search(self, type_: str) -> list[RecordedEvent]:
        reader = SqliteJournalReader(self.path)
        try:
            return reader.search(types=[type_])[::-1]
        finally:
            reader.close()

    def _first(self) -> tuple[str, int]:
        reader = SqliteJournalReader(self.path)
        try:
            (row,) = reader.after(0, 1)
            return row.epoch, row.seq
        finally:
            reader.close()


@pytest.mark.timeout(90)
async def test_old_rows_go_as_far_as_the_office_has_acknowledged_them(tmp_path: Path) -> None:
    site = KeptSite(tmp_path, OFFICE.format(url="http://127.0.0.1:9") + KEPT)
    await site.record(timedelta(days=KEEP_DAYS, hours=1), *(ev.DoorOpened(door=f"d{n}") for n in range(50)))
    await site.record(timedelta(days=KEEP_DAYS, hours=-1), *(ev.DoorOpened(door=f"d{n}") for n in range(10)))
    async with site.runs():
        for through in (20, 30):
            await site.acknowledge(through)
            await site.until_first_is(through + 1)
        await site.acknowledge(60)
        await site.until_first_is(51)
    assert site.pruned() == [(20, "age"), (30, "age"), (50, "age")]


@pytest.mark.timeout(90)
async def test_too_many_rows_stay_until_the_office_has_acknowledged_them(tmp_path: Path) -> None:
    site = KeptSite(tmp_path, OFFICE.format(url="http://127.0.0.1:9") + KEPT)
    # Of the class that isn't given up for want of room either.
    await site.record(timedelta(hours=1), *(ev.JournalGap(lost=1, reason="x" * BIG) for _ in range(BIG_ONES)))
    async with site.runs():
        await site.acknowledge(5)
        await site.until_first_is(6)
        await site.acknowledge(BIG_ONES)
        await wait_until_async(lambda: len(site.pruned()) == 2, 15, "more is to go")
        (first, second) = site.pruned()
        await site.until_first_is(second[0] + 1)
    assert (first, second[1]) == ((5, "size"), "size")
    assert KEEP_MB * 0.9 < (BIG_ONES - second[0]) * BIG / 2**20 < KEEP_MB, "as much as there was too much"


@pytest.mark.timeout(90)
async def test_without_an_office_old_rows_go_by_themselves(tmp_path: Path) -> None:
    site = KeptSite(tmp_path, KEPT)
    await site.record(timedelta(days=KEEP_DAYS, hours=1), *(ev.DoorOpened(door=f"d{n}") for n in range(50)))
    async with site.runs():
        await site.until_first_is(51)
