"""How soon a lost reader is told, and how little others notice of it: measured, so not beside other tests."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.domain.signals import CardRead, LinkState, ReaderConditionChanged
from simulators.card import Card
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.line import KEY, OTHER_KEY, Rig
from tests.drivers.recording import eventually

pytestmark = pytest.mark.alone
ONLINE, OFFLINE = LinkState.ONLINE, LinkState.OFFLINE


@pytest.mark.parametrize(
    ("addresses", "baud"), [((5,), 115200), (range(8), 9600)], ids=["alone", "with seven others at 9600 baud"]
)
async def test_a_lost_reader_is_told_within_ten_seconds_and_its_return_within_two(
    tmp_path: Path, addresses: Sequence[int], baud: int
) -> None:
    rig = Rig(tmp_path, [OsdpReader(address, KEY) for address in addresses], baud)
    for address in addresses:
        rig.add(address)
    async with rig.at_work():
        for address in addresses:
            await rig.online(address)
        began_s = time.monotonic()
        await rig.simulated[5].unplug()
        await rig.offline(5)
        assert time.monotonic() - began_s < 10.0
        began_s = time.monotonic()
        rig.simulated[5].plug()
        await rig.online(5)
        assert time.monotonic() - began_s < 2.0
        await rig.read(5)
    assert rig.states(5) == [ONLINE, OFFLINE, ONLINE]


async def test_a_reader_that_restarts_is_back_without_an_alarm(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        await rig.simulated[5].unplug()
        rig.simulated[5].plug()
        await rig.sink.wait_for(ReaderConditionChanged)
        await eventually(lambda: rig.readers[5].counters()["connects"] == 2)
        await rig.read(5)
    assert rig.states(5) == [ONLINE]


async def test_a_dead_reader_and_one_with_another_key_delay_nobody_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY), OsdpReader(7, OTHER_KEY)])
    for address in (5, 6, 7):
        rig.add(address)
    waits = []
    async with rig.at_work():
        await rig.online(5)
        await rig.offline(6)
        await rig.offline(7)
        for number in range(30):
            began_s = time.monotonic()
            await rig.read(5, Card("H10301", number + 1, 123))
            waits.append(time.monotonic() - began_s)
            await asyncio.sleep(0.013)
    assert sorted(waits)[15] < 0.08
    assert max(waits) < 0.6
    assert rig.states(5) == [ONLINE]


@pytest.mark.parametrize("part", [slice(0, 9), slice(0, 3), slice(4, None)], ids=["half", "head", "tail"])
async def test_a_damaged_answer_costs_a_moment_no_alarm_and_makes_no_card(tmp_path: Path, part: slice) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    hits: list[bytes] = []

    def damage(_command: bytes, said: bytes) -> bytes:
        hits.append(said)
        return said[part] if len(hits) % 20 == 3 else said

    async with rig.at_work():
        await rig.online(5)
        rig.line.meddle = damage
        await eventually(lambda: len(hits) > 50)
        rig.line.meddle = None
        await rig.read(5)
    assert rig.states(5) == [ONLINE]
    assert rig.readers[5].counters()["connects"] == 1
    assert len(rig.sink.of(CardRead)) == 1
    assert rig.readers[5].counters()["retries"] >= 1
