"""Signals on their way to the doors process: kept in order, bounded, over its restarts."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from gateway.domain.ports import DoorsPort
from gateway.domain.signals import Signal, StatusReported
from gateway.errors import LinkError

WAITING_MOST = 512
"""Several hours of observations of a busy site; when it is full the oldest goes, so that ends outlive their starts."""
RETRY_S = (0.25, 5.0)
STATUS_S = 1.0
"""A status that can't be delivered in this time is worth nothing."""


class Outbox:
    """Sends signals one after another; waits and tries again while the doors process can't be reached.

    `taken` is told each signal that the doors process has accepted.
    """

    def __init__(self, doors: DoorsPort, taken: Callable[[Signal], None] | None = None) -> None:
        self._doors, self._taken = doors, taken
        self._waiting: deque[Signal] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.dropped = 0
        self.refused = 0

    def put(self, signal: Signal) -> None:
        """Queue a signal; never blocks."""
        if len(self._waiting) >= WAITING_MOST:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(signal)
        self._filled.set()
        self._emptied.clear()

    @property
    def waiting(self) -> int:
        """How many have not been taken yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Deliver until cancelled."""
        wait_s = RETRY_S[0]
        while True:
            await self._filled.wait()
            signal = self._waiting[0]
            try:
                reply = await self._doors.send(signal)
            except LinkError:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_S[1])
                continue
            wait_s = RETRY_S[0]
            self.refused += not reply.accepted
            if reply.accepted and self._taken is not None:
                self._taken(signal)
            # While the reply was awaited a full queue may have let this one go.
            if self._waiting and self._waiting[0] is signal:
                self._waiting.popleft()
            if not self._waiting:
                self._filled.clear()
                self._emptied.set()

    async def emptied(self, timeout_s: float) -> None:
        """Wait until everything was delivered, at most so long; `run` must be running."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._emptied.wait()

    async def report(self, status: StatusReported) -> bool:
        """Send a status past the queue; returns whether it arrived."""
        try:
            return (await self._doors.send(status, STATUS_S)).accepted
        except LinkError:
            return False
