import asyncio
import contextlib
import json

import pytest
import websockets

from tests.gateway.console.site_at_work import SiteAtWork


async def test_pictures_come_as_they_are_until_the_worker_sends_something_else(site: SiteAtWork) -> None:
    asked: list[dict[str, object]] = []
    pictures = [b"\xff\xd8one\xff\xd9", b"\xff\xd8two\xff\xd9"]
    seen = asyncio.Event()

    async def worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(json.loads(await reader.readline()))
        for picture in pictures:
            writer.write(len(picture).to_bytes(4, "big") + picture)
            await writer.drain()
            await seen.wait()
            seen.clear()
        writer.write((1 << 31).to_bytes(4, "big"))
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(worker, site.folder / "cameras.sock")
    client = await site.signed_in()
    headers = {"Cookie": f"{site.cookie}={client.cookies[site.cookie]}", "Origin": site.url}
    await client.aclose()
    url = f"ws://127.0.0.1:{site.port}/ws/camera"
    async with asyncio.timeout(10), websockets.connect(f"{url}/yard", additional_headers=headers) as socket:
        for picture in pictures:
            assert await socket.recv() == picture
            seen.set()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4503
    assert asked == [{"camera": "yard", "max_fps": 10}]
    async with websockets.connect(f"{url}/nowhere", additional_headers=headers) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    server.close()
