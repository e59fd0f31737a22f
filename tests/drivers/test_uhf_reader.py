"""UHF readers as devices: the simulated reader on real pseudo-terminals, and links that misbehave."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.contracts import ByteLink
from drivers.links import SerialLink
from drivers.registry import DriverContext, find_driver
from drivers.rfid.zk_rfid102 import ZkRfid102Settings
from drivers.serial_reader import SerialReader
from gateway.clock import SystemClock
from gateway.domain.credential import Identifier
from gateway.domain.signals import CardRead, FramesRejected, LinkChanged, LinkState
from simulators.card import Card
from simulators.pty_line import PtyLine
from simulators.uhf_reader import BAUD, UhfOnLine, UhfReader
from tests.drivers.faulty_links import Altered, ByteByByte, Delayed, UnpluggedAfter
from tests.drivers.recording import Recorder, eventually, running

A, B = Card("EPC96", 0xE28068940000502C6FE618BB), Card("EPC128", 0xE20000170014026616706B4800000001)
TAG_A, TAG_B = Identifier("EPC96", None, A.number), Identifier("EPC128", None, B.number)


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[UhfOnLine]:
    made = UhfOnLine(UhfReader(), PtyLine(tmp_path / "uhf", BAUD))
    made.plug()
    yield made
    await made.unplug()


def build(device: UhfOnLine, sink: Recorder, **settings: Any) -> SerialReader:
    driver = find_driver("zk-rfid102")
    assert driver is not None
    context = DriverContext("ramp", sink, SystemClock(), {}, str)
    made = driver.build(driver.settings.model_validate({"port": str(device.line.link), **settings}), context)
    assert isinstance(made, SerialReader)
    return made


def wrapped(device: UhfOnLine, sink: Recorder, wrap: Callable[[ByteLink], ByteLink], **settings: Any) -> SerialReader:
    framers = ZkRfid102Settings(port="-", **settings).framers()
    link = wrap(SerialLink(str(device.line.link), BAUD))
    return SerialReader("ramp", link, framers, sink, SystemClock())


def tags(sink: Recorder) -> list[Identifier]:
    return [read.readings[0].identifier for read in sink.of(CardRead)]


@pytest.mark.parametrize("scans", [False, True], ids=["asked", "by itself"])
async def test_tags_in_the_field_are_read_once_each(device: UhfOnLine, scans: bool) -> None:
    device.reader.scans = scans
    sink = Recorder()
    async with running(build(device, sink).run()):
        await sink.wait_for(LinkChanged)
        await device.swipe(A)
        await device.swipe(B)
        await sink.wait_for(CardRead, 2)
        await eventually(lambda: not device.reader.tags)
    assert sorted(tags(sink), key=str) == sorted([TAG_A, TAG_B], key=str)
    assert [changed.state for changed in sink.of(LinkChanged)] == [LinkState.ONLINE]
    assert not sink.of(FramesRejected)


async def test_listener_reads_reports_and_says_nothing_to_the_reader(device: UhfOnLine) -> None:
    device.reader.scans = True
    sink = Recorder()
    async with running(build(device, sink, ask=False).run()):
        await sink.wait_for(LinkChanged)
        await device.swipe(A)
        await sink.wait_for(CardRead)
    assert tags(sink) == [TAG_A]
    assert (device.reader.asked, device.reader.bad) == (0, 0)


async def test_reader_without_power_is_offline_though_its_port_is_there(tmp_path: Path, device: UhfOnLine) -> None:
    sink = Recorder()
    device.line.receive = None
    async with running(build(device, sink).run()):
        (changed,) = await sink.wait_for(LinkChanged)
    assert (changed.state, changed.detail) == (LinkState.OFFLINE, "the reader does not answer")


async def test_reader_that_reports_to_its_wiegand_wires_is_offline_and_says_so_once(device: UhfOnLine) -> None:
    device.reader.scans, device.reader.output_serial = True, False
    sink = Recorder()
    async with running(build(device, sink).run()):
        await sink.wait_for(LinkChanged)
        await eventually(lambda: device.reader.asked >= 6)
    (changed,) = sink.of(LinkChanged)
    assert changed.state is LinkState.OFFLINE
    assert "set it to answer mode" in changed.detail


async def test_hot_unplugging_is_told_and_reading_goes_on(device: UhfOnLine) -> None:
    sink = Recorder()
    async with running(build(device, sink).run()):
        await sink.wait_for(LinkChanged)
        await device.swipe(A)
        await sink.wait_for(CardRead)
        await device.unplug()
        await sink.wait_for(LinkChanged, 2)
        device.plug()
        await sink.wait_for(LinkChanged, 3)
        await device.swipe(B)
        await sink.wait_for(CardRead, 2)
    assert tags(sink) == [TAG_A, TAG_B]
    states = [changed.state for changed in sink.of(LinkChanged)]
    assert states == [LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE]


FAULTS: dict[str, Callable[[ByteLink], ByteLink]] = {
    "one byte at a time": ByteByByte,
    "delayed": lambda link: Delayed(link, 0.03),
    "noise in the first answers": lambda link: Altered(link, _first_ones(lambda data: b"\xff\x00" + data)),
    "a byte lost in the first answers": lambda link: Altered(link, _first_ones(lambda data: data[:2] + data[3:])),
    "half an answer, then silence": lambda link: Altered(link, _first_ones(lambda data: data[:4])),
    "unplugged in the middle": lambda link: UnpluggedAfter(link, 2),
}


def _first_ones(alter: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    times = itertools.count()
    return lambda data: alter(data) if next(times) < 2 else data


@pytest.mark.parametrize("fault", FAULTS)
async def test_tag_is_read_in_the_end_through_a_link_that_misbehaves(device: UhfOnLine, fault: str) -> None:
    sink = Recorder()
    device.reader.show((A.number).to_bytes(12, "big"), asyncio.get_running_loop().time() + 60)
    async with running(wrapped(device, sink, FAULTS[fault]).run()):
        await sink.wait_for(CardRead)
    assert tags(sink) == [TAG_A]


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"baud": 57601}, "these readers come with 57600"),
        ({"address": 256}, "less than or equal to 255"),
        ({"power_dbm": 31}, "less than or equal to 30"),
        ({"scan_time_s": 0.1}, "greater than or equal to 0.3"),
        ({"absence_s": 0.1}, "greater than or equal to 0.5"),
        ({"poll_s": 6.0}, "less than or equal to 5"),
        ({"mode": "scan"}, "not permitted"),
    ],
)
def test_wrong_setting_names_the_remedy(settings: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        ZkRfid102Settings.model_validate({"port": "x", **settings})
