"""Scanners of QR codes and plates behind a broker: each message of their topic is one text."""

import asyncio

from drivers.mqtt.broker import BROKER_OFFLINE, BrokerConnection, BrokerMessage, find_broker
from drivers.mqtt.settings import TopicSettings
from drivers.registry import Driver, DriverContext
from drivers.scanner.text_scanner import ScannedTextSettings
from drivers.serial_reader import Rejected, RejectedTally, Text
from gateway.clock import Clock
from gateway.domain.ports import SignalSink
from gateway.domain.signals import LinkChanged, LinkState, ReadIgnored, TextRead

TELL_EVERY_S = 1.0


class MqttScannerSettings(TopicSettings, ScannedTextSettings):
    """Settings of `driver = "mqtt-scanner"`."""


class MqttScanner:
    """Implements `drivers.contracts.Reader`. The broker's connection delivers; `run` only tells what was counted.

    A scanner says nothing of itself: it counts as online while the broker does.
    """

    def __init__(self, settings: MqttScannerSettings, broker: BrokerConnection, context: DriverContext) -> None:
        self._device_id, self._read = context.device_id, settings.read
        self._sink: SignalSink = context.sink
        self._clock: Clock = context.clock
        self._tally = RejectedTally(context.device_id, context.sink)
        self._state: LinkState | None = None
        self._counts = {"frames": 0, "ignored": 0}
        broker.subscribe(settings.topic, self._on_message, self._on_link)

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return {**self._counts, "rejected": self._tally.total}

    async def run(self) -> None:
        """Live until cancelled."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._tally.tell(self._clock.now().monotonic_s)

    def _on_message(self, message: BrokerMessage) -> None:
        if message.flaw is not None:
            self._counts["ignored"] += 1
            self._sink.put(ReadIgnored(self._device_id, message.flaw))
            return
        if not message.payload:  # somebody clears a retained message
            return
        match self._read(message.payload.rstrip(b"\r\n")):
            case Text(text):
                self._counts["frames"] += 1
                self._sink.put(TextRead(self._device_id, text, message.received_s))
            case Rejected(reason):
                self._tally.add(reason, message.received_s)

    def _on_link(self, up: bool) -> None:
        self._say(LinkState.ONLINE if up else LinkState.OFFLINE, "" if up else BROKER_OFFLINE)

    def _say(self, state: LinkState, detail: str) -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))


def build(settings: MqttScannerSettings, context: DriverContext) -> MqttScanner:
    """The scanner for one device of the site config. Raises ConfigError for an unknown broker."""
    return MqttScanner(settings, find_broker(settings.broker, context), context)


DRIVER = Driver("mqtt-scanner", "reader", MqttScannerSettings, build, "Scanners of QR codes and plates on MQTT")
