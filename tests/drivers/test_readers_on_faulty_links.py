"""Every serial reader's framer behind links that misbehave: the card is read in the end, and never another one."""

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import pytest

from drivers.contracts import ByteLink, Framer
from drivers.links import memory_pair
from drivers.rfid import em18, rdm6300
from drivers.scanner import text_scanner
from drivers.serial_reader import SerialReader
from drivers.wiegand import s4a, wie232
from gateway.clock import SystemClock
from gateway.domain.credential import Identifier
from gateway.domain.signals import CardRead, FramesRejected, KeyPressed, LinkChanged, TextRead
from tests.drivers.faulty_links import Altered, ByteByByte, Delayed, UnpluggedAfter
from tests.drivers.recording import Recorder, eventually, running
from tests.drivers.test_serial_frame import DESCRIBED, framer_of

Make = Callable[[], Framer]
Shown = Identifier | str
"""A card, or a scanner's text."""


def described(name: str) -> Framer:
    return framer_of(name)[0]


READERS: dict[str, tuple[Make, bytes, Shown]] = {
    "rdm6300": (rdm6300.make_framer, b"\x0214008EC793CE\x03", Identifier("EM4100", None, 0x008EC793)),
    "em18": (em18.make_framer, b"4500C5D1E9B8", Identifier("EM4100", None, 0x00C5D1E9)),
    "s4a": (s4a.make_framer, b"0008065495\r\n", Identifier("H10301", 123, 4567)),
    "wie232": (wie232.make_framer, b"7B11D7\r", Identifier("H10301", 123, 4567)),
    "text-scanner": (text_scanner.make_framer, "京A12345\r\n".encode(), "京A12345"),
    **{
        f"described as {name}": (partial(described, name), frame, identifier)
        for name, (_, frame, identifier) in DESCRIBED.items()
    },
}
each = pytest.mark.parametrize("name", READERS)


def _first(alter: Callable[[bytes], bytes]) -> Callable[[ByteLink], ByteLink]:
    """Spoil the first frame that comes, and no other."""
    times = itertools.count()
    return lambda link: Altered(link, lambda data: alter(data) if next(times) == 0 else data)


FAULTS: dict[str, Callable[[], Callable[[ByteLink], ByteLink]]] = {
    "one byte at a time": lambda: ByteByByte,
    "delayed": lambda: lambda link: Delayed(link, 0.03),
    "a byte lost": lambda: _first(lambda data: data[:3] + data[4:]),
    "noise before": lambda: _first(lambda data: b"\xfe\x00" + data),
    "noise within": lambda: _first(lambda data: data[:3] + b"\xfe" + data[3:]),
    "half a frame, then silence": lambda: _first(lambda data: data[:3]),
    "unplugged after a frame": lambda: lambda link: UnpluggedAfter(link, 1),
}


async def _read_through(name: str, fault: str) -> tuple[str, set[Shown], bool, int]:
    """(fault, what was read, whether a key was, how many told rejections) of a card that is shown until it is read."""
    make, frame, _ = READERS[name]
    near, far = memory_pair()
    await far.open()
    sink = Recorder()
    reader = SerialReader("r", FAULTS[fault]()(near), make, sink, SystemClock())

    def told() -> int:
        counts = reader.counters()
        return counts["frames"] + counts["rejected"] + counts["connects"]

    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        for _ in range(4):
            before = told()
            await far.write(frame)
            await eventually(lambda before=before: told() > before)  # type: ignore[misc]
            if reader.counters()["frames"]:
                break
            # A card that wasn't read is held to the reader again, after a while.
            await asyncio.sleep(0.55)
    read: set[Shown] = {each.readings[0].identifier for each in sink.of(CardRead)}
    texts: set[Shown] = {each.text for each in sink.of(TextRead)}
    return fault, read | texts, bool(sink.of(KeyPressed)), len(sink.of(FramesRejected))


@each
async def test_card_is_read_in_the_end_and_never_another(name: str) -> None:
    shown = READERS[name][2]
    # A scanner's line has no checksum: with a byte lost it is another text, which a pass's signature notices.
    faults = [fault for fault in FAULTS if isinstance(shown, Identifier) or fault != "a byte lost"]
    for fault, read, keys, rejections in await asyncio.gather(*(_read_through(name, fault) for fault in faults)):
        assert read == {shown}, fault
        assert not keys, fault
        assert rejections == 0 or fault not in ("one byte at a time", "delayed"), fault


@each
async def test_half_a_frame_and_silence_is_told_without_more_bytes(name: str) -> None:
    make, frame, _ = READERS[name]
    near, far = memory_pair()
    await far.open()
    sink = Recorder()
    async with running(SerialReader("r", near, make, sink, SystemClock()).run()):
        await sink.wait_for(LinkChanged)
        await far.write(frame[:3])
        (rejected,) = await sink.wait_for(FramesRejected)
    assert rejected.reason.startswith("half a")
