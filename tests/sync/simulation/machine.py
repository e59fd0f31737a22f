"""A machine whose processes can die at every await of theirs."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

from tests.sync.simulation.disk import Crashed

ROOT = Path(__file__).parents[3]
PRODUCT = tuple(f"{ROOT / name}/" for name in ("gateway", "sync"))


class Machine:
    """Tasks that are made in its `context`, and all that they make, are its own."""

    def __init__(self) -> None:
        self.dies_at: int | None = None
        """It dies at this many awaits from now."""
        self.dies_in: frozenset[str] = frozenset()
        """Only awaits count at one of these lines of the product; none: all."""
        self.died_at: list[str] = []
        """Lines of the product whose await was its last."""
        self.trouble: list[str] = []
        """What it did and must not."""
        self.context = Context()
        self.context.run(_MACHINE.set, self)

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


_MACHINE: ContextVar[Machine] = ContextVar("machine")


def mortal(work: Coroutine[Any, Any, Any], context: Context | None) -> Coroutine[Any, Any, Any]:
    """The same coroutine, whose awaits its machine counts; `context` is that of its task, None: the present one."""
    machine = _MACHINE.get(None) if context is None else context.get(_MACHINE)
    return work if machine is None else _Counted(work, machine)


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that stops at its awaits as the one inside does, and has the machine count them."""

    def __init__(self, work: Coroutine[Any, Any, Any], machine: Machine) -> None:
        self._work, self._machine = work, machine

    def send(self, value: Any) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def _step(self, step: Callable[..., Any], *given: Any) -> Any:
        try:
            wanted = step(*given)
        except Crashed:
            self._machine.die()
            raise
        self._machine.waits(self._work)
        return wanted

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()


def _awaiting(running: Any) -> list[str]:
    """The lines at which a coroutine and all that it waits for stand, as far as they are the product's."""
    found = []
    while running is not None:
        frame: FrameType | None = getattr(running, "cr_frame", None) or getattr(running, "gi_frame", None)
        if frame is not None and frame.f_code.co_filename.startswith(PRODUCT):
            found.append(f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_lineno}")
        running = getattr(running, "cr_await", None) or getattr(running, "gi_yieldfrom", None)
    return found
