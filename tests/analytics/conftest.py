"""A simulated camera for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.analytics.peers import SimulatedCamera, simulated_camera


@pytest.fixture(scope="session")
def footage_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulator's encoded footage, made once a run."""
    return tmp_path_factory.mktemp("footage")


@pytest.fixture
async def camera(tmp_path: Path, footage_cache: Path) -> AsyncIterator[SimulatedCamera]:
    async with simulated_camera(tmp_path, footage_cache, "--no-discovery") as running:
        yield running
