"""Somebody on the line between gateway and office, who changes what the office answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from sync import wire

Change = Callable[[str, int, bytes], tuple[int, bytes]]
"""(path with query, status, body) -> status and body."""


def as_it_is(_path: str, status: int, body: bytes) -> tuple[int, bytes]:
    """Changes nothing."""
    return status, body


@dataclass(frozen=True)
class Exchange:
    """What was asked and what the office answered to it, as it was."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes


@dataclass
class Between:
    """Its url is the office's to the gateway. `asked` are the paths of what was asked, without the query."""

    url: str = ""
    change: Change = as_it_is
    asked: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """Endings of paths whose answers don't come while they stand here."""


@asynccontextmanager
async def between(office_url: str) -> AsyncIterator[Between]:
    """Runs until the block ends."""
    line = Between()
    async with httpx2.AsyncClient(trust_env=False, timeout=40) as http:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split("\r\n")[0].split(" ")
                given = dict(each.split(": ", 1) for each in head.split("\r\n")[1:] if ": " in each)
                headers = {name.casefold(): value for name, value in given.items()}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                line.asked.append(path.partition("?")[0].split("/", 4)[-1])
                kept = {name: headers[name] for name in headers if name not in ("host", "connection", "content-length")}
                answer = await http.request(method, office_url + path, content=body, headers=kept)
                line.exchanges.append(Exchange(method, path, headers, body, answer.status_code, answer.content))
                while any(path.partition("?")[0].endswith(ending) for ending in line.held):
                    await asyncio.sleep(0.05)
                status, content = line.change(path, answer.status_code, answer.content)
                nonce = f"{wire.NONCE}: {answer.headers.get(wire.NONCE, '')}\r\nConnection: close\r\n\r\n"
                said = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(content)}\r\n{nonce}"
                if status == 204:
                    said, content = f"HTTP/1.1 204 No Content\r\n{nonce}", b""
                writer.write(said.encode() + content)
                await writer.drain()
            except (OSError, asyncio.IncompleteReadError, httpx2.HTTPError):
                pass
            finally:
                writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield line
