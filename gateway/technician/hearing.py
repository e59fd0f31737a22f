"""Devices that run without a daemon, for a technician who listens: what they say comes out one by one."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from config.loader import SiteConfig
from drivers.contracts import Device
from drivers.registry import DriverContext, driver_names, find_driver
from gateway.assembly.devices import SiteDevices
from gateway.clock import SystemClock
from gateway.domain.signals import Signal
from gateway.errors import ConfigError
from gateway.secret_files import read_secret
from gateway.technician.settings_words import read_settings

HEARD_BOUND = 1000
"""Signals that wait to be printed; a device that says more meanwhile talks rubbish."""


class Hearing:
    """Takes the devices' signals; what finds no room is counted."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Signal] = asyncio.Queue(HEARD_BOUND)
        self.dropped = 0

    def put(self, signal: Signal) -> bool:
        """The devices' way in."""
        try:
            self._heard.put_nowait(signal)
        except asyncio.QueueFull:
            self.dropped += 1
            return False
        return True

    async def signals(self, seconds: float | None) -> AsyncIterator[Signal]:
        """What is said, until `seconds` have passed (None: for ever)."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    yield await self._heard.get()
        except TimeoutError:
            return


def site_devices(config: SiteConfig, data: Path, hearing: Hearing, kinds: Iterable[str]) -> list[Any]:
    """The site's devices of these kinds, with every broker. Raises ConfigError."""
    parts = SiteDevices(config, data, hearing, SystemClock())
    wanted = set(kinds)
    chosen = [parts.devices[key] for key, device in config.devices.items() if device.driver.kind in wanted]
    return [*parts.brokers.values(), *chosen]


def lone_device(driver_name: str, settings: list[str], hearing: Hearing) -> Device:
    """A device by its driver's name and `key=value` settings, without any site. Raises ConfigError."""
    driver = find_driver(driver_name)
    if driver is None:
        raise ConfigError("--driver", driver_name, f"use one of {', '.join(driver_names())}")
    model = read_settings(driver.settings, settings)
    if getattr(model, "broker", None) is not None:
        raise ConfigError("--driver", driver_name, "lives behind a broker: learn it from a site's config")
    if getattr(model, "bus", None) is not None:
        raise ConfigError("--driver", driver_name, "is on a bus with others: learn it from a site's config")

    def secret(reference: str) -> str:
        return read_secret(Path.cwd(), reference)

    built: Device = driver.build(model, DriverContext(driver_name, hearing, SystemClock(), {}, secret))
    return built


@asynccontextmanager
async def running(devices: Iterable[Any]) -> AsyncIterator[None]:
    """Serve their wires while the block runs."""
    tasks = [asyncio.create_task(device.run()) for device in devices]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
