"""The Modbus board driver against raw bytes on a pseudo-terminal, and against pymodbus's own server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.registry import DriverContext, find_driver
from drivers.relay.board import LOST_AFTER, MAX_QUEUE, MOVES_NOTHING, SerialBoard
from drivers.relay.modbus_bus import BUSY_PAUSE_S, ModbusBus
from drivers.relay.modbus_line import ModbusLine
from drivers.relay.settings import ModbusSettings
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    InputsChanged,
    LinkChanged,
    LinkState,
    OutputsRead,
    Signal,
)
from gateway.errors import CommandFailed, RemoteProtocolError
from tests.drivers.pymodbus_board import PymodbusBoard
from tests.drivers.raw_board import RawBoard
from tests.drivers.recording import Recorder, eventually, running


@pytest.fixture
async def raw(tmp_path: Path) -> AsyncIterator[RawBoard]:
    board = RawBoard(tmp_path / "board")
    yield board
    board.close()


def build_board(path: Path, sink: Recorder, **settings: object) -> SerialBoard:
    driver = find_driver("modbus-rtu")
    assert driver is not None
    chosen = driver.settings.model_validate({"port": str(path), "outputs": 4, "timeout_s": 0.1, **settings})
    board = driver.build(chosen, DriverContext("board", sink, SystemClock(), {}, lambda name: name))
    assert isinstance(board, SerialBoard)
    return board


def pulse(output: int = 0, seconds: float = 0.7, *, energise: bool = True, life_s: float = 5.0) -> PulseOutput:
    return PulseOutput(f"p{output}", "board", output, energise, seconds, time.monotonic() + life_s)


def hold(output: int, energise: bool, life_s: float = 5.0) -> SetOutput:
    return SetOutput(f"s{output}{energise}", "board", output, energise, time.monotonic() + life_s)


async def test_start_reads_outputs_and_all_inputs_and_writes_nothing(raw: RawBoard) -> None:
    raw.coils, raw.inputs = 0b0101, 0b10000011
    sink = Recorder()
    async with running(build_board(raw.port.path, sink).run()):
        (inputs,) = await sink.wait_for(InputsChanged)
        await eventually(lambda: len(raw.heard) > 5)
    assert [changed.state for changed in sink.of(LinkChanged)] == [LinkState.ONLINE]
    assert sink.of(OutputsRead) == [OutputsRead("board", ((0, True), (1, False), (2, True), (3, False)))]
    assert inputs.inputs == tuple(enumerate([True, True, False, False, False, False, False, True]))
    assert raw.heard[0][1] == bytes.fromhex("010100000004")
    assert raw.heard[1][1] == bytes.fromhex("010200000008")
    assert raw.writes() == []


async def test_changes_of_one_poll_travel_together(raw: RawBoard) -> None:
    sink = Recorder()
    async with running(build_board(raw.port.path, sink).run()):
        await sink.wait_for(InputsChanged)
        raw.inputs = 0b0011
        _, second = await sink.wait_for(InputsChanged, 2)
        raw.inputs = 0b0001
        _, _, third = await sink.wait_for(InputsChanged, 3)
    assert second.inputs == ((0, True), (1, True))
    assert third.inputs == ((1, False),)


async def test_pulse_is_timed_by_the_board(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(pulse(0, 0.7))
        board.submit(pulse(2, 0.8, energise=False))
        done = await sink.wait_for(CommandCompleted, 2)
    assert raw.writes() == [bytes.fromhex("010502000007"), bytes.fromhex("010504020008")]
    assert {each.outcome for each in done} == {CommandOutcome.DONE}
    assert board.counters()["pulses_timed_here"] == 0


async def test_board_that_echoes_a_pulse_and_does_nothing_is_told_until_it_moves(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        board.submit(pulse(1, 5.0))
        (flagged,) = await sink.wait_for(DeviceFlagged)
        (done,) = await sink.wait_for(CommandCompleted)
        raw.times_pulses = True
        board.submit(pulse(1, 5.0))
        _, mended = await sink.wait_for(DeviceFlagged, 2)
    assert done.outcome is CommandOutcome.DONE
    assert flagged.faults == (MOVES_NOTHING,)
    assert mended.faults == ()


async def test_look_at_a_pulse_that_goes_unanswered_is_no_fault_and_no_second_pulse(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["", "silent"]
        board.submit(pulse(1, 5.0))
        await sink.wait_for(CommandCompleted)
        await eventually(lambda: board.counters()["unanswered"] == 1)
    assert sink.of(DeviceFlagged) == []
    assert len(raw.writes()) == 1


async def test_set_output_is_echoed_and_read_back(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(hold(3, True))
        await sink.wait_for(CommandCompleted, 1)
        assert raw.coils == 0b1000
        board.submit(hold(3, False))
        await sink.wait_for(CommandCompleted, 2)
    assert raw.coils == 0
    write = next(number for number, (_, frame) in enumerate(raw.heard) if frame[1] == 5)
    assert raw.heard[write + 1][1][:2] == b"\x01\x01"
    assert [each.outcome for each in sink.of(CommandCompleted)] == [CommandOutcome.DONE] * 2


async def test_pulse_without_flash_is_timed_here_and_falls_back(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, flash=False)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(pulse(1, 0.3))
        await sink.wait_for(CommandCompleted)
        assert raw.coils == 0b10
        await eventually(lambda: raw.coils == 0)
    on, off = [at for at, frame in raw.heard if frame[1] == 5]
    assert 0.25 <= off - on < 2.0
    assert board.counters()["pulses_timed_here"] == 1


async def test_pulse_timed_here_falls_back_even_after_the_cable_was_out(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, flash=False)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(pulse(1, 0.2))
        await sink.wait_for(CommandCompleted)
        raw.unplug()
        await sink.wait_for(LinkChanged, 2)
        await asyncio.sleep(0.3)
        assert raw.coils == 0b10
        raw.plug()
        await eventually(lambda: raw.coils == 0)


async def test_expired_command_sends_nothing(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(pulse(0, life_s=-0.001))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.EXPIRED
    assert raw.writes() == []


async def test_command_waits_for_a_board_that_returns_in_time_and_expires_for_one_that_does_not(
    raw: RawBoard,
) -> None:
    raw.unplug()
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    async with running(board.run()):
        await sink.wait_for(LinkChanged)
        board.submit(pulse(0, life_s=0.2))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.EXPIRED
        board.submit(hold(1, True))
        raw.plug()
        _, done = await sink.wait_for(CommandCompleted, 2)
    assert done.outcome is CommandOutcome.DONE
    assert raw.writes() == [bytes.fromhex("01050001ff00")]


@pytest.mark.parametrize("spoil", ["silent", "crc", "half", "other"])
async def test_spoilt_answer_is_asked_again_and_then_done(raw: RawBoard, spoil: str) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = [spoil]
        board.submit(pulse(0))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.DONE
    assert len(raw.writes()) == 2
    assert board.counters()["unanswered"] == 1
    assert [changed.state for changed in sink.of(LinkChanged)] == [LinkState.ONLINE]


async def test_command_that_is_never_confirmed_fails(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["silent"] * 3
        board.submit(pulse(0))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.FAILED
    assert "no answer" in done.detail
    assert len(raw.writes()) == 3


async def test_refusal_names_the_setting_to_change(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["refuse"]
        board.submit(pulse(0))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.FAILED
    assert "flash = false" in done.detail


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_board_that_refuses_its_inputs_is_asked_once_and_names_the_setting_to_change(
    raw: RawBoard, code: int
) -> None:
    sink = Recorder()
    raw.spoil = lambda body: body if body[1] == 1 else bytes([1, body[1] | 0x80, code])
    async with running(build_board(raw.port.path, sink).run()):
        await sink.wait_for(LinkChanged, 2)
        heard = [frame[1] for _, frame in raw.heard]
    assert heard == [1, 2]
    lost = next(changed for changed in sink.of(LinkChanged) if changed.state is LinkState.OFFLINE)
    assert "set inputs = 0" in lost.detail


@pytest.mark.parametrize("kind", ["acknowledge", "busy"])
async def test_board_that_is_busy_for_a_moment_is_asked_again_and_is_not_lost(raw: RawBoard, kind: str) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    raw.spoil_next = [kind, kind, "", kind, kind]
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        assert not raw.spoil_next
    assert [changed.state for changed in sink.of(LinkChanged)] == [LinkState.ONLINE]
    assert (board.counters()["connects"], board.counters()["unanswered"]) == (1, 4)


async def test_board_that_stays_busy_is_lost_after_a_few_questions_with_a_pause_between(raw: RawBoard) -> None:
    sink = Recorder()
    async with running(build_board(raw.port.path, sink, inputs=0, outputs_poll_s=0.5).run()):
        await sink.wait_for(OutputsRead)
        raw.spoil = lambda body: bytes([1, body[1] | 0x80, 6])
        await sink.wait_for(LinkChanged, 2)
        asked_s = [at for at, _ in raw.heard[1:]]
    assert len(asked_s) == LOST_AFTER
    assert asked_s[-1] - asked_s[0] >= BUSY_PAUSE_S * (LOST_AFTER - 1)
    assert "busy" in sink.of(LinkChanged)[-1].detail


async def test_pulse_that_a_busy_board_puts_off_is_sent_again_and_done(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["busy"]
        board.submit(pulse(0))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.DONE
    assert len(raw.writes()) == 2


async def test_pulse_that_a_busy_board_puts_off_is_not_sent_past_its_expiry(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["busy"]
        board.submit(pulse(0, life_s=BUSY_PAUSE_S / 2))
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.FAILED
    assert "busy" in done.detail
    assert len(raw.writes()) == 1


async def test_silent_board_is_lost_once_and_comes_back_once(raw: RawBoard) -> None:
    sink = Recorder()
    async with running(build_board(raw.port.path, sink, timeout_s=0.05).run()):
        await sink.wait_for(InputsChanged)
        raw.mute = True
        await sink.wait_for(LinkChanged, 2)
        await asyncio.sleep(0.6)
        raw.mute = False
        raw.inputs = 0b1
        await sink.wait_for(LinkChanged, 3)
        await sink.wait_for(InputsChanged, 2)
    assert [changed.state for changed in sink.of(LinkChanged)] == [
        LinkState.ONLINE,
        LinkState.OFFLINE,
        LinkState.ONLINE,
    ]
    assert len(sink.of(InputsChanged)[1].inputs) == 8
    assert len(sink.of(OutputsRead)) == 2
    assert raw.writes() == []


async def test_one_lost_answer_and_noise_lose_no_board(raw: RawBoard) -> None:
    sink = Recorder()
    async with running(build_board(raw.port.path, sink).run()):
        await sink.wait_for(InputsChanged)
        raw.spoil_next = ["silent", "noise", "", "crc", "half"]
        await eventually(lambda: not raw.spoil_next)
        raw.inputs = 0b1
        await sink.wait_for(InputsChanged, 2)
    assert len(sink.of(LinkChanged)) == 1


async def test_commands_go_before_polls(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    for number in range(4):
        board.submit(pulse(number))
    async with running(board.run()):
        await sink.wait_for(CommandCompleted, 4)
        await sink.wait_for(InputsChanged)
    assert [frame[1] for _, frame in raw.heard[:6]] == [1, 5, 5, 5, 5, 1]


async def test_full_queue_and_impossible_commands_fail_at_once(tmp_path: Path) -> None:
    sink = Recorder()
    board = build_board(tmp_path / "none", sink)
    board.submit(pulse(4))
    board.submit(pulse(0, 4000.0))
    for _ in range(MAX_QUEUE + 1):
        board.submit(pulse(0))
    failed = sink.of(CommandCompleted)
    assert [each.outcome for each in failed] == [CommandOutcome.FAILED] * 3
    assert all(each.never_sent for each in failed)
    assert "outputs 0 to 3" in failed[0].detail
    assert "3276.7 s" in failed[1].detail
    assert "too many" in failed[2].detail


async def test_cancelling_is_heeded_even_when_the_answer_comes_at_the_same_moment(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    for delay_ms in range(30):
        task = asyncio.ensure_future(board.run())
        heard = len(raw.heard)
        await eventually(lambda heard=heard: len(raw.heard) > heard + 2)  # type: ignore[misc]
        await asyncio.sleep(delay_ms / 10_000)
        task.cancel()
        _, stuck = await asyncio.wait({task}, timeout=2.0)
        assert not stuck


async def test_cancelling_between_answer_and_return_is_heeded(raw: RawBoard) -> None:
    """The answer's future is done and the task is cancelled before it runs: Python 3.11 forgets the cancellation."""
    raw.mute = True
    bus = ModbusBus(str(raw.port.path), 9600)
    line = ModbusLine(bus, ModbusSettings(port=bus.port, timeout_s=1.0))
    await line.open()
    asking = asyncio.ensure_future(line.input_questions()[0]())
    client = bus._client
    assert client is not None
    await eventually(lambda: len(raw.heard) == 1)
    answered = client.ctx.response_future
    answered.add_done_callback(lambda _answer: asking.cancel())
    raw.port.write(bytes.fromhex("01020100a188"))
    await asyncio.wait({asking}, timeout=2.0)
    assert asking.cancelled()
    await line.close()


