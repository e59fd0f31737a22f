"""The drivers of Tasmota readers and relays; names for the registry."""

from functools import partial
from typing import ClassVar

from pydantic import Field

from drivers.mqtt.broker import find_broker, parse_object
from drivers.mqtt.presence import LastWill
from drivers.mqtt.reader import MqttReader, ReadValue, Stale
from drivers.mqtt.reads import is_outside
from drivers.mqtt.settings import TopicSettings, WindowSettings
from drivers.mqtt.tasmota_reads import read_sensor, read_time
from drivers.mqtt.tasmota_relay import TasmotaRelay
from drivers.registry import Driver, DriverContext, FormatNames
from drivers.wiegand.formats import FormatTable
from gateway.domain.moment import Moment


class TasmotaReaderSettings(TopicSettings, WindowSettings):
    """Settings of `driver = "tasmota-reader"`; `formats` are card formats in order of priority, none named: all."""

    formats: FormatNames = ()


class TasmotaRelaySettings(TopicSettings):
    """Settings of `driver = "tasmota-relay"`."""

    outputs: int = Field(default=1, ge=1, le=8)
    """Tasmota keeps 8 pulse timers."""
    inputs: int = Field(default=0, ge=0, le=8)

    pulses_energised_only: ClassVar[bool] = True

    def times_pulse(self, energise: bool, _duration_s: float) -> bool:
        """PulseTime ends what is on."""
        return energise


def build_reader(settings: TasmotaReaderSettings, context: DriverContext) -> MqttReader:
    """The reader for one device of the site config. Raises ConfigError for an unknown broker."""
    will = LastWill(f"tele/{settings.topic}/LWT", b"Online", b"Offline")
    reader = MqttReader(context, find_broker(settings.broker, context), will)
    understand = partial(_understand, settings, context.formats)
    reader.understand(f"tele/{settings.topic}/SENSOR", understand)
    return reader


def build_relay(settings: TasmotaRelaySettings, context: DriverContext) -> TasmotaRelay:
    """The relay for one device of the site config. Raises ConfigError for an unknown broker."""
    broker = find_broker(settings.broker, context)
    return TasmotaRelay(settings.topic, settings.outputs, settings.inputs, broker, context)


def _understand(settings: TasmotaReaderSettings, formats: FormatTable, payload: bytes, at: Moment) -> list[ReadValue]:
    report = parse_object(payload)
    values = read_sensor(report, formats, settings.formats)
    if values and is_outside(read_time(report), at, settings.window_s, settings.utc_offset_h):
        return [Stale()]
    return [*values]


READER = Driver(
    "tasmota-reader", "reader", TasmotaReaderSettings, build_reader, "Tasmota readers: Wiegand, RDM6300, RC522, PN532"
)
RELAY = Driver(
    "tasmota-relay", "relay_board", TasmotaRelaySettings, build_relay, "Tasmota relays with a PulseTime of their own"
)
