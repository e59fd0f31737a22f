"""Facts about the end of the cameras process: no thread of libav's meets the interpreter's end."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from analytics.settings import CameraSettings
from analytics.worker import run_cameras
from gateway.clock import SystemClock
from gateway.domain.signals import LinkState
from tests.analytics.peers import ROOT, FixedCamera, RecordingDoors, SimulatedCamera
from tests.waiting import wait_until_async

CAMERAS = 6
RUNS = 6

_STARTS_AND_STOPS = """
import asyncio, sys, tempfile
from pathlib import Path
from analytics.settings import CameraSettings
from analytics.worker import run_cameras
from gateway.clock import SystemClock
from gateway.worker import leave
from tests.analytics.peers import FixedCamera, RecordingDoors

async def once(url, count, wanted):
    doors = RecordingDoors()
    cameras = [(FixedCamera(url, f"yard{n}", "admin", "sesame"), CameraSettings(f"yard{n}")) for n in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        task = asyncio.create_task(run_cameras(cameras, doors, Path(folder), SystemClock()))
        while doors.links().count("online") < wanted:
            await asyncio.sleep(0.05)
        print("up", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

for wanted in sys.argv[3:]:
    asyncio.run(once(sys.argv[1], int(sys.argv[2]), int(wanted)))
leave(0)
"""


def _child(camera: SimulatedCamera, cameras: int, *online: int) -> "subprocess.Popen[str]":
    """A process that starts `cameras` and, at a line on its standard input, stops them once so many are `online`."""
    return subprocess.Popen(
        [sys.executable, "-c", _STARTS_AND_STOPS, camera.ready["rtsp"], str(cameras), *map(str, online)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_when_the_cameras_worker_has_ended_its_streams_threads_have_too(
    camera: SimulatedCamera, tmp_path: Path
) -> None:
    doors = RecordingDoors()
    there = FixedCamera(camera.ready["rtsp"], "yard", "admin", "sesame")
    task = asyncio.create_task(run_cameras([(there, CameraSettings("yard"))], doors, tmp_path, SystemClock()))
    await wait_until_async(lambda: doors.links() == [LinkState.ONLINE], 30.0)
    assert "rtsp" in {thread.name for thread in threading.enumerate()}
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert "rtsp" not in {thread.name for thread in threading.enumerate()}


async def test_a_process_that_starts_and_stops_its_cameras_many_times_ends_without_a_crash(
    camera: SimulatedCamera,
) -> None:
    for _ in range(RUNS):
        child = _child(camera, CAMERAS, 0, 1, CAMERAS)
        _, said = await asyncio.to_thread(child.communicate, "\n\n\n", timeout=60)
        assert (child.returncode, said) == (0, "")


async def test_a_process_whose_camera_hangs_ends_in_time_and_without_a_crash(camera: SimulatedCamera) -> None:
    child = _child(camera, 1, 1)
    assert child.stdout is not None
    assert await asyncio.to_thread(child.stdout.readline) == "up\n"
    os.kill(camera.pid, signal.SIGSTOP)
    try:
        _, said = await asyncio.to_thread(child.communicate, "\n", timeout=8)
    finally:
        os.kill(camera.pid, signal.SIGCONT)
    assert (child.returncode, said) == (0, "")
