"""Serial links over real pseudo-terminals, memory links, and the back-off."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.links import Backoff, SerialLink, memory_pair
from gateway.errors import LinkError
from tests.drivers.ptys import PtyPort


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    made = PtyPort(tmp_path / "reader")
    yield made
    made.close()


async def test_bytes_cross_both_ways(port: PtyPort) -> None:
    link = SerialLink(str(port.path))
    await link.open()
    port.write(b"\x00\x03\x11\x13\xff\r\n")
    assert await link.read() == b"\x00\x03\x11\x13\xff\r\n"
    await link.write(b"\x00\r\n\xff")
    assert port.read() == b"\x00\r\n\xff"
    await link.close()
    await link.close()


async def test_unplugging_ends_a_waiting_read_at_once(port: PtyPort) -> None:
    link = SerialLink(str(port.path))
    await link.open()
    reading = asyncio.ensure_future(link.read())
    await asyncio.sleep(0.02)
    began = time.monotonic()
    port.unplug()
    with pytest.raises(LinkError):
        await asyncio.wait_for(reading, 2.0)
    assert time.monotonic() - began < 0.5
    await link.close()
    port.plug()
    await link.open()
    port.write(b"back")
    assert await link.read() == b"back"
    await link.close()


async def test_port_is_ours_alone(port: PtyPort) -> None:
    first, second = SerialLink(str(port.path)), SerialLink(str(port.path))
    await first.open()
    with pytest.raises(LinkError, match="lock"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_missing_port_plain_file_and_fifo_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "fifo")
    for name, words in (("none", "no such port"), ("file", "not a serial port"), ("fifo", "not a serial port")):
        with pytest.raises(LinkError, match=words):
            await asyncio.wait_for(SerialLink(str(tmp_path / name)).open(), 1.0)


async def write_for_ever(link: SerialLink) -> None:
    while True:
        await link.write(bytes(4096))


async def test_write_to_a_stuck_line_gives_up(port: PtyPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.links.WRITE_TIMEOUT_S", 0.1)
    link = SerialLink(str(port.path))
    await link.open()
    with pytest.raises(LinkError, match="took no bytes"):
        await write_for_ever(link)
    with pytest.raises(LinkError, match="more than"):
        await link.write(bytes(4097))
    await link.close()


async def test_closing_ends_a_waiting_read(port: PtyPort) -> None:
    link = SerialLink(str(port.path))
    await link.open()
    reading = asyncio.ensure_future(link.read())
    await asyncio.sleep(0.02)
    await link.close()
    with pytest.raises(LinkError, match="closed"):
        await asyncio.wait_for(reading, 2.0)
    with pytest.raises(LinkError, match="not open"):
        await link.read()


async def test_cancelled_read_loses_no_bytes(port: PtyPort) -> None:
    link = SerialLink(str(port.path))
    await link.open()
    for _ in range(20):
        reading = asyncio.ensure_future(link.read())
        await asyncio.sleep(0)
        port.write(b"x")
        reading.cancel()
        await asyncio.wait({reading})
    got = b""
    async with asyncio.timeout(2.0):
        while len(got) < 20:
            got += await link.read()
    assert got == b"x" * 20
    await link.close()


async def test_memory_pair_carries_bytes_and_unplugs() -> None:
    near, far = memory_pair()
    await near.open()
    await far.open()
    await near.write(b"abc")
    assert await far.read() == b"abc"
    far.feed(bytes(5000))
    assert [len(await far.read()), len(await far.read())] == [4096, 904]
    reading = asyncio.ensure_future(far.read())
    await asyncio.sleep(0)
    far.unplug()
    with pytest.raises(LinkError):
        await reading
    with pytest.raises(LinkError):
        await far.open()
    far.plug()
    await far.open()


@given(st.binary(min_size=2, max_size=2), st.integers(1, 200))
def test_backoff_grows_and_stays_bounded(entropy: bytes, attempts: int) -> None:
    backoff = Backoff(0.1, 3.0, lambda _count: entropy)
    delays = [backoff.next_s() for _ in range(attempts)]
    assert delays == sorted(delays)
    assert 0.05 <= delays[0] <= 0.1
    assert all(delay <= 3.0 for delay in delays)
    backoff.reset()
    assert backoff.next_s() == delays[0]
