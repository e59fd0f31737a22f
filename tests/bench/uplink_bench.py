"""Uplink: how fast a backlog goes up to a real office process, and that memory stays flat while it does."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain.events import AccessDenied, Event
from gateway.store.journal import SqliteJournal
from sync import uplink
from tests.bench.rows import Row, row, single
from tests.sync.site import Gateway, Office

EVENTS = int(os.environ.get("GATEHOUSE_UPLINK_EVENTS", "300000"))
"""1,500,000 are 30 days of a busy compound."""
TURN = 400


def run() -> list[Row]:
    """Fill a journal, then let it drain."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-uplink-") as folder:
        return [*asyncio.run(_drain(Path(folder), capped=False)), *asyncio.run(_drain(Path(folder), capped=True))]


async def _drain(folder: Path, *, capped: bool) -> list[Row]:
    data = folder / "gate"
    if not capped:
        await _fill(data)
    every_s, uplink.BATCH_EVERY_S = uplink.BATCH_EVERY_S, uplink.BATCH_EVERY_S if capped else 0.0
    name = "at the capped rate" if capped else "as fast as it goes"
    try:
        async with Office(folder / f"office-{capped}") as office, Gateway(data, office.url) as gate:
            started_s, before_kb = time.monotonic(), _resident_kb()
            rates, most_kb, count = [], before_kb, 0
            while count < EVENTS:
                await asyncio.sleep(1.0)
                before = count
                count = EVENTS - int(gate.doors.status.get("queue", EVENTS))
                rates.append(float(count - before))
                most_kb = max(most_kb, _resident_kb())
            took_s = time.monotonic() - started_s
    finally:
        uplink.BATCH_EVERY_S = every_s
    return [
        row(f"backlog drained {name}, each second", rates[:-1] or rates, "events/s"),
        single(
            f"backlog of {EVENTS:,} drained {name}", took_s, "s", f"1.5 million: {took_s / EVENTS * 1.5e6 / 60:.1f} min"
        ),
        single(f"memory grown meanwhile, gateway side, {name}", (most_kb - before_kb) / 1024, "MB"),
    ]


async def _fill(data: Path) -> None:
    """Refused cards: the commonest event that says much."""
    data.mkdir()
    clock, journal = SystemClock(), SqliteJournal(data / "journal.db", SystemClock())
    event: Event = AccessDenied(
        access_point="north-in",
        door="north",
        reader="north-reader",
        reason="CredentialNotFound",
        credential=None,
        cardholder=None,
        list_version=12,
        trace=(),
    )
    commit = None
    for number in range(0, EVENTS, TURN):
        commit = journal.append([event] * min(TURN, EVENTS - number), clock.now())
        if number % (TURN * 20) == 0:
            await commit.wait(60)
    if commit is not None:
        await commit.wait(60)
    journal.close()


def _resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4