async def test_stopping_in_the_middle_of_a_pulse_writes_nothing(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink)
    async with running(board.run()):
        await sink.wait_for(InputsChanged)
        board.submit(pulse(0, 5.0))
        await sink.wait_for(CommandCompleted)
    await asyncio.sleep(0.1)
    assert raw.writes() == [bytes.fromhex("010502000032")]


async def test_outputs_are_read_again_and_only_those_astray_are_told_once(raw: RawBoard) -> None:
    raw.coils = 0b0100
    sink = Recorder()
    board = build_board(raw.port.path, sink, outputs_poll_s=0.5)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.coils = 0b0001
        _, astray = await sink.wait_for(OutputsRead, 2)
        asked = board.counters()["output_polls"]
        await eventually(lambda: board.counters()["output_polls"] == asked + 2)
    assert astray.outputs == ((0, True), (2, False))
    assert len(sink.of(OutputsRead)) == 2
    assert board.counters()["outputs_astray"] == 2
    assert raw.writes() == []


async def test_board_without_inputs_is_asked_and_lost_within_a_question_or_three(raw: RawBoard) -> None:
    sink = Recorder()
    async with running(build_board(raw.port.path, sink, inputs=0, outputs_poll_s=0.5).run()):
        await sink.wait_for(OutputsRead)
        raw.mute, answered = True, len(raw.heard)
        lost_s = time.monotonic()
        await sink.wait_for(LinkChanged, 2)
        assert time.monotonic() - lost_s < 0.5 + 3 * 0.1 + 1.0
    assert sink.of(LinkChanged)[-1].state is LinkState.OFFLINE
    assert [frame[1] for _, frame in raw.heard[answered:]] == [1] * 3


