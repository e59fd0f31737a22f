"""A machine whose processes can die at every await of theirs."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from functools import cache
from pathlib import Path
from types import AsyncGeneratorType, FrameType
from typing import Any

from tests.sync.simulation.disk import Crashed

ROOT = Path(__file__).parents[3]
PRODUCT = tuple(f"{ROOT / name}/" for name in ("gateway", "sync"))


class Machine:
    """What its processes run on."""

    def __init__(self) -> None:
        self.dies_at: int | None = None
        """It dies at this many awaits from now."""
        self.dies_in: frozenset[str] = frozenset()
        """Only awaits count at one of these lines of the product; none: all."""
        self.died_at: list[str] = []
        """Lines of the product whose await was its last."""
        self.trouble: list[str] = []
        """What it did and must not."""

    def die(self) -> None:
        """Everything of it ends here and now."""
        raise NotImplementedError

    def waits(self, running: Any) -> None:
        """One of its tasks has come to an await."""
        if self.dies_at is None:
            return
        lines = _awaiting(running)
        if self.dies_in and self.dies_in.isdisjoint(lines):
            return
        self.dies_at -= 1
        if self.dies_at < 0:
            self.dies_at = None
            self.died_at += lines
            self.die()


class Life:
    """One process of a machine: its tasks, and all that they make, end with it."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.over = machine, False
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order: a set's would be another at each run
        self._context = Context()
        self._context.run(_LIFE.set, self)

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of this process."""
        task = asyncio.get_running_loop().create_task(work, context=self._context)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    def end(self) -> None:
        """It is killed. What its tasks still come to on their way out is no await of the machine's any more."""
        self.over = True
        for task in list(self._tasks):
            task.cancel()


_LIFE: ContextVar[Life] = ContextVar("life")


def mortal(work: Coroutine[Any, Any, Any], context: Context | None) -> Coroutine[Any, Any, Any]:
    """The same coroutine, whose awaits its machine counts; `context` is that of its task, None: the present one."""
    life = _LIFE.get(None) if context is None else context.get(_LIFE)
    return work if life is None else _Counted(work, life)


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that stops at its awaits as the one inside does, and has the machine count them."""

    def __init__(self, work: Coroutine[Any, Any, Any], life: Life) -> None:
        self._work, self._life = work, life

    def send(self, value: Any) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def _step(self, step: Callable[..., Any], *given: Any) -> Any:
        try:
            wanted = step(*given)
        except Crashed:
            if not self._life.over:
                self._life.machine.die()
            raise
        if not self._life.over:
            self._life.machine.waits(self._work)
        return wanted

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


def _awaiting(running: Any) -> list[str]:
    """The lines at which a coroutine and all that it waits for stand, as far as they are the product's."""
    found = []
    while running is not None:
        frame: FrameType | None = _first_of(running, "cr_frame", "gi_frame", "ag_frame")
        if frame is not None and (name := _product_file(frame.f_code.co_filename)) is not None:
            found.append(f"{name}:{frame.f_lineno}")
        if type(running).__name__.startswith("async_generator_"):  # a step of one, which tells nobody whose it is
            running = next((each for each in gc.get_referents(running) if isinstance(each, AsyncGeneratorType)), None)
        else:
            running = _first_of(running, "cr_await", "gi_yieldfrom", "ag_await")
    return found


def _first_of(running: Any, *names: str) -> Any:
    return next((found for name in names if (found := getattr(running, name, None)) is not None), None)


@cache
def _product_file(path: str) -> str | None:
    return str(Path(path).relative_to(ROOT)) if path.startswith(PRODUCT) else None
