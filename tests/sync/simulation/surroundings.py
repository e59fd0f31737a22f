"""What a play stands in: no threads, no log, and bounds that are reached within minutes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from random import Random
from types import SimpleNamespace
from typing import Any

from httpx2 import _urlparse, _urls

from gateway.store import journal as journal_module
from gateway.store import list_file, list_folder
from sync import list_wire as lw
from sync import wire, worker
from sync.office import desk as desk_module
from sync.office import entries
from tests.sync.simulation.entropy import seeded_entropy


@contextmanager
def surroundings(chance: Random) -> Iterator[None]:
    """All of it, and everything that is random comes from the seed."""
    with near_bounds(chance), seeded_entropy(chance), without_threads(), known_addresses(), silence():
        yield


class _NoThread:
    def __init__(self, *_: object, **__: object) -> None:
        """Its work is done by the journal's caller."""

    def start(self) -> None:
        """It has nothing to do."""


class _AtOnce:
    """A thread whose work is done as it begins."""

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...], **_: object) -> None:
        self._work = partial(target, *args)

    def start(self) -> None:
        self._work()

    def is_alive(self) -> bool:
        return False


class _Here:
    """An executor whose thread is the caller's."""

    def __init__(self, *_: object) -> None:
        """It needs nothing."""

    def submit(self, work: Callable[..., Any], *values: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(work(*values))
        return done

    def shutdown(self) -> None:
        """Nothing is left to do."""


@contextmanager
def without_threads() -> Iterator[None]:
    """Journals, ledgers and list folders in this block have no threads of their own."""
    module: Any = journal_module
    desks: Any = desk_module
    lists: Any = list_folder
    file: Any = list_file
    real, folder, executor = module.threading, module.WalFolder, desks.ThreadPoolExecutor
    module.threading = SimpleNamespace(Condition=threading.Condition, Thread=_NoThread)
    module.WalFolder = _NoThread
    desks.ThreadPoolExecutor = _Here
    lists.threading = SimpleNamespace(Thread=_AtOnce)
    file.time = SimpleNamespace(sleep=lambda _: None)  # the breath that hashing takes for other threads
    try:
        yield
    finally:
        module.threading, module.WalFolder, desks.ThreadPoolExecutor = real, folder, executor
        lists.threading, file.time = threading, time


@contextmanager
def near_bounds(chance: Random) -> Iterator[None]:
    """Bounds that a play comes to: a batch is full, the office has forgotten, a list is too different for a way."""
    with ExitStack() as stack:
        for owner, name, drawn in (
            (wire, "BATCH_ROWS", (3, 20, 500)),
            (entries, "MARKS_KEPT", (0, 0, 2, 50_000)),
            (lw, "CHANGED_ENTRIES", (0, 0, 1, 5_000)),
            (lw, "BUCKETS_ASKED", (4, 64, 64)),
            (wire, "CONFIRM_MAX_S", (6.0, 20.0, 300.0)),
            (worker, "REPORT_EVERY_S", (1.0, 10.0, 20.0, 20.0)),
        ):
            stack.enter_context(_set(owner, name, chance.choice(drawn)))
        yield


@contextmanager
def _set(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def known_addresses() -> Iterator[None]:
    """The addresses of calls are taken apart once each: with so few calls a second, nobody else minds."""
    with ExitStack() as stack:
        for module in (_urls, _urlparse):
            stack.enter_context(_set(module, "urlparse", _PARSE))
        yield


_PARSE = lru_cache(4096)(_urlparse.urlparse)


@contextmanager
def silence() -> Iterator[None]:
    """Thousands of faults, each told to the log, say nothing here."""
    logs = [logging.getLogger(name) for name in ("sync", "gateway", "asyncio")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
