"""A siren that calls while the gateway is restarted and its board loses its power."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.signals import AlarmAcknowledgeRequested, Operator
from gateway.doors_client import DoorsClient
from simulators.modbus_board import BoardOnLine, ModbusBoard
from simulators.pty_line import PtyLine
from tests.drivers.recording import eventually
from tests.journeys.doors_process import DoorsProcess

SIREN = """
[input.panic]
name = { zh-CN = "报警按钮", en = "Panic button" }
purpose = "panic"
device = "board"
input = 2
[output.siren]
name = { zh-CN = "警号", en = "Siren" }
purpose = "siren"
device = "board"
output = 3
"""
PANIC, COIL = 2, 3
START_S = 20.0
IMPATIENT = "tests.journeys.impatient_doors"


class CallingSite:
    """The small site with a siren and a panic button, and who follows its status."""

    def __init__(self, folder: Path) -> None:
        self.process = DoorsProcess(folder, [], SIREN)
        self.line = PtyLine(folder / "tty" / "board", baud=115200)
        self.device = self._fresh_board()
        self.client = DoorsClient(folder / "run" / "doors.sock", "console")
        self.tasks = [asyncio.create_task(self.client.run()), asyncio.create_task(self._follow())]
        self.sirens: tuple[list[str], list[str]] | None = None
        """Those that work and those that are unconfirmed, as last told by a gateway that runs."""

    def _fresh_board(self) -> BoardOnLine:
        self.line.receive = None
        return BoardOnLine(ModbusBoard(1, [False] * 4, [False] * 8), self.line, lambda: None)

    async def _follow(self) -> None:
        async for feed in self.client.feed():
            if not feed.connected:
                self.sirens = None
            elif feed.status is not None:
                self.sirens = (feed.status["sirens"], feed.status["sirens_unconfirmed"])

    async def start(self) -> None:
        self.device.plug()
        self.process.start(IMPATIENT)

    async def power_cut(self) -> None:
        """Of the board, and an orderly end of the gateway."""
        await asyncio.to_thread(self.process.stop)
        self.line.unplug()
        self.device = self._fresh_board()
        await eventually(lambda: self.sirens is None)

    async def board_power_cut(self) -> None:
        self.line.unplug()
        self.device = self._fresh_board()

    async def shows(self, works: list[str], unconfirmed: list[str], coil: bool) -> None:
        """Until status and coil both say so."""
        await eventually(lambda: self.sirens == (works, unconfirmed) and self.device.coils[COIL] is coil, START_S)

    async def end(self) -> None:
        await asyncio.to_thread(self.process.stop)
        self.line.unplug()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.timeout(120)
async def test_siren_calls_on_after_a_restart_and_a_power_cut_until_somebody_acknowledges(tmp_path: Path) -> None:
    site = CallingSite(tmp_path)
    try:
        await site.start()
        await site.shows([], [], coil=False)
        site.device.set_input(PANIC, True)
        await site.shows(["siren"], [], coil=True)

        await site.power_cut()
        await site.start()
        await site.shows(["siren"], [], coil=True)

        await site.board_power_cut()
        await site.shows([], ["siren"], coil=False)
        site.device.plug()
        await site.shows(["siren"], [], coil=True)

        guard = Operator("guard-1", "gatehouse")
        for each in site.process.events("AlarmRaised"):
            await site.client.send(AlarmAcknowledgeRequested(f"r-{each.row_id}", each.body["alarm"], guard))
        await site.shows([], [], coil=False)
    finally:
        await site.end()
