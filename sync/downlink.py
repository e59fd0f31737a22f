"""Lists down: waits for a newer one, makes it beside the old one, then tells the doors that it is ready."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from gateway.domain.list_update import ListChanges, PromisedList
from gateway.domain.ports import DoorsPort, Feed
from gateway.domain.signals import ListCurrent, ListReady, ListRefused, Signal
from gateway.errors import (
    LinkError,
    ListInvalid,
    ListTorn,
    ListUntrusted,
    OfficeRefusesBox,
    OfficeRejected,
    OfficeUnreachable,
)
from sync import list_wire as lw
from sync import wire
from sync.backoff import Backoff
from sync.link import Direction, OfficeLink
from sync.office_client import After, OfficeClient, OfficeLacks
from sync.ports import ListStore, PreparedList
from sync.trust import Trust
from sync.uplink import AUTHENTICATION_RETRY_S

log = logging.getLogger(__name__)

FAULTS_TOLD = 49
"""Faults of one list that go into the journal; the rest is a number, in the last of the fifty places that it has."""
TAKE_UP_S = 5.0
"""How long the doors may take to put a list in force before they are told again."""
TELL_AGAIN_MAX_S = 300.0
CURRENT_EVERY_S = 600.0
"""How often the doors hear that their list is the office's newest: they count its age in days.

