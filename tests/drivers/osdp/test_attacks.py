"""Whoever sits on the line: a reader that is configured secure lets nobody in but itself."""

import ctypes
import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.osdp.entropy import stir
from drivers.osdp.frames import CAP, CHALLENGE, Frame, decode, encode
from drivers.osdp.panel import Panel
from gateway.domain.signals import CardRead, KeyPressed, LinkState, ReaderConditionChanged
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.line import KEY, OTHER_KEY, Meddle, Rig
from tests.drivers.recording import eventually

ONLINE, OFFLINE = LinkState.ONLINE, LinkState.OFFLINE
CLEAR_CARD = bytes((0x50, 0, 1, 26, 0)) + bytes.fromhex("51ed3640")
CLEAR_KEYS = bytes((0x53, 0, 2)) + b"1#"
CLEAR_TAMPER = bytes((0x48, 1, 0))


@pytest.fixture(autouse=True)
def _soon_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not let in is told after a second here, so that the suite is short."""
    monkeypatch.setattr("drivers.osdp.station.OFFLINE_AFTER_S", 1.0)


def command(raw: bytes) -> Frame:
    found = decode(raw)
    assert isinstance(found, Frame)
    return found


def in_clear(raw: bytes, body: bytes) -> bytes:
    """An answer in clear to that command, with its sequence number and a right CRC."""
    asked = command(raw)
    return encode(asked.address, asked.sequence, body[0], body[1:], reply=True)


def nothing_was_let_in(rig: Rig) -> None:
    assert rig.sink.of(CardRead) == []
    assert rig.sink.of(KeyPressed) == []
    assert ONLINE not in rig.states(5)


async def attacked(tmp_path: Path, meddle: Meddle, reader: OsdpReader | None = None, *, faulty: bool = False) -> Rig:
    """A line on which somebody meddles from the start, until the reader is told lost, or `faulty`."""
    rig = Rig(tmp_path, [reader or OsdpReader(5, KEY)])
    rig.add(5)
    rig.line.meddle = meddle
    async with rig.at_work():
        await rig.offline(5)
        if faulty:
            await rig.sink.until(lambda: bool(rig.faults(5)))
    return rig


@pytest.mark.parametrize("body", [CLEAR_CARD, CLEAR_KEYS, CLEAR_TAMPER, b"\x40"], ids=["card", "keys", "tamper", "ack"])
async def test_whatever_is_said_in_clear_before_the_channel_stands_counts_for_nothing(
    tmp_path: Path, body: bytes
) -> None:
    nothing_was_let_in(await attacked(tmp_path, lambda asked, _said: in_clear(asked, body)))


@pytest.mark.parametrize("last", [0x61, CAP, CHALLENGE, 0x77], ids=["id", "cap", "challenge", "cryptogram"])
async def test_a_card_in_clear_in_place_of_any_answer_of_the_handshake_is_no_card(tmp_path: Path, last: int) -> None:
    def meddle(asked: bytes, said: bytes) -> bytes:
        return in_clear(asked, CLEAR_CARD) if command(asked).code == last else said

    nothing_was_let_in(await attacked(tmp_path, meddle))


async def test_who_claims_that_there_is_no_secure_channel_is_not_let_in(tmp_path: Path) -> None:
    def strip(asked: bytes, said: bytes) -> bytes:
        return in_clear(asked, bytes.fromhex("46 080100 090000 0a0001")) if command(asked).code == CAP else said

    rig = await attacked(tmp_path, strip, faulty=True)
    nothing_was_let_in(rig)
    assert rig.faults(5) == [("it says that it has no secure channel",)]


async def test_a_reader_that_would_speak_in_clear_is_not_let_in(tmp_path: Path) -> None:
    rig = await attacked(tmp_path, lambda _asked, said: said, OsdpReader(5, None, clear=True), faulty=True)
    nothing_was_let_in(rig)
    assert len(rig.faults(5)) == 1


async def test_a_reader_with_another_key_is_not_let_in_and_the_fault_says_so(tmp_path: Path) -> None:
    rig = await attacked(tmp_path, lambda _asked, said: said, OsdpReader(5, OTHER_KEY), faulty=True)
    nothing_was_let_in(rig)
    assert "does not hold the site's key" in rig.faults(5)[0][0]


async def test_a_reader_with_the_default_key_is_not_let_in_and_not_given_ours(tmp_path: Path) -> None:
    reader = OsdpReader(5, None)
    rig = await attacked(tmp_path, lambda _asked, said: said, reader, faulty=True)
    nothing_was_let_in(rig)
    assert reader.key is None
    assert not any(frame[5:8] == b"\x03\x11\x00" for frame, _ in rig.line.seen), "the default key is never tried"


async def test_a_right_reader_ends_the_fault(tmp_path: Path) -> None:
    reader = OsdpReader(5, OTHER_KEY)
    rig = Rig(tmp_path, [reader])
    rig.add(5)
    async with rig.at_work():
        await rig.sink.until(lambda: bool(rig.faults(5)))
        await reader.unplug()
        reader.key = KEY
        reader.plug()
        await rig.online(5)
    assert [bool(faults) for faults in rig.faults(5)] == [True, False]


@pytest.mark.parametrize("body", [CLEAR_CARD, CLEAR_KEYS, CLEAR_TAMPER], ids=["card", "keys", "tamper"])
async def test_nothing_said_in_clear_within_a_session_counts(tmp_path: Path, body: bytes) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        await rig.sink.wait_for(ReaderConditionChanged)
        rig.line.meddle = lambda asked, _said: in_clear(asked, body)
        await rig.offline(5)
        rig.line.meddle = None
        await rig.online(5)
        await rig.read(5)
    assert len(rig.sink.of(CardRead)) == 1
    assert rig.sink.of(KeyPressed) == []
    assert len(rig.sink.of(ReaderConditionChanged)) == 1


async def test_a_recorded_card_played_back_within_the_session_is_no_card(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        await rig.sink.wait_for(ReaderConditionChanged)
        await rig.read(5)
        (recorded,) = [said for _, said in rig.line.seen if len(said) > 8 and said[7:8] == b"\x50"]
        rig.line.meddle = lambda _asked, _said: recorded
        await rig.offline(5)
    assert len(rig.sink.of(CardRead)) == 1


class Tape(OsdpReader):
    """No reader at all: it says again what was said, in its order."""

    def __init__(self, recorded: list[bytes]) -> None:
        super().__init__(5, None)
        self.recorded = iter(recorded)

    def plug(self) -> None:
        self.plugged = True

    def answer(self, data: bytes) -> bytes:
        return next(self.recorded, b"")


async def played_back(tmp_path: Path, between: Callable[[], object]) -> Rig:
    """Record a session with a card; then, as after a restart, play it to a new driver."""
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    between()
    async with rig.at_work():
        await rig.online(5)
        await rig.read(5)
    (tmp_path / "again").mkdir()
    again = Rig(tmp_path / "again", [Tape([said for _, said in rig.line.seen])])
    again.add(5)
    between()
    async with again.at_work():
        await again.sink.until(lambda: again.states(5) != [])
        await eventually(lambda: again.readers[5].counters()["unanswered"] > 0)
    return again


async def test_a_recorded_session_played_back_after_a_restart_reads_no_card(tmp_path: Path) -> None:
    nothing_was_let_in(await played_back(tmp_path, lambda: None))


async def test_it_is_the_fresh_challenge_alone_that_keeps_a_recorded_session_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What libosdp does by itself: its generator starts the same in each process. The card is let in."""
    libc = ctypes.CDLL(None)
    monkeypatch.setattr("drivers.osdp.panel.stir", lambda: None)
    again = await played_back(tmp_path, lambda: libc.srand(1))
    assert len(again.sink.of(CardRead)) == 1
    assert again.states(5)[0] is ONLINE


