"""esp-rfid: a reader and a door's relay on one device.

It decides by a list of its own, and nothing can stop that: its list must be empty. It has no last will; it counts as
there while its heartbeat comes. It times the door's pulse by itself, as long as its page says.
"""

from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drivers.mqtt.board import Fact, MqttBoard
from drivers.mqtt.broker import BrokerConnection, BrokerMessage, find_broker
from drivers.mqtt.esp_rfid_frames import Reads, Said, open_door, read_said, read_uid
from drivers.mqtt.presence import Heartbeat
from drivers.mqtt.reader import MqttReader, OpenedItself, ReadValue, SignOfLife, Stale
from drivers.mqtt.reads import is_outside
from drivers.mqtt.settings import TopicSettings, WindowSettings
from drivers.registry import Driver, DriverContext, FormatNames
from drivers.wiegand.formats import FormatTable
from gateway.domain.commands import PulseOutput
from gateway.domain.moment import Moment
from gateway.errors import CommandFailed

OPENED: Fact = ("opening", 0)

SAID_ON = ("/send", "/sync", "/tag", "")


class EspRfidSettings(TopicSettings):
    """What reader and relay share; several devices may have one `topic`, and `hostname` tells them apart."""

    hostname: str = Field(default="", max_length=64)
    heartbeat_s: float = Field(default=180.0, ge=5, le=3600)
    """The firmware's own default; on its page it may be shorter."""


class EspRfidReaderSettings(EspRfidSettings, WindowSettings):
    """Settings of `driver = "esp-rfid-reader"`."""

    reads: Literal["uid", "em4100", "wiegand"] = "uid"
    decimal: bool = False
    formats: FormatNames = ()
    window_s: float = Field(default=30.0, ge=0, le=3600)
    """Its NTP client is right to some seconds; 0 is for a device without one."""

    @property
    def reads_formats(self) -> bool:
        """Whether its uid is a message of a card format, and not what a chip says of itself."""
        return self.reads == "wiegand"


class EspRfidRelaySettings(EspRfidSettings):
    """Settings of `driver = "esp-rfid-relay"`; `address` is the device's IP address, `pulse_s` what its page says."""

    address: Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]
    pulse_s: float = Field(gt=0, le=3600)
    outputs: Literal[1] = 1

    pulses_energised_only: ClassVar[bool] = True

    def times_pulse(self, energise: bool, _duration_s: float) -> bool:
        """It times the one length that it is set to, whatever it is asked for."""
        return energise


class EspRfidRelay(MqttBoard):
    """Output 0 is its door. It can't say how its relay stands, and never holds it."""

    blind = True

    def __init__(self, settings: EspRfidRelaySettings, broker: BrokerConnection, context: DriverContext) -> None:
        super().__init__(context, broker, Heartbeat(settings.heartbeat_s), 1, 0)
        self._settings = settings
        for tail in SAID_ON:
            broker.subscribe(f"{settings.topic}{tail}", self._on_said)

    def questions(self) -> tuple[Fact, ...]:
        """It answers none."""
        return ()

    async def ask(self, fact: Fact) -> None:
        """It answers none."""

    def find_faults(self) -> tuple[str, ...]:
        """It doesn't say how it is set up."""
        return ()

    async def pulse(self, command: PulseOutput) -> None:
        """It logs the opening as an access by MQTT: that is its answer."""
        if not command.energise:
            raise CommandFailed("it energises its relay: wire the lock so that energising releases it")
        send = partial(self.broker.publish, f"{self._settings.topic}/cmd", open_door(self._settings.address))
        await self.confirm(OPENED, True, send, command.expires_s)

    async def hold(self, output: int, energise: bool, expires_s: float) -> None:
        """It lets go by itself; more it can't."""
        if energise:
            raise CommandFailed("esp-rfid only pulses: a door that stands unlocked needs another board")

    def _on_said(self, message: BrokerMessage) -> None:
        said = _said(message.payload, self._settings.hostname) if message.payload else None
        if said is None or not self.counts_as_answer(message):
            return
        self.presence.heard()
        if said.opened_by_command:
            self.hear(OPENED, True)


def build_reader(settings: EspRfidReaderSettings, context: DriverContext) -> MqttReader:
    """The reader for one device of the site config. Raises ConfigError for an unknown broker."""
    reader = MqttReader(context, find_broker(settings.broker, context), Heartbeat(settings.heartbeat_s))
    for tail in SAID_ON:
        reader.understand(f"{settings.topic}{tail}", partial(_understand, settings, context.formats))
    return reader


def build_relay(settings: EspRfidRelaySettings, context: DriverContext) -> EspRfidRelay:
    """The relay for one device of the site config. Raises ConfigError for an unknown broker."""
    return EspRfidRelay(settings, find_broker(settings.broker, context), context)


def _said(payload: bytes, hostname: str) -> Said | None:
    """What this device says; None for another one's words, and for rubbish."""
    try:
        said = read_said(payload)
    except ValueError:
        return None
    return said if said is not None and hostname in ("", said.host) else None


def _understand(settings: EspRfidReaderSettings, formats: FormatTable, payload: bytes, at: Moment) -> list[ReadValue]:
    said = read_said(payload)
    if said is None or settings.hostname not in ("", said.host):
        return []
    values: list[ReadValue] = [SignOfLife(booted=said.booted)]
    if said.uid is None:
        return values
    if is_outside(said.at_s, at, settings.window_s, settings.utc_offset_h):
        return [*values, Stale()]
    if said.opened_itself:
        values.append(OpenedItself())
    reads = Reads(settings.reads)
    return [*values, read_uid(said.uid, reads, decimal=settings.decimal, formats=formats, names=settings.formats)]


READER = Driver("esp-rfid-reader", "reader", EspRfidReaderSettings, build_reader, "The reader of an esp-rfid device")
RELAY = Driver(
    "esp-rfid-relay", "relay_board", EspRfidRelaySettings, build_relay, "The door's relay of an esp-rfid device"
)
