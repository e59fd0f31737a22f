"""The one shell of every reader behind a broker: what a family understands of its messages, as signals.

A read that is retained, comes too early after connecting, or says a time outside the window is told as ignored, never
as a read: such a message may be hours old.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.mqtt.broker import EARLY, BrokerConnection, BrokerMessage
from drivers.mqtt.presence import Heartbeat, LastWill, Presence
from drivers.registry import DriverContext
from drivers.serial_reader import Card, Key, Rejected, RejectedTally
from gateway.domain.moment import Moment
from gateway.domain.signals import CardRead, DeviceFlagged, KeyPressed, ReadIgnored

TELL_EVERY_S = 1.0

MAX_VALUES = 16
"""A keypad's whole PIN in one message is the most that one says."""


OPENED_ITSELF = "it opens by its own list of users: empty that list"


@dataclass(frozen=True, slots=True)
class Stale:
    """A read whose own time is outside the window."""


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A device without a last will is there; `booted`: it has just started."""

    booted: bool = False


@dataclass(frozen=True, slots=True)
class OpenedItself:
    """The device opened a door by a list of its own, past the gateway."""


ReadValue = Card | Key | Rejected | Stale | SignOfLife | OpenedItself
Understand = Callable[[bytes, Moment], Iterable[ReadValue]]
"""What a payload means, at the moment of its arrival. Raises ValueError where it is no message of the family."""


class MqttReader:
    """Implements `drivers.contracts.Reader`. The broker's connection delivers; `run` only tells what was counted."""

    def __init__(self, context: DriverContext, broker: BrokerConnection, sign: LastWill | Heartbeat) -> None:
        self._device_id, self._sink, self._clock = context.device_id, context.sink, context.clock
        self._broker = broker
        self._tally = RejectedTally(context.device_id, context.sink)
        self._counts = {"frames": 0, "keys": 0, "ignored": 0}
        self._flagged = False
        self.presence = Presence(context, broker, sign)

    def understand(self, topic: str, understand: Understand) -> None:
        """Read cards and keys from the messages of this topic."""
        self._broker.subscribe(topic, lambda message: self._on_message(message, understand))

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return {**self._counts, "rejected": self._tally.total}

    async def run(self) -> None:
        """Live until cancelled."""
        self.presence.look()
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._tally.tell(self._clock.now().monotonic_s)
            self.presence.look()

    def _on_message(self, message: BrokerMessage, understand: Understand) -> None:
        if message.flaw is not None and not message.payload:
            self._ignore(message.flaw)
            return
        try:
            values = list(understand(message.payload, self._clock.now()))[:MAX_VALUES]
        except ValueError as error:
            self._tally.add(str(error), message.received_s)
            self._ignore(str(error))
            return
        for value in values:
            if isinstance(value, SignOfLife):
                self._live(value, message)
            elif message.flaw is not None:
                self._ignore(message.flaw)
            else:
                self._tell(value, message.received_s)

    def _live(self, sign: SignOfLife, message: BrokerMessage) -> None:
        """What is retained says that it was there once."""
        if message.flaw in (None, EARLY):
            self.presence.heard()
            if sign.booted and self._flagged:
                self._flagged = False
                self._sink.put(DeviceFlagged(self._device_id, ()))

    def _tell(self, value: ReadValue, received_s: float) -> None:
        match value:
            case Card(readings):
                self._counts["frames"] += 1
                self._sink.put(CardRead(self._device_id, readings, received_s))
            case Key(key):
                self._counts["keys"] += 1
                self._sink.put(KeyPressed(self._device_id, key, received_s))
            case Rejected(reason):
                self._tally.add(reason, received_s)
            case Stale():
                self._ignore("its time is outside the window")
            case OpenedItself():
                self._flagged = True
                self._sink.put(DeviceFlagged(self._device_id, (OPENED_ITSELF,)))
            case SignOfLife():
                return

    def _ignore(self, reason: str) -> None:
        self._counts["ignored"] += 1
        self._sink.put(ReadIgnored(self._device_id, reason))
