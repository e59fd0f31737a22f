"""From a command to the relay that moves, per family of boards, beside what the wire alone takes.

Simulated boards behind lines that are paced at their baud rate; inputs and outputs are polled meanwhile, so that a
command also waits for the question that is under way. `added` is what is left when the wire's time is taken away.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.commands import SetOutput
from gateway.domain.signals import CommandCompleted, LinkChanged, LinkState
from simulators.modbus_board import SILENCE_CHARS, BoardOnLine, ModbusBoard
from simulators.pty_line import BITS_PER_BYTE, PtyLine
from simulators.usb_relays import Hw667Board, LcusBoard, NumatoBoard, RelaysOnLine
from tests.bench.rows import Row, row
from tests.drivers.recording import Recorder, running

COMMANDS = 200


@dataclass(frozen=True)
class Family:
    """A board, its settings, and how many bytes a command has."""

    name: str
    driver: str
    baud: int
    make: Callable[[PtyLine, Callable[[], None]], Any]
    command_bytes: float
    settings: dict[str, Any]


def _modbus(line: PtyLine, changed: Callable[[], None]) -> BoardOnLine:
    return BoardOnLine(ModbusBoard(1, [False] * 8, [False] * 8), line, changed)


FAMILIES = (
    Family("modbus-rtu 9600", "modbus-rtu", 9600, _modbus, 8 + SILENCE_CHARS, {}),
    Family("modbus-rtu 115200", "modbus-rtu", 115200, _modbus, 8 + SILENCE_CHARS, {"baud": 115200}),
    Family(
        "lcus, answers",
        "lcus",
        9600,
        lambda line, c: RelaysOnLine(LcusBoard([False], "lines"), line, c),
        4,
        {"answers": True},
    ),
    Family("hw-667", "hw-667", 9600, lambda line, c: RelaysOnLine(Hw667Board(), line, c), 1, {}),
    Family("numato", "numato", 1_000_000, lambda line, c: RelaysOnLine(NumatoBoard(), line, c), 12, {"inputs": 8}),
)


def run() -> list[Row]:
    """Each family alone; then a Modbus unit whose line two others share, and one of them is dead."""
    rows = [found for family in FAMILIES for found in asyncio.run(_measure(family))]
    return rows + asyncio.run(_measure(FAMILIES[0], dead_neighbours=1, neighbours=1))


async def _measure(family: Family, *, neighbours: int = 0, dead_neighbours: int = 0) -> list[Row]:
    loop, moved = asyncio.get_running_loop(), asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        line = PtyLine(Path(folder) / "port", family.baud)
        device = family.make(line, moved.set)
        for unit in range(2, 2 + neighbours):
            BoardOnLine(ModbusBoard(unit, [False] * 8, [False] * 8), line, lambda: None)
        device.plug()
        sink, lines = Recorder(), {}  # type: ignore[var-annotated]
        boards = [
            _build(
                family,
                "board" if unit == 1 else f"unit-{unit}",
                sink,
                lines,
                {"port": str(line.link)} | _unit(family, unit),
            )
            for unit in range(1, 2 + neighbours + dead_neighbours)
        ]
        to_relay, to_outcome = [], []
        async with running(*(board.run() for board in boards)):
            await sink.until(
                lambda: any(c.device == "board" and c.state is LinkState.ONLINE for c in sink.of(LinkChanged))
            )
            for number in range(COMMANDS):
                # Spread over the polls' period without being in step with it.
                await asyncio.sleep(0.02 + number * 0.618 % 1 * 0.06)
                on, began_s = number % 2 == 0, loop.time()
                boards[0].submit(SetOutput(str(number), "board", 0, on, SystemClock().now().monotonic_s + 5.0))
                while device.coils[0] is not on:
                    moved.clear()
                    await moved.wait()
                to_relay.append(loop.time() - began_s)
                await sink.wait_for(CommandCompleted, number + 1)
                to_outcome.append(loop.time() - began_s)
        line.unplug()
    wire_s = family.command_bytes * BITS_PER_BYTE / family.baud
    beside = f", beside {neighbours} live and {dead_neighbours} dead unit" if neighbours + dead_neighbours else ""
    return [
        row(
            f"{family.name}{beside}: command to relay",
            [each * 1000 for each in to_relay],
            "ms",
            f"wire {wire_s * 1000:.1f} ms",
        ),
        row(f"{family.name}{beside}: added to the wire", [(each - wire_s) * 1000 for each in to_relay], "ms"),
        row(f"{family.name}{beside}: command to outcome", [each * 1000 for each in to_outcome], "ms"),
    ]


def _unit(family: Family, unit: int) -> dict[str, Any]:
    return {"unit": unit} if family.driver == "modbus-rtu" else {}


def _build(family: Family, device: str, sink: Recorder, lines: dict[str, Any], settings: dict[str, Any]) -> Any:
    driver = find_driver(family.driver)
    assert driver is not None
    chosen = driver.settings.model_validate(family.settings | settings)
    return driver.build(chosen, DriverContext(device, sink, SystemClock(), {}, str, lines=lines))
