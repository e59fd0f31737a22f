"""An event loop whose time is virtual: nothing waits, and a seed reproduces every order of things."""

import asyncio
import selectors
from collections.abc import Callable
from random import Random
from typing import Any

from tests.sync.simulation.machine import mortal

THREAD_DELAY_S = 0.004
"""A call that goes to a thread comes back within this, at an instant that the seed settles."""


class _NoWaiting(selectors.SelectSelector):
    """Time moves on at once when nobody is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everybody waits for ever")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on virtual seconds. What would run in a thread runs here, a random instant later."""

    def __init__(self, chance: Random) -> None:
        self._instants = _NoWaiting()
        super().__init__(self._instants)
        self._chance = chance

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._instants.now

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        """As asyncio's; a machine's task counts its awaits."""
        return super().create_task(mortal(coro, context), name=name, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Run it in the loop's own thread, later."""
        done = self.create_future()

        def work() -> None:
            if done.cancelled():
                return
            try:
                result = func(*args)
            except BaseException as error:  # noqa: BLE001 (a crash is one of them)
                done.set_exception(error)
            else:
                done.set_result(result)

        self.call_later(self._chance.random() * THREAD_DELAY_S, work)
        return done