async def test_waiting_commands_go_before_the_question_for_outputs(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0, outputs_poll_s=0.5)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["silent"]
        await eventually(lambda: len(raw.heard) == 2)
        for number in range(3):
            board.submit(pulse(number, 60.0))
        await sink.wait_for(CommandCompleted, 3)
        await eventually(lambda: len(raw.heard) > 5)
    assert [frame[1] for _, frame in raw.heard[1:6]] == [1, 5, 5, 5, 1]
    assert len(sink.of(OutputsRead)) == 1


async def test_output_that_is_still_on_well_after_its_pulse_is_told(raw: RawBoard) -> None:
    """The board forgot to end the pulse: this one echoes it and does nothing by itself."""
    sink = Recorder()
    board = build_board(raw.port.path, sink, outputs_poll_s=0.5)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        board.submit(pulse(1, 0.2))
        await sink.wait_for(CommandCompleted)
        sent_s = time.monotonic()
        raw.coils = 0b10
        _, astray = await sink.wait_for(OutputsRead, 2)
    assert time.monotonic() - sent_s >= 1.2
    assert astray.outputs == ((1, True),)


async def test_output_whose_command_was_not_confirmed_is_told_as_it_is_read(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, inputs=0, outputs_poll_s=0.5)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        raw.spoil_next = ["silent"]
        board.submit(hold(2, True, life_s=0.05))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED
        _, read = await sink.wait_for(OutputsRead, 2)
    assert read.outputs == ((2, True),)


