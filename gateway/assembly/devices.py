"""Wires a site's devices: brokers and drivers, as the doors process and the technician's commands have them."""

from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from config.card_formats import format_table
from config.loader import ConfiguredDevice, SiteConfig
from drivers.contracts import Device
from drivers.mqtt.broker import BrokerConnection
from drivers.registry import DriverContext, DriverSettings
from gateway.clock import Clock
from gateway.domain.ports import SignalSink
from gateway.secret_files import read_secret

_Settings = TypeVar("_Settings", bound=DriverSettings)


class SiteDevices:
    """The site's brokers and devices by id, built and not yet running. Raises ConfigError for a missing secret."""

    def __init__(self, config: SiteConfig, data: Path, sink: SignalSink, clock: Clock) -> None:
        self._data, self._sink, self._clock = data, sink, clock
        self._secret = partial(read_secret, data)
        self._formats = format_table(config)
        self.brokers = {
            name: BrokerConnection(name, place_settings(settings, data), sink, clock, self._secret)
            for name, settings in config.brokers.items()
        }
        self._lines: dict[str, Any] = {}
        self.devices = {key: self._build(device, config) for key, device in config.devices.items()}

    def runs(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What must run, by name: every broker's connection and every device."""
        for part in (*self.brokers.values(), *self.devices.values()):
            yield part.device_id, part.run()

    def _build(self, device: ConfiguredDevice, config: SiteConfig) -> Device:
        context = DriverContext(
            device.id, self._sink, self._clock, self.brokers, self._secret, self._formats, self._lines
        )
        built: Device = device.driver.build(place_settings(device.settings, self._data), context)
        return built


def place_settings(settings: _Settings, data: Path) -> _Settings:
    """Settings whose relative file paths (ports, certificates) are made absolute under the data directory."""
    update = {}
    for name in ("port", "ca_file", "cert_file", "key_file"):
        value = getattr(settings, name, None)
        if isinstance(value, str):
            update[name] = str(data / value)
    return settings.model_copy(update=update) if update else settings
