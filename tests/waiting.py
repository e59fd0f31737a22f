"""Waiting for a condition with a time-out: tests never sleep and hope."""

import asyncio
import time
from collections.abc import Callable

_POLL_S = 0.01


def wait_until(predicate: Callable[[], object], timeout_s: float = 5.0, what: str = "") -> None:
    """Return as soon as `predicate()` is true; AssertionError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() >= deadline:
            raise AssertionError(_complaint(predicate, timeout_s, what))
        time.sleep(_POLL_S)


async def wait_until_async(predicate: Callable[[], object], timeout_s: float = 5.0, what: str = "") -> None:
    """The same in a coroutine; the event loop runs on between two looks."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() >= deadline:
            raise AssertionError(_complaint(predicate, timeout_s, what))
        await asyncio.sleep(_POLL_S)


def _complaint(predicate: Callable[[], object], timeout_s: float, what: str) -> str:
    return f"not within {timeout_s:g} s: {what or getattr(predicate, '__qualname__', repr(predicate))}"
