"""Facts about live pictures over the worker's socket."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from analytics.live import CLIENTS_MOST, LiveFeed, LiveServer, parse_request
from analytics.pictures import Picture
from gateway.clock import SystemClock
from tests.analytics.footage import scene
from tests.waiting import wait_until_async

_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _picture(seed: int = 1) -> Picture:
    grey = scene(seed)
    frame = VideoFrame.from_ndarray(np.repeat(grey[:, :, None], 3, axis=2), format="bgr24")
    return Picture(frame, SystemClock().now())


class _Site:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.feed = LiveFeed()

    async def ask(self, request: object) -> _Ends:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(json.dumps(request).encode() + b"\n")
        return reader, writer


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), 5))
    return await asyncio.wait_for(reader.readexactly(length), 5)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[_Site]:
    place = _Site(tmp_path / "run" / "cameras.sock")
    server = LiveServer(place.path, {"yard": place.feed}, SystemClock())
    task = asyncio.create_task(server.run())
    await wait_until_async(place.path.exists)
    yield place
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_viewer_gets_the_newest_picture_as_jpeg(site: _Site) -> None:
    reader, writer = await site.ask({"camera": "yard", "max_fps": 10})
    await wait_until_async(lambda: site.feed.watchers == 1)
    site.feed.offer(_picture())
    jpeg = await _frame(reader)
    assert jpeg.startswith(b"\xff\xd8")
    assert jpeg.endswith(b"\xff\xd9")
    writer.close()


async def test_nothing_is_encoded_while_nobody_watches(site: _Site) -> None:
    site.feed.offer(_picture())
    reader, writer = await site.ask({"camera": "yard"})
    await wait_until_async(lambda: site.feed.watchers == 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.2)
    writer.close()
    await wait_until_async(lambda: site.feed.watchers == 0)


async def test_a_viewer_that_reads_nothing_holds_up_nobody(site: _Site) -> None:
    _, slow = await site.ask({"camera": "yard", "max_fps": 25})
    reader, quick = await site.ask({"camera": "yard", "max_fps": 25})
    await wait_until_async(lambda: site.feed.watchers == 2)
    rng = np.random.default_rng(1)
    for _ in range(12):
        noise = rng.integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        site.feed.offer(Picture(VideoFrame.from_ndarray(noise, format="bgr24"), SystemClock().now()))
        assert len(await _frame(reader)) > 100_000
    slow.close()
    quick.close()


async def test_more_frames_than_asked_for_are_left_out(site: _Site) -> None:
    reader, writer = await site.ask({"camera": "yard", "max_fps": 2})
    await wait_until_async(lambda: site.feed.watchers == 1)
    loop = asyncio.get_running_loop()
    site.feed.offer(_picture(1))
    await _frame(reader)
    begun_s = loop.time()
    site.feed.offer(_picture(2))
    await _frame(reader)
    assert loop.time() - begun_s > 0.3
    writer.close()


async def test_an_unknown_camera_is_told_and_ended(site: _Site) -> None:
    reader, _ = await site.ask({"camera": "attic"})
    assert await reader.read() == b'\0\0\0\0{"error": "unknown camera"}\n'


async def test_a_line_without_an_end_is_cut_off(site: _Site) -> None:
    reader, writer = await asyncio.open_unix_connection(str(site.path))
    writer.write(b"x" * 100_000)
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_one_viewer_too_many_is_refused(site: _Site) -> None:
    ends = [await site.ask({"camera": "yard"}) for _ in range(CLIENTS_MOST)]
    await wait_until_async(lambda: site.feed.watchers == CLIENTS_MOST)
    reader, _ = await site.ask({"camera": "yard"})
    assert b"too many viewers" in await reader.read()
    for _, writer in ends:
        writer.close()
    await wait_until_async(lambda: site.feed.watchers == 0)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"camera":1}', b'{"camera":"a","max_fps":0}', b'{"camera":"a","max_fps":"x"}']
)
def test_what_is_no_request_is_none(line: bytes) -> None:
    assert parse_request(line) is None
