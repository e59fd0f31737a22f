"""Lists down: wait for a newer one, fetch, judge, compile beside the old one, then tell the doors process that it is ready."""

import asyncio
from pathlib import Path

from gateway.domain.ports import DoorsPort
from gateway.domain.signals import ListReady, ListRefused, Signal
from gateway.errors import LinkError, ListInvalid, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import Backoff
from sync.link import OfficeLink
from sync.office_client import OfficeClient
from sync.ports import ListStore, PreparedList

_FAULTS_TOLD = 20
"""Faults that go into the signal; the office has the list and can find the rest."""


class Downlink:
    """Fetches lists. `version` is the newest one that was handed over; a refused version is remembered and not asked for again."""

    def __init__(
        self,
        client: OfficeClient,
        lists: ListStore,
        doors: DoorsPort,
        link: OfficeLink,
        *,
        site: str,
        data: Path,
        retry_last_s: float = 30.0,
    ) -> None:
        self._client, self._lists, self._doors, self._link = client, lists, doors, link
        self._site, self._data = site, data
        self._backoff = Backoff(last_s=retry_last_s)
        self._refused: set[int] = set()
        self._seen = 0
        self.version = 0

    async def run(self) -> None:
        """Run for ever; survives whatever the office answers."""
        self.version = self._seen = await asyncio.to_thread(self._lists.version_in_force)
        while True:
            try:
                await self._once()
                self._backoff.succeeded()
                continue
            except OfficeUnreachable as error:
                self._link.lost(str(error))
                delay_s = self._backoff.failed(error.retry_after_s)
            except OfficeRejected as error:
                self._link.rejected(str(error))
                delay_s = self._backoff.failed()
            except OSError as error:  # no room for the compiled list
                self._link.values["last_error"] = f"list not stored: {error}"[:200]
                delay_s = self._backoff.failed()
            await asyncio.sleep(delay_s)

    async def _once(self) -> None:
        manifest = await self._client.manifest(self._seen)
        if manifest is None:
            return
        if manifest.site != self._site or manifest.version <= self._seen:
            older = f"$.version: {manifest.version} of {manifest.site!r} offered after {self._seen} of {self._site!r}"
            await self._refuse(manifest.version, (older,))
            raise OfficeRejected(older)
        raw = await self._client.fetch_list(manifest)
        try:
            prepared = await asyncio.to_thread(self._prepare, raw, manifest)
        except ListInvalid as error:
            await self._refuse(manifest.version, error.faults)
        else:
            path = prepared.path.relative_to(self._data).as_posix()
            await self._deliver(ListReady(prepared.version, path, prepared.digest, prepared.credentials))
            self.version = prepared.version
        self._seen = manifest.version

    def _prepare(self, raw: bytes, manifest: wire.Manifest) -> PreparedList:
        prepared = self._lists.prepare(raw, self._site, self.version)
        if prepared.version != manifest.version:
            raise ListInvalid((f"$.version: {prepared.version} came as {manifest.version}",))
        return prepared

    async def _refuse(self, version: int, faults: tuple[str, ...]) -> None:
        """Tell a refusal once for each version."""
        if version not in self._refused:
            if len(self._refused) >= 1000:  # an office that counts through rubbish must not fill the memory
                self._refused.clear()
            self._refused.add(version)
            await self._deliver(ListRefused(version, faults[:_FAULTS_TOLD]))

    async def _deliver(self, signal: Signal) -> None:
        """Send until the doors process has taken it."""
        while True:
            try:
                await self._doors.send(signal)
            except LinkError:
                await asyncio.sleep(0.5)
            else:
                return
