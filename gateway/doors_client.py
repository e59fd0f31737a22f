"""The client side of the one Unix socket of signals: console, sync, cameras, supervisor. A `domain.ports.DoorsPort`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import Signal
from gateway.errors import LinkError
from gateway.signal_codec import signal_to_dict

log = logging.getLogger(__name__)

RETRY_S = 0.25
LINE_BYTES_MAX = 1 << 20
WAITING_MAX = 256
"""Requests without a reply; beyond that the doors process is as good as gone."""


class DoorsClient:
    """Keeps one connection; `run` must be running. Followers each have a newest-wins slot, so none can lag for ever."""

    def __init__(self, path: Path, role: str) -> None:
        self.path, self.role = path, role
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._next_id = 1
        self._connected = asyncio.Event()
        self._followers: set[_Slot] = set()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self.path), limit=LINE_BYTES_MAX)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            try:
                await self._serve(reader, writer)
            except (OSError, ValueError, msgspec.DecodeError) as error:
                log.debug("doors socket: %s", error)
            finally:
                self._disconnected(writer)
            await asyncio.sleep(RETRY_S)

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        """Deliver a signal and wait for its reply. Raises LinkError when the doors process can't be reached in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
                return await self._ask(signal)
        except TimeoutError as error:
            raise LinkError("the doors process does not answer") from error

    async def feed(self) -> AsyncIterator[Feed]:
        """Follow the doors process across reconnects; a slow follower gets the newest state, not all of them."""
        slot = _Slot()
        self._followers.add(slot)
        slot.put(Feed(connected=self._connected.is_set()))
        if self._writer is not None:
            self._write({"follow": True})
        try:
            while True:
                yield await slot.take()
        finally:
            self._followers.discard(slot)

    async def _ask(self, signal: Signal) -> Reply:
        if len(self._waiting) >= WAITING_MAX:
            raise LinkError("too many requests wait for the doors process")
        number, self._next_id = self._next_id, self._next_id + 1
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._write({"id": number, "signal": signal_to_dict(signal)})
            return await future
        finally:
            self._waiting.pop(number, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._write({"hello": self.role})
        if self._followers:
            self._write({"follow": True})
        self._connected.set()
        while line := await reader.readline():
            message = msgspec.json.decode(line)
            if "feed" in message:
                self._tell(Feed(True, message["feed"].get("row_id"), message["feed"].get("status")))
            elif message.get("id") in self._waiting:
                reply = msgspec.convert(message["reply"], Reply)
                future = self._waiting[message["id"]]
                if not future.done():
                    future.set_result(reply)

    def _disconnected(self, writer: asyncio.StreamWriter) -> None:
        self._writer = None
        self._connected.clear()
        writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LinkError("the doors process went away"))
        self._tell(Feed(connected=False))

    def _write(self, message: dict[str, Any]) -> None:
        if self._writer is None:
            raise LinkError("the doors process can't be reached")
        self._writer.write(msgspec.json.encode(message) + b"\n")

    def _tell(self, feed: Feed) -> None:
        for slot in self._followers:
            slot.put(feed)


class _Slot:
    """The newest state for one follower: row and status merge, so a wake-up never hides a status."""

    def __init__(self) -> None:
        self._feed: Feed | None = None
        self._ready = asyncio.Event()

    def put(self, feed: Feed) -> None:
        old = self._feed
        if old is not None and feed.connected:
            feed = Feed(True, feed.row_id if feed.row_id is not None else old.row_id, feed.status or old.status)
        self._feed = feed
        self._ready.set()

    async def take(self) -> Feed:
        await self._ready.wait()
        self._ready.clear()
        feed, self._feed = self._feed, None
        assert feed is not None
        return feed
