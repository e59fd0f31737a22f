"""The status feed: what is true just now and is never recorded; console and sync follow it over the socket."""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.domain.signals import LinkState, ProcessChanged, Signal, StatusReported

SILENT_AFTER_S = 10.0
"""A process reports every second; ten missed reports mean that it hangs."""
VALUES_MAX = 200
"""Values kept of one process's report: a hundred cameras with two each."""
WATCHED = ("console", "sync", "cameras")


class StatusHub:
    """Collects reports and tells followers: the journal's head at once, the status at most ten times a second."""

    def __init__(self, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe
        self._reports: dict[str, tuple[float, dict[str, str | int | float | bool | None]]] = {}
        self._silent: set[str] = set()
        self._followers: set[Callable[[dict[str, Any]], None]] = set()
        self._changed = asyncio.Event()
        self.head_row: int | None = None

    def report(self, signal: StatusReported, now_s: float) -> None:
        """Take a process's own report."""
        values = dict(list(signal.values.items())[:VALUES_MAX])
        self._reports[signal.process[:32]] = (now_s, values)
        self._changed.set()

    def reported(self, process: str, name: str) -> str | int | float | bool | None:
        """A value of a process's newest report; None while the process is silent or never said it."""
        if process in self._silent or process not in self._reports:
            return None
        return self._reports[process][1].get(name)

    def changed(self) -> None:
        """Something that the status shows has changed."""
        self._changed.set()

    def committed(self, row_id: int) -> None:
        """The journal is durable up to this row: tell everybody at once."""
        self.head_row = row_id
        self._tell({"row_id": row_id})

    def follow(self, tell: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Add a follower; returns the function that removes it."""
        self._followers.add(tell)
        tell(self._message())
        return lambda: self._followers.discard(tell)

    def silences(self, now_s: float) -> list[Signal]:
        """Processes that fell silent or speak again since the last call; those that never spoke aren't judged."""
        told: list[Signal] = []
        for process in WATCHED:
            if process not in self._reports:
                continue
            silent = now_s - self._reports[process][0] > SILENT_AFTER_S
            if silent and process not in self._silent:
                self._silent.add(process)
                told.append(ProcessChanged(process, LinkState.OFFLINE, f"no report for {SILENT_AFTER_S:.0f} s"))
            elif not silent and process in self._silent:
                self._silent.discard(process)
                told.append(ProcessChanged(process, LinkState.ONLINE))
        return told

    async def run(self) -> None:
        """Send the status when it changed, and every second."""
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._changed.wait()
            except TimeoutError:
                self._changed.clear()
            self._changed.clear()
            self._tell(self._message())
            await asyncio.sleep(0.1)

    def _message(self) -> dict[str, Any]:
        processes = {
            name: {"state": "offline" if name in self._silent else "online", **values}
            for name, (_, values) in self._reports.items()
        }
        processes["doors"] = {"state": "online"}
        return {"row_id": self.head_row, "status": {**self._describe(), "processes": processes}}

    def _tell(self, message: dict[str, Any]) -> None:
        for tell in tuple(self._followers):
            tell(message)
