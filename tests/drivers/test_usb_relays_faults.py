"""USB relay boards on lines that misbehave: in pieces, late, with noise, cut off at any byte, and silent."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from drivers.contracts import ByteLink
from drivers.links import MemoryLink, memory_pair
from drivers.relay.board import LOST_AFTER, SerialBoard
from drivers.relay.board_line import BoardLine
from drivers.relay.lcus import QUERY, LcusLine, switch_frame
from drivers.relay.numato import NumatoLine
from drivers.relay.serial_talk import ANSWER_MAX, SILENT_S, SerialTalk
from drivers.relay.settings import BoardSettings, LcusSettings, NumatoSettings
from gateway.clock import SystemClock
from gateway.domain.commands import SetOutput
from gateway.domain.signals import CommandCompleted, CommandOutcome, LinkChanged, LinkState, OutputsRead
from gateway.errors import LinkError, RemoteProtocolError
from simulators.usb_relays import LcusBoard, NumatoBoard, UsbRelays
from tests.drivers.faulty_links import Altered, ByteByByte, Delayed, UnpluggedAfter
from tests.drivers.recording import Recorder, eventually, running

LCUS = LcusSettings(port="x", outputs=2, answers=True, timeout_s=0.2, outputs_poll_s=0.5)
NUMATO = NumatoSettings(port="x", outputs=2, inputs=1, timeout_s=0.2, outputs_poll_s=0.5)


class BoardInMemory:
    """A simulated board at the far end of a memory link; `mute` says nothing, `says` changes what it says."""

    def __init__(self, board: UsbRelays) -> None:
        self.board, self.mute = board, False
        self.near, self.far = memory_pair()
        self.heard = bytearray()

    async def serve(self) -> None:
        await self.far.open()
        while True:
            data = await self.far.read()
            self.heard += data
            said = self.board.hear(data, time.monotonic())
            if said and not self.mute:
                await self.far.write(said)


Wrap = Callable[[ByteLink], ByteLink]


def make(family: str, wrap: Wrap = lambda link: link) -> tuple[BoardInMemory, SerialBoard, Recorder]:
    memory = BoardInMemory(LcusBoard([False] * 2, "lines") if family == "lcus" else NumatoBoard([False] * 2, [False]))
    sink, talk = Recorder(), SerialTalk(wrap(memory.near))
    settings: BoardSettings = LCUS if family == "lcus" else NUMATO
    line: BoardLine = LcusLine(talk, LCUS) if family == "lcus" else NumatoLine(talk, NUMATO)
    return memory, SerialBoard("board", line, settings, sink, SystemClock()), sink


def hold(on: bool = True, life_s: float = 5.0) -> SetOutput:
    return SetOutput(f"c-{on}", "board", 1, on, time.monotonic() + life_s)


def noisy(data: bytes) -> bytes:
    return b"\xfe" + data


each_family = pytest.mark.parametrize("family", ["lcus", "numato"])


@each_family
@pytest.mark.parametrize("wrap", [ByteByByte, lambda link: Delayed(link, 0.03)], ids=["byte by byte", "late"])
async def test_answer_in_pieces_or_late_is_an_answer(family: str, wrap: Wrap) -> None:
    memory, board, sink = make(family, wrap)
    async with running(memory.serve(), board.run()):
        await sink.wait_for(OutputsRead)
        board.submit(hold())
        (done,) = await sink.wait_for(CommandCompleted)
    assert done.outcome is CommandOutcome.DONE
    assert memory.board.coils == [False, True]
    assert board.counters()["unanswered"] == 0


@each_family
async def test_link_that_is_lost_at_any_read_comes_back(family: str) -> None:
    for reads in range(1, 7):
        cut: list[UnpluggedAfter] = []
        memory, board, sink = make(family, partial(_cut_after, reads, cut))
        async with running(memory.serve(), board.run()):
            await sink.wait_for(OutputsRead)
            board.submit(hold())
            done = await sink.wait_for(CommandCompleted)
            await eventually(lambda cut=cut: cut[0].opened >= 2)  # type: ignore[misc]
        assert len(done) == 1
        states = [changed.state for changed in sink.of(LinkChanged)]
        assert all(one is not other for one, other in pairwise(states))


def _cut_after(reads: int, cut: list[UnpluggedAfter], link: ByteLink) -> ByteLink:
    cut.append(UnpluggedAfter(link, reads))
    return cut[0]


@each_family
async def test_silent_board_is_lost_once_and_comes_back_once(family: str) -> None:
    memory, board, sink = make(family)
    async with running(memory.serve(), board.run()):
        await sink.wait_for(OutputsRead)
        memory.mute = True
        await sink.wait_for(LinkChanged, 2)
        assert board.counters()["unanswered"] >= LOST_AFTER
        board.submit(hold(life_s=0.05))
        (done,) = await sink.wait_for(CommandCompleted)
        memory.mute = False
        await sink.wait_for(LinkChanged, 3)
    assert done.outcome in (CommandOutcome.EXPIRED, CommandOutcome.FAILED)
    assert [c.state for c in sink.of(LinkChanged)] == [LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE]


async def test_command_goes_between_two_questions_of_one_poll() -> None:
    memory, sink = BoardInMemory(NumatoBoard([False] * 2, [False] * 8)), Recorder()
    settings = NUMATO.model_copy(update={"inputs": 8})
    line = NumatoLine(SerialTalk(Delayed(memory.near, 0.02)), settings)
    board = SerialBoard("board", line, settings, sink, SystemClock())
    async with running(memory.serve(), board.run()):
        await eventually(lambda: b"gpio read 2" in memory.heard)
        board.submit(hold())
        await sink.wait_for(CommandCompleted)
        await eventually(lambda: b"gpio read 7" in memory.heard)
    assert memory.heard.index(b"relay on 1") < memory.heard.index(b"gpio read 7")


async def test_noise_before_a_prompt_is_passed_over_at_the_next_question() -> None:
    memory, board, sink = make("numato", lambda link: Altered(link, lambda data: data.replace(b"relay on 1", b"x")))
    async with running(memory.serve(), board.run()):
        await sink.wait_for(OutputsRead)
        board.submit(hold(life_s=0.3))
        (done,) = await sink.wait_for(CommandCompleted)
        await eventually(lambda: board.counters()["output_polls"] >= 1)
    assert done.outcome is CommandOutcome.FAILED
    assert [changed.state for changed in sink.of(LinkChanged)] == [LinkState.ONLINE]


async def test_state_with_noise_in_it_is_no_state() -> None:
    memory, board, sink = make("lcus", lambda link: Altered(link, noisy))
    async with running(memory.serve(), board.run()):
        await sink.wait_for(LinkChanged)
    assert sink.of(LinkChanged)[0].state is LinkState.OFFLINE
    assert sink.of(OutputsRead) == []


async def talk_on(link: MemoryLink) -> SerialTalk:
    talk = SerialTalk(link)
    await talk.open()
    return talk


async def test_babbling_line_is_refused_and_keeps_no_more_than_an_answer() -> None:
    near, far = memory_pair()
    await far.open()
    talk = await talk_on(near)
    asking: asyncio.Future[Any] = asyncio.ensure_future(talk.ask(b"?", lambda _: None, 5.0))
    await far.read()
    for _ in range(20):
        await far.write(b"x" * 100)
    with pytest.raises(RemoteProtocolError, match="more than any answer"):
        await asking
    assert len(talk._held) <= ANSWER_MAX + 1
    await talk.close()


async def test_what_came_unasked_is_no_answer() -> None:
    near, far = memory_pair()
    await far.open()
    talk = await talk_on(near)
    await far.write(b"early")
    await eventually(lambda: bytes(talk._held) == b"early")
    with pytest.raises(RemoteProtocolError, match="no answer in time"):
        await talk.ask(b"?", lambda data: data or None, 0.05)
    await talk.close()


async def test_link_that_goes_while_an_answer_is_waited_for_is_noticed_at_once() -> None:
    near, far = memory_pair()
    await far.open()
    talk = await talk_on(near)
    asking: asyncio.Future[Any] = asyncio.ensure_future(talk.ask(b"?", lambda _: None, 60.0))
    await far.read()
    near.unplug()
    with pytest.raises(LinkError):
        await asking
    with pytest.raises(LinkError):
        talk.check()
    await talk.close()


async def test_answer_that_came_while_the_process_stood_still_is_one() -> None:
    near, far = memory_pair()
    await far.open()
    talk = await talk_on(near)
    asking: asyncio.Future[bytes] = asyncio.ensure_future(talk.ask(b"?", lambda data: data or None, 0.05))
    await far.read()
    await far.write(b"answer")
    time.sleep(0.1)  # The event loop stands still for longer than the board may take.
    assert await asking == b"answer"
    await talk.close()


@pytest.mark.parametrize(
    "begun", [b"", b"\x01", b"\x01\x00\x01"], ids=["all late", "one byte in time", "three in time"]
)
async def test_late_answer_of_a_board_without_marks_is_no_part_of_the_next(begun: bytes) -> None:
    """Four bytes of 00 and 01: behind the rest of another they would be other relays' states."""
    near, far = memory_pair()
    await far.open()
    line = LcusLine(await talk_on(near), LCUS.model_copy(update={"outputs": 4}))
    unanswered = asyncio.ensure_future(line.read_outputs())
    assert await far.read() == QUERY
    await far.write(begun)
    with pytest.raises(RemoteProtocolError, match="no answer in time"):
        await unanswered
    await line.switch(0, False)
    assert await far.read() == switch_frame(0, False)
    asking = asyncio.ensure_future(line.read_outputs())
    await asyncio.sleep(0)
    await far.write(b"\x01\x00\x01\x01"[len(begun) :])
    assert await far.read() == QUERY
    await far.write(b"\x00\x00\x01\x01")
    assert await asking == (False, False, True, True)
    await line.close()


async def test_board_that_owes_an_answer_is_asked_again_after_as_long() -> None:
    near, far = memory_pair()
    await far.open()
    line = LcusLine(await talk_on(near), LCUS)
    with pytest.raises(RemoteProtocolError, match="no answer in time"):
        await line.read_outputs()
    asking = asyncio.ensure_future(line.read_outputs())
    assert await far.read() == QUERY
    assert await far.read() == QUERY
    await far.write(b"\x00\x01")
    assert await asking == (False, True)
    await line.close()


async def test_line_that_babbles_holds_up_no_question_for_long() -> None:
    near, far = memory_pair()
    await far.open()
    talk = await talk_on(near)
    with pytest.raises(RemoteProtocolError, match="no answer in time"):
        await talk.ask(b"?", lambda _: None, 0.05)
    waiting = asyncio.ensure_future(talk.let_late_answer_pass(0.1))
    babbled = 0
    while not waiting.done():
        await far.write(b"x")
        await asyncio.sleep(SILENT_S / 5)
        babbled += 1
    assert babbled <= 0.2 / (SILENT_S / 5) + 1
    await talk.close()
