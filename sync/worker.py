"""The sync process: both directions, and what it says about itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.clock import Clock
from gateway.domain.ports import DoorsPort, Feed
from gateway.domain.signals import LinkChanged, LinkState, StatusReported
from gateway.errors import JournalUnavailable, LinkError
from sync.confirmations import Confirmations
from sync.downlink import Downlink
from sync.link import OfficeLink
from sync.office_client import OfficeClient
from sync.ports import EventSource, ListStore
from sync.revocations import RevocationsDown
from sync.trust import Trust
from sync.uplink import Uplink

log = logging.getLogger(__name__)

OFFICE = "office"
REPORT_EVERY_S = 1.0
"""Ten missed reports mean that this process hangs."""


async def run_sync(
    trust: Trust,
    client: OfficeClient,
    journal: EventSource,
    lists: ListStore,
    doors: DoorsPort,
    data: Path,
    clock: Clock,
    software: str,
) -> None:
    """Sync one site with its office until cancelled. Nothing from outside ends it."""
    link = OfficeLink()
    confirmations = Confirmations(journal, client, link, doors)
    uplink = Uplink(journal, lists, client, link, clock, software, doors, confirmations.delivered)
    revocations = RevocationsDown(trust, lists, client, doors)
    downlink = Downlink(trust, lists, client, link, doors, data)
    teller = _Teller(doors, link, uplink, downlink)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(uplink.run(), name="uplink")
            tasks.create_task(downlink.run(), name="downlink")
            tasks.create_task(revocations.run(), name="revocations")
            tasks.create_task(confirmations.run(), name="confirmations")
            tasks.create_task(teller.run(), name="status")
            tasks.create_task(_listen(doors.feed(), uplink, downlink, teller), name="feed")
    finally:
        await client.close()


async def report_no_office(doors: DoorsPort) -> None:
    """A site without an office: the process only says that it lives."""
    while True:
        await _send(doors, StatusReported("sync", {"office": None, "last_error": "no office"}))
        await asyncio.sleep(REPORT_EVERY_S)


async def _listen(feeds: AsyncIterator[Feed], uplink: Uplink, downlink: Downlink, teller: "_Teller") -> None:
    """The journal's wake-ups and the list in force, from the doors."""
    async for feed in feeds:
        downlink.follow(feed)
        if feed.row_id is not None:
            uplink.wake()
        if not feed.connected:
            teller.forget()


class _Teller:
    """Tells the doors the link's changes, once each, and the status every second."""

    def __init__(self, doors: DoorsPort, link: OfficeLink, uplink: Uplink, downlink: Downlink) -> None:
        self._doors, self._link, self._uplink, self._downlink = doors, link, uplink, downlink
        self._told: LinkState | None = None

    def forget(self) -> None:
        """The doors went away: the next ones know nothing of the link yet."""
        self._told = None

    async def run(self) -> None:
        while True:
            self._link.changed.clear()
            await self._tell_link()
            await _send(self._doors, StatusReported("sync", await self._values()))
            try:
                async with asyncio.timeout(REPORT_EVERY_S):
                    await self._link.changed.wait()
            except TimeoutError:
                continue

    async def _tell_link(self) -> None:
        state = self._link.state
        if state is not None and state is not self._told:
            detail = (self._link.last_error or "")[:200]
            if await _send(self._doors, LinkChanged(OFFICE, state, detail)):
                self._told = state

    async def _values(self) -> dict[str, str | int | float | bool | None]:
        state = self._link.state
        values: dict[str, str | int | float | bool | None] = {
            "office": None if state is None else state.value,
            "list_version": await asyncio.to_thread(self._downlink.version_in_force),
            "last_error": self._link.last_error,
            "refusal": self._link.refusal,
            "nonsense": self._link.nonsense,
        }
        acknowledged = self._uplink.acknowledged
        if acknowledged is not None:
            values |= {"office_epoch": acknowledged.epoch, "office_through": acknowledged.seq}
        try:
            backlog = await self._uplink.backlog()
        except JournalUnavailable as error:
            return values | {"last_error": str(error)[:200]}
        if backlog is None:
            return values
        return values | {"queue": backlog.queue, "oldest_age_s": backlog.oldest_age_s}


async def _send(doors: DoorsPort, signal: LinkChanged | StatusReported) -> bool:
    """Whether the doors have taken it."""
    try:
        reply = await doors.send(signal)
    except LinkError:
        log.debug("the doors process is away")
        return False
    return reply.accepted
