"""Lists down: waits for a newer one, compiles it beside the old one, then tells the doors that it is ready."""

import asyncio
import logging
from pathlib import Path

from gateway.domain.ports import DoorsPort, Feed
from gateway.domain.signals import ListReady, ListRefused
from gateway.errors import AuthenticationFailed, LinkError, ListInvalid, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import Backoff
from sync.link import Direction, OfficeLink
from sync.office_client import OfficeClient
from sync.ports import ListStore
from sync.uplink import AUTHENTICATION_RETRY_S

log = logging.getLogger(__name__)

FAULTS_TOLD = 49
"""Faults of one list that go into the journal; the rest is a number, in the last of the fifty places that it has."""
TAKE_UP_S = 5.0
"""How long the doors may take to put a list in force before they are told again."""
TELL_AGAIN_MAX_S = 300.0
FIRST_STATUS_S = 3.0


class Downlink:
    """Follows the office's lists for one site. `data` is the data directory, to which paths in signals are relative."""

    def __init__(
        self, site: str, lists: ListStore, client: OfficeClient, link: OfficeLink, doors: DoorsPort, data: Path
    ) -> None:
        self._site, self._lists, self._client = site, lists, client
        self._link, self._doors, self._data = link, doors, data
        self._backoff = Backoff()
        self._told_by_doors: int | None = None
        self._doors_spoke = asyncio.Event()
        self._ready: ListReady | None = None
        self._refused = 0
        self._announce = asyncio.Event()

    def follow(self, feed: Feed) -> None:
        """Take what the doors say: the list that is in force there, or that they have started again."""
        if feed.status is not None and "list" in feed.status:
            listed = feed.status["list"]
            self._told_by_doors = 0 if listed is None else int(listed["version"])
            self._doors_spoke.set()
        elif not feed.connected:
            self._told_by_doors = None
            self._announce.set()

    def version_in_force(self) -> int:
        """What the doors say; while they are away, what they will start with."""
        return self._lists.version_in_force() if self._told_by_doors is None else self._told_by_doors

    async def run(self) -> None:
        """Follow the office until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_office())
            tasks.create_task(self._tell_doors())

    async def _follow_office(self) -> None:
        try:
            async with asyncio.timeout(FIRST_STATUS_S):
                await self._doors_spoke.wait()
        except TimeoutError:
            log.info("the doors are away: going by the list that they will start with")
        while True:
            least_s: float | None = None
            try:
                await self._next_list()
                self._backoff.reset()
                continue
            except OfficeUnreachable as error:
                least_s = error.retry_after_s
                self._link.bad(Direction.DOWN, str(error))
            except OfficeRejected as error:
                self._link.bad(Direction.DOWN, str(error), nonsense=True)
            except AuthenticationFailed as error:
                least_s = AUTHENTICATION_RETRY_S
                self._link.bad(Direction.DOWN, str(error))
            except OSError as error:
                log.error("the list can't be stored: %s", error)
            await asyncio.sleep(self._backoff.next_s(least_s))

    async def _next_list(self) -> None:
        in_force = await asyncio.to_thread(self.version_in_force)
        ready = 0 if self._ready is None else self._ready.version
        after = max(in_force, ready, self._refused)
        # After a failure the first answer is wanted at once: it says that the office is back.
        wait_s = wire.WAIT_S if self._link.works(Direction.DOWN) else 0.0
        manifest = await self._client.manifest(after, wait_s)
        if manifest is not None:
            await self._take(manifest, after, in_force)
        self._link.good(Direction.DOWN)

    async def _take(self, manifest: wire.Manifest, after: int, in_force: int) -> None:
        if manifest.site != self._site or manifest.version <= after:
            raise OfficeRejected(f"list {manifest.version} of {manifest.site!r} was offered after {after}")
        raw = await self._client.list(manifest)
        try:
            prepared = await asyncio.to_thread(self._lists.prepare, raw, self._site, in_force)
            if prepared.version != manifest.version:
                raise ListInvalid((f"$.version: is {prepared.version}, the manifest says {manifest.version}",))
        except ListInvalid as error:
            await self._refuse(manifest.version, error.faults)
            return
        path = prepared.path.relative_to(self._data).as_posix()
        self._ready = ListReady(prepared.version, path, prepared.digest, prepared.credentials)
        self._announce.set()

    async def _refuse(self, version: int, faults: tuple[str, ...]) -> None:
        """Tell once for each version; the old list stays. A doors process that is away is waited for."""
        first = faults[0] if faults else ""
        log.error("list %d is refused for %d faults, the old one stays; the first: %s", version, len(faults), first)
        more = (f"and {len(faults) - FAULTS_TOLD} more",) if len(faults) > FAULTS_TOLD else ()
        signal = ListRefused(version, faults[:FAULTS_TOLD] + more)
        while True:
            try:
                reply = await self._doors.send(signal)
            except LinkError:
                await asyncio.sleep(1.0)
                continue
            if reply.accepted:
                break
            log.warning("the doors did not take the refusal of list %d: %s", version, reply.reason)
            await asyncio.sleep(1.0)
        self._refused = max(self._refused, version)

    async def _tell_doors(self) -> None:
        """Say that the newest prepared list is ready until the doors have it in force."""
        pause_s = TAKE_UP_S
        while True:
            self._announce.clear()
            ready = self._ready
            wait_s: float | None = None
            if ready is not None:
                wait_s = await self._tell(ready, pause_s)
                pause_s = min(pause_s * 2, TELL_AGAIN_MAX_S)
            if wait_s is None:
                pause_s = TAKE_UP_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._announce.wait()
                pause_s = TAKE_UP_S
            except TimeoutError:
                continue

    async def _tell(self, ready: ListReady, pause_s: float) -> float | None:
        """Tell it once; the seconds until it must be told again, None when it need not be."""
        if await asyncio.to_thread(self.version_in_force) >= ready.version or not await asyncio.to_thread(
            (self._data / ready.path).exists
        ):
            self._ready = None if self._ready is ready else self._ready
            return None
        try:
            reply = await self._doors.send(ready)
        except LinkError:
            return 1.0
        if not reply.accepted:
            log.warning("the doors did not take list %d: %s", ready.version, reply.reason)
            return 1.0 if reply.reason == "InboxFull" else pause_s
        return pause_s
