"""How long a device that was unplugged takes to be told as lost, and to work once it is plugged in again.

Each driver lies on the wire of its contract suite: a port that disappears and comes back, an OSDP reader without power
on a line that stays, an MQTT device whose last will is said. Behind a broker that is killed and started again there are
a scanner, a reader and a board; simulated devices look for their broker once a second. It works when a card that is
held to it is read, or a command has ended as done or sent. It is away for so long that every pause between two attempts
has grown to its most. All run side by side in one process. The `p99` of so few is the worst. GATEHOUSE_RECONNECTS says
how often (10).
"""

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.broker import FRESH_AFTER_S
from gateway.domain.commands import PulseOutput
from gateway.domain.signals import CardRead, CommandCompleted, CommandOutcome, LinkState, TextRead
from tests.bench.rows import Row, row
from tests.contracts.wires import boards, mqtt, osdp, serial
from tests.contracts.wires.wire import ID, Place, Wire, WireCase
from tests.drivers.mosquitto import Mosquitto
from tests.drivers.recording import eventually, running

TIMES = int(os.environ.get("GATEHOUSE_RECONNECTS", "10"))
AWAY_S = 9.0
"""Pauses of 0.1, 0.2, 0.4 … s have reached their most by then."""
LEFT_S = 2.0
"""A tag has left the field of its reader: one that stood there all along would be no new one after a loss."""
PATIENCE_S = 60.0
SHOWN_EVERY_S = 0.1
PULSE_S = 0.4


@dataclass(frozen=True)
class Line:
    """What is unplugged, and how its wire is laid."""

    name: str
    case: WireCase


class UhfPort(serial.UhfWire):
    """Its port disappears at once; the tag has left before."""

    async def cut(self) -> None:
        await self.reader.unplug()


class OsdpPort(osdp.ReaderWire):
    """The whole line is unplugged from the gateway."""

    async def cut(self) -> None:
        self.line.line.unplug()

    async def mend(self) -> None:
        self.line.line.plug()


@asynccontextmanager
async def _uhf(place: Place) -> AsyncIterator[Wire]:
    wire = UhfPort(place.folder / "port")
    try:
        yield wire
    finally:
        await wire.reader.unplug()


@asynccontextmanager
async def _osdp_port(place: Place) -> AsyncIterator[Wire]:
    async with osdp.laid_line(place) as line:
        yield OsdpPort("osdp-reader", line, bus="bus", address=3, key="file:secrets/r.scbk")


def _behind_broker(make: Callable[[Mosquitto], mqtt.FirmwareWire], driver: str, kind: Any) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        async with mqtt.running_broker(place) as broker:
            wire = make(broker)
            # The broker is what is cut.
            wire.cut, wire.mend = broker.stop, broker.start  # type: ignore[method-assign]
            wire.device.plug()
            try:
                yield wire
            finally:
                await wire.device.unplug()

    return WireCase(driver, kind, lay)


def _lines() -> list[Line]:
    found = [Line(case.driver, case) for case in serial.CASES if case.driver != "zk-rfid102"]
    found += [Line("zk-rfid102", WireCase("zk-rfid102", "reader", _uhf))]
    found += [Line("osdp-reader, its power", osdp.CASES[0])]
    found += [Line("osdp-reader, its line", WireCase("osdp-reader", "reader", _osdp_port))]
    found += [Line(driver, case) for driver, case in {case.driver: case for case in boards.CASES}.items()]
    if shutil.which("mosquitto") is None:
        return found
    # An esp-rfid has no last will; the suite hurries its heartbeat, so that its loss would be no figure.
    willing = {case.driver: case for case in mqtt.CASES if not case.driver.startswith(("esp-rfid", "mqtt-scanner"))}
    found += [Line(f"{driver}, its power", case) for driver, case in willing.items()]
    for driver, kind, make in (
        ("esphome-reader", "reader", mqtt.EsphomeReaderWire),
        ("shelly", "board", mqtt.ShellyWire),
    ):
        found.append(Line(f"{driver}, the broker", _behind_broker(make, driver, kind)))
    return [*found, *(Line("mqtt-scanner, the broker", case) for case in mqtt.CASES if case.kind == "scanner")]


def run() -> list[Row]:
    """All lines at once."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="gh") as folder:
        measured = await asyncio.gather(
            *(_measure(line, Path(folder) / str(number), patch) for number, line in enumerate(_lines()))
        )
    return [found for rows in measured for found in rows]


async def _measure(line: Line, folder: Path, patch: pytest.MonkeyPatch) -> list[Row]:
    folder.mkdir()
    told_ms, back_ms, seeded = list[float](), list[float](), random.Random(line.name)
    async with line.case.lay(Place(folder, lambda name: shutil.which(name) or name, patch)) as wire:
        patch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", FRESH_AFTER_S)
        device = wire.build()
        async with running(*(each.run() for each in (*wire.brokers.values(), *wire.companions, device))):
            await _worked(wire, device, line.case.kind)
            for _ in range(TIMES):
                await asyncio.sleep(LEFT_S + seeded.random())
                began_s = time.monotonic()
                await wire.cut()
                await eventually(lambda: wire.states()[-1:] == [LinkState.OFFLINE], PATIENCE_S)
                told_ms.append((time.monotonic() - began_s) * 1000)
                await asyncio.sleep(AWAY_S + 3 * seeded.random())
                began_s = time.monotonic()
                await wire.mend()
                await _worked(wire, device, line.case.kind)
                back_ms.append((time.monotonic() - began_s) * 1000)
    work = "command" if line.case.kind == "board" else "read"
    return [
        row(f"{line.name}: unplugged to told", told_ms, "ms"),
        row(f"{line.name}: plugged in to the first {work}", back_ms, "ms"),
    ]


async def _worked(wire: Wire, device: Any, kind: str) -> None:
    """Return once it works; it is tried as soon as it says that it is there, and again where that came to nothing."""
    await eventually(lambda: wire.states()[-1:] == [LinkState.ONLINE], PATIENCE_S)
    count = _reads(wire)
    for _ in range(int(PATIENCE_S / SHOWN_EVERY_S)):
        if await (_commanded(wire, device) if kind == "board" else _read(wire, count)):
            return
    raise TimeoutError(f"{wire.driver} does not work again")


async def _read(wire: Wire, count: int) -> bool:
    await wire.show_card()
    with suppress(TimeoutError):
        await eventually(lambda: _reads(wire) > count, SHOWN_EVERY_S)
    return _reads(wire) > count


def _reads(wire: Wire) -> int:
    return len(wire.sink.of(CardRead)) + len(wire.sink.of(TextRead))


async def _commanded(wire: Wire, device: Any) -> bool:
    count = len(wire.sink.of(CommandCompleted))
    device.submit(PulseOutput(str(count), ID, 0, True, PULSE_S, time.monotonic() + 2.0))
    done = (await wire.sink.wait_for(CommandCompleted, count + 1))[-1]
    await asyncio.sleep(0 if done.outcome in _DONE else SHOWN_EVERY_S)
    return done.outcome in _DONE


_DONE = (CommandOutcome.DONE, CommandOutcome.SENT)
