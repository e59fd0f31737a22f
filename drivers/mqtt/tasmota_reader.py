"""A card reader or keypad on a Tasmota device."""

import asyncio

from drivers.mqtt.broker import BrokerConnection, BrokerMessage, parse_object
from drivers.mqtt.tasmota_reads import read_sensor
from drivers.serial_reader import Card, Key, Rejected, RejectedTally
from gateway.clock import Clock
from gateway.domain.ports import SignalSink
from gateway.domain.signals import CardRead, KeyPressed, LinkChanged, LinkState, ReadIgnored

TELL_EVERY_S = 1.0

LAST_WILL_S = 5.0
"""The broker keeps a device's last will and says it on subscribing; a device without one was never there."""


class TasmotaReader:
    """Implements `drivers.contracts.Reader`. The broker's connection delivers; `run` only tells what was counted."""

    def __init__(self, device_id: str, topic: str, broker: BrokerConnection, sink: SignalSink, clock: Clock) -> None:
        self._device_id, self._sink, self._clock = device_id, sink, clock
        self._tally = RejectedTally(device_id, sink)
        self._state: LinkState | None = None
        self._counts = {"frames": 0, "keys": 0, "ignored": 0}
        broker.subscribe(f"tele/{topic}/SENSOR", self._on_sensor)
        broker.subscribe(f"tele/{topic}/LWT", self._on_last_will, self._on_link)

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return {**self._counts, "rejected": self._tally.total}

    async def run(self) -> None:
        """Live until cancelled."""
        started_s = self._clock.now().monotonic_s
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            now_s = self._clock.now().monotonic_s
            self._tally.tell(now_s)
            if self._state is None and now_s - started_s >= LAST_WILL_S:
                self._say(LinkState.OFFLINE, "it never said Online")

    def _on_sensor(self, message: BrokerMessage) -> None:
        if message.flaw is not None and not message.payload:
            self._ignore(message.flaw)
            return
        try:
            values = read_sensor(parse_object(message.payload))
        except ValueError:
            self._tally.add("not a JSON object", message.received_s)
            self._ignore("not a JSON object")
            return
        for value in values:
            if message.flaw is not None:
                self._ignore(message.flaw)
            else:
                self._tell(value, message.received_s)

    def _tell(self, value: Card | Key | Rejected, received_s: float) -> None:
        match value:
            case Card(readings):
                self._counts["frames"] += 1
                self._sink.put(CardRead(self._device_id, readings, received_s))
            case Key(key):
                self._counts["keys"] += 1
                self._sink.put(KeyPressed(self._device_id, key, received_s))
            case Rejected(reason):
                self._tally.add(reason, received_s)

    def _ignore(self, reason: str) -> None:
        self._counts["ignored"] += 1
        self._sink.put(ReadIgnored(self._device_id, reason))

    def _on_last_will(self, message: BrokerMessage) -> None:
        if message.payload in (b"Online", b"Offline"):
            online = message.payload == b"Online"
            self._say(LinkState.ONLINE if online else LinkState.OFFLINE, "" if online else "its last will")

    def _on_link(self, up: bool) -> None:
        if not up:
            self._say(LinkState.OFFLINE, "the broker is offline")

    def _say(self, state: LinkState, detail: str) -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))
