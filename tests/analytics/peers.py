"""What a camera worker talks to, for tests: cameras, the doors process, and real servers as processes."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.contracts import CameraEvent, CameraStream
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import EvidenceReady, LinkChanged, Observation, Signal, StatusReported
from gateway.errors import LinkError
from tests.programs import missing_program

_SYSTEM_PYTHON = "/usr/bin/python3"
_GST_SERVER = Path(__file__).with_name("gst_server.py")
ROOT = Path(__file__).parents[2]


class RecordingDoors:
    """A doors process that can be away. Implements `DoorsPort`."""

    def __init__(self) -> None:
        self.there = True
        self.signals: list[Signal] = []
        self.status: dict[str, Any] = {}

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        await asyncio.sleep(0)
        if not self.there:
            raise LinkError("the doors process is away")
        if isinstance(signal, StatusReported):
            self.status = dict(signal.values)
        else:
            self.signals.append(signal)
        return Reply(True)

    async def feed(self) -> AsyncIterator[Feed]:
        yield Feed(True)

    def links(self) -> list[str]:
        return [str(s.state) for s in self.signals if isinstance(s, LinkChanged)]

    def observations(self) -> list[Observation]:
        return [s for s in self.signals if isinstance(s, Observation)]

    def evidence(self, kind: str) -> list[EvidenceReady]:
        return [s for s in self.signals if isinstance(s, EvidenceReady) and s.kind == kind]


class FixedCamera:
    """A camera whose stream is known. Implements `Camera`; says nothing by itself."""

    def __init__(self, url: str, device_id: str = "yard", username: str = "", password: str = "") -> None:
        self.url, self.username, self.password = url, username, password
        self.asked = 0
        self._device_id = device_id

    @property
    def device_id(self) -> str:
        return self._device_id

    async def stream(self) -> CameraStream:
        self.asked += 1
        return CameraStream(self.url, self.username, self.password, 640, 480, 10.0, "H264")

    async def events(self) -> AsyncIterator[CameraEvent]:
        await asyncio.get_running_loop().create_future()
        yield CameraEvent("", {}, {}, None)

    async def close(self) -> None:
        """Nothing is held."""


class GstServer:
    """gst-rtsp-server as a process that can be stopped, killed and started again on the same port."""

    def __init__(self) -> None:
        self._port = "0"
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/live"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def restart(self) -> None:
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [_SYSTEM_PYTHON, str(_GST_SERVER), self._port],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        self._port = process.stdout.readline().strip()
        assert self._port.isdecimal()
        return process


def require_gst_server() -> None:
    """Skip where the system's Python has no gst-rtsp-server or no H.264 encoder."""
    probe = (
        "import gi; gi.require_version('Gst','1.0'); gi.require_version('GstRtspServer','1.0')\n"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None)\n"
        "import sys; sys.exit(0 if Gst.ElementFactory.find('x264enc') else 1)"
    )
    python = shutil.which(_SYSTEM_PYTHON)
    if python is None or subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip(missing_program("gst-rtsp-server"))


@contextmanager
def gst_server() -> Iterator[GstServer]:
    """A running server, killed at the end."""
    server = GstServer()
    try:
        yield server
    finally:
        server.kill()


class SimulatedCamera:
    """The process `python -m simulators.camera`, and its control socket."""

    def __init__(self, ready: dict[str, str], control: Path, password: str, pid: int) -> None:
        self.ready = ready
        self.password = password
        self.pid = pid
        self._control = control

    @property
    def port(self) -> int:
        return int(self.ready["device_service"].split(":")[2].split("/")[0])

    async def tell(self, **command: object) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(str(self._control))
        writer.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        assert answer.pop("ok"), answer
        return answer


@asynccontextmanager
async def simulated_camera(folder: Path, cache: Path, *more: str) -> AsyncIterator[SimulatedCamera]:
    """A running simulator, ended at the end."""
    secret = folder / "camera-password"
    secret.write_text("sesame")
    secret.chmod(0o600)
    arguments = ["--password-file", str(secret), "--control", str(folder / "c"), "--cache-dir", str(cache)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.camera",
        *arguments,
        *more,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield SimulatedCamera(json.loads(line)["ready"], folder / "c", "sesame", process.pid)
    finally:
        process.terminate()
        await process.wait()
