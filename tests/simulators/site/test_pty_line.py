"""Simulated lines, seen through pyserial and plain descriptors at the other end."""

import asyncio
import os
import select
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial

from simulators.pty_line import PtyLine
from tests.simulators.site.conftest import until


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[PtyLine]:
    made = PtyLine(tmp_path / "tty" / "line")
    made.plug()
    yield made
    made.unplug()


def is_hung_up(descriptor: int) -> bool:
    """Whether the other end of an opened line is gone."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


async def read(port: serial.Serial, count: int) -> bytes:
    return bytes(await asyncio.to_thread(port.read, count))


async def test_pyserial_reads_what_the_device_sends(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=5) as port:
        line.send(bytes(range(256)))
        assert await read(port, 256) == bytes(range(256))


async def test_device_receives_what_pyserial_writes(line: PtyLine) -> None:
    got = bytearray()
    line.receive = got.extend
    with serial.Serial(str(line.link), 9600) as port:
        port.write(b"\x00\x0a\x0d\x03\x13\xff")
        await until(lambda: len(got) == 6)
    assert got == b"\x00\x0a\x0d\x03\x13\xff"


async def test_bytes_leave_no_faster_than_the_baud_rate(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=5) as port:
        began = time.monotonic()
        line.send(bytes(96))
        assert len(await read(port, 96)) == 96
    # 96 bytes of ten bits at 9600 baud are a tenth of a second.
    assert time.monotonic() - began >= 0.1 - line.byte_time_s


async def test_bytes_to_the_device_arrive_no_faster_than_the_baud_rate(line: PtyLine) -> None:
    got = bytearray()
    line.receive = got.extend
    began = time.monotonic()
    with serial.Serial(str(line.link), 9600) as port:
        port.write(bytes(96))
        await until(lambda: len(got) == 96)
    assert time.monotonic() - began >= 0.1 - line.byte_time_s


async def test_pulled_cable_is_a_hang_up_and_the_link_is_gone(line: PtyLine) -> None:
    descriptor = os.open(line.link, os.O_RDWR | os.O_NOCTTY)
    try:
        assert not is_hung_up(descriptor)
        line.unplug()
        assert is_hung_up(descriptor)
        assert not line.link.is_symlink()
    finally:
        os.close(descriptor)


async def test_line_works_again_after_it_was_plugged_in_again(line: PtyLine) -> None:
    line.unplug()
    line.send(b"into nothing")
    assert line.lost == 12
    line.plug()
    with serial.Serial(str(line.link), 9600, timeout=5) as port:
        line.send(b"back")
        assert await read(port, 4) == b"back"


async def test_line_that_nobody_reads_loses_bytes_and_blocks_nothing(line: PtyLine) -> None:
    line.send(bytes(10_000))
    assert line.lost == 10_000 - 4096


async def test_line_replaces_a_link_left_by_a_killed_process(tmp_path: Path) -> None:
    link = tmp_path / "line"
    link.symlink_to("/dev/pts/ptmx-of-nobody")
    made = PtyLine(link)
    made.plug()
    with serial.Serial(str(link), 9600, timeout=5) as port:
        made.send(b"x")
        assert await read(port, 1) == b"x"
    made.unplug()


async def test_the_device_sees_at_what_speed_the_computer_speaks(line: PtyLine) -> None:
    for baud in (9600, 19200, 115200):
        with serial.Serial(str(line.link), baud):
            assert line.heard_baud() == baud
    line.unplug()
    assert line.heard_baud() is None
