"""The devices of the contract suite on lines that misbehave in every way that there is.

Each is driven with its own simulator or peer. What is on a serial line is spoilt in both directions; between the
gateway and a broker lies a connection that is slow, in pieces, silent in the middle of a message, or reset there.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.signals import CardRead, CommandCompleted, CommandOutcome, KeyPressed, LinkState, TextRead
from tests.contracts.test_device_contract import serve
from tests.contracts.wires import boards, faulty, faulty_tcp, mqtt, osdp, serial
from tests.contracts.wires.faulty import faulty_line
from tests.contracts.wires.wire import ID, PASS, Fault, Place, Wire, WireCase
from tests.drivers.recording import running

SERIAL: list[WireCase] = [*serial.CASES, *boards.CASES, *osdp.CASES]
CASES: list[WireCase] = [*SERIAL, *mqtt.CASES]
TRIES = 6
"""A card that wasn't read is held to the reader again, and a command that failed is given again."""
AGAIN_S = 1.0


def _over(*kinds: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case.kind in kinds]
    return pytest.mark.parametrize("case", chosen, ids=[case.driver for case in chosen])


def _faults(case: WireCase) -> tuple[Fault, ...]:
    return faulty.FAULTS if case in SERIAL else faulty_tcp.FAULTS


@asynccontextmanager
async def _laid(case: WireCase, place: Place) -> AsyncIterator[Wire]:
    """The case's wire, with the place's fault in it."""
    assert place.fault is not None
    async with case.lay(place) as wire, AsyncExitStack() as stack:
        if case in SERIAL:
            await stack.enter_async_context(faulty_line(wire, place.folder, place.fault))
        yield wire


@pytest.fixture
def place_of(
    program: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Fault], Place]:
    def make(fault: Fault) -> Place:
        folder = tmp_path / fault.name.replace(" ", "-")
        folder.mkdir()
        return Place(folder, program, monkeypatch, fault)

    return make


@_over("reader", "scanner")
async def test_what_is_shown_is_read_in_the_end_and_nothing_else(
    case: WireCase, place_of: Callable[[Fault], Place]
) -> None:
    await asyncio.gather(*(_read_through(case, place_of(fault), fault) for fault in _faults(case)))


async def _read_through(case: WireCase, place: Place, fault: Fault) -> None:
    if case.kind == "scanner" and fault.spoils == "loses":
        return  # Its lines have no checksum: with a byte lost it is another text, which a pass's signature notices.
    async with _laid(case, place) as wire:
        kind: type[Any] = TextRead if case.kind == "scanner" else CardRead
        async with serve(wire, wire.build()):
            await _online(wire, fault)
            for _ in range(TRIES):
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await wire.show_card()
                        await wire.sink.wait_for(kind)
                        break
    read = {each.text for each in wire.sink.of(TextRead)} | {each.readings for each in wire.sink.of(CardRead)}
    assert len(read) == 1, (fault.name, read)
    assert case.kind == "reader" or read == {PASS}, fault.name
    assert not wire.sink.of(KeyPressed), fault.name
    _alternates(wire, fault)


@_over("board")
async def test_each_command_has_one_outcome_and_what_is_done_is_so(
    case: WireCase, place_of: Callable[[Fault], Place]
) -> None:
    await asyncio.gather(*(_command_through(case, place_of(fault), fault) for fault in _faults(case)))


async def _command_through(case: WireCase, place: Place, fault: Fault) -> None:
    async with _laid(case, place) as wire:
        device = wire.build()
        async with serve(wire, device):
            await _online(wire, fault)
            assert wire.orders() == 0, fault.name
            for number in range(TRIES):
                on = number % 2 == 0
                await _online(wire, fault)
                device.submit(_command(case, number, on))
                done = (await wire.sink.wait_for(CommandCompleted, number + 1))[number]
                assert done.command_id == f"c{number}"
                if done.outcome is CommandOutcome.DONE and case in SERIAL:
                    assert wire.is_on() is on, (fault.name, number)
    ended = wire.sink.of(CommandCompleted)
    assert len(ended) == TRIES, fault.name
    worked = CommandOutcome.SENT if case.blind and case.holds else CommandOutcome.DONE
    assert worked in [each.outcome for each in ended], (fault.name, ended)
    _alternates(wire, fault)


def _command(case: WireCase, number: int, on: bool) -> DeviceCommand:
    expires_s = time.monotonic() + AGAIN_S
    if case.holds:
        return SetOutput(f"c{number}", ID, 0, on, expires_s)
    return PulseOutput(f"c{number}", ID, 0, True, 0.4, expires_s)


@_over("bus")
async def test_a_bus_is_there_whatever_its_line_does(case: WireCase, place_of: Callable[[Fault], Place]) -> None:
    async def through(place: Place, fault: Fault) -> None:
        async with _laid(case, place) as wire, running(wire.build().run()):
            await _online(wire, fault)
        _alternates(wire, fault)

    await asyncio.gather(*(through(place_of(fault), fault) for fault in _faults(case)))


async def _online(wire: Wire, fault: Fault) -> None:
    try:
        await wire.sink.until(lambda: wire.states()[-1:] == [LinkState.ONLINE])
    except TimeoutError:
        pytest.fail(f"{fault.name}: not online: {wire.sink.signals}")


def _alternates(wire: Wire, fault: Fault) -> None:
    """Each loss and return is told once."""
    assert all(one is not other for one, other in pairwise(wire.states())), (fault.name, wire.states())
