"""Driver name -> settings model and builder. Third parties join by the entry point group `gatehouse.drivers`."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drivers.wiegand.formats import BUILT_IN, FormatTable
from gateway.clock import Clock
from gateway.domain.ports import SignalSink

GROUP = "gatehouse.drivers"


def to_tuple(value: Any) -> Any:
    """TOML has lists; what is frozen holds tuples."""
    return tuple(value) if isinstance(value, list) else value


FORMATS_MAX = 16
"""No length has more formats than this, and a reader sends a few lengths at most."""

FormatNames = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$")], ...],
    BeforeValidator(to_tuple),
    Field(max_length=FORMATS_MAX),
]
"""A reader's setting `formats`: card formats in order of priority. Whether each exists is checked with the site's own
(`config.references`)."""


SECRET_PATTERN = r"^(file|env):\S.*$"
SecretReference = Annotated[str, Field(pattern=SECRET_PATTERN)]
"""A setting that says where a secret is, and never the secret. What stands there instead is told to nobody."""


class DriverSettings(BaseModel):
    """The root of every driver's settings: strict types, unknown keys refused, frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    port_address: ClassVar[str] = ""
    """The key that tells devices on one serial port apart; empty where a port is for one device alone."""

    unshared: ClassVar[tuple[str, ...]] = ()
    """Keys whose value no two devices may have."""

    def secret_fault(self, device_id: str, key: str, secret: str | None) -> str | None:
        """What to do about a secret that can't be used, in words that show nothing of it; else None.

        `secret` is None where there is none yet: what is returned then says how one is made.
        """
        return None


@dataclass(frozen=True, slots=True)
class DriverContext:
    """What a builder gets.

    `brokers` are shared MQTT connections by name; `secret` reads a secret by reference; `formats` are the built-in card
    formats and the site's own; `lines` are the serial lines that several devices share, by port or name.
    """

    device_id: str
    sink: SignalSink
    clock: Clock
    brokers: Mapping[str, Any]
    secret: Callable[[str], str]
    formats: FormatTable = BUILT_IN
    lines: MutableMapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Driver:
    """One registered driver. `kind` is what its devices are.

    reader, relay_board (outputs and inputs), camera, or bus (a line with devices on it that name it).
    """

    name: str
    kind: str
    settings: type[DriverSettings]
    build: Callable[[Any, DriverContext], Any]
    summary: str


_BUILT_IN = {
    "rdm6300": "drivers.rfid.rdm6300:DRIVER",
    "em18": "drivers.rfid.em18:DRIVER",
    "zk-rfid102": "drivers.rfid.zk_rfid102:DRIVER",
    "s4a": "drivers.wiegand.s4a:DRIVER",
    "wie232": "drivers.wiegand.wie232:DRIVER",
    "modbus-rtu": "drivers.relay.modbus:DRIVER",
    "lcus": "drivers.relay.lcus:DRIVER",
    "hw-667": "drivers.relay.hw667:DRIVER",
    "numato": "drivers.relay.numato:DRIVER",
    "tasmota-reader": "drivers.mqtt.tasmota:READER",
    "tasmota-relay": "drivers.mqtt.tasmota:RELAY",
    "shelly": "drivers.mqtt.shelly:DRIVER",
    "serial-frame": "drivers.serial_frame.driver:DRIVER",
    "esphome-board": "drivers.mqtt.esphome:BOARD",
    "esphome-reader": "drivers.mqtt.esphome:READER",
    "esp-rfid-reader": "drivers.mqtt.esp_rfid:READER",
    "esp-rfid-relay": "drivers.mqtt.esp_rfid:RELAY",
    "text-scanner": "drivers.scanner.text_scanner:DRIVER",
    "mqtt-scanner": "drivers.scanner.mqtt_scanner:DRIVER",
    "osdp-bus": "drivers.osdp.bus:DRIVER",
    "osdp-reader": "drivers.osdp.reader:DRIVER",
    "onvif": "drivers.onvif.driver:DRIVER",
}


def driver_names() -> list[str]:
    """Every known driver's name, sorted."""
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def find_driver(name: str) -> Driver | None:
    """The driver of that name, imported on first use; None when there is none. A built-in name can't be taken over."""
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        found = getattr(import_module(module), attribute)
    else:
        point = next(iter(entry_points(group=GROUP, name=name)), None)
        found = None if point is None else point.load()
    return found if isinstance(found, Driver) else None
