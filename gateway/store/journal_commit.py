"""The fate of one turn's events, told from the writer's thread to whoever waits in an event loop."""

import asyncio
import threading
from enum import Enum, auto

from gateway.errors import JournalUnavailable


class _Fate(Enum):
    PENDING = auto()
    DURABLE = auto()
    FAILED = auto()


class TurnCommit:
    """Implements `gateway.domain.ports.Commit`.

    Settled once: a turn that failed may still be stored later, but was never promised.
    """

    __slots__ = ("_detail", "_fate", "_lock", "_waiters")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fate = _Fate.PENDING
        self._detail = ""
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def durable(self) -> bool:
        """Whether the turn is known to be on the disk."""
        return self._fate is _Fate.DURABLE

    @property
    def settled(self) -> bool:
        """Whether its fate has been told."""
        return self._fate is not _Fate.PENDING

    async def wait(self, timeout_s: float | None) -> bool:
        """True once durable, False when `timeout_s` ran out. Raises JournalUnavailable when the write failed."""
        settled = asyncio.Event()
        waiter = (asyncio.get_running_loop(), settled)
        with self._lock:
            pending = self._fate is _Fate.PENDING
            if pending:
                self._waiters.append(waiter)
        if pending:
            try:
                async with asyncio.timeout(timeout_s):
                    await settled.wait()
            except TimeoutError:
                return self._answer() if self._fate is not _Fate.PENDING else False
            finally:
                with self._lock:
                    if waiter in self._waiters:
                        self._waiters.remove(waiter)
        return self._answer()

    def succeed(self) -> None:
        """The writer's thread: it is on the disk."""
        self._settle(_Fate.DURABLE, "")

    def fail(self, detail: str) -> None:
        """The writer's thread: it could not be written now."""
        self._settle(_Fate.FAILED, detail)

    def _answer(self) -> bool:
        if self._fate is _Fate.FAILED:
            raise JournalUnavailable(self._detail)
        return True

    def _settle(self, fate: _Fate, detail: str) -> None:
        with self._lock:
            if self._fate is not _Fate.PENDING:
                return
            self._fate, self._detail = fate, detail
            waiters, self._waiters = self._waiters, []
        for loop, settled in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settled.set)
