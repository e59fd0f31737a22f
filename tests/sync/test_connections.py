"""Facts about who reaches the office and shows no token: silence, drips and endless heads take it from nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import repeat
from pathlib import Path

import pytest

from sync.office.connections import HEAD_BYTES
from sync.office_client import After
from tests.sync.site import ADMIN_TOKEN, SITE, Office, a_client, a_list

IMPATIENT = """
import sys
from sync.office import connections
connections.HEAD_S = 0.6
from sync.office.__main__ import main
sys.exit(main())
"""
HELLO = f"POST /v1/sites/{SITE}/hello HTTP/1.1\r\nHost: office\r\n"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Office(tmp_path / "office", run=("-c", IMPATIENT)) as running:
        yield running


async def _said(office: Office, *parts: bytes, every_s: float = 0.1) -> bytes:
    """What comes back until the office ends the connection, while this is sent piece by piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.port)

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every_s)

    sending = asyncio.create_task(send())
    said = b""
    try:
        async with asyncio.timeout(20):
            while part := await reader.read(1 << 16):
                said += part
    except ConnectionError:  # what was still on its way to it
        pass
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
    return said


DRIPS = list(repeat(b"a", 200))


async def test_who_is_silent_or_drips_is_let_go(office: Office) -> None:
    begun = time.monotonic()
    body = f"{HELLO}Content-Length: 1000\r\n\r\n".encode()
    silence, head, second_head, refused_body = await asyncio.gather(
        _said(office),
        _said(office, b"GET /v1/ HTTP/1.1\r\nX: ", *DRIPS),
        _said(office, b"GET /v1/ HTTP/1.1\r\n\r\n", b"GET /v1/ HTTP/1.1\r\nX: ", *DRIPS),
        _said(office, body, *DRIPS),
    )
    assert (silence, head) == (b"", b"")
    assert second_head.startswith(b"HTTP/1.1 404")
    assert refused_body.startswith(b"HTTP/1.1 401")
    assert time.monotonic() - begun < 15, "long before all was sent"


async def test_a_head_without_an_end_is_read_no_further_than_its_bound(office: Office) -> None:
    said = await _said(office, b"GET /v1/ HTTP/1.1\r\nX: ", *repeat(b"a" * HEAD_BYTES, 100), every_s=0)
    assert said == b"" or said.startswith(b"HTTP/1.1 400"), "or what was sent behind it has reset the connection"
    assert (await office.ask("GET", "/admin/v1/sites")).status_code == 200


async def test_who_waits_for_news_or_sends_a_body_slowly_is_not_let_go(office: Office) -> None:
    client = a_client(office.url)
    begun = time.monotonic()
    assert await client.manifest(After(), 1.5) is None
    assert time.monotonic() - begun > 1.4
    await client.close()
    await office.admin("PUT", "list", a_list())
    body = b'{"id": "p-9"}'
    head = f"POST /admin/v1/sites/{SITE}/cardholders HTTP/1.1\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n"
    pieces = [f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode(), body[:5], body[5:]]
    assert b'{"version":2}' in await _said(office, *pieces, every_s=0.8)