The page says it in words: `ui.list_current`."""
FIRST_STATUS_S = 3.0
REFUSED_ASKED_S = 600.0
"""How long a refused list is not asked for: an office that was put back may have another one of its number."""

Coordinate: TypeAlias = tuple[int, int]
"""(generation, version): what is greater is newer."""


class Downlink:
    """Follows the office's lists for one site. `data` is the data directory, to which paths in signals are relative."""

    def __init__(
        self, trust: Trust, lists: ListStore, client: OfficeClient, link: OfficeLink, doors: DoorsPort, data: Path
    ) -> None:
        self._trust, self._lists, self._client = trust, lists, client
        self._link, self._doors, self._data = link, doors, data
        self._backoff = Backoff()
        self._told_by_doors: Coordinate | None = None
        self._doors_spoke = asyncio.Event()
        self._ready: ListReady | None = None
        self._signatures = lw.NO_NEWS
        """Of the list that waits for a second yes."""
        self._refused: Coordinate = (0, 0)
        self._refused_root = ""
        self._refused_due_s = 0.0
        """When it is asked for again; the loop's time."""
        self._superseded: Coordinate = (0, 0)
        """Of the manifest whose list the office did not have any more."""
        self._untrusted = ""
        """Why the last manifest was not believed: told once while it stays so."""
        self._announce = asyncio.Event()
        self._at_once = False
        """The next call is not to wait."""
        self._key_epoch = trust.key_epoch
        """Of the keys by which all that was believed."""
        self._current_due_s = 0.0
        """When the doors are to hear again that their list is the newest; the loop's time."""

    def follow(self, feed: Feed) -> None:
        """Take what the doors say: the list that is in force there, or that they have started again."""
        if feed.status is not None and "list" in feed.status:
            listed = feed.status["list"]
            told = (0, 0) if listed is None else (int(listed.get("generation", 0)), int(listed["version"]))
            self._told_by_doors = told
            self._doors_spoke.set()
        elif not feed.connected:
            self._told_by_doors, self._current_due_s = None, 0.0
            self._announce.set()

    def version_in_force(self) -> int:
        """What the doors say; while they are away, what they will start with."""
        return self._in_force()[1]

    def _in_force(self) -> Coordinate:
        return self._lists.in_force() if self._told_by_doors is None else self._told_by_doors

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
            except OfficeRefusesBox as error:
                least_s = AUTHENTICATION_RETRY_S
                self._link.bad(Direction.DOWN, str(error), refusal=error.code)
            except OSError as error:
                log.error("the list can't be stored: %s", error)
            self._current_due_s = 0.0
            await asyncio.sleep(self._backoff.next_s(least_s))

    async def _next_list(self) -> None:
        self._keys_changed()
        in_force = await asyncio.to_thread(self._in_force)
        ready = (0, 0) if self._ready is None else (self._ready.generation, self._ready.version)
        refused = self._refused if asyncio.get_running_loop().time() < self._refused_due_s else (0, 0)
        generation, version = max(in_force, ready, refused)
        signatures = self._signatures if ready == (generation, version) else lw.NO_NEWS
        keys = self._trust.key_epoch if self._trust.signed else lw.NO_NEWS
        # After a failure the first answer is wanted at once: it says that the office is back.
        wait_s = 0.0 if self._at_once or not self._link.works(Direction.DOWN) else wire.WAIT_S
        self._at_once = False
        manifest = await self._client.manifest(After(generation, version, signatures, keys), wait_s)
        if manifest is not None:
            try:
                await self._take(manifest, (generation, version))
            except ListUntrusted as error:
                if error.faults[0] != self._untrusted:
                    self._untrusted = error.faults[0]
                    await self._tell_refused(manifest.version, error)
                raise OfficeRejected(f"list {manifest.version} is not believed: {error}") from error
        elif (generation, version) == in_force:
            await self._say_current(in_force)
        self._untrusted = ""
        self._link.good(Direction.DOWN)

    async def _say_current(self, in_force: Coordinate) -> None:
        """The office has nothing newer than what is in force: the doors count the list's age from now."""
        now_s = asyncio.get_running_loop().time()
        if in_force == (0, 0) or now_s < self._current_due_s:
            return
        try:
            reply = await self._doors.send(ListCurrent(in_force[1], in_force[0]))
        except LinkError:
            return  # the next answer of the office says it again
        if reply.accepted:
            self._current_due_s = now_s + CURRENT_EVERY_S

    async def _take(self, manifest: lw.Manifest, after: Coordinate) -> None:
        await take_keys(self._trust, self._client, manifest.key_epoch)
        fresh_keys = self._keys_changed()
        enough = self._trust.judge(manifest, after[0])
        coordinate = (manifest.generation, manifest.version)
        ready = self._ready
        if ready is not None and coordinate == (ready.generation, ready.version) and ready.guards:
            self._signatures = len(manifest.signatures)
            if enough:
                self._say_ready(replace(ready, guards=()))
            return
        if coordinate <= after:
            if not fresh_keys:
                raise ListUntrusted(
                    (f"$: list {manifest.version} was offered after {after[1]}",),
                    "the office answers what wasn't asked: is it of another version?",
                )
            return
        if (coordinate, manifest.root) == (self._refused, self._refused_root):
            self._refused_due_s = asyncio.get_running_loop().time() + REFUSED_ASKED_S
            return
        try:
            prepared = await self._fetch(manifest)
        except ListTorn as error:
            raise ListUntrusted(error.faults, error.remedy) from error
        except ListInvalid as error:
            await self._tell_refused(manifest.version, error)
            self._refused, self._refused_root = coordinate, manifest.root
            self._refused_due_s = asyncio.get_running_loop().time() + REFUSED_ASKED_S
            return
        except OfficeLacks as error:
            self._be_superseded(coordinate, error)
            return  # The office has a newer one by now: it is asked again.
        if self._keys_changed():
            return  # By keys that count no more: the office has signed its newest list anew.
        await asyncio.to_thread(self._trust.keep_list, manifest)
        self._signatures = len(manifest.signatures)
        guards = () if enough else prepared.guards
        path = prepared.path.relative_to(self._data).as_posix()
        self._say_ready(
            ListReady(prepared.version, path, prepared.digest, prepared.credentials, prepared.generation, guards)
        )

    def _keys_changed(self) -> bool:
        """Whether a later key set is in use than before, be it that revocations have brought it.

        What the keys of before have brought may be a thief's then: it is asked for anew, and at once.
        """
        before, self._key_epoch = self._key_epoch, self._trust.key_epoch
        if before == self._key_epoch:
            return False
        self._ready, self._refused, self._at_once = None, (0, 0), True
        return True

    def _be_superseded(self, coordinate: Coordinate, error: OfficeLacks) -> None:
        """Raises OfficeRejected where that is no reason to ask again at once: an office that says so of its newest."""
        if not error.superseded:
            raise error
        if coordinate == self._superseded:
            words = f"list {coordinate[1]} is offered, and then said to be {error.code}: mend the office"
            raise OfficeRejected(words) from error
        self._superseded = coordinate

    def _say_ready(self, ready: ListReady) -> None:
        if ready.guards:
            log.warning(
                "list %d waits for a second yes (%s): a supervisor's at the console, or another key's signature at the"
                " office; meanwhile the old one stays",
                *(ready.version, ", ".join(f"{each.guard.value}: {each.count}" for each in ready.guards)),
            )
        self._ready = ready
        self._announce.set()

    async def _fetch(self, manifest: lw.Manifest) -> PreparedList:
        """The list of a manifest by the least that has to come.

        Raises ListTorn when no way brings what was promised, OfficeLacks where the office has a newer one by now.
        """
        promised = PromisedList(
            manifest.site,
            manifest.generation,
            manifest.version,
            manifest.issued_at,
            manifest.count,
            bytes.fromhex(manifest.root),
        )
        start = await asyncio.to_thread(self._lists.starts_from)
        if start is not None:
            for way in (self._by_changes, self._by_buckets):
                try:
                    prepared = await way(promised, start[1])
                except ListTorn as error:
                    log.warning("list %d, %s: %s", promised.version, way.__name__.strip("_"), error)
                    continue
                if prepared is not None:
                    return prepared
        raw = await self._client.list(promised.version)
        return await asyncio.to_thread(self._lists.prepare_whole, raw, promised)

    async def _by_changes(self, promised: PromisedList, since: int) -> PreparedList | None:
        found = await self._client.changes(promised.version, since) if since < promised.version else None
        if found is None:
            return None
        return await asyncio.to_thread(self._lists.prepare_changed, _list_changes(found), promised)

    async def _by_buckets(self, promised: PromisedList, since: int) -> PreparedList | None:
        """Only the buckets that are different, whatever was here before."""
        digests = await self._client.digests(promised.version)
        if digests is None:
            return None
        buckets = bytes.fromhex(digests.buckets)
        if lw.root_of(bytes.fromhex(digests.rules), buckets) != promised.root.hex():
            raise ListTorn(("$: the digests of its buckets are not those of the manifest",))
        wanted = await asyncio.to_thread(self._lists.differing, buckets)
        if len(wanted) > lw.BUCKETS_ASKED:
            return None
        found = await self._client.buckets(promised.version, wanted) if wanted else None
        if wanted and found is None:
            return None
        there = ListChanges() if found is None else _list_changes(found)
        changes = await asyncio.to_thread(self._lists.repair, frozenset(wanted), there)
        return await asyncio.to_thread(self._lists.prepare_changed, changes, promised)

    async def _tell_refused(self, version: int, refused: ListInvalid) -> None:
        """Tell of a list that is refused; the old one stays. A doors process that is away is waited for."""
        faults = refused.faults
        words = "list %d is refused, the old one stays; faults: %d, the first: %s; what to do: %s"
        log.error(words, version, len(faults), faults[0] if faults else "", refused.remedy)
        more = (f"and {len(faults) - FAULTS_TOLD} more",) if len(faults) > FAULTS_TOLD else ()
        await insist(self._doors, ListRefused(version, faults[:FAULTS_TOLD] + more))

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
        newer = await asyncio.to_thread(self._in_force) < (ready.generation, ready.version)
        if not newer or not await asyncio.to_thread((self._data / ready.path).exists):
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


def _list_changes(found: lw.Changes | lw.Buckets) -> ListChanges:
    rules = None if found.rules is None else {name: bytes(text) for name, text in found.rules.items()}
    people, cards = tuple(map(bytes, found.cardholders)), tuple(map(bytes, found.credentials))
    if isinstance(found, lw.Buckets):
        return ListChanges(rules, people, cards)
    return ListChanges(rules, people, cards, found.gone_cardholders, found.gone_credentials)


async def take_keys(trust: Trust, client: OfficeClient, epoch: int) -> None:
    """Ask for the key set that something of a later epoch is signed by. Raises ListUntrusted."""
    if trust.lacks_keys_of(epoch) and (keys := await client.keys()) is not None:
        await asyncio.to_thread(trust.take_keys, keys)


async def insist(doors: DoorsPort, signal: Signal) -> None:
    """Send a signal until the doors have taken it."""
    while True:
        try:
            reply = await doors.send(signal)
        except LinkError:
            await asyncio.sleep(1.0)
            continue
        if reply.accepted:
            return
        log.warning("the doors did not take %s: %s", type(signal).__name__, reply.reason)
        await asyncio.sleep(1.0)
