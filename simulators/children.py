"""Processes of the demo: started, watched, said clearly when they die, started again, ended together."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

READY_TIMEOUT_S = 120.0
"""The camera draws and encodes its pictures before it is ready the first time."""
GRACE_S = 5.0
"""Between SIGTERM and SIGKILL."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
HEALTHY_S = 20.0
"""A child that lived that long starts again without a longer pause."""


class ChildFailed(Exception):
    """A process did not become ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. With `says_ready` its first line on standard output is JSON with "ready"; else `port` answers."""

    name: str
    module: str
    arguments: tuple[str, ...]
    says_ready: bool = True
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One program, kept alive until `down` or `end`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ready: dict[str, Any] = {}
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._drain: asyncio.Task[None] | None = None
        self._turning = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Its process id, while it lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def up(self) -> bool:
        """Whether it is meant to run."""
        return self._keeper is not None

    async def start(self) -> None:
        """Start it, wait until it is ready, and keep it alive. Raises ChildFailed."""
        async with self._turning:
            if self._keeper is not None:
                return
            try:
                await self._launch()
            except ChildFailed:
                await self._stop_process(GRACE_S)
                raise
            self._keeper = asyncio.get_running_loop().create_task(self._keep(), name=f"keep {self.program.name}")

    async def end(self, *, grace_s: float = GRACE_S) -> None:
        """End it with SIGTERM, with SIGKILL after the grace; none (0) kills at once."""
        async with self._turning:
            keeper, self._keeper = self._keeper, None
            if keeper is not None:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
            await self._stop_process(grace_s)

    async def _launch(self) -> None:
        program = self.program
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulators.tether",
            str(os.getpid()),
            program.module,
            *program.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **program.environment},
        )
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                if program.says_ready:
                    self.ready = await self._read_ready()
                else:
                    await self._wait_for_port()
        except TimeoutError as problem:
            raise ChildFailed(f"{program.name} was not ready after {READY_TIMEOUT_S:.0f} s") from problem
        self._drain = asyncio.get_running_loop().create_task(_pour(self._stdout(), program.name))

    async def _read_ready(self) -> dict[str, Any]:
        line = await self._stdout().readline()
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "ready" not in said:
            raise ChildFailed(f"{self.program.name} ended before it was ready")
        ready = said["ready"]
        return ready if isinstance(ready, dict) else {}

    async def _wait_for_port(self) -> None:
        assert self._process is not None
        while self._process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.program.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        raise ChildFailed(f"{self.program.name} ended with {self._process.returncode} before it was ready")

    async def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            pause_s = FIRST_PAUSE_S if loop.time() - began > HEALTHY_S else pause_s
            say(f"{self.program.name} ended ({code}); starting it again in {pause_s:g} s.")
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            try:
                await self._launch()
            except ChildFailed as problem:
                say(f"{problem}.")
                await self._stop_process(GRACE_S)
            else:
                say(f"{self.program.name} runs again.")

    async def _stop_process(self, grace_s: float) -> None:
        process = self._process
        if process is None:
            return
        if grace_s:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._drain is not None:
            self._drain.cancel()
            await asyncio.gather(self._drain, return_exceptions=True)
            self._drain = None

    def _stdout(self) -> asyncio.StreamReader:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout


async def _pour(stream: asyncio.StreamReader, name: str) -> None:
    """Empty a child's standard output, so that it never blocks; what it says goes to standard error."""
    while data := await stream.read(4096):
        for line in data.decode("utf-8", "replace").splitlines():
            say(f"{name}: {line}")


def say(sentence: str) -> None:
    """One line for whoever watches."""
    print(f"[demo] {sentence}", file=sys.stderr, flush=True)
