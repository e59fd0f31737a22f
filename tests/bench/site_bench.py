"""The product's own processes beside the doors: what a swipe costs while they work, and what each takes at rest.

A camera (the simulator's), the office, console, sync and a large export work while cards are read on bare ptys.
"""

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.processes import NEIGHBOURS_NICE
from tests.bench.doors_bench import EXPORT, TAGS, frame, swipe
from tests.bench.process_cost import cpu_s, resident_mb
from tests.bench.rows import Row, row, single
from tests.journeys.doors_process import DoorsProcess, small_list
from tests.journeys.raw_board import RawBoard, RawLine
from tests.waiting import wait_until

MORE = """
[schedule.always]
periods = [{{ days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start = "00:00", end = "24:00" }}]
[camera.yard]
name = {{ zh-CN = "内院", en = "Yard" }}
driver = "onvif"
address = "{camera}"
username = "admin"
password = "file:secrets/camera"
armed = "always"
doors = ["gate"]
zones = [{{ name = "yard", polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]] }}]
[office]
url = "{office}"
token = "file:secrets/token"
unsigned = true
[console]
port = 0
"""
MANY = 100_000


def run() -> list[Row]:
    """Busy with the product's own work; memory and CPU at rest; a start with many credentials."""
    return [*_busy(), *_start()]


def _busy() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="gh") as folder, _around(Path(folder)) as (camera, office):
        data = Path(folder) / "s"
        site = DoorsProcess(data, TAGS, MORE.format(camera=camera, office=office))
        for name in ("camera", "token"):
            site.keep_secret(name, "a-secret-of-the-bench")
        relay: queue.Queue[float] = queue.Queue()
        lines = [RawLine(data / "tty" / name) for name in ("reader", "board")]
        board = RawBoard(lines[1], lambda _: relay.put(time.perf_counter()))
        site.start()
        others = {name: _worker(site, name) for name in ("console", "sync", "cameras")}
        try:
            wait_until(lambda: board.polls > 3, 20, "the board is polled")
            wait_until(lambda: _seen(site, "ObservationStarted"), 60, "the camera works")
            assert site.process is not None
            processes = {"doors": site.process, **others}
            rest = [row_ for name, process in processes.items() for row_ in _at_rest(name, process.pid)]
            words = ["nice", "-n", str(NEIGHBOURS_NICE), sys.executable, "-c", EXPORT, str(data / "journal.db")]
            export = subprocess.Popen(words)
            took = swipe(lines[0], relay)
            export.kill()
            export.wait()
        finally:
            for process in others.values():
                process.terminate()
                process.wait(15)
            site.stop()
            for line in lines:
                line.close()
    note = "camera with people walking, sync, console and an export of the whole journal at work"
    return [row("read to relay, beside the product's own work", took, "ms", note), *rest]


def _start() -> list[Row]:
    """From the process's start to the relay's first byte, a card being held to the reader all the while."""
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        site = DoorsProcess(Path(folder) / "s", range(1, MANY + 1))
        relay: queue.Queue[float] = queue.Queue()
        lines = [RawLine(site.data / "tty" / name) for name in ("reader", "board")]
        board = RawBoard(lines[1], lambda _: relay.put(time.perf_counter()))
        started_s = time.perf_counter()
        site.start()
        for tag in range(1000, 1400):
            lines[0].write(frame(tag))
            try:
                first_s = relay.get(timeout=0.05) - started_s
                break
            except queue.Empty:
                continue
        else:
            first_s = float("nan")
        assert board.relay_writes
        site.stop()
        for line in lines:
            line.close()
    return [single(f"start to first relay byte, {MANY:,} credentials", first_s, "s")]


@contextmanager
def _around(folder: Path) -> Iterator[tuple[str, str]]:
    """A camera with people coming and going, and an office; their addresses."""
    secret = folder / "secret"
    secret.write_text("a-secret-of-the-bench", encoding="ascii")
    secret.chmod(0o600)
    listed = folder / "list.json"
    listed.write_text(json.dumps(small_list(TAGS, 2)), encoding="utf-8")
    camera, told = _ready(
        "simulators.camera",
        *("--name", "yard", "--username", "admin", "--password-file", str(secret), "--no-discovery"),
        *("--control", str(folder / "camera.sock"), "--people-every", "8"),
    )
    office, at = _ready(
        "sync.office",
        *("--data", str(folder / "office"), "--host", "127.0.0.1", "--port", "0", "--token-file", str(secret)),
        *("--site", "small", "--list", str(listed)),
    )
    try:
        yield told["device_service"], at["url"]
    finally:
        for process in (camera, office):
            process.terminate()
            process.wait(15)


def _ready(module: str, *words: str) -> tuple["subprocess.Popen[str]", dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())["ready"]
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process, found


def _worker(site: DoorsProcess, name: str) -> "subprocess.Popen[bytes]":
    words = ["nice", "-n", str(NEIGHBOURS_NICE), sys.executable, "-m", "gateway.worker", name]
    place = ["--config", str(site.config), "--data", str(site.data)]
    return subprocess.Popen([*words, *place], stderr=subprocess.DEVNULL)


def _seen(site: DoorsProcess, type_: str) -> bool:
    return bool(site.events(type_))


def _at_rest(name: str, pid: int) -> list[Row]:
    """Resident memory, and the share of one core over five seconds."""
    memory_mb = resident_mb(pid)
    before, began_s = cpu_s(pid), time.perf_counter()
    time.sleep(5.0)
    share = 100 * (cpu_s(pid) - before) / (time.perf_counter() - began_s)
    return [single(f"{name}: memory", memory_mb, "MB"), single(f"{name}: share of one core", share, "%")]
