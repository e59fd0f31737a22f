"""The simulators' control socket: one JSON object a line in, one a line out, on a Unix socket of mode 0600."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulators.client import NoAnswer, Request, ask, short_address

Answer = dict[str, Any]
Obey = Callable[[Request], Awaitable[Answer]]

MAX_REQUEST = 64 * 1024
"""Bytes of one line; the longest sensible one is a burst of noise in hex."""


class Refused(Exception):
    """The request makes no sense here; the text tells a person why."""


@asynccontextmanager
async def control_socket(path: Path, obey: Obey) -> AsyncIterator[None]:
    """Serve `path` while the block runs; a Refused becomes `{"ok": false, "error": …}`."""
    _clear(path)
    talking: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(writer)
        try:
            await _converse(reader, writer, obey)
        except ConnectionError:
            return
        finally:
            talking.discard(writer)
            writer.close()

    with short_address(path) as address:
        server = await asyncio.start_unix_server(serve, address, limit=MAX_REQUEST)
    os.chmod(path, 0o600)
    try:
        yield
    finally:
        server.close()
        for writer in list(talking):
            writer.close()
        _clear(path)


def _clear(path: Path) -> None:
    """Make room for a socket: its folder there, an old one gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


async def pass_on(path: Path, request: Request, who: str) -> Answer:
    """Send a request to another simulator's control socket. Raises Refused when it isn't there."""
    try:
        return await asyncio.to_thread(ask, path, request)
    except NoAnswer as problem:
        raise Refused(f"{who} does not answer ({problem})") from problem


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, obey: Obey) -> None:
    while True:
        try:
            line = await reader.readline()
        except ValueError:
            writer.write(_line({"ok": False, "error": f"a request has at most {MAX_REQUEST} bytes"}))
            await writer.drain()
            return
        if not line.endswith(b"\n"):
            return
        writer.write(_line(await _answer(line, obey)))
        await writer.drain()


async def _answer(line: bytes, obey: Obey) -> Answer:
    try:
        request = json.loads(line)
    except ValueError:
        return {"ok": False, "error": "a request is one JSON object on one line"}
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        return {"ok": False, "error": 'a request is a JSON object with "do"'}
    try:
        return await obey(request)
    except Refused as refusal:
        return {"ok": False, "error": str(refusal)}


def _line(answer: Answer) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"
