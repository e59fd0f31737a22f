"""Brokers and a simulated site for these tests."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from simulators.acts import Acts
from simulators.hardware import Hardware
from simulators.modbus_board import BoardOnLine
from simulators.plan import read_plan

DEMO_TOML = Path(__file__).parents[3] / "config" / "demo.toml"
PATIENCE_S = 30.0


async def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait for `condition`; an AssertionError after half a minute."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_broker(kind: str, folder: Path) -> Iterator[int]:
    """A real broker process on loopback."""
    port = free_port()
    if kind == "mosquitto":
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(binary).exists():
            pytest.skip("mosquitto is not installed")
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        command = [binary, "-c", str(config)]
    else:
        command = [sys.executable, "-m", "simulators.broker", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_S
        while not _answers(port):
            assert process.poll() is None, f"{kind} ended with {process.returncode}"
            assert time.monotonic() < end, f"{kind} does not answer"
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture(params=["mosquitto", "embedded"])
def broker_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """The port of each of the two brokers in turn."""
    with running_broker(request.param, tmp_path) as port:
        yield port


@dataclass(frozen=True, slots=True)
class SiteUnderTest:
    """A site in this process, with its lines below `data`."""

    hardware: Hardware
    acts: Acts
    data: Path

    def tty(self, name: str) -> Path:
        """The line of that name."""
        return self.data / "tty" / name


MakeSite = Callable[[dict[tuple[str, str, str], Any]], Awaitable[SiteUnderTest]]


@pytest.fixture
async def make_site(tmp_path: Path) -> AsyncIterator[MakeSite]:
    """Makes the demo's site, with some values of its TOML changed."""
    made: list[SiteUnderTest] = []

    async def make(changes: dict[tuple[str, str, str], Any]) -> SiteUnderTest:
        document: Any = tomlkit.parse(DEMO_TOML.read_text(encoding="utf-8"))
        for (kind, name, key), value in changes.items():
            document[kind][name][key] = value
        config = tmp_path / "site.toml"
        config.write_text(tomlkit.dumps(document), encoding="utf-8")
        hardware = Hardware(read_plan(config), tmp_path)
        site = SiteUnderTest(hardware, Acts(hardware, tmp_path / "run"), tmp_path)
        made.append(site)
        hardware.power_up()
        return site

    yield make
    for site in made:
        await site.acts.scenario.stop()
        await site.hardware.power_down()


@pytest.fixture
async def site(make_site: MakeSite) -> SiteUnderTest:
    """The demo's site without any broker."""
    return await make_site({("broker", "local", "port"): free_port()})


def north_board(site: SiteUnderTest) -> BoardOnLine:
    """The demo's one Modbus board."""
    device = site.hardware.devices["north-board"]
    assert isinstance(device, BoardOnLine)
    return device
