"""One suite for every device on a wire: `drivers.contracts.Device`, `Reader`, `RelayBoard` and `InputBoard`.

Scanners are readers that say texts. Each family's wires stand in `tests.contracts.wires`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.contracts import Device, InputBoard, Reader, RelayBoard
from drivers.registry import driver_names
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    InputsChanged,
    LinkState,
    OutputsRead,
    OutputsUnknown,
    TextRead,
)
from tests.contracts.wires import boards, mqtt, osdp, serial
from tests.contracts.wires.wire import ID, PASS, Place, Wire, WireCase
from tests.drivers.recording import eventually, running

CASES: list[WireCase] = [*serial.CASES, *boards.CASES, *mqtt.CASES, *osdp.CASES]


@pytest.fixture
async def wire(
    request: pytest.FixtureRequest,
    program: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Wire]:
    case: WireCase = request.param
    async with case.lay(Place(tmp_path, program, monkeypatch)) as laid:
        yield laid


def serve(wire: Wire, device: Device) -> Any:
    """Run the device, and the connection or bus that it shares."""
    shared = (*wire.brokers.values(), *wire.companions)
    return running(*(each.run() for each in shared), device.run())


def _over(cases: list[WireCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wire", cases, indirect=True, ids=[case.driver for case in cases])


each = _over(CASES)
each_reader = _over([case for case in CASES if case.kind == "reader"])
each_scanner = _over([case for case in CASES if case.kind == "scanner"])
each_board = _over([case for case in CASES if case.kind == "board"])
each_seeing_board = _over([case for case in CASES if case.kind == "board" and not case.blind])
each_blind_board = _over([case for case in CASES if case.blind])
each_silent_board = _over([case for case in CASES if case.blind and case.holds])
each_pulsing_board = _over([case for case in CASES if not case.holds])
each_input_board = _over([case for case in CASES if case.has_inputs])


def test_every_wired_driver_stands_in_this_suite() -> None:
    assert {case.driver for case in CASES} == {*driver_names()} - {"onvif"}


@each
async def test_device_names_itself_and_counts(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Device)
    assert device.device_id == ID
    assert device.counters()
    assert set(device.counters().values()) == {0}


@each
async def test_loss_and_return_are_told_once_each(wire: Wire) -> None:
    async with serve(wire, wire.build()):
        await wire.said(LinkState.ONLINE)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await asyncio.sleep(0.3)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)


@each
async def test_cancelling_ends_run_at_once(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0


@each_reader
async def test_card_is_read_before_and_after_a_loss(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Reader)
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        await wire.show_card()
        (first,) = await wire.sink.wait_for(CardRead)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)
        await wire.show_card()
        _, second = await wire.sink.wait_for(CardRead, 2)
    assert first.reader == second.reader == ID
    assert first.readings == second.readings
    assert first.received_s <= second.received_s <= time.monotonic()


@each_scanner
async def test_text_is_read_before_and_after_a_loss(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Reader)
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        await wire.show_card()
        (first,) = await wire.sink.wait_for(TextRead)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)
        await wire.show_card()
        _, second = await wire.sink.wait_for(TextRead, 2)
    assert (first.reader, first.text) == (second.reader, second.text) == (ID, PASS)
    assert first.received_s <= second.received_s <= time.monotonic()
    assert device.counters()["frames"] == 2


@each_seeing_board
async def test_outputs_are_read_on_connecting_and_nothing_is_written(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, RelayBoard)
    async with serve(wire, device):
        (outputs,) = await wire.sink.wait_for(OutputsRead)
        await asyncio.sleep(0.1)
    assert outputs.device == ID
    assert [number for number, _ in outputs.outputs] == list(range(len(outputs.outputs)))
    assert wire.orders() == 0


@each_seeing_board
async def test_output_that_moves_by_itself_is_told_at_each_change(wire: Wire) -> None:
    async with serve(wire, wire.build()):
        await wire.sink.wait_for(OutputsRead)
        await wire.switch_by_hand(True)
        _, on = await wire.sink.wait_for(OutputsRead, 2)
        await wire.switch_by_hand(False)
        _, _, off = await wire.sink.wait_for(OutputsRead, 3)
    assert (on.outputs, off.outputs) == (((0, True),), ((0, False),))
    assert wire.orders() == 0


@each_blind_board
async def test_board_that_cannot_say_how_its_outputs_stand_says_that_on_each_connecting(wire: Wire) -> None:
    async with serve(wire, wire.build()):
        await wire.sink.wait_for(OutputsUnknown)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await wire.sink.wait_for(OutputsUnknown, 2)
        await asyncio.sleep(0.1)
    assert wire.sink.of(OutputsUnknown) == [OutputsUnknown(ID)] * 2
    assert wire.sink.of(OutputsRead) == []
    assert wire.orders() == 0


@each_silent_board
async def test_board_that_confirms_nothing_has_its_commands_sent_and_never_done(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        now_s = time.monotonic()
        device.submit(SetOutput("hold", ID, 0, True, now_s + 5))
        device.submit(PulseOutput("pulse", ID, 0, True, 1.0, now_s + 5))
        device.submit(SetOutput("late", ID, 0, True, now_s - 0.001))
        done = await wire.sink.wait_for(CommandCompleted, 3)
    assert {each.command_id: each.outcome for each in done} == {
        "hold": CommandOutcome.SENT,
        "pulse": CommandOutcome.SENT,
        "late": CommandOutcome.EXPIRED,
    }


@each_pulsing_board
async def test_board_that_only_pulses_confirms_that_and_fails_to_hold(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        now_s = time.monotonic()
        device.submit(PulseOutput("pulse", ID, 0, True, 0.4, now_s + 5))
        device.submit(SetOutput("hold", ID, 0, True, now_s + 5))
        device.submit(SetOutput("let go", ID, 0, False, now_s + 5))
        device.submit(PulseOutput("late", ID, 0, True, 0.4, now_s - 0.001))
        done = await wire.sink.wait_for(CommandCompleted, 4)
    assert {each.command_id: each.outcome for each in done} == {
        "pulse": CommandOutcome.DONE,
        "hold": CommandOutcome.FAILED,
        "let go": CommandOutcome.DONE,
        "late": CommandOutcome.EXPIRED,
    }
    assert wire.orders() == 1


@each_seeing_board
async def test_every_command_has_exactly_one_outcome(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.sink.wait_for(OutputsRead)
        now_s = time.monotonic()
        device.submit(PulseOutput("pulse", ID, 0, True, 5.0, now_s + 5))
        device.submit(SetOutput("hold", ID, 0, True, now_s + 5))
        device.submit(SetOutput("late", ID, 0, True, now_s - 0.001))
        device.submit(PulseOutput("nowhere", ID, 99, True, 5.0, now_s + 5))
        await wire.sink.wait_for(CommandCompleted, 4)
        await asyncio.sleep(0.1)
    outcomes = {done.command_id: done.outcome for done in wire.sink.of(CommandCompleted)}
    assert len(wire.sink.of(CommandCompleted)) == 4
    assert outcomes == {
        "pulse": CommandOutcome.DONE,
        "hold": CommandOutcome.DONE,
        "late": CommandOutcome.EXPIRED,
        "nowhere": CommandOutcome.FAILED,
    }


@each_board
async def test_command_to_a_lost_board_is_never_sent_after_its_expiry(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        device.submit(PulseOutput("pulse", ID, 0, True, 5.0, time.monotonic() + 0.1))
        (done,) = await wire.sink.wait_for(CommandCompleted)
        assert done.outcome in (CommandOutcome.EXPIRED, CommandOutcome.FAILED)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)
        await asyncio.sleep(0.2)
    assert wire.orders() == 0


@each_input_board
async def test_input_board_tells_all_inputs_on_each_connecting(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, InputBoard)
    async with serve(wire, device):
        await wire.sink.wait_for(InputsChanged)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await eventually(lambda: len(wire.sink.of(InputsChanged)) == 2)
    assert [len(report.inputs) for report in wire.sink.of(InputsChanged)] == [8, 8]
