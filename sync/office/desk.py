"""What every route of the office works with: its memory, and who waits for it to change."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sync import wire
from sync.office.ledger import Ledger
from sync.office.nonces import Nonces
from sync.office.requests import refuse
from sync.office.signing import Signer

Result = TypeVar("Result")


class Desk:
    """The ledger on its own thread, and the gateways that wait for a list or an answer."""

    def __init__(self, path: Path, signer: Signer | None = None) -> None:
        self.path, self.signer, self.nonces = path, signer or Signer(), Nonces()
        # One thread: SQLite has one writer anyway, and no two requests see half of each other's work.
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._ledger = self._thread.submit(Ledger, path, self.signer).result()
        self._changed = asyncio.Event()
        self._ending = False
        self._judged_anew: dict[str, int] = {}
        """How often it has changed who speaks for a site."""

    async def do(self, work: Callable[[Ledger], Result]) -> Result:
        """Run `work` on the ledger's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._ledger)

    def wake(self) -> None:
        """There is a new list, or an answer."""
        self._changed.set()
        self._changed = asyncio.Event()

    def judge_anew(self, site: str) -> None:
        """Another device speaks for the site, or none: who waits in its name is let go, and judged at its next call."""
        self._judged_anew[site] = self._judged_anew.get(site, 0) + 1
        self.wake()

    def end(self) -> None:
        """Answer everybody who waits, so that the server can end."""
        self._ending = True
        self.wake()

    def close(self) -> None:
        """Close the ledger; later work would fail."""
        self._thread.submit(self._ledger.close).result()
        self._thread.shutdown()

    async def wait_for(self, site: str, look: Callable[[Ledger], Result | None], wait_s: float) -> Result | None:
        """What `look` finds as soon as it finds something; None when the time is over. The wait is bounded here."""
        deadline = asyncio.get_running_loop().time() + min(max(wait_s, 0.0), wire.WAIT_S)
        judged = self._judged_anew.get(site)
        while judged == self._judged_anew.get(site):
            changed = self._changed
            found = await self.do(look)
            left_s = deadline - asyncio.get_running_loop().time()
            if found is not None or left_s <= 0 or self._ending:
                return found
            try:
                async with asyncio.timeout(left_s):
                    await changed.wait()
            except TimeoutError:
                return None
        return None

    async def must_know(self, site: str) -> None:
        """Raises Refused (404) for a site that isn't this office's."""
        if not await self.do(lambda ledger: ledger.knows(site)):
            raise refuse(404, "unknown_site", f"there is no site {site!r} here")
