"""Answers that are lost, torn, late or said twice: no card is lost with them or read twice, and the channel stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.signals import CardRead, LinkState, ReaderConditionChanged
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.line import KEY, Rig
from tests.drivers.recording import eventually

ONLINE = LinkState.ONLINE


def says_card(said: bytes) -> bool:
    """A frame with a security block of two bytes, and osdp_RAW behind it."""
    return said[7:8] == b"\x50"


async def known(rig: Rig, address: int = 5) -> None:
    """The reader is online, has said how it is, and its pace is known."""
    await rig.online(address)
    await rig.sink.wait_for(ReaderConditionChanged)
    await eventually(lambda: rig.readers[address].counters()["polls"] > 20)


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
@pytest.mark.parametrize("times", [1, 2])
async def test_a_card_in_an_answer_that_was_lost_is_said_again_in_the_same_channel(
    tmp_path: Path, spoil: Spoil, times: int
) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    hits: list[bytes] = []

    def meddle(_command: bytes, said: bytes) -> bytes:
        hits.extend([said] if says_card(said) else [])
        return spoil(said) if says_card(said) and len(hits) <= times else said

    async with rig.at_work():
        await known(rig)
        rig.line.meddle = meddle
        await rig.read(5)
        polls = rig.readers[5].counters()["polls"]
        await eventually(lambda: rig.readers[5].counters()["polls"] > polls + 5)
    assert len(set(hits)) == 1, "the same answer, to the byte"
    assert len(hits) == times + 1
    read_once(rig)
