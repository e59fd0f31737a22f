"""Revocations down: small, signed, and on a line of their own, so that no large list is before them."""

import asyncio
import logging

from gateway.domain.ports import DoorsPort
from gateway.domain.signals import ListRefused, OfficeRevoked, RevokedCredential
from gateway.errors import AuthenticationFailed, ListUntrusted, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import Backoff
from sync.downlink import insist, take_keys
from sync.office_client import OfficeClient
from sync.ports import ListStore
from sync.trust import Trust
from sync.uplink import AUTHENTICATION_RETRY_S

log = logging.getLogger(__name__)

REVOKED_AT_ONCE = 50
"""Of one signal: the doors' socket takes lines of 64 kB, and an id may be 200 characters of six bytes each."""


class RevocationsDown:
    """Has the doors refuse what the office revokes, until a list says so too."""

    def __init__(self, trust: Trust, lists: ListStore, client: OfficeClient, doors: DoorsPort) -> None:
        self._trust, self._lists, self._client, self._doors = trust, lists, client, doors
        self._backoff = Backoff()
        self._untrusted = ""

    async def run(self) -> None:
        """Follow the office until cancelled. What is wrong with the line is told by the lists' side."""
        wait_s = 0.0
        while True:
            least_s: float | None = None
            try:
                await self._next(wait_s)
                wait_s = wire.WAIT_S
                self._backoff.reset()
                continue
            except OfficeUnreachable as error:
                least_s = error.retry_after_s
            except AuthenticationFailed:
                least_s = AUTHENTICATION_RETRY_S
            except OfficeRejected as error:
                log.debug("revocations: %s", error)
            except ListUntrusted as error:
                await self._refuse(error)
            except OSError as error:
                log.error("that revocations were taken up can't be stored: %s", error)
            wait_s = 0.0
            await asyncio.sleep(self._backoff.next_s(least_s))

    async def _next(self, wait_s: float) -> None:
        found = await self._client.revocations(self._trust.sequence, wait_s)
        if found is None:
            return
        await take_keys(self._trust, self._client, found.key_epoch)
        enough = self._trust.judge_revocations(found)
        in_force = await asyncio.to_thread(self._lists.in_force)
        standing = self._trust.standing(found.revoked, in_force)
        if len(standing) > self._lists.removed_most() and not enough:
            raise ListUntrusted(
                (f"$: {len(standing)} revocations that no list has want a second signature",),
                "what was meant comes with the list, which waits for a second yes; revoke fewer before it is in force",
            )
        # Also what the list in force has taken up: should its file be damaged, the one before stands in. The newest are
        # told first; the doors pass over what they know.
        newest_first = sorted(found.revoked, key=lambda each: (each.generation, each.version), reverse=True)
        revoked = tuple(RevokedCredential(each.credential, each.generation, each.version) for each in newest_first)
        for at in range(0, len(revoked), REVOKED_AT_ONCE):
            await insist(self._doors, OfficeRevoked(found.sequence, revoked[at : at + REVOKED_AT_ONCE]))
        await asyncio.to_thread(self._trust.keep_revocations, found, standing)
        self._untrusted = ""

    async def _refuse(self, error: ListUntrusted) -> None:
        """Told once while it stays so."""
        if error.faults[0] != self._untrusted:
            self._untrusted = error.faults[0]
            log.error("revocations are refused: %s; what to do: %s", error, error.remedy)
            await insist(self._doors, ListRefused(None, error.faults))
