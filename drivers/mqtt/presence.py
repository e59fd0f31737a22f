"""Whether a device behind a broker is there: its retained last will says so."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.mqtt.broker import BROKER_OFFLINE, BrokerConnection, BrokerMessage
from drivers.registry import DriverContext
from gateway.domain.signals import LinkChanged, LinkState

LAST_WILL_S = 5.0
"""The broker keeps a device's last will and says it on subscribing; a device without one was never there."""


@dataclass(frozen=True, slots=True)
class LastWill:
    """Where a firmware says whether it is there, and in which words."""

    topic: str
    online: bytes
    offline: bytes


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A firmware without a last will says something this often, in seconds."""

    every_s: float

    @property
    def patience_s(self) -> float:
        """A heartbeat may be lost or late; two in a row are not."""
        return self.every_s * 2 + LAST_WILL_S


class Presence:
    """Tells each loss and return once. `changed` is called at every loss and return.

    It is also called when a device says again that it is there: then it connected anew before the broker missed it, and
    nothing that it said before counts. A device with a `Heartbeat` is there for as long as `heard` is called.
    """

    def __init__(
        self,
        context: DriverContext,
        broker: BrokerConnection,
        sign: LastWill | Heartbeat,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self._device_id, self._sink, self._clock = context.device_id, context.sink, context.clock
        self._sign, self._changed = sign, changed
        self._heard_s: float | None = None
        """When it last gave a sign of life, at first when it was first looked for."""
        self.state: LinkState | None = None
        if isinstance(sign, LastWill):
            broker.subscribe(sign.topic, self._on_will, self._on_link)
        else:
            broker.follow(self._on_link)

    @property
    def online(self) -> bool:
        """Whether the device is there, and so may be told something."""
        return self.state is LinkState.ONLINE

    def heard(self) -> None:
        """A device without a last will gave a sign of life."""
        self._heard_s = self._clock.now().monotonic_s
        self.say(LinkState.ONLINE)

    def patience_s(self) -> float | None:
        """How long to wait before `look` has something to tell; None when nothing is awaited."""
        awaited = self.state is None or (self.online and isinstance(self._sign, Heartbeat))
        return self._patience_s if awaited else None

    def look(self) -> None:
        """A device of which nothing is known for too long was never there, or is gone."""
        now_s = self._clock.now().monotonic_s
        if self._heard_s is None:
            self._heard_s = now_s
        if self.patience_s() is None or now_s - self._heard_s < self._patience_s:
            return
        if isinstance(self._sign, LastWill):
            self.say(LinkState.OFFLINE, f"it never said that it is there, in {self._sign.topic}")
        else:
            self.say(LinkState.OFFLINE, f"no heartbeat for {self._patience_s:.0f} s")

    @property
    def _patience_s(self) -> float:
        return self._sign.patience_s if isinstance(self._sign, Heartbeat) else LAST_WILL_S

    def say(self, state: LinkState, detail: str = "") -> None:
        """Take a loss or a return down, and tell it if it is news."""
        if state is not self.state:
            self.state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))
            if self._changed is not None:
                self._changed()

    def _on_will(self, message: BrokerMessage) -> None:
        if not isinstance(self._sign, LastWill):
            return
        if message.payload == self._sign.offline:
            self.say(LinkState.OFFLINE, "its last will")
        elif message.payload == self._sign.online:
            again = self.online
            self.say(LinkState.ONLINE)
            if again and self._changed is not None:
                self._changed()

    def _on_link(self, up: bool) -> None:
        if not up:
            self.say(LinkState.OFFLINE, BROKER_OFFLINE)
