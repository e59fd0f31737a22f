"""A mosquitto for each test, and the gateway's connection to it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from config.loader import ConfigFaults, parse_config
from tests.drivers.mosquitto import Mosquitto


@pytest.fixture
async def broker(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(program("mosquitto"), tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting after SUBACK, for tests that are about something else."""
    monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)


@pytest.fixture
def write_site() -> Callable[[str], list[str]]:
    """The faults of a site with one broker and these lines."""

    def faults(lines: str) -> list[str]:
        head = """schema = 1
        [site]
        id = "s"
        name = { zh-CN = "园", en = "S" }
        zone = "Asia/Shanghai"
        [broker.local]
        host = "127.0.0.1"
        insecure = true
        """
        try:
            parse_config((head + lines).encode())
        except ConfigFaults as found:
            return [str(fault) for fault in found.faults]
        return []

    return faults
