from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.drivers.mosquitto import Mosquitto


@pytest.fixture
async def broker(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    started = Mosquitto(program("mosquitto"), tmp_path)
    await started.start()
    yield started
    await started.stop()
