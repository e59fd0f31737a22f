"""A sink that remembers, and ways to wait for what drivers say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from gateway.domain.signals import Signal

PATIENCE_S = 10.0
"""For conditions that normally hold within milliseconds; two busy cores may take a while."""

_Signal = TypeVar("_Signal")


class Recorder:
    """A `SignalSink` that keeps everything."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self._changed = asyncio.Event()

    def put(self, signal: Signal) -> bool:
        self.signals.append(signal)
        self._changed.set()
        return True

    def of(self, kind: type[_Signal]) -> list[_Signal]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    async def wait_for(self, kind: type[_Signal], count: int = 1) -> list[_Signal]:
        """The signals of that kind, once there are `count`."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; it is asked again after each signal. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def eventually(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Return once the condition holds, asking every 5 ms. Raises TimeoutError."""
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run devices beside the block, and cancel them after it; what they raise, the test raises."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        done, stuck = await asyncio.wait(tasks, timeout=PATIENCE_S)
        assert not stuck, "cancelling did not end it"
        for task in done:
            if not task.cancelled():
                task.result()