async def test_report_that_found_no_room_is_told_again(raw: RawBoard) -> None:
    class FullSink(Recorder):
        full = False

        def put(self, signal: Signal) -> bool:
            return super().put(signal) and not self.full

    sink = FullSink()
    async with running(build_board(raw.port.path, sink, inputs=0, outputs_poll_s=0.5).run()):
        await sink.wait_for(OutputsRead)
        sink.full, raw.coils = True, 0b1
        await sink.wait_for(OutputsRead, 2)
        sink.full = False
        _, refused, again = await sink.wait_for(OutputsRead, 3)
    assert refused == again == OutputsRead("board", ((0, True),))


async def test_pulse_that_this_driver_times_is_no_surprise_and_neither_is_its_end(raw: RawBoard) -> None:
    sink = Recorder()
    board = build_board(raw.port.path, sink, flash=False, outputs_poll_s=0.5)
    async with running(board.run()):
        await sink.wait_for(OutputsRead)
        board.submit(pulse(1, 1.2))
        await eventually(lambda: raw.coils == 0b10)
        await eventually(lambda: raw.coils == 0)
        asked = board.counters()["output_polls"]
        assert asked >= 2
        await eventually(lambda: board.counters()["output_polls"] == asked + 1)
    assert len(sink.of(OutputsRead)) == 1


