"""A line that loses, delays, doubles and reorders what goes over it, and is cut for a while."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

import httpx2


@dataclass(slots=True)
class Line:
    """How bad one box's line is; shares are of 1."""

    lost: float = 0.0
    """Requests that never arrive; and as many answers."""
    doubled: float = 0.0
    """Requests that arrive a second time, up to half a minute later."""
    slow_s: float = 0.0
    """What a call may take longer, each way."""
    cut: bool = False

    def mend(self) -> None:
        """From now on nothing is lost."""
        self.lost = self.doubled = self.slow_s = 0.0
        self.cut = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the office said."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Down(Exception):
    """Nobody listens there, or died over it."""


class Listener(Protocol):
    """The other end."""

    async def take(self, request: httpx2.Request, body: bytes) -> Answer:
        """Answer one request. Raises Down."""
        ...


class _Parts(httpx2.AsyncByteStream):
    """A body that comes in two parts; `cut`: of which only the first comes."""

    def __init__(self, body: bytes, *, cut: bool) -> None:
        half = len(body) // 2
        self._parts, self._cut = [body[:half], body[half:]], cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._parts[0]
        await asyncio.sleep(0)
        if self._cut:
            raise httpx2.ReadError("cut")
        yield self._parts[1]


class Transport(httpx2.AsyncBaseTransport):
    """One box's way to its office."""

    def __init__(self, line: Line, office: Listener, chance: Random) -> None:
        self.line, self._office, self._chance = line, office, chance
        self._echoes: dict[asyncio.Task[None], None] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        await self._travel()
        if self._is_lost():
            await asyncio.sleep(self._chance.random() * 12)
            raise httpx2.ConnectTimeout("lost", request=request)
        if self._chance.random() < self.line.doubled:
            echo = asyncio.get_running_loop().create_task(self._echo(request, body))
            self._echoes[echo] = None
            echo.add_done_callback(self._echoes.pop)
        try:
            answer = await self._office.take(request, body)
        except Down as error:
            raise httpx2.ConnectError("down", request=request) from error
        await self._travel()
        lost = self._is_lost()
        if lost and self._chance.random() < 0.7:
            await asyncio.sleep(self._chance.random() * 12)
            raise httpx2.ReadTimeout("lost", request=request)
        stream = _Parts(answer.body, cut=lost)
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream, request=request)

    def _is_lost(self) -> bool:
        return self.line.cut or self._chance.random() < self.line.lost

    async def _travel(self) -> None:
        await asyncio.sleep(0.001 + self._chance.random() * self.line.slow_s)

    async def _echo(self, request: httpx2.Request, body: bytes) -> None:
        """The same request once more, later, when others may have been there."""
        await asyncio.sleep(self._chance.random() * 30)
        try:
            await self._office.take(request, body)
        except Down:
            return
