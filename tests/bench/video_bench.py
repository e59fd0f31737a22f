"""What one camera costs: a 768x576 stream at 10 fps through the worker's own path, against decoding alone."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.rows import Row, single

SECONDS = 20.0
ROOT = Path(__file__).parents[2]

_DECODE = """
import sys, time, av
url, seconds = sys.argv[1], float(sys.argv[2])
with av.open(url, options={"rtsp_transport": "tcp"}) as source:
    video = source.streams.video[0]
    video.codec_context.thread_count = 1
    begun = spent = None
    frames = 0
    for frame in source.decode(video):
        if begun is None:
            begun, spent = time.monotonic(), time.process_time()
        frames += 1
        if time.monotonic() - begun >= seconds:
            break
print((time.process_time() - spent) / (time.monotonic() - begun), frames)
"""

_WORKER = """
import asyncio, sys, tempfile, time
from pathlib import Path
from analytics.settings import CameraSettings
from analytics.worker import run_cameras
from gateway.clock import SystemClock
from tests.analytics.peers import FixedCamera, RecordingDoors

async def main(url, seconds):
    doors = RecordingDoors()
    with tempfile.TemporaryDirectory() as folder:
        camera = FixedCamera(url, "yard", "admin", "sesame")
        work = run_cameras([(camera, CameraSettings("yard"))], doors, Path(folder), SystemClock())
        task = asyncio.create_task(work)
        while doors.status.get("yard.scene") != "steady":
            await asyncio.sleep(0.1)
        begun, spent, frames = time.monotonic(), time.process_time(), doors.status["yard.frames_analysed"]
        await asyncio.sleep(seconds)
        share = (time.process_time() - spent) / (time.monotonic() - begun)
        print(share, doors.status["yard.frames_analysed"] - frames)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""


def run(seconds: float = SECONDS) -> list[Row]:
    """Shares are CPU time of the whole process over wall time, in per cent of one core."""
    with tempfile.TemporaryDirectory() as folder:
        camera, url = _camera(Path(folder))
        try:
            decode, decoded = _measure(_DECODE, url, seconds)
            worker, analysed = _measure(_WORKER, url, seconds)
        finally:
            camera.send_signal(signal.SIGTERM)
            camera.communicate()
    return [
        single("one 768x576 stream at 10 fps, decoding alone", decode * 100, "% of a core", f"{decoded} frames"),
        single("the same through the cameras worker", worker * 100, "% of a core", f"{analysed} frames analysed"),
        single("worker against decoding alone", worker / decode, "times"),
    ]


def _camera(folder: Path) -> "tuple[subprocess.Popen[str], str]":
    secret = folder / "password"
    secret.write_text("sesame")
    secret.chmod(0o600)
    arguments = ["--password-file", str(secret), "--no-discovery", "--cache-dir", str(folder)]
    scene = ["--people-every", "12", "--size", "768x576", "--fps", "10"]
    camera = subprocess.Popen(
        [sys.executable, "-m", "simulators.camera", *arguments, *scene],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert camera.stdout is not None
    url = json.loads(camera.stdout.readline())["ready"]["rtsp"]
    return camera, url.replace("rtsp://", "rtsp://admin:sesame@")


def _measure(program: str, url: str, seconds: float) -> tuple[float, int]:
    told = subprocess.run(
        [sys.executable, "-c", program, url, str(seconds)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 60,
    ).stdout.split()
    return float(told[0]), int(told[1])


if __name__ == "__main__":
    begun = time.monotonic()
    for what, figure in run():
        print(f"{what}: {figure}")
    print(f"took {time.monotonic() - begun:.0f} s, load {os.getloadavg()[0]:.1f}")
