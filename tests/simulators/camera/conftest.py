"""A camera process of the test's own, on ports chosen by the system."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PASSWORD = "yard-secret"


@dataclass(frozen=True, slots=True)
class RunningCamera:
    """A camera that answers, and its control socket."""

    process: subprocess.Popen[bytes]
    device_service: str
    rtsp: str
    uuid: str
    control: Path

    @property
    def http_port(self) -> int:
        """The port of the ONVIF services."""
        return urlsplit(self.device_service).port or 0

    @property
    def rtsp_port(self) -> int:
        """The port of the RTSP server."""
        return urlsplit(self.rtsp).port or 0

    def rtsp_with(self, password: str) -> str:
        """The stream's address with a login in it."""
        return self.rtsp.replace("rtsp://", f"rtsp://admin:{password}@")

    def command(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for its reply."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(20)
            link.connect(str(self.control))
            link.sendall(json.dumps(command).encode() + b"\n")
            with link.makefile("rb") as lines:
                reply: dict[str, Any] = json.loads(lines.readline())
        return reply


@pytest.fixture(scope="session")
def footage_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips are encoded once for all tests of a run."""
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="module")
def start_camera(
    footage_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningCamera]]:
    """Starts cameras with further arguments; ends them after the module."""
    with contextlib.ExitStack() as ending:

        def start(*arguments: str) -> RunningCamera:
            home = tmp_path_factory.mktemp("camera")
            (home / "password").write_text(PASSWORD + "\n")
            command = [sys.executable, "-m", "simulators.camera", "--password-file", str(home / "password")]
            command += ["--control", str(home / "control"), "--cache-dir", str(footage_cache), *arguments]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            ending.callback(_end, process)
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())["ready"]
            return RunningCamera(process, ready["device_service"], ready["rtsp"], ready["uuid"], home / "control")

        yield start


@pytest.fixture(scope="module")
def camera(start_camera: Callable[..., RunningCamera]) -> RunningCamera:
    """One healthy camera for the tests of a module; each leaves it healthy."""
    return start_camera("--no-discovery")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
