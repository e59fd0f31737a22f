"""Kill the doors process in the middle of a pulse: who ends it, and when."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from simulators.modbus_board import BoardOnLine, ModbusBoard
from simulators.pty_line import PtyLine
from simulators.usb_relays import Hw667Board, LcusBoard, RelaysOnLine
from tests.drivers.recording import eventually
from tests.journeys.doors_process import SITE, DoorsProcess
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG

RELEASE_S = 3.0
START_S = 20.0
SLACK_S = 2.0
"""What two busy cores may add to a pulse of seconds."""
Device = BoardOnLine | RelaysOnLine


class DoorOnBoard:
    """The small site with another board, which is simulated, and its reader."""

    def __init__(self, folder: Path, board: str) -> None:
        self.site = DoorsProcess(folder, [GOLDEN_TAG])
        text = SITE.replace('driver = "modbus-rtu"', board).replace(
            "escape_route = true", f"release_time_s = {RELEASE_S}"
        )
        if "modbus" not in board:
            text = text.replace('rex = { device = "board", input = 1 }\n', "").replace("inputs = 8\noutputs = 4\n", "")
        self.site.config.write_text(text, encoding="utf-8")
        self.line = PtyLine(folder / "tty" / "board", baud=115200)
        self.reader = PtyLine(folder / "tty" / "reader")
        self.reader.plug()

    async def swipe_and_kill(self, device: Device) -> None:
        """Until the relay is on, and the gateway is gone."""
        device.plug()
        self.site.start()
        await eventually(lambda: self._runs(1), START_S)
        await self._swipe(lambda: device.coils[0])
        self.site.kill()
        assert self.site.process is not None
        await asyncio.to_thread(self.site.process.wait, 10)

    async def _swipe(self, opened: Callable[[], bool]) -> None:
        """Again, should the reader's port not have been open yet: what came before is flushed."""
        for _ in range(5):
            self.reader.send(GOLDEN_READ)
            with suppress(TimeoutError):
                await eventually(opened, 4.0)
                return
        raise AssertionError("nobody let the card in")

    def _runs(self, starts: int) -> bool:
        journal = self.site.data / "journal.db"
        return journal.exists() and len(self.site.events("GatewayStarted")) == starts

    async def start_again(self) -> None:
        self.site.start()
        await eventually(lambda: self._runs(2), START_S)

    async def end(self) -> None:
        await asyncio.to_thread(self.site.stop)
        self.line.unplug()
        self.reader.unplug()


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_modbus_board_relocks_the_door_though_the_gateway_died_in_the_pulse(tmp_path: Path) -> None:
    door = DoorOnBoard(tmp_path, 'driver = "modbus-rtu"')
    device = BoardOnLine(ModbusBoard(1, [False] * 4, [False] * 8), door.line, lambda: None)
    try:
        loop = asyncio.get_running_loop()
        await door.swipe_and_kill(device)
        killed_s = loop.time()
        assert device.coils[0]
        await eventually(lambda: not device.coils[0], START_S)
        assert loop.time() - killed_s <= RELEASE_S + SLACK_S
    finally:
        await door.end()


def lcus() -> LcusBoard:
    return LcusBoard([False], "lines")


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("board", "make"),
    [('driver = "hw-667"', Hw667Board), ('driver = "lcus"\nanswers = true', lcus), ('driver = "lcus"', LcusBoard)],
    ids=["hw-667", "lcus that answers", "silent lcus"],
)
async def test_pulse_that_the_gateway_timed_is_ended_when_it_runs_again(
    board: str, make: Callable[[], Hw667Board | LcusBoard], tmp_path: Path
) -> None:
    door = DoorOnBoard(tmp_path, board)
    device = RelaysOnLine(make(), door.line, lambda: None)
    try:
        await door.swipe_and_kill(device)
        await asyncio.sleep(RELEASE_S + 0.5)
        assert device.coils[0], "nobody is there to end it"
        await door.start_again()
        await eventually(lambda: not device.coils[0], START_S)
        await asyncio.sleep(0.5)
        assert not device.coils[0]
    finally:
        await door.end()
