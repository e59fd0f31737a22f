"""Serial readers as devices: signals from real pseudo-terminals, and links that misbehave."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.contracts import ByteLink, Framer
from drivers.links import SerialLink, memory_pair
from drivers.registry import DriverContext, find_driver
from drivers.rfid.rdm6300 import make_framer
from drivers.serial_reader import SerialReader
from drivers.wiegand import s4a, wie232
from gateway.clock import SystemClock
from gateway.domain.credential import Identifier
from gateway.domain.signals import CardRead, FramesRejected, KeyPressed, LinkChanged, LinkState
from tests.drivers.faulty_links import Altered, ByteByByte, Delayed, UnpluggedAfter
from tests.drivers.ptys import PtyPort
from tests.drivers.recording import Recorder, running

FRAME = b"\x0214008EC793CE\x03"
TAG = Identifier("EM4100", None, 0x008EC793)
CARD = Identifier("H10301", 123, 4567)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    made = PtyPort(tmp_path / "reader")
    yield made
    made.close()


def build_reader(driver: str, path: Path, sink: Recorder) -> SerialReader:
    found = find_driver(driver)
    assert found is not None
    context = DriverContext("north-reader", sink, SystemClock(), {}, lambda name: name)
    reader = found.build(found.settings.model_validate({"port": str(path)}), context)
    assert isinstance(reader, SerialReader)
    return reader


@pytest.mark.parametrize(
    ("driver", "frame", "identifier"),
    [
        ("rdm6300", FRAME, TAG),
        ("em18", FRAME[1:-1], TAG),
        ("s4a", b"0008065495\r\n", CARD),
        ("wie232", b"7B11D7\r", CARD),
    ],
)
async def test_paced_bytes_of_a_pty_become_a_card(
    port: PtyPort, driver: str, frame: bytes, identifier: Identifier
) -> None:
    sink = Recorder()
    reader = build_reader(driver, port.path, sink)
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        await port.write_paced(frame)
        (read,) = await sink.wait_for(CardRead)
    assert read.reader == "north-reader"
    assert [reading.identifier for reading in read.readings] == [identifier]
    assert 0 <= SystemClock().now().monotonic_s - read.received_s < 5.0
    assert reader.counters()["frames"] == 1


class NotedFramer:
    """A framer that says how many bytes it was given."""

    def __init__(self, framer: Framer) -> None:
        self._framer = framer
        self.taken = 0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        self.taken += len(data)
        return self._framer.feed(data, now_s)

    def deadline(self) -> float | None:
        return self._framer.deadline()


@pytest.mark.parametrize(
    ("framer", "frame", "identifier"),
    [
        (make_framer, FRAME, TAG),
        (s4a.make_framer, b"0008065495\r\n", CARD),
        (wie232.make_framer, b"7B11D7\r", CARD),
    ],
)
@pytest.mark.parametrize("read_before", [1, 4])
async def test_card_is_read_whole_though_the_gateway_stood_still_in_its_middle(
    port: PtyPort, framer: Callable[[], Framer], frame: bytes, identifier: Identifier, read_before: int
) -> None:
    """A busy machine may stop the whole process: bytes that wait in the kernel did not come late."""
    sink, noted = Recorder(), NotedFramer(framer())
    reader = SerialReader("north-reader", SerialLink(str(port.path)), lambda: noted, sink, SystemClock())
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        port.write(frame[:read_before])
        while noted.taken < read_before:
            await asyncio.sleep(0)
        port.write(frame[read_before:])
        time.sleep(0.7)  # The event loop stands still for longer than any framer's patience.
        await sink.wait_for(CardRead)
    assert [read.readings[0].identifier for read in sink.of(CardRead)] == [identifier]
    assert not sink.of(KeyPressed)
    assert not sink.of(FramesRejected)


async def test_keys_and_cards_of_a_pty_are_told_apart(port: PtyPort) -> None:
    sink = Recorder()
    async with running(build_reader("s4a", port.path, sink).run()):
        await sink.wait_for(LinkChanged)
        for count, key in enumerate("12#", start=1):
            port.write(key.encode())
            await sink.wait_for(KeyPressed, count)
        await port.write_paced(b"0008065495\r\n")
        await sink.wait_for(CardRead)
    assert [pressed.key for pressed in sink.of(KeyPressed)] == ["1", "2", "#"]
    assert [read.readings[0].identifier for read in sink.of(CardRead)] == [CARD]


async def test_loss_and_return_of_a_port_are_told_once_each(port: PtyPort) -> None:
    sink = Recorder()
    reader = build_reader("rdm6300", port.path, sink)
    async with running(reader.run()):
        await sink.wait_for(LinkChanged, 1)
        port.unplug()
        await sink.wait_for(LinkChanged, 2)
        # Several attempts to open it fail meanwhile.
        await asyncio.sleep(0.5)
        port.plug()
        await sink.wait_for(LinkChanged, 3)
        port.write(FRAME)
        await sink.wait_for(CardRead)
    states = [changed.state for changed in sink.of(LinkChanged)]
    assert states == [LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE]
    assert reader.counters()["connects"] == 2


async def test_port_that_was_never_there_is_told_once(tmp_path: Path) -> None:
    sink = Recorder()
    async with running(build_reader("rdm6300", tmp_path / "none", sink).run()):
        await sink.wait_for(LinkChanged)
        await asyncio.sleep(0.3)
    (changed,) = sink.of(LinkChanged)
    assert changed.state is LinkState.OFFLINE
    assert "no such port" in changed.detail


async def test_rubbish_is_told_at_most_once_a_minute_and_cards_go_on(port: PtyPort) -> None:
    sink = Recorder()
    reader = build_reader("rdm6300", port.path, sink)
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        for _ in range(20):
            port.write(b"\x02rubbish")
        port.write(FRAME)
        await sink.wait_for(CardRead)
    assert len(sink.of(FramesRejected)) == 1
    assert reader.counters()["rejected"] >= 20


async def read_through(wrap: "type[ByteByByte] | object", data: list[bytes]) -> tuple[Recorder, SerialReader]:
    """What a reader says of these chunks through a faulty link; ends after a good frame was read."""
    near, far = memory_pair()
    await far.open()
    sink = Recorder()
    link: ByteLink = wrap(near)  # type: ignore[operator]
    reader = SerialReader("r", link, make_framer, sink, SystemClock())
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        for chunk in data:
            await far.write(chunk)
        await sink.wait_for(CardRead)
    return sink, reader


async def test_one_byte_at_a_time_and_delay_change_nothing() -> None:
    for wrap in (ByteByByte, lambda inner: Delayed(inner, 0.03)):
        sink, _reader = await read_through(wrap, [FRAME])
        assert [read.readings[0].identifier for read in sink.of(CardRead)] == [TAG]


async def test_lost_byte_costs_one_frame() -> None:
    lossy = itertools.chain([FRAME[:6] + FRAME[7:]], itertools.repeat(FRAME))
    sink, reader = await read_through(lambda inner: Altered(inner, lambda _data: next(lossy)), [FRAME, FRAME])
    assert sink.of(CardRead)[0].readings[0].identifier == TAG
    assert reader.counters()["rejected"] == 1


async def test_noise_around_frames_costs_nothing_but_a_count() -> None:
    sink, reader = await read_through(lambda inner: Altered(inner, lambda data: b"\xfe\x00" + data), [FRAME])
    assert sink.of(CardRead)[0].readings[0].identifier == TAG
    assert reader.counters()["rejected"] == 1


async def test_half_a_frame_and_silence_is_rejected_without_more_bytes() -> None:
    near, far = memory_pair()
    await far.open()
    sink = Recorder()
    reader = SerialReader("r", near, make_framer, sink, SystemClock())
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        await far.write(FRAME[:7])
        (rejected,) = await sink.wait_for(FramesRejected)
    assert rejected.reason == "half a frame"


async def test_frame_cut_by_a_reconnect_is_not_glued_to_the_next() -> None:
    near, far = memory_pair()
    await far.open()
    sink = Recorder()
    reader = SerialReader("r", UnpluggedAfter(near, 1), make_framer, sink, SystemClock())
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        await far.write(FRAME[:7])
        await sink.wait_for(LinkChanged, 3)
        await far.write(FRAME[7:] + FRAME)
        await sink.wait_for(CardRead)
    assert [read.readings[0].identifier for read in sink.of(CardRead)] == [TAG]


@pytest.mark.parametrize(
    ("driver", "settings", "remedy"),
    [
        ("rdm6300", {"port": "x", "baud": 9601}, "use one of"),
        ("rdm6300", {"port": ""}, "at least 1"),
        ("em18", {"port": "x", "baud": 9601}, "these readers speak 9600"),
        ("rdm6300", {"port": "x", "bauds": 9600}, "not permitted"),
        ("s4a", {"port": "x", "formats": ["H 1"]}, "pattern"),
        ("modbus-rtu", {"port": "x", "unit": 0}, "broadcast"),
        ("modbus-rtu", {"port": "x", "flash": 0}, "valid boolean"),
        ("tasmota-reader", {"broker": "b", "topic": "a/#"}, "wildcards"),
        ("tasmota-relay", {"broker": "b", "topic": "relay", "outputs": 9}, "less than or equal to 8"),
    ],
)
def test_wrong_setting_names_the_remedy(driver: str, settings: dict[str, object], remedy: str) -> None:
    found = find_driver(driver)
    assert found is not None
    with pytest.raises(ValueError, match=remedy):
        found.settings.model_validate(settings)
