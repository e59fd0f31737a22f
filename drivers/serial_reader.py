"""The one shell of every reader on a byte link: a pure framer in, signals out, reconnecting for ever."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drivers.contracts import ByteLink, Framer
from drivers.links import PORT_MOST_S, Backoff, drop
from gateway.clock import Clock
from gateway.domain.credential import Reading
from gateway.domain.ports import SignalSink
from gateway.domain.signals import CardRead, FramesRejected, KeyPressed, LinkChanged, LinkState, TextRead
from gateway.errors import LinkError

TELL_REJECTED_EVERY_S = 60.0
"""A reader that talks nonsense all day shall not fill the journal."""

STEADY_AFTER_S = 10.0
"""A link that held so long is well again; a shorter life counts as one more failed attempt."""

SECOND_LOOK_S = 0.001
"""Any time above zero has the event loop ask the kernel once more before it gives up waiting."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that a framer understood; readings in order of priority."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the keypad: `0`-`9`, `*` or `#`."""

    key: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a scanner read, such as a pass or a plate. Never logged."""

    text: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that made no valid frame. `reason` is a short phrase without card data."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The device is there: it said what only it can say."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The device can't be worked with, though its port is there. `detail` says why."""

    detail: str


@runtime_checkable
class Asking(Framer, Protocol):
    """A framer of a device that wants to be asked. Such a device is online once it is `Answered`."""

    def take_question(self, now_s: float) -> bytes:
        """What is to be written at the monotonic time `now_s`; empty when nothing is."""
        ...


class RejectedTally:
    """Counts rejected frames and tells the first at once, then one sum a minute."""

    def __init__(self, device_id: str, sink: SignalSink) -> None:
        self._device_id, self._sink = device_id, sink
        self._untold, self._reason = 0, ""
        self._next_s = float("-inf")
        self.total = 0

    def add(self, reason: str, now_s: float) -> None:
        """Count one."""
        self.total += 1
        self._untold += 1
        self._reason = reason
        self.tell(now_s)

    def tell(self, now_s: float) -> None:
        """Tell what is untold, if it is time."""
        if self._untold and now_s >= self._next_s:
            self._sink.put(FramesRejected(self._device_id, self._untold, self._reason))
            self._untold, self._next_s = 0, now_s + TELL_REJECTED_EVERY_S

    def deadline(self) -> float | None:
        """When `tell` has something to tell, monotonic seconds."""
        return self._next_s if self._untold else None


class SerialReader:
    """A reader on a byte link; implements `drivers.contracts.Reader`. `framer` makes a new one per connection."""

    def __init__(
        self, device_id: str, link: ByteLink, framer: Callable[[], Framer], sink: SignalSink, clock: Clock
    ) -> None:
        self._device_id, self._link, self._framer = device_id, link, framer
        self._sink, self._clock = sink, clock
        self._tally = RejectedTally(device_id, sink)
        self._state: LinkState | None = None
        self._counts = {"frames": 0, "keys": 0, "connects": 0}

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return {**self._counts, "rejected": self._tally.total}

    async def run(self) -> None:
        """Read until cancelled; a lost link is opened again with bounded back-off."""
        backoff = Backoff(most_s=PORT_MOST_S)
        try:
            while True:
                started_s = self._now_s()
                try:
                    await self._session()
                except LinkError as error:
                    await drop(self._link)
                    self._say(LinkState.OFFLINE, str(error))
                if self._now_s() - started_s >= STEADY_AFTER_S:
                    backoff.reset()
                await asyncio.sleep(backoff.next_s())
        finally:
            await drop(self._link)

    async def _session(self) -> None:
        await self._link.open()
        self._counts["connects"] += 1
        framer = self._framer()
        asking = framer if isinstance(framer, Asking) else None
        if asking is None:
            self._say(LinkState.ONLINE)
        reading: asyncio.Task[bytes] | None = None
        try:
            while True:
                if asking is not None and (question := asking.take_question(self._now_s())):
                    await self._link.write(question)
                reading = reading or asyncio.ensure_future(self._link.read())
                await asyncio.wait({reading}, timeout=self._patience_s(framer))
                if not reading.done():
                    # This process may have stood still until now: only a look at the kernel's buffer after the
                    # deadline tells silence from bytes that wait there.
                    await asyncio.wait({reading}, timeout=SECOND_LOOK_S)
                data = b""
                if reading.done():
                    data, reading = reading.result(), None
                now_s = self._now_s()
                self._tell(framer.feed(data, now_s), now_s)
        finally:
            if reading is not None:
                reading.cancel()

    def _patience_s(self, framer: Framer) -> float | None:
        """How long to wait for bytes before a deadline of the framer or the tally."""
        due = [at for at in (framer.deadline(), self._tally.deadline()) if at is not None]
        return max(0.0, min(due) - self._now_s()) if due else None

    def _tell(self, values: list[object], now_s: float) -> None:
        self._tally.tell(now_s)
        for value in values:
            match value:
                case Card(readings):
                    self._counts["frames"] += 1
                    self._sink.put(CardRead(self._device_id, readings, now_s))
                case Key(key):
                    self._counts["keys"] += 1
                    self._sink.put(KeyPressed(self._device_id, key, now_s))
                case Text(text):
                    self._counts["frames"] += 1
                    self._sink.put(TextRead(self._device_id, text, now_s))
                case Rejected(reason):
                    self._tally.add(reason, now_s)
                case Answered():
                    self._say(LinkState.ONLINE)
                case Unanswered(detail):
                    raise LinkError(detail)

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s
