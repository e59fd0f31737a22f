"""The doors process knows whether anybody is at a console: by the pages that the console says are live."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.signals import StatusReported
from gateway.doors_client import DoorsClient
from tests.journeys.doors_process import DoorsProcess


async def _until_watched(client: DoorsClient, watched: bool) -> None:
    async for feed in client.feed():
        if feed.connected and (feed.status or {}).get("watched") is watched:
            return


@pytest.mark.timeout(60)
async def test_console_is_watched_while_it_has_live_pages(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [])
    site.start()
    client = DoorsClient(tmp_path / "run" / "doors.sock", "console")
    calling = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(30):
            await _until_watched(client, False)
            for pages in (1, 0):
                await client.send(StatusReported("console", {"pages": pages}), timeout_s=5.0)
                await _until_watched(client, bool(pages))
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        site.stop()
