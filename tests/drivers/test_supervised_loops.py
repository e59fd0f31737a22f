"""Supervised inputs over a real wire: what a measured loop comes to, on a Modbus line and on a Numato module."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.registry import DriverContext, find_driver
from drivers.relay.board import SerialBoard
from gateway.clock import SystemClock
from gateway.domain.signals import InputFault, InputFaultChanged, InputsChanged, LinkChanged, LinkState
from simulators.modbus_board import BoardOnLine, ModbusBoard
from simulators.pty_line import PtyLine
from simulators.usb_relays import NumatoBoard, RelaysOnLine
from tests.drivers.pymodbus_board import PymodbusBoard
from tests.drivers.recording import Recorder, eventually, running

LOOP = {"short": [0, 99], "active": [300, 399], "normal": [600, 699], "open_circuit": [900, 1023]}
NORMAL, ACTIVE, SHORT, CUT, BETWEEN = 650, 350, 20, 1000, 480


class Loop:
    """One supervised input, number 1 of three, and a hand on its wire."""

    def __init__(self, driver: str, path: Path) -> None:
        self.line, self.sink = PtyLine(path, baud=115200), Recorder()
        self.modbus = ModbusBoard(1, [False], [False] * 3, [0, NORMAL, 0])
        self.numato = NumatoBoard([False], [False] * 3, {1: NORMAL})
        if driver == "numato":
            self.device: Any = RelaysOnLine(self.numato, self.line, lambda: None)
        else:
            self.device = BoardOnLine(self.modbus, self.line, lambda: None)
        self.device.plug()
        found = find_driver(driver)
        assert found is not None
        chosen: dict[str, Any] = {"port": str(path), "outputs": 1, "inputs": 3, "supervised": {"1": LOOP}}
        settings = found.settings.model_validate(chosen | {"poll_s": 0.02})
        self.board: SerialBoard = found.build(settings, DriverContext("board", self.sink, SystemClock(), {}, str))

    def measures(self, value: int) -> None:
        self.modbus.registers[1] = self.numato.measured[1] = value

    def faults(self) -> list[InputFault | None]:
        return [told.fault for told in self.sink.of(InputFaultChanged)]

    def states(self) -> list[bool]:
        """Of the supervised input, each time that it was told."""
        return [on for told in self.sink.of(InputsChanged) for number, on in told.inputs if number == 1]


@pytest.fixture(params=["modbus-rtu", "numato"])
async def loop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Loop]:
    made = Loop(request.param, tmp_path / "port")
    yield made
    made.line.unplug()


async def test_loop_that_is_whole_is_told_so_once_and_then_only_its_changes(loop: Loop) -> None:
    async with running(loop.board.run()):
        await eventually(lambda: loop.states() == [False])
        loop.measures(ACTIVE)
        await eventually(lambda: loop.states() == [False, True])
        loop.measures(BETWEEN)
        polls = loop.board.counters()["polls"]
        await eventually(lambda: loop.board.counters()["polls"] > polls + 3)
    assert loop.faults() == [None]
    assert loop.states() == [False, True]
    (first, *_) = loop.sink.of(InputsChanged)
    assert [number for number, _ in first.inputs] == [0, 1, 2]


@pytest.mark.parametrize(("value", "fault"), [(SHORT, InputFault.SHORT), (CUT, InputFault.OPEN_CIRCUIT)])
async def test_fault_is_told_instead_of_a_state_and_the_state_again_after_it(
    loop: Loop, value: int, fault: InputFault
) -> None:
    async with running(loop.board.run()):
        await eventually(lambda: loop.states() == [False])
        loop.measures(value)
        await eventually(lambda: loop.faults() == [None, fault])
        assert loop.states() == [False]
        loop.measures(NORMAL)
        await eventually(lambda: loop.states() == [False, False])
    assert loop.faults() == [None, fault, None]


async def test_loop_that_is_at_fault_from_the_first_has_no_state_to_tell(loop: Loop) -> None:
    loop.measures(CUT)
    async with running(loop.board.run()):
        await eventually(lambda: loop.faults() == [InputFault.OPEN_CIRCUIT])
        await eventually(lambda: loop.board.counters()["polls"] > 3)
    assert loop.states() == []
    assert [number for number, _ in loop.sink.of(InputsChanged)[0].inputs] == [0, 2]


async def test_fault_is_told_again_when_the_board_is_back(loop: Loop) -> None:
    loop.measures(SHORT)
    async with running(loop.board.run()):
        await eventually(lambda: loop.faults() == [InputFault.SHORT])
        loop.line.unplug()
        await eventually(lambda: loop.sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
        loop.line.plug()
        await eventually(lambda: loop.faults() == [InputFault.SHORT] * 2)


async def test_pymodbus_server_s_registers_are_loops(tmp_path: Path) -> None:
    server = PymodbusBoard(tmp_path, (SHORT, NORMAL, ACTIVE))
    await server.start()
    driver, sink = find_driver("modbus-rtu"), Recorder()
    assert driver is not None
    supervised = {str(number): LOOP for number in range(3)}
    chosen: dict[str, Any] = {"port": str(server.path), "outputs": 0, "inputs": 3, "supervised": supervised}
    settings = driver.settings.model_validate(chosen)
    board: SerialBoard = driver.build(settings, DriverContext("board", sink, SystemClock(), {}, str))
    try:
        async with running(board.run()):
            (inputs,) = await sink.wait_for(InputsChanged)
    finally:
        await server.stop()
    assert inputs.inputs == ((1, False), (2, True))
    assert [(told.input, told.fault) for told in sink.of(InputFaultChanged)] == [
        (0, InputFault.SHORT),
        (1, None),
        (2, None),
    ]


async def test_gpio_module_without_relays_is_read_at_once(tmp_path: Path) -> None:
    line, sink = PtyLine(tmp_path / "port", baud=115200), Recorder()
    module = NumatoBoard([], [True, False] * 8)
    device = RelaysOnLine(module, line, lambda: None)
    device.plug()
    driver = find_driver("numato")
    assert driver is not None
    settings = driver.settings.model_validate(
        {"port": str(tmp_path / "port"), "outputs": 0, "inputs": 16, "gpio_readall": True}
    )
    board: SerialBoard = driver.build(settings, DriverContext("board", sink, SystemClock(), {}, str))
    async with running(board.run()):
        (inputs,) = await sink.wait_for(InputsChanged)
    assert inputs.inputs == tuple(enumerate([True, False] * 8))
    assert module.bad_frames == 0
    line.unplug()
