"""How soon a port that was missing for long is found again, in virtual seconds."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.registry import DriverContext, find_driver
from gateway.domain.signals import LinkChanged, LinkState
from tests.drivers.ptys import PtyPort
from tests.drivers.recording import Recorder
from tests.sync.simulation.box import BoxClock
from tests.sync.simulation.virtual_loop import VirtualLoop

BACK_WITHIN_S = 1.1


@pytest.mark.parametrize("driver", ["rdm6300", "osdp-bus", "lcus"])
def test_port_that_was_missing_for_long_is_open_again_within_a_second(driver: str, tmp_path: Path) -> None:
    took_s = [VirtualPlug(driver, tmp_path / "port").wait_after(10 + 0.7 * phase) for phase in range(6)]
    assert max(took_s) <= BACK_WITHIN_S


class VirtualPlug:
    """A device whose port appears at a virtual instant."""

    def __init__(self, driver: str, path: Path) -> None:
        self.driver, self.path, self.sink = driver, path, Recorder()

    def wait_after(self, away_s: float) -> float:
        """Seconds from the port's appearing, after it was missing for `away_s`, to its being used."""
        loop = VirtualLoop(Random(away_s))
        try:
            return loop.run_until_complete(self._wait_after(away_s))
        finally:
            loop.close()

    async def _wait_after(self, away_s: float) -> float:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(self._device().run())
        await asyncio.sleep(away_s)
        assert self._state() is LinkState.OFFLINE
        port, plugged_s = PtyPort(self.path), loop.time()
        while self._state() is LinkState.OFFLINE:
            await asyncio.sleep(0.01)
        took_s = loop.time() - plugged_s
        work.cancel()
        await asyncio.wait({work})
        port.close()
        return took_s

    def _device(self) -> Any:
        found = find_driver(self.driver)
        assert found is not None
        context = DriverContext("d", self.sink, BoxClock("boot"), {}, str)
        return found.build(found.settings.model_validate({"port": str(self.path)}), context)

    def _state(self) -> LinkState:
        return self.sink.of(LinkChanged)[-1].state
