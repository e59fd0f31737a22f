"""Facts about the supervisor, with small programs in the processes' places."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import processes
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import LinkState, ProcessChanged, Signal
from gateway.paths import Paths
from gateway.processes import Supervisor
from tests.waiting import wait_until_async

RUNS = """
import signal, sys, time
def stop(number, frame):
    time.sleep({ending_s})
    print("{name}", file=open("{order}", "a"))
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print(".", file=open("{order}.{name}", "a"))
while True:
    signal.pause()
"""
AT_FAULT = """
import os, sys
if os.path.exists("{order}.mended"):
    import signal
    signal.pause()
print(".", file=open("{order}.{name}", "a"))
print("office.token = 'file:x': put the secret into it", file=open("{order}.{name}.fault", "w"))
os.replace("{order}.{name}.fault", "{fault}")
sys.exit(2)
"""


class _Doors:
    """Takes what the supervisor tells."""

    def __init__(self) -> None:
        self.told: list[tuple[LinkState, str]] = []
        self.silent: set[str] = set()

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        assert isinstance(signal, ProcessChanged)
        self.told.append((signal.state, signal.detail))
        return Reply(True)

    async def feed(self) -> AsyncIterator[Feed]:
        while True:
            yield Feed(True, None, {"processes": {name: {"state": "offline"} for name in self.silent}})
            await asyncio.sleep(0.01)


class _Site:
    def __init__(self, folder: Path, **programs: str) -> None:
        self.order = folder / "order"
        paths = Paths(folder / "site.toml", folder / "data")
        paths.prepare()
        self.supervisor = Supervisor(paths, tuple(programs))
        self.doors = _Doors()
        self.programs = programs
        self.supervisor._client = self.doors  # type: ignore[assignment]
        self.supervisor._command = self._command  # type: ignore[method-assign]

    def starts(self, name: str) -> int:
        file = Path(f"{self.order}.{name}")
        return file.read_text().count(".") if file.exists() else 0

    def _command(self, name: str) -> tuple[str, ...]:
        fault = self.supervisor.paths.data / "run" / f"{name}.fault"
        ending_s = 0.3 if name == "sync" else 0.0
        text = self.programs[name].format(name=name, order=self.order, fault=fault, ending_s=ending_s)
        return (sys.executable, "-c", text)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[int]"]:
        task = asyncio.create_task(self.supervisor.run())
        try:
            yield task
        finally:
            self.supervisor.stopping.set()
            await task


async def test_doors_end_last_so_that_they_take_what_the_others_have_to_tell(tmp_path: Path) -> None:
    site = _Site(tmp_path, doors=RUNS, sync=RUNS)
    async with site.running():
        await wait_until_async(lambda: site.starts("doors") and site.starts("sync"), 10)
    assert site.order.read_text().split() == ["sync", "doors"]


async def test_ctrl_c_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    site = _Site(tmp_path, doors=RUNS)
    async with site.running():
        await wait_until_async(lambda: site.starts("doors"), 10)
        process = site.supervisor.children["doors"].process
        assert process is not None
        assert os.getpgid(process.pid) != os.getpgid(0)


async def test_a_neighbours_fault_is_told_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processes, "CONFIG_RETRY_S", 0.05)
    monkeypatch.setattr(processes, "MENDED_AFTER_S", 0.3)
    site = _Site(tmp_path, doors=RUNS, sync=AT_FAULT)
    async with site.running() as task:
        await wait_until_async(lambda: site.starts("sync") >= 3, 20)
        assert not task.done()
        Path(f"{site.order}.mended").touch()
        await wait_until_async(lambda: (LinkState.ONLINE, "") in site.doors.told, 10)
    assert site.starts("doors") == 1
    fault = "office.token = 'file:x': put the secret into it"
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"sync can't run: {fault}"
    ]
    before = site.doors.told[: site.doors.told.index((LinkState.ONLINE, ""))]
    assert {state for state, _ in before} == {LinkState.OFFLINE}
    assert before[0] == (LinkState.OFFLINE, fault)


async def test_without_doors_there_is_no_site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site = _Site(tmp_path, doors=AT_FAULT, sync=RUNS)
    async with asyncio.timeout(20):
        assert await site.supervisor.run() == 2
    assert "doors can't run: office.token" in caplog.text


async def test_a_process_that_is_killed_starts_again_at_once(tmp_path: Path) -> None:
    site = _Site(tmp_path, doors=RUNS, sync=RUNS)
    async with site.running():
        await wait_until_async(lambda: site.starts("sync"), 10)
        process = site.supervisor.children["sync"].process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        await wait_until_async(lambda: site.starts("sync") == 2, 10)
        await wait_until_async(lambda: (LinkState.ONLINE, "") in site.doors.told, 10)
    assert site.doors.told[0] == (LinkState.OFFLINE, "signal SIGKILL")


async def test_the_loss_of_the_doors_is_told_at_their_return_with_the_time_of_their_end(tmp_path: Path) -> None:
    site = _Site(tmp_path, doors=RUNS)
    async with site.running():
        await wait_until_async(lambda: site.starts("doors"), 10)
        process = site.supervisor.children["doors"].process
        assert process is not None
        before = datetime.now(UTC).replace(microsecond=0)
        process.send_signal(signal.SIGKILL)
        await wait_until_async(lambda: (LinkState.ONLINE, "") in site.doors.told, 10)
    state, detail = site.doors.told[0]
    end, _, at = detail.partition(" at ")
    assert (state, end) == (LinkState.OFFLINE, "signal SIGKILL")
    assert before <= datetime.strptime(at, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC) <= datetime.now(UTC)


async def test_a_process_that_runs_and_says_nothing_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SILENT_MOST_S", 0.2)
    monkeypatch.setattr(processes, "STARTING_S", 0.2)
    site = _Site(tmp_path, doors=RUNS, sync=RUNS)
    site.doors.silent = {"sync"}
    async with site.running():
        await wait_until_async(lambda: site.starts("sync") >= 2, 10)
    assert (LinkState.OFFLINE, "signal SIGKILL") in site.doors.told


async def test_a_process_that_waits_for_its_next_start_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processes, "SILENT_MOST_S", 0.05)
    monkeypatch.setattr(processes, "STARTING_S", 5.0)
    monkeypatch.setattr(processes, "CONFIG_RETRY_S", 0.3)
    site = _Site(tmp_path, doors=RUNS, sync=AT_FAULT)
    site.doors.silent = {"sync"}
    async with site.running():
        await wait_until_async(lambda: site.starts("sync") >= 3, 20)
    assert "hangs" not in caplog.text
