"""The drivers of Tasmota readers and relays; names for the registry."""

from pydantic import Field, field_validator

from drivers.mqtt.broker import find_broker
from drivers.mqtt.settings import check_topic
from drivers.mqtt.tasmota_reader import TasmotaReader
from drivers.mqtt.tasmota_relay import TasmotaRelay
from drivers.registry import Driver, DriverContext, DriverSettings


class TasmotaReaderSettings(DriverSettings):
    """Settings of `driver = "tasmota-reader"`."""

    broker: str = Field(min_length=1)
    topic: str

    @field_validator("topic")
    @classmethod
    def _own_topic(cls, topic: str) -> str:
        return check_topic(topic)


class TasmotaRelaySettings(TasmotaReaderSettings):
    """Settings of `driver = "tasmota-relay"`."""

    outputs: int = Field(default=1, ge=1, le=8)
    """Tasmota keeps 8 pulse timers."""


def build_reader(settings: TasmotaReaderSettings, context: DriverContext) -> TasmotaReader:
    """The reader for one device of the site config. Raises ConfigError for an unknown broker."""
    return TasmotaReader(
        context.device_id, settings.topic, find_broker(settings.broker, context), context.sink, context.clock
    )


def build_relay(settings: TasmotaRelaySettings, context: DriverContext) -> TasmotaRelay:
    """The relay for one device of the site config. Raises ConfigError for an unknown broker."""
    return TasmotaRelay(
        context.device_id,
        settings.topic,
        settings.outputs,
        find_broker(settings.broker, context),
        context.sink,
        context.clock,
    )


READER = Driver(
    "tasmota-reader", "reader", TasmotaReaderSettings, build_reader, "Tasmota readers: Wiegand, RDM6300, RC522, PN532"
)
RELAY = Driver(
    "tasmota-relay", "relay_board", TasmotaRelaySettings, build_relay, "Tasmota relays with a PulseTime of their own"
)
