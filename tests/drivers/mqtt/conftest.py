"""A mosquitto for each test, and the gateway's connection to it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

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
