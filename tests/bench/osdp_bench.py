"""From a card at an OSDP reader to its signal, through the secure channel, on a pty that is paced like the wire.

The readers are libosdp's peripherals in a process of their own. A reader is polled 50 ms after its last answer, so half
of that is waiting; the frames' time on the wire stands beside it.
"""

import asyncio
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from drivers.osdp.panel import Panel
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.signals import CardRead, ReaderConditionChanged
from tests.bench.rows import Row, row, single
from tests.drivers.recording import Recorder, running

KEY = "00112233445566778899aabbccddeeff"
READS = 200
POLL_AND_CARD_BYTES = 15 + 30
"""A poll with its mark and an answer with a card, both with a MAC."""
LAG_S = 0.001


def run() -> list[Row]:
    """Alone and with eight, one of them dead, at both ends of the speeds."""
    rows = [_step()]
    for baud in (115200, 9600):
        wire_ms = POLL_AND_CARD_BYTES * 10 / baud * 1000
        rows.append(single(f"poll and card on the wire at {baud}", wire_ms, "ms"))
        for there, dead in ((1, 0), (8, 0), (7, 1)):
            took, lags = asyncio.run(_measure(baud, there, dead))
            lost = f"{READS - len(took)} of {READS} reads never came" if len(took) < READS else ""
            name = f"{there + dead} readers{', one of them dead,' if dead else ''} at {baud}"
            rows.append(row(f"card to signal, {name}", took, "ms", lost))
            rows.append(row(f"late by, the event loop, {name}", lags, "ms", "a 1 ms timer beside it"))
    lags = asyncio.run(_idle_lag())
    return [*rows, row("late by, the event loop, idle", lags, "ms", "the same without any reader")]


def _step() -> Row:
    """What a step of libosdp costs the event loop."""
    panel, took = Panel(0, bytes.fromhex(KEY)), []
    panel.outgoing()
    for _ in range(5000):
        began_s = time.perf_counter()
        panel.outgoing()
        took.append((time.perf_counter() - began_s) * 1e6)
    return row("a step of libosdp, with fresh entropy", took, "us")


async def _measure(baud: int, there: int, dead: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        port = Path(folder) / "port"
        words = [str(port), "--baud", str(baud), *(f"{address}:{KEY}" for address in range(there))]
        readers = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulators.osdp_reader",
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert readers.stdin is not None
        assert readers.stdout is not None
        await readers.stdout.readline()
        try:
            return await _swipe(port, baud, there, dead, readers.stdin)
        finally:
            readers.terminate()
            await readers.wait()


async def _swipe(
    port: Path, baud: int, there: int, dead: int, hand: asyncio.StreamWriter
) -> tuple[list[float], list[float]]:
    sink, lines = Recorder(), dict[str, Any]()
    devices = [_build("osdp-bus", "bus", sink, lines, port=str(port), baud=baud)]
    common: dict[str, Any] = {"bus": "bus", "key": "file:k", "formats": ["H10301"]}
    devices += [_build("osdp-reader", f"r{n}", sink, lines, address=n, **common) for n in range(there + dead)]
    seeded, took, lags = random.Random(7), [], list[float]()
    async with running(*(device.run() for device in devices), _lag(lags)):
        await sink.until(lambda: len(sink.of(ReaderConditionChanged)) == there)
        await asyncio.sleep(4.0 if dead else 1.0)
        lags.clear()
        for number in range(READS):
            await asyncio.sleep(0.02 + seeded.random() * 0.08)
            began_s = time.perf_counter()
            hand.write(f"swipe {seeded.randrange(there)} 123 {number + 1}\n".encode())
            try:
                await sink.until(partial(_came, sink, number + 1))
            except TimeoutError:  # a machine so busy that readers' processes answer late; the row tells it
                continue
            took.append((time.perf_counter() - began_s) * 1000)
    return took, lags


def _came(sink: Recorder, number: int) -> bool:
    """This very card: one that comes late is not taken for the next."""
    return any(read.readings[0].identifier.number == number for read in sink.of(CardRead))


def _build(driver: str, device: str, sink: Recorder, lines: dict[str, Any], **settings: Any) -> Any:
    found = find_driver(driver)
    assert found is not None
    context = DriverContext(device, sink, SystemClock(), {}, lambda _reference: KEY, lines=lines)
    return found.build(found.settings.model_validate(settings), context)


async def _lag(lags: list[float]) -> None:
    while True:
        began_s = time.perf_counter()
        await asyncio.sleep(LAG_S)
        lags.append((time.perf_counter() - began_s - LAG_S) * 1000)


async def _idle_lag() -> list[float]:
    lags: list[float] = []
    async with running(_lag(lags)):
        await asyncio.sleep(5.0)
    return lags
