"""Live pictures for the console over a Unix socket: the newest as JPEG, encoded only while somebody watches.

A client sends one line `{"camera": "yard", "max_fps": 10}` and gets frames of a 4-byte big-endian length and a
JPEG; a length of 0
comes before an error line and the end.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analytics.pictures import Picture, encode_jpeg
from gateway.clock import Clock

CLIENTS_MOST = 8
"""The console is the only client and opens one connection for each camera on a page."""
REQUEST_BYTES_MOST = 1024
REQUEST_S = 5.0
STALLED_S = 10.0
"""A client that takes no picture for so long is dropped."""
WAITING_BYTES_MOST = 256 * 1024
FPS_MOST = 25.0


class LiveFeed:
    """One camera's newest picture as JPEG. `offer` may be called from any thread; the rest belongs to the event
    loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watchers = 0
        self._newest: Picture | None = None
        self._jpeg: tuple[Picture, bytes | None] | None = None
        self._encoding = asyncio.Lock()
        self._came = asyncio.Condition()
        self._wakes: set[asyncio.Task[None]] = set()

    @property
    def watchers(self) -> int:
        """How many watch just now."""
        return self._watchers

    def offer(self, picture: Picture) -> None:
        """A picture was decoded; costs nothing while nobody watches."""
        if self._watchers:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._take, picture)

    @contextlib.contextmanager
    def watching(self) -> Any:
        """While open, pictures are wanted."""
        self._watchers += 1
        try:
            yield self
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._newest = self._jpeg = None

    async def next_jpeg(self, after: Picture | None) -> tuple[Picture, bytes | None]:
        """Wait for a picture other than `after`; it is encoded once for all who watch."""
        async with self._came:
            await self._came.wait_for(lambda: self._newest is not None and self._newest is not after)
        async with self._encoding:
            picture = self._newest
            assert picture is not None
            if self._jpeg is None or self._jpeg[0] is not picture:
                self._jpeg = (picture, await asyncio.to_thread(encode_jpeg, picture.frame))
            return self._jpeg

    def _take(self, picture: Picture) -> None:
        self._newest = picture
        task = asyncio.create_task(self._wake())
        self._wakes.add(task)
        task.add_done_callback(self._wakes.discard)

    async def _wake(self) -> None:
        async with self._came:
            self._came.notify_all()


class LiveServer:
    """Serves the feeds on a Unix socket of mode 0600."""

    def __init__(self, path: Path, feeds: Mapping[str, LiveFeed], clock: Clock) -> None:
        self._path, self._feeds, self._clock = path, feeds, clock
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError when the socket can't be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._accept, str(self._path), limit=REQUEST_BYTES_MOST)
        self._path.chmod(0o600)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for client in tuple(self._clients):
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(self._serve(reader, writer, full=len(self._clients) >= CLIENTS_MOST))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, full: bool) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                request = parse_request(await reader.readline())
            if full:  # Only now: closing on an unread request would reset the connection.
                await _refuse(writer, "too many viewers")
                return
            feed = self._feeds.get(request[0]) if request is not None else None
            if request is None or feed is None:
                await _refuse(writer, "unknown camera" if request else "not a request")
                return
            await self._stream(feed, 1.0 / request[1], reader, writer)
        except (OSError, TimeoutError, ValueError):
            # Gone, silent, too slow, or a line without an end: nothing to tell it.
            writer.transport.abort()
        finally:
            writer.close()

    async def _stream(
        self, feed: LiveFeed, pause_s: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.transport.set_write_buffer_limits(high=WAITING_BYTES_MOST)
        hung_up = asyncio.create_task(reader.read(1))
        try:
            with feed.watching():
                sender = asyncio.create_task(self._send(feed, pause_s, writer))
                await asyncio.wait((sender, hung_up), return_when=asyncio.FIRST_COMPLETED)
                if sender.done():
                    sender.result()
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
        finally:
            hung_up.cancel()
            await asyncio.gather(hung_up, return_exceptions=True)

    async def _send(self, feed: LiveFeed, pause_s: float, writer: asyncio.StreamWriter) -> None:
        picture: Picture | None = None
        due_s = self._clock.now().monotonic_s
        while True:
            picture, jpeg = await feed.next_jpeg(picture)
            if jpeg is not None:
                writer.write(len(jpeg).to_bytes(4, "big") + jpeg)
                async with asyncio.timeout(STALLED_S):
                    await writer.drain()
            now_s = self._clock.now().monotonic_s
            # A tenth early is on time: a camera's frames never come exactly.
            due_s = max(due_s + pause_s, now_s)
            await asyncio.sleep(max(due_s - now_s - pause_s * 0.1, 0.0))


def parse_request(line: bytes) -> tuple[str, float] | None:
    """Camera and frames a second of a client's line; None when it is no request."""
    try:
        asked = json.loads(line)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("camera"), str):
        return None
    fps = asked.get("max_fps", 10)
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not fps > 0:
        return None
    return asked["camera"], max(min(float(fps), FPS_MOST), 0.1)


async def _refuse(writer: asyncio.StreamWriter, reason: str) -> None:
    writer.write(b"\0\0\0\0" + json.dumps({"error": reason}).encode() + b"\n")
    async with asyncio.timeout(REQUEST_S):
        await writer.drain()
