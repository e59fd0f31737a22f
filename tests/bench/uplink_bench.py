"""Uplink: how fast a backlog goes up to a real office, and that memory stays flat while it does.

A site's own doors and sync processes and an office process, with a journal of 30 days that the office has nothing of.
"""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain.events import AccessDenied, Event
from gateway.domain.moment import Moment
from gateway.store.journal import SqliteJournal
from tests.bench.process_cost import cpu_s, resident_mb
from tests.bench.rows import Row, row, single
from tests.journeys.doors_process import OFFICE, DoorsProcess
from tests.journeys.raw_board import GOLDEN_TAG, RawBoard, RawLine
from tests.sync.site import TOKEN, Office
from tests.waiting import wait_until

EVENTS = int(os.environ.get("GATEHOUSE_UPLINK_EVENTS", "300000"))
"""1,500,000 are 30 days of a busy compound."""
TURN = 400
OFFLINE = timedelta(days=30)
SYNC = "from gateway.worker import leave, main; leave(main(sys.argv[1:]))"
RATES = {
    "as shipped": f"import sys; {SYNC}",
    "without its cap": f"import sys; from sync import uplink; uplink.BATCH_EVERY_S = 0.0; {SYNC}",
}
REFUSED: Event = AccessDenied(
    access_point="gate",
    door="gate",
    reader="reader",
    reason="CredentialNotFound",
    credential=None,
    cardholder=None,
    list_version=12,
    trace=(),
)
"""The commonest event that says much."""


@dataclass(slots=True)
class Watched:
    """What was seen each second: events at the office, and of each process its memory and CPU time."""

    events: list[int] = field(default_factory=list)
    memory_mb: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: dict[str, list[float]] = field(default_factory=dict)

    def look(self, through: int, processes: Mapping[str, int]) -> None:
        """Note the present state."""
        self.events.append(through)
        for name, pid in processes.items():
            self.memory_mb.setdefault(name, []).append(resident_mb(pid))
            self.cpu_s.setdefault(name, []).append(cpu_s(pid))


def run() -> Iterator[Row]:
    """Fill a journal, then let it drain at each rate."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-uplink-") as folder:
        full = Path(folder) / "full.db"
        asyncio.run(_fill(full))
        for rate in RATES:
            yield from asyncio.run(_drained(Path(folder), full, rate))


async def _drained(folder: Path, full: Path, rate: str) -> list[Row]:
    place = folder / rate.replace(" ", "-")
    async with Office(place / "office", "--site", "small") as office:
        site = DoorsProcess(place / "box", [GOLDEN_TAG], OFFICE.format(url=office.url))
        site.keep_secret("token", TOKEN)
        shutil.copy(full, site.data / "journal.db")
        lines = [RawLine(site.data / "tty" / name) for name in ("reader", "board")]
        board = RawBoard(lines[1], lambda _: None)
        site.start()
        try:
            wait_until(lambda: board.polls > 3, 60, "the board is polled")
            assert site.process is not None
            assert office.process is not None
            pids = {"doors": site.process.pid, "office": office.process.pid}
            watched, took_s = await _watch(site, RATES[rate], place / "office" / "office.db", pids)
            summary = (await office.ask("GET", "/admin/v1/sites/small/summary")).raise_for_status().json()
        finally:
            site.stop()
            for line in lines:
                line.close()
    shutil.rmtree(place)
    missing = {name: summary[name] for name in ("gaps", "unsound", "duplicates_ignored")}
    return [*_of_rate(rate, watched, took_s, json.dumps(missing)), *_of_cost(rate, watched)]


async def _watch(site: DoorsProcess, code: str, ledger: Path, pids: dict[str, int]) -> tuple[Watched, float]:
    """Start sync; look each second until the office has what was there before; how many seconds that took."""
    words = [sys.executable, "-c", code, "sync", "--config", str(site.config), "--data", str(site.data)]
    watched = Watched()
    with (site.data / "sync.log").open("ab") as log:
        sync = subprocess.Popen(words, stderr=log)
    try:
        began_s = time.monotonic()
        while not watched.events or watched.events[-1] < EVENTS:
            await asyncio.sleep(1.0)
            assert sync.poll() is None, (site.data / "sync.log").read_text(encoding="utf-8")
            watched.look(_through(ledger), {"sync": sync.pid, **pids})
        return watched, time.monotonic() - began_s
    finally:
        sync.terminate()
        sync.wait(15)


def _of_rate(rate: str, watched: Watched, took_s: float, missing: str) -> list[Row]:
    rates = [float(after - before) for before, after in zip(watched.events, watched.events[1:], strict=False)]
    note = f"1.5 million: {took_s / EVENTS * 1.5e6 / 60:.1f} min; at the office: {missing}"
    return [
        row(f"backlog drained {rate}, each second", rates[:-1] or rates, "events/s"),
        single(f"backlog of {EVENTS:,} drained {rate}", took_s, "s", note),
    ]


def _of_cost(rate: str, watched: Watched) -> list[Row]:
    rows = []
    for name, seen in watched.memory_mb.items():
        curve = ", ".join(f"{seen[min(len(seen) - 1, len(seen) * tenth // 10)]:.0f}" for tenth in range(1, 11))
        rows.append(single(f"most memory of {name} meanwhile, {rate}", max(seen), "MB", f"each tenth: {curve}"))
        used, events = watched.cpu_s[name], max(1, watched.events[-1] - watched.events[0])
        rows.append(single(f"CPU time of {name} for an event, {rate}", (used[-1] - used[0]) / events * 1e6, "us"))
    return rows


def _through(ledger: Path) -> int:
    """How far the office has it, from its own file: its summary counts every row, and would be part of the measure."""
    with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as db:
        (through,) = db.execute("SELECT coalesce(max(through), 0) FROM cursor").fetchone()
    return int(through)


async def _fill(path: Path) -> None:
    """Events evenly over the time without an office."""
    clock, journal = SystemClock(), SqliteJournal(path, SystemClock())
    now = clock.now()
    for number in range(0, EVENTS, TURN):
        wall = now.wall - OFFLINE * (1 - number / EVENTS)
        moment = Moment(wall, now.monotonic_s, now.boot_id, now.quality)
        commit = journal.append([REFUSED] * min(TURN, EVENTS - number), moment)
        if number % (TURN * 20) == 0 or number + TURN >= EVENTS:
            await commit.wait(60)
    journal.close()
