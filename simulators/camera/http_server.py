"""HTTP/1.1 as a camera speaks it: small requests, kept-alive connections, every length bounded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_log = logging.getLogger(__name__)

_MAX_HEAD = 16384
"""More than any client's headers."""
_MAX_BODY = 256 << 10
"""SOAP requests to a camera take a few kB."""
_MAX_CONNECTIONS = 64
"""Several clients with a connection for each service; more is a flood."""
_IDLE_S = 120.0
"""Longer than the longest pull; then the connection is closed."""

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower case. `local_host` is the address that the client reached."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    local_host: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, body and its type, and further headers."""

    status: int
    body: bytes = b""
    content_type: str = "application/soap+xml; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def write(self) -> bytes:
        """As bytes."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", f"Content-Length: {len(self.body)}"]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class BadRequest(Exception):
    """What came is no request that we take; `status` says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class HttpServer:
    """Hands requests to `answer`, one after the other on each connection."""

    def __init__(self, host: str, answer: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self._host = host
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, self._host, port, limit=_MAX_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def resume(self) -> None:
        """Listen again at the same port."""
        if self._server is None:
            await self.start(self.port)

    def cut(self) -> None:
        """Break every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """End, also pulls that wait."""
        self.stop_listening()
        for talk in self._talks:
            talk.cancel()
        if self._talks:
            await asyncio.wait(self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        self._writers.add(writer)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError) as error:
            _log.debug("http connection ended: %r", error)
        except BadRequest as error:
            writer.write(HttpResponse(error.status, headers=(("Connection", "close"),)).write())
        except asyncio.CancelledError:
            # By close() alone: this task is the connection's own, nobody waits for its result.
            _log.debug("http connection ended by closing")
        finally:
            self._talks.discard(talk)
            self._writers.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        local_host = writer.get_extra_info("sockname")[0]
        while True:
            async with asyncio.timeout(_IDLE_S):
                request = await _read_request(reader, writer, local_host)
            if request is None:
                return
            response = await self._answer(request)
            writer.write(response.write())
            await writer.drain()
            if request.headers.get("connection", "").lower() == "close":
                return


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, local_host: str
) -> HttpRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest(413, "head too long") from error
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    method, path, headers = parse_head(head)
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or len(length) > 9:
        raise BadRequest(400, "length unknown")
    if int(length) > _MAX_BODY:
        raise BadRequest(413, "body too long")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return HttpRequest(method, path, headers, await reader.readexactly(int(length)), local_host)


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers. Raises BadRequest."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400, "no request line")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(400, "no header")
        headers[name.strip().lower()] = value.strip()
    return parts[0], parts[1].partition("?")[0], headers