@pytest.fixture
async def pymodbus_server(tmp_path: Path) -> AsyncIterator[Path]:
    """The driver's end of a line to pymodbus's server."""
    board = PymodbusBoard(tmp_path)
    await board.start()
    yield board.path
    await board.stop()


async def test_pymodbus_server_works_as_a_board(pymodbus_server: Path) -> None:
    sink = Recorder()
    board = build_board(pymodbus_server, sink, flash=False, timeout_s=0.3)
    async with running(board.run()):
        (inputs,) = await sink.wait_for(InputsChanged)
        board.submit(pulse(0, 0.2))
        board.submit(hold(2, True))
        done = await sink.wait_for(CommandCompleted, 2)
        await asyncio.sleep(0.4)
    assert inputs.inputs == tuple(enumerate([True, False] * 4))
    assert [each.outcome for each in done] == [CommandOutcome.DONE] * 2
    sink = Recorder()
    async with running(build_board(pymodbus_server, sink, timeout_s=0.3).run()):
        (outputs,) = await sink.wait_for(OutputsRead)
    assert outputs.outputs == ((0, False), (1, False), (2, True), (3, False))


SPOILT = st.one_of(
    st.binary(max_size=12).map(lambda data: lambda body: body[:2] + data),
    st.binary(max_size=300).map(lambda data: lambda _body: data),
    st.integers(0, 255).map(lambda code: lambda body: bytes([1, body[1] | 0x80, code])),
    st.integers(0, 255).map(lambda unit: lambda body: bytes([unit]) + body[1:]),
    st.integers(0, 255).map(lambda length: lambda body: body[:2] + bytes([length]) + body[3:]),
)
"""Whole frames with a right CRC that say something else, by what the board would have said."""


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt=st.lists(SPOILT, min_size=5, max_size=5))
def test_whatever_a_board_answers_is_an_answer_or_a_declared_error(
    tmp_path: Path, spoilt: list[Callable[[bytes], bytes]]
) -> None:
    async def ask_all() -> None:
        lost: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context))
        raw = RawBoard(tmp_path / "fuzzed")
        chosen = ModbusSettings(port=str(raw.port.path), outputs=4, inputs=4, timeout_s=0.05)
        line = ModbusLine(ModbusBus(chosen.port, 9600), chosen)
        (read_inputs,) = line.input_questions()
        try:
            await line.open()
            commands = (partial(line.switch, 0, True), partial(line.pulse, 1, True, 1.0))
            asks: list[Callable[[], Awaitable[Any]]] = [line.read_outputs, read_inputs, *commands, line.read_outputs]
            for spoil, ask in zip(spoilt, asks, strict=True):
                raw.spoil = spoil
                with suppress(RemoteProtocolError, CommandFailed):
                    answer = await ask()
                    assert answer is True or len(answer) == 4
        finally:
            await line.close()
            raw.close()
        assert lost == []

    asyncio.run(ask_all())
