"""`gatehouse run`: starts the four processes, watches them, and restarts what dies or hangs, with back-off.

The doors process is watched like the others, but nothing that happens to the others touches it.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain.ports import DoorsPort
from gateway.domain.signals import LinkState, ProcessChanged
from gateway.doors_client import DoorsClient
from gateway.errors import LinkError
from gateway.paths import Paths

log = logging.getLogger(__name__)

PROCESSES = ("doors", "console", "sync", "cameras")
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S = 60.0
"""A process that ran this long starts again at once when it dies."""
STOP_S = 8.0
CONFIG_RETRY_S = 30.0
"""A process that can't run with its configuration is tried again so often: somebody may have mended it."""
MENDED_AFTER_S = 5.0
"""It counts as back once it has run so long: most faults end it within a second."""
SILENT_MOST_S = 10.0
"""A running process is killed when the status has called it silent for so long, which it does after ten seconds."""
STARTING_S = 20.0
"""Before that it may be silent: on a slow box a start takes its time."""
DOORS_HANG_AFTER_S = 10.0
CONFIG_EXIT = 2
NEIGHBOURS_NICE = 10
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One watched process."""

    name: str
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    started_s: float = 0.0
    end: str = ""
    ended: str = ""
    """When, by the wall clock, in words."""
    failures: int = 0
    fault: str = ""
    """What its configuration lacks, as it was told; empty while it runs."""

    @property
    def runs(self) -> bool:
        """Whether it is there just now, and not waiting for its next start."""
        return self.process is not None and self.process.returncode is None


class Supervisor:
    """Runs `names` of one site until it is told to stop. Without doors there is no site: their fault of the
    configuration ends it with exit 2, another process's is told once and tried again."""

    def __init__(self, paths: Paths, names: tuple[str, ...] = PROCESSES) -> None:
        self.paths = paths
        self.children = {name: Child(name) for name in names}
        self.stopping = asyncio.Event()
        self.exit_code = 0
        self._client = DoorsClient(paths.doors_socket, "supervisor")
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard_s = 0.0
        self._clock = SystemClock()

    async def run(self, ready: Callable[[], Awaitable[None]] | None = None) -> int:
        """Until SIGTERM or SIGINT; the exit code. `ready` runs beside the processes, once they are started."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        work = [asyncio.ensure_future(self._keep(child)) for child in self.children.values()]
        watchers = (self._client.run(), self._end_the_hung(), self._end_hung_doors())
        work += [asyncio.ensure_future(watcher) for watcher in watchers]
        if ready is not None:
            work.append(asyncio.ensure_future(ready()))
        await self.stopping.wait()
        log.info("stopping")
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        # The doors end last: they take what the others have to tell, such as a recording that the stop cut off.
        others = [child for child in self.children.values() if child.name != "doors"]
        await asyncio.gather(*(self._stop(child) for child in others))
        await asyncio.gather(*(self._stop(child) for child in self.children.values()))
        return self.exit_code

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            child.process = await self._start(child)
            child.starts, child.started_s = child.starts + 1, loop.time()
            code = await self._ended(child, child.process)
            child.end = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
            child.ended = f"{self._clock.now().wall:%Y-%m-%d %H:%M:%S} UTC"
            if code == CONFIG_EXIT:
                pause_s = self._at_fault(child)
            else:
                child.failures = 0 if loop.time() - started_s > STEADY_S else child.failures + 1
                pause_s = BACKOFF_S[min(max(child.failures - 1, 0), len(BACKOFF_S) - 1)]
                log.error("%s is gone (%s); it starts again in %.1f s", child.name, child.end, pause_s)
            if self.stopping.is_set():
                return
            if child.name != "doors":  # nobody is there to be told
                self._tell(child.name, (LinkState.OFFLINE, child.fault or child.end))
            await asyncio.sleep(pause_s)

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        """In a session of its own: Ctrl-C is for the supervisor, which ends the others in order."""
        self._fault_file(child).unlink(missing_ok=True)
        return await asyncio.create_subprocess_exec(
            *self._command(child.name),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if child.name == "doors" else _give_way,
        )

    async def _ended(self, child: Child, process: asyncio.subprocess.Process) -> int:
        """Tell that it is back, and wait for its end; the exit code."""
        if child.fault:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MENDED_AFTER_S):
                    return await process.wait()
            child.fault = ""
        if child.starts > 1:
            log.warning("%s runs again (start %d)", child.name, child.starts)
            # Of the doors' own end nobody could be told before: its event has the time of their return.
            self._tell(child.name, (LinkState.OFFLINE, f"{child.end} at {child.ended}"), (LinkState.ONLINE, ""))
        return await process.wait()

    def _at_fault(self, child: Child) -> float:
        """Its configuration is at fault: say so once; returns when to try again."""
        try:
            fault = self._fault_file(child).read_text(encoding="utf-8").strip()
        except OSError:
            fault = "its configuration is at fault"
        if fault != child.fault:
            for line in fault.splitlines():
                log.error("%s can't run: %s", child.name, line)
        child.fault = fault
        if child.name == "doors":
            self.exit_code = CONFIG_EXIT
            self.stopping.set()
        return CONFIG_RETRY_S

    def _fault_file(self, child: Child) -> Path:
        return self.paths.data / "run" / f"{child.name}.fault"

    def _command(self, name: str) -> tuple[str, ...]:
        place = ("--config", str(self.paths.config), "--data", str(self.paths.data))
        faults = ("--faults", str(self._fault_file(self.children[name])))
        return (sys.executable, "-m", "gateway.worker", name, *place, *faults)

    def _tell(self, name: str, *changes: tuple[LinkState, str]) -> None:
        told = [ProcessChanged(name, state, detail) for state, detail in changes]
        task = asyncio.get_running_loop().create_task(_deliver(self._client, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_hung_doors(self) -> None:
        """The doors process tells its status every second; one that lives and says nothing is killed."""
        loop, child = asyncio.get_running_loop(), self.children.get("doors")
        while child is not None:
            await asyncio.sleep(1.0)
            last_s = max(self._heard_s, child.started_s)
            if child.runs and loop.time() - last_s > DOORS_HANG_AFTER_S:
                log.error("doors hangs: it is killed")
                self._heard_s = loop.time()
                _signal(child, signal.SIGKILL)

    async def _end_the_hung(self) -> None:
        """A process that stays silent though it lives is killed, and so restarted."""
        silent_s: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        async for feed in self._client.feed():
            self._heard_s = loop.time() if feed.connected else self._heard_s
            processes = (feed.status or {}).get("processes", {})
            for name, child in self.children.items():
                if name == "doors" or name not in processes:
                    continue
                silent_for_s = loop.time() - silent_s.setdefault(name, loop.time())
                if processes[name].get("state") != "offline" or not child.runs:
                    silent_s.pop(name)
                elif silent_for_s > SILENT_MOST_S and loop.time() - child.started_s > STARTING_S:
                    log.error("%s hangs: it is killed", name)
                    silent_s.pop(name)
                    _signal(child, signal.SIGKILL)

    async def _stop(self, child: Child) -> None:
        if child.process is None or child.process.returncode is not None:
            return
        _signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await child.process.wait()
        except TimeoutError:
            log.warning("%s did not end in %.0f s: killed", child.name, STOP_S)
            _signal(child, signal.SIGKILL)
            await child.process.wait()


async def _deliver(client: DoorsPort, changes: list[ProcessChanged]) -> None:
    """One after the other; what was told already changes nothing."""
    for change in changes:
        try:
            await client.send(change, timeout_s=30.0)
        except LinkError:
            log.warning("the doors process could not be told that %s is %s", change.process, change.state)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(number)


def _die_with_parent() -> None:
    """Linux: when the supervisor dies, its children get SIGTERM, so that no second set meets them on the ports."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _give_way() -> None:
    """Everything but the doors is nicer: a swipe finds a core at once however busy cameras, sync and console are."""
    _die_with_parent()
    os.nice(NEIGHBOURS_NICE)


def run_site(
    paths: Paths, check: Callable[[], None] = lambda: None, ready: Callable[[], Awaitable[None]] | None = None
) -> int:
    """Run the whole site; returns the exit code. Raises ConfigError when it runs already, and what `check` raises.

    `check` is called when nobody else can be running the site, and before anything starts.
    """
    with paths.lock("gatehouse"):
        check()
        return asyncio.run(Supervisor(paths).run(ready))


def data_dir_for(site_id: str, given: Path | None, environment: str | None) -> Path:
    """Where a site's state lives: the flag, then GATEHOUSE_DATA, then ./data/<site>."""
    if given is not None:
        return given.absolute()
    return Path(environment).absolute() if environment else Path("data", site_id).absolute()
