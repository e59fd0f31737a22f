"""Several Modbus units on one RS-485 line: one port, one question at a time, and a dead unit that stalls nobody."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drivers.registry import DriverContext, find_driver
from drivers.relay.board import LOST_AFTER, SerialBoard
from drivers.relay.modbus_bus import ModbusBus, shared_bus
from drivers.relay.modbus_line import ModbusLine
from drivers.relay.settings import ModbusSettings
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput
from gateway.domain.signals import CommandCompleted, CommandOutcome, InputsChanged, LinkChanged, LinkState, OutputsRead
from gateway.errors import RemoteProtocolError
from tests.drivers.recording import Recorder, eventually, running
from tests.drivers.rs485 import Rs485

SLACK_S = 1.0
"""What two busy cores may add; a line that is stalled shows in three time-outs in a row."""


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Rs485]:
    bus = Rs485(tmp_path / "bus", (1, 2, 3))
    yield bus
    bus.close()


def build_units(line: Rs485, sink: Recorder, **settings: Any) -> list[SerialBoard]:
    driver, lines = find_driver("modbus-rtu"), {}  # type: ignore[var-annotated]
    assert driver is not None
    boards = []
    for unit in line.units:
        chosen = {"port": str(line.port.path), "unit": unit, "outputs": 4, "inputs": 8, "timeout_s": 0.2} | settings
        context = DriverContext(f"unit-{unit}", sink, SystemClock(), {}, str, lines=lines)
        boards.append(driver.build(driver.settings.model_validate(chosen), context))
    return boards


def pulse(unit: int) -> PulseOutput:
    return PulseOutput(f"p{unit}", f"unit-{unit}", 0, True, 0.5, time.monotonic() + 5.0)


async def test_units_on_one_line_are_all_read_and_told(line: Rs485) -> None:
    sink = Recorder()
    boards = build_units(line, sink)
    line.units[2].inputs[5] = True
    async with running(*(board.run() for board in boards)):
        await eventually(lambda: {told.device for told in sink.of(InputsChanged)} == {"unit-1", "unit-2", "unit-3"})
        for unit, board in zip(line.units, boards, strict=True):
            board.submit(pulse(unit))
        done = await sink.wait_for(CommandCompleted, 3)
    assert {each.outcome for each in done} == {CommandOutcome.DONE}
    assert all(board.coils[0] for board in line.units.values())
    (second,) = [told for told in sink.of(InputsChanged) if told.device == "unit-2"]
    assert second.inputs[5] == (5, True)
    assert len(sink.of(OutputsRead)) == 3


async def test_dead_unit_costs_the_others_one_time_out_now_and_then(line: Rs485) -> None:
    sink = Recorder()
    boards = build_units(line, sink)
    async with running(*(board.run() for board in boards)):
        await eventually(lambda: len(sink.of(OutputsRead)) == 3)
        line.dead.add(3)
        await eventually(lambda: sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
        line.heard.clear()
        began_s = time.monotonic()
        await eventually(lambda: time.monotonic() - began_s > 3.0)
        heard = list(line.heard)
        boards[0].submit(pulse(1))
        await sink.wait_for(CommandCompleted)
    waited_s = time.monotonic() - began_s - 3.0
    assert [changed.device for changed in sink.of(LinkChanged) if changed.state is LinkState.OFFLINE] == ["unit-3"]
    assert len([unit for _, unit, _ in heard if unit == 3]) <= 8
    polls = [at for at, unit, function in heard if unit == 1 and function == 2]
    assert len(polls) > 10
    assert max(after - before for before, after in pairwise(polls)) < 0.2 + SLACK_S
    assert waited_s < 0.2 + SLACK_S


@pytest.mark.parametrize("others", [(1,), (1, 2)])
async def test_unit_that_answers_too_late_every_time_takes_no_other_offline(
    line: Rs485, others: tuple[int, ...]
) -> None:
    line.units = {unit: line.units[unit] for unit in (*others, 3)}
    sink = Recorder()
    boards = build_units(line, sink)
    line.late.add(3)
    async with running(*(board.run() for board in boards)):
        await eventually(lambda: sum(unit == 3 for _, unit, _ in line.heard) >= LOST_AFTER + 3)
        boards[0].submit(pulse(1))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.DONE
    assert {told.device for told in sink.of(LinkChanged) if told.state is LinkState.OFFLINE} == {"unit-3"}


async def test_question_that_a_late_answer_spoilt_is_asked_again_next_but_for_commands(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.late.add(3)
    try:
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await bus.ask(lambda client: client.read_coils(0, count=4, device_id=3), 1, 0.2)
        poll = asyncio.ensure_future(bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 0.5))
        await eventually(lambda: len(line.heard) == 2)
        other_poll = bus.ask(lambda client: client.read_discrete_inputs(0, count=8, device_id=2), 2, 5.0)
        command = bus.ask(lambda client: client.write_coil(0, True, device_id=2), 5, 5.0, first=True)
        await asyncio.gather(poll, other_poll, command)
    finally:
        bus.close("test")
    assert [(unit, function) for _, unit, function in line.heard] == [(3, 1), (1, 1), (2, 5), (1, 1), (2, 2)]


async def test_command_that_a_late_answer_spoilt_is_not_repeated_unasked(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.late.add(3)
    try:
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await bus.ask(lambda client: client.read_coils(0, count=4, device_id=3), 1, 0.1)
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await bus.ask(lambda client: client.write_coil(0, True, device_id=1), 5, 0.1, first=True)
    finally:
        bus.close("test")
    assert [unit for _, unit, _ in line.heard] == [3, 1]


async def test_dead_unit_comes_back(line: Rs485) -> None:
    sink = Recorder()
    line.dead.add(2)
    async with running(*(board.run() for board in build_units(line, sink))):
        await eventually(lambda: len(sink.of(LinkChanged)) == 3)
        line.dead.clear()
        await eventually(lambda: len(sink.of(LinkChanged)) == 4)
    assert sink.of(LinkChanged)[-1] == LinkChanged("unit-2", LinkState.ONLINE)


async def test_line_that_is_unplugged_loses_every_unit_once_and_each_returns_once(line: Rs485) -> None:
    sink = Recorder()
    async with running(*(board.run() for board in build_units(line, sink))):
        await eventually(lambda: len(sink.of(LinkChanged)) == 3)
        line.unplug()
        await eventually(lambda: len(sink.of(LinkChanged)) == 6)
        line.plug()
        await eventually(lambda: len(sink.of(LinkChanged)) == 9)
    states = {unit: [c.state for c in sink.of(LinkChanged) if c.device == f"unit-{unit}"] for unit in line.units}
    assert set(map(tuple, states.values())) == {(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)}


async def test_command_goes_before_the_polls_that_wait_for_the_line(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.dead.add(9)
    try:
        silent = asyncio.ensure_future(
            bus.ask(lambda client: client.read_coils(0, count=4, device_id=9), 1, 0.2)  # nobody answers
        )
        await eventually(lambda: len(line.heard) == 1)
        poll = bus.ask(lambda client: client.read_discrete_inputs(0, count=8, device_id=1), 2, 1.0)
        command = bus.ask(lambda client: client.read_coils(0, count=4, device_id=2), 1, 1.0, first=True)
        await asyncio.gather(silent, poll, command, return_exceptions=True)
    finally:
        bus.close("test")
    assert [unit for _, unit, _ in line.heard] == [9, 2, 1]


async def test_asker_that_is_cancelled_in_its_turn_holds_up_nobody(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    try:
        asks = [
            asyncio.ensure_future(bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 1.0))
            for _ in range(4)
        ]
        await asyncio.sleep(0)
        asks[0].cancel()
        asks[2].cancel()
        done = await asyncio.gather(*asks, return_exceptions=True)
        answer = await bus.ask(lambda client: client.read_coils(0, count=4, device_id=2), 1, 1.0)
    finally:
        bus.close("test")
    assert [isinstance(each, asyncio.CancelledError) for each in done] == [True, False, True, False]
    assert answer.bits[:4] == [False] * 4


async def test_question_whose_asker_is_cancelled_keeps_the_line_until_it_is_answered(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.held = []
    try:
        given_up = asyncio.ensure_future(bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 5.0))
        await eventually(lambda: len(line.heard) == 1)
        given_up.cancel()
        await asyncio.wait({given_up})
        command = asyncio.ensure_future(
            bus.ask(lambda client: client.read_coils(0, count=4, device_id=2), 1, 5.0, first=True)
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert [unit for _, unit, _ in line.heard] == [1]
        line.answer_held()
        await command
    finally:
        bus.close("test")
    assert [unit for _, unit, _ in line.heard] == [1, 2]


async def test_answer_that_came_late_is_not_the_next_question_s(line: Rs485) -> None:
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.held = []
    try:
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 0.1)
        assert [unit for _, unit, _ in line.heard] == [1]
        line.units[1].coils[2] = True
        line.answer_held()
        answer = await bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 5.0)
    finally:
        bus.close("test")
    assert answer.bits[:4] == [False, False, True, False]


async def test_late_echo_of_an_open_is_not_taken_for_the_lock_after_it(line: Rs485) -> None:
    """Both arrive in one read while the lock is asked for; repeated, it is confirmed by an echo of its own."""
    bus = ModbusBus(str(line.port.path), 9600)
    door = ModbusLine(bus, ModbusSettings(port=bus.port, unit=1, timeout_s=3.0))
    await door.open()
    line.held = []
    try:
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await ModbusLine(bus, ModbusSettings(port=bus.port, unit=1, timeout_s=0.1)).switch(0, True)
        locking = asyncio.ensure_future(door.switch(0, False))
        await eventually(lambda: len(line.heard) == 2)
        line.answer_held()
        with pytest.raises(RemoteProtocolError, match="echoed another command"):
            await locking
        assert await door.switch(0, False)
    finally:
        await door.close()
    assert line.units[1].coils[0] is False


async def test_failure_after_the_asker_was_cancelled_is_nobodys(line: Rs485) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.dead.add(3)
    try:
        given_up = asyncio.ensure_future(bus.ask(lambda client: client.read_coils(0, count=4, device_id=3), 1, 0.1))
        await eventually(lambda: len(line.heard) == 1)
        given_up.cancel()
        await bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 5.0)
    finally:
        bus.close("test")
    del given_up
    gc.collect()
    assert told == []


@pytest.mark.parametrize("piece", [slice(None), slice(2, None), slice(0, 3)], ids=["whole", "its end", "its beginning"])
async def test_late_answer_of_another_unit_takes_no_true_answer_with_it(line: Rs485, piece: slice) -> None:
    """As an adapter hands them over that gathers bytes for 16 ms: in one read."""
    bus = ModbusBus(str(line.port.path), 9600)
    await bus.open("test")
    line.held = []
    try:
        with pytest.raises(RemoteProtocolError, match="no answer in time"):
            await bus.ask(lambda client: client.read_coils(0, count=4, device_id=3), 1, 0.1)
        line.units[1].coils[2] = True
        asking = asyncio.ensure_future(bus.ask(lambda client: client.read_coils(0, count=4, device_id=1), 1, 5.0))
        await eventually(lambda: len(line.heard) == 2)
        line.held[0] = line.held[0][piece]
        line.answer_held()
        answer = await asking
    finally:
        bus.close("test")
    assert answer.bits[:4] == [False, False, True, False]


async def test_opening_that_is_cancelled_at_any_step_leaves_the_port_to_others(line: Rs485) -> None:
    for steps in range(10):
        opening = asyncio.ensure_future(ModbusBus(str(line.port.path), 9600).open("test"))
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        if not opening.cancelled():
            break
        another = ModbusBus(str(line.port.path), 9600)
        await another.open("test")
        another.close("test")
    assert steps > 2


def test_line_at_two_speeds_is_refused() -> None:
    lines: dict[str, Any] = {}
    assert shared_bus(lines, "tty", 9600) is shared_bus(lines, "tty", 9600)
    with pytest.raises(ValueError, match="another speed"):
        shared_bus(lines, "tty", 19200)
