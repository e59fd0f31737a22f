"""The sync process: uplink and downlink side by side, woken by the doors process."""

import asyncio
from pathlib import Path

from gateway.clock import Clock
from gateway.domain.ports import DoorsPort
from sync.downlink import Downlink
from sync.link import OfficeLink
from sync.office_client import OfficeClient, OfficeSettings
from sync.ports import JournalSource, ListStore
from sync.uplink import Uplink


async def run_sync(
    settings: OfficeSettings,
    doors: DoorsPort,
    journal: JournalSource,
    lists: ListStore,
    clock: Clock,
    *,
    data: Path,
    software: str,
) -> None:
    """Keep the site and its office together until cancelled. Only a fault of our own ends it."""
    client = OfficeClient(settings, clock)
    link = OfficeLink(doors)
    last_s = settings.retry_last_s
    uplink = Uplink(
        client, journal, lists, link, clock, gateway=settings.site, software=software, retry_last_s=last_s
    )
    downlink = Downlink(client, lists, doors, link, site=settings.site, data=data, retry_last_s=last_s)

    async def refresh() -> None:
        queue, age_s = await uplink.backlog()
        link.values.update(queue=queue, oldest_age_s=round(age_s, 1), list_version=downlink.version)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(uplink.run())
            tasks.create_task(downlink.run())
            tasks.create_task(link.report(refresh))
            tasks.create_task(_listen(doors, uplink, link))
    finally:
        await client.close()


async def _listen(doors: DoorsPort, uplink: Uplink, link: OfficeLink) -> None:
    """Wake the uplink with the journal; tell a doors process that came back."""
    connected = True
    async for feed in doors.feed():
        if feed.connected and not connected:
            link.doors_returned()
        connected = feed.connected
        if feed.row_id is not None:
            uplink.wake()
