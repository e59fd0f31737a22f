"""Durable appends beside plain SQLite at the same durability."""

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain.events import LockReleased
from gateway.store.journal import SqliteJournal
from tests.bench.rows import Row, row, single

ALONE, BURST = 500, 10_000
EVENT = LockReleased(door="north", because="AccessGranted", command_id="k-1", seconds=5.0)


def run() -> list[Row]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        return [*asyncio.run(_appends(Path(folder))), *_plain(Path(folder))]


async def _appends(folder: Path) -> list[Row]:
    clock = SystemClock()
    journal = SqliteJournal(folder / "journal.db", clock)
    waits = []
    for _ in range(ALONE):
        start = time.perf_counter()
        await journal.append([EVENT], clock.now()).wait(None)
        waits.append((time.perf_counter() - start) * 1e3)
    start = time.perf_counter()
    commits = [journal.append([EVENT], clock.now()) for _ in range(BURST)]
    await commits[-1].wait(None)
    rate = BURST / (time.perf_counter() - start)
    journal.close()
    return [
        row("journal: a lone append until durable", waits, "ms"),
        single("journal: a burst of turns", rate, "events/s"),
    ]


def _plain(folder: Path) -> list[Row]:
    """One table, a body of the same size, WAL and synchronous=FULL: the floor that the disk sets."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (row_id INTEGER PRIMARY KEY, body TEXT)")
    body, waits = "x" * 700, []
    for _ in range(ALONE):
        start = time.perf_counter()
        connection.execute("INSERT INTO event (body) VALUES (?)", (body,))
        waits.append((time.perf_counter() - start) * 1e3)
    start = time.perf_counter()
    for _ in range(BURST // 500):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO event (body) VALUES (?)", [(body,)] * 500)
        connection.execute("COMMIT")
    rate = BURST / (time.perf_counter() - start)
    connection.close()
    return [row("plain SQLite: one insert a commit", waits, "ms"), single("plain SQLite: 500 a commit", rate, "rows/s")]