def challenge_of(panel: Panel) -> bytes:
    """What a panel challenges a reader with, asked far enough."""
    answers = {0x61: bytes.fromhex("45 314847 01 01 ed030000 010203"), CAP: bytes.fromhex("46 080100 090101 0a0001")}
    for _ in range(10):
        frame = panel.outgoing().lstrip(b"\xff")
        if frame and command(frame).code == CHALLENGE:
            return command(frame).data
        if frame:
            panel.incoming(in_clear(frame, answers[command(frame).code]))
    raise AssertionError("no challenge came")


def test_no_challenge_comes_twice() -> None:
    challenges = [challenge_of(Panel(5, KEY)) for _ in range(50)]
    assert len(set(challenges)) == 50


def test_processes_challenge_differently() -> None:
    """libosdp itself never seeds its generator: left alone, each process begins with the same challenge."""
    code = (
        "from tests.drivers.osdp.test_attacks import KEY, challenge_of\n"
        "from drivers.osdp.panel import Panel\n"
        "print(challenge_of(Panel(5, KEY)).hex())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (run.stdout.strip() for run in runs)
    assert len(first) == 16
    assert first != second
    assert "d764c8cce93255c4" not in (first, second), "what an unseeded generator says"


def test_every_byte_of_a_challenge_takes_every_value() -> None:
    challenges = [challenge_of(Panel(5, KEY)) for _ in range(1500)]
    for place in range(8):
        assert len({each[place] for each in challenges}) > 240


def test_stirring_twice_gives_other_numbers() -> None:
    libc = ctypes.CDLL(None)

    def draw() -> list[int]:
        stir()
        return [libc.rand() for _ in range(4)]

    assert len({tuple(draw()) for _ in range(20)}) == 20


async def test_a_forged_refusal_costs_a_new_handshake_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        await rig.sink.wait_for(ReaderConditionChanged)
        rig.line.meddle = lambda asked, _said: in_clear(asked, b"\x41\x06")
        frames = len(rig.line.seen)
        await eventually(lambda: len(rig.line.seen) > frames + 5)
        rig.line.meddle = None
        await eventually(lambda: rig.readers[5].counters()["connects"] >= 2)
        await rig.read(5)
    assert len(rig.sink.of(CardRead)) == 1


async def test_whoever_keeps_saying_that_the_reader_is_busy_is_not_taken_for_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        rig.line.meddle = lambda asked, _said: in_clear(asked, b"\x79")
        await rig.offline(5)


async def test_a_key_that_is_refused_is_tried_ever_more_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.osdp.station.REFUSED_FIRST_S", 0.1)
    rig = Rig(tmp_path, [OsdpReader(5, OTHER_KEY)])
    rig.add(5)
    tried: list[float] = []

    def note(asked: bytes, said: bytes) -> bytes:
        if command(asked).code == CHALLENGE:
            tried.append(time.monotonic())
        return said

    rig.line.meddle = note
    async with rig.at_work():
        await eventually(lambda: len(tried) >= 5)
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert all(wait >= 0.1 * 2.0**n for n, wait in enumerate(waits)), waits
