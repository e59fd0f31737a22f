"""Answers that are lost, torn, late or said twice: no card is lost with them or read twice, and the channel stands."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.links import memory_pair
from drivers.osdp import station
from drivers.osdp.frames import ACK, POLL, Frame, encode
from drivers.osdp.line import CHARACTER_GAP_S, OsdpLine
from drivers.osdp.station import LEARNT_AFTER
from gateway.clock import SystemClock
from gateway.domain.signals import CardRead, LinkState, ReaderConditionChanged
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.line import CARD, KEY, Rig
from tests.drivers.recording import PATIENCE_S, eventually

ONLINE = LinkState.ONLINE


def says_card(said: bytes) -> bool:
    """A frame with a security block of two bytes, and osdp_RAW behind it."""
    return said[7:8] == b"\x50"


async def known(rig: Rig, address: int = 5) -> None:
    """The reader is online, has said how it is, and its pace is known."""
    await rig.online(address)
    await rig.sink.wait_for(ReaderConditionChanged)
    await eventually(lambda: rig.readers[address].counters()["polls"] > LEARNT_AFTER + 2)


def read_once(rig: Rig, address: int = 5) -> None:
    """One card was read, in the session that there was."""
    assert len(rig.sink.of(CardRead)) == 1
    assert rig.states(address) == [ONLINE]
    assert rig.readers[address].counters()["connects"] == 1


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "spoil",
    [lambda _said: b"", lambda said: said[:12], lambda said: said[:-1] + b"\x00"],
    ids=["lost", "torn", "spoilt"],
)
async def test_a_card_in_an_answer_that_was_lost_is_said_again_in_the_same_channel(
    tmp_path: Path, spoil: Spoil
) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    hits: list[bytes] = []

    def meddle(_command: bytes, said: bytes) -> bytes:
        hits.extend([said] if says_card(said) else [])
        return spoil(said) if says_card(said) and len(hits) <= 2 else said

    async with rig.at_work():
        await known(rig)
        rig.line.meddle = meddle
        await rig.read(5)
        polls = rig.readers[5].counters()["polls"]
        await eventually(lambda: rig.readers[5].counters()["polls"] > polls + 5)
    assert len(set(hits)) == 1, "the same answer, to the byte"
    assert len(hits) == 3
    read_once(rig)


async def test_an_answer_that_comes_twice_is_taken_once_and_ends_no_channel(tmp_path: Path) -> None:
    """The second stands before the next answer, where it was said to a command that had been repeated in haste."""
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    before = [b""]

    def meddle(_command: bytes, said: bytes) -> bytes:
        before.append(said)
        return before[-2] + said

    async with rig.at_work():
        await known(rig)
        rig.line.meddle = meddle
        await rig.read(5)
        said = len(before)
        await eventually(lambda: len(before) > said + 10)
    assert rig.bus.counters()["strays"] > 5
    read_once(rig)


async def stalled(rig: Rig, address: int, stall_s: float) -> None:
    """A card is held to it; it stands still in the middle of that poll, and then answers all that it was asked."""
    loop, held = asyncio.get_running_loop(), list[bytes]()
    ended = asyncio.Event()

    def go_on() -> None:
        rig.line.meddle = None
        rig.line.line.send(b"".join(held))
        ended.set()

    def meddle(command: bytes, said: bytes) -> bytes:
        if command[1] != address or not (held or says_card(said)):
            return said
        if not held:
            loop.call_later(stall_s, go_on)
        held.append(said)
        return b""

    rig.line.meddle = meddle
    assert await rig.simulated[address].swipe(CARD)
    async with asyncio.timeout(stall_s + PATIENCE_S):
        await ended.wait()


@pytest.mark.parametrize("forgetful", [False, True], ids=["", "forgetful"])
@pytest.mark.parametrize(
    ("addresses", "stall_s"), [((5,), 0.15), ((5,), 1.2), ((5, 6), 0.3)], ids=["soon", "alone", "beside another"]
)
async def test_a_card_in_an_answer_that_comes_late_is_read_without_another_poll(
    tmp_path: Path, addresses: tuple[int, ...], stall_s: float, forgetful: bool
) -> None:
    rig = Rig(tmp_path, [OsdpReader(address, KEY, forgetful=forgetful) for address in addresses])
    for address in addresses:
        rig.add(address)
    async with rig.at_work():
        for address in addresses:
            await known(rig, address)
        await stalled(rig, 5, stall_s)
        polls = sum(command[1] == 5 for command, _ in rig.line.seen)
        await rig.sink.wait_for(CardRead)
        assert sum(command[1] == 5 for command, _ in rig.line.seen) == polls
        polls = rig.readers[5].counters()["polls"]
        await eventually(lambda: rig.readers[5].counters()["polls"] > polls + 5)
        connects = rig.readers[5].counters()["connects"]
    late = rig.readers[5].counters()["late"] + rig.readers[5].counters()["retries"]
    assert late >= 1 or stall_s < station.PATIENCE_S, "whoever has seen slow answers waits for so long anyway"
    if not forgetful:
        read_once(rig)
    assert len(rig.sink.of(CardRead)) == 1
    assert rig.states(5) == [ONLINE]
    assert connects <= 2


async def test_a_gateway_that_stood_still_has_not_lost_its_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the time that a reader was asked in vain that counts: a new session would have it drop its last answer."""
    rig = Rig(tmp_path, [OsdpReader(5, KEY), OsdpReader(6, KEY)])
    rig.add(5)
    rig.add(6)
    async with rig.at_work():
        await known(rig, 5)
        await known(rig, 6)
        now = rig.clock.now
        monkeypatch.setattr(rig.clock, "now", lambda: replace(now(), monotonic_s=now().monotonic_s + 60.0))
        polls = [rig.readers[address].counters()["polls"] for address in (5, 6)]
        await eventually(lambda: all(rig.readers[5 + n].counters()["polls"] > polls[n] + 5 for n in (0, 1)))
        await rig.read(5)
    read_once(rig, 5)
    assert rig.states(6) == [ONLINE]
    assert rig.readers[6].counters()["connects"] == 1


async def test_a_reader_that_speaks_late_is_heard_out_before_the_next_is_asked() -> None:
    near, far = memory_pair()
    await far.open()
    late: list[Frame] = []

    def keep(frame: Frame) -> bool:
        late.append(frame)
        return True

    line = OsdpLine(near, 9600, SystemClock(), lambda _reason: None, keep)
    await line.open()
    said = encode(5, 2, ACK, bytes(30), reply=True)
    near.feed(said[:12])
    await line.overhear(0.1)
    asking = asyncio.ensure_future(line.ask(encode(6, 1, POLL), lambda reply: reply.address == 6, 1.0))
    asked = asyncio.ensure_future(far.read())
    done, _ = await asyncio.wait({asked}, timeout=CHARACTER_GAP_S / 2)
    assert not done, "the line is taken"
    near.feed(said[12:])
    assert await asked == encode(6, 1, POLL)
    near.feed(encode(6, 1, ACK, reply=True))
    answer = await asking
    await line.close()
    assert answer.reply is not None
    assert [frame.raw for frame in late] == [said]
    assert line.strays == 0
