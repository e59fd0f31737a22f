"""Facts about the end of the signal socket: clients that are still there when the doors process stops."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.doors_client import DoorsClient
from gateway.doors_socket import DoorsSocket
from gateway.inbox import Inbox
from gateway.status import StatusHub
from tests.waiting import wait_until_async


def _socket(tmp_path: Path) -> DoorsSocket:
    return DoorsSocket(tmp_path / "doors.sock", Inbox(), StatusHub(dict), {}, lambda signal: None)


def test_a_stop_with_clients_connected_complains_of_nothing(tmp_path: Path) -> None:
    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        serving = asyncio.create_task(_socket(tmp_path).run())
        await wait_until_async((tmp_path / "doors.sock").exists)
        for _ in range(3):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / "doors.sock"))
            writer.write(b'{"hello": "console"}\n{"follow": true}\n')
            await writer.drain()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(run())
    assert complaints == []


async def test_a_client_sees_the_stop_at_once(tmp_path: Path) -> None:
    serving = asyncio.create_task(_socket(tmp_path).run())
    client = DoorsClient(tmp_path / "doors.sock", "console")
    calling = asyncio.create_task(client.run())
    await asyncio.wait_for(_told(client, connected=True), 5)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await asyncio.wait_for(_told(client, connected=False), 5)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)


async def _told(client: DoorsClient, *, connected: bool) -> None:
    async for feed in client.feed():
        if feed.connected is connected:
            return
