"""The journal's life: appends while old events are removed, how fast a chain verifies, what an export takes."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain import events as ev
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.trace import TraceStep
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.retention import EVERYTHING_IS_THERE, RetentionRules
from tests.bench.rows import Row, row, single

EVENTS = 60_000
"""A busy day's; flat memory is measured on a third of it and on all of it."""
APPENDS = 600
GRANTED = ev.AccessGranted(
    access_point="north",
    door="north",
    reader="north-reader",
    credential="c-1",
    cardholder="p-1",
    list_version=7,
    trace=tuple(TraceStep(check, True, "x") for check in ("list", "access_point", "credential", "state", "schedule")),
)
OLD = datetime(2026, 10, 1, tzinfo=UTC)
NOW = OLD + timedelta(days=40)


class _Clock:
    """Forty days after the old events, and kept."""

    def now(self) -> Moment:
        return Moment(NOW, SystemClock().now().monotonic_s, "boot", ClockQuality.SYNCHRONISED)

    def raise_floor(self, floor: datetime) -> None:
        """It has none."""


def run() -> list[Row]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        asyncio.run(_fill(path))
        return [*_verified(path), *_exported(path), *asyncio.run(_appends(path))]


async def _fill(path: Path) -> None:
    journal = SqliteJournal(path, _Clock(), queue_bound=EVENTS + 1)
    moment = Moment(OLD, 1.0, "boot", ClockQuality.SYNCHRONISED)
    commits = [journal.append([GRANTED], moment, {"n": n}) for n in range(EVENTS)]
    await commits[-1].wait(None)
    await asyncio.to_thread(journal.close)


def _verified(path: Path) -> list[Row]:
    start = time.perf_counter()
    verdict = SqliteJournalReader(path).verify()
    rate = verdict.rows / (time.perf_counter() - start)
    bytes_each = path.stat().st_size / verdict.rows
    return [single("verify: a chain of grants", rate, "events/s", f"{bytes_each:.0f} bytes an event in the file")]


_EXPORT = """
import io, json, resource, sys, time
from pathlib import Path
from gateway.store.journal_export import Selection, export_events
from gateway.store.journal_reader import SqliteJournalReader
class Nowhere(io.RawIOBase):
    def write(self, content): return len(content)
reader = SqliteJournalReader(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
manifest, _ = export_events(reader, Selection({}, 1, int(sys.argv[2])), Nowhere(), "s", "t")
took = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([manifest.count / took, (after - before) / 1024]))
"""


def _exported(path: Path) -> list[Row]:
    """In a process of its own, so that its memory is its own."""
    found = []
    for count in (EVENTS // 3, EVENTS):
        words = [sys.executable, "-c", _EXPORT, str(path), str(count)]
        rate, grown = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        note = f"memory grows by {grown:.1f} MB"
        found.append(single(f"export: {count} events", rate, "events/s", note))
    return found


async def _appends(path: Path) -> list[Row]:
    found = []
    for name, keep_days in (("with nothing to remove", 365), ("while old events are removed", 30)):
        rules = RetentionRules(keep_days, look_every_s=0.05, first_look_s=0.0)
        journal = SqliteJournal(path, _Clock(), rules=rules)
        journal.note_office_cursor(*EVERYTHING_IS_THERE)
        waits = []
        before = _rows(path)
        for n in range(APPENDS):
            start = time.perf_counter()
            await journal.append([GRANTED], _Clock().now(), {"n": n}).wait(None)
            waits.append((time.perf_counter() - start) * 1e3)
            await asyncio.sleep(0.02)
        removed = before + APPENDS - _rows(path)
        await asyncio.to_thread(journal.close)
        found.append(row(f"append until durable, {name}", waits, "ms", f"{max(0, removed)} rows removed meanwhile"))
    return found


def _rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
    connection.close()
    return int(count)
