"""Whether a device behind a broker is there: its retained last will says so."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.mqtt.broker import BrokerConnection, BrokerMessage
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


class Presence:
    """Tells each loss and return once. `changed` is called at every loss and return.

    It is also called when a device says again that it is there: then it connected anew before the broker missed it, and
    nothing that it said before counts.
    """

    def __init__(
        self,
        context: DriverContext,
        broker: BrokerConnection,
        will: LastWill,
        changed: Callable[[], None] | None = None,
    ) -> None:
        self._device_id, self._sink, self._clock = context.device_id, context.sink, context.clock
        self._will, self._changed = will, changed
        self._started_s: float | None = None
        self.state: LinkState | None = None
        broker.subscribe(will.topic, self._on_will, self._on_link)

    @property
    def online(self) -> bool:
        """Whether the device is there, and so may be told something."""
        return self.state is LinkState.ONLINE

    def patience_s(self) -> float | None:
        """How long to wait before `look` has something to tell; None when nothing is awaited."""
        return LAST_WILL_S if self.state is None else None

    def look(self) -> None:
        """A device of which nothing is known for too long was never there."""
        now_s = self._clock.now().monotonic_s
        if self._started_s is None:
            self._started_s = now_s
        if self.state is None and now_s - self._started_s >= LAST_WILL_S:
            self.say(LinkState.OFFLINE, f"it never said that it is there, in {self._will.topic}")

    def say(self, state: LinkState, detail: str = "") -> None:
        """Take a loss or a return down, and tell it if it is news."""
        if state is not self.state:
            self.state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))
            if self._changed is not None:
                self._changed()

    def _on_will(self, message: BrokerMessage) -> None:
        if message.payload == self._will.offline:
            self.say(LinkState.OFFLINE, "its last will")
        elif message.payload == self._will.online:
            again = self.online
            self.say(LinkState.ONLINE)
            if again and self._changed is not None:
                self._changed()

    def _on_link(self, up: bool) -> None:
        if not up:
            self.say(LinkState.OFFLINE, "the broker is offline")
