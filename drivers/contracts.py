"""What every driver fills. A driver is a settings model and a builder in `drivers.registry`.

Drivers say things by putting signals into a sink, and are told things by commands. They reconnect by themselves, for
ever, with bounded back-off; `LinkChanged` says each loss and return once. They never raise out of `run` but for our
own bugs.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from gateway.domain.commands import DeviceCommand, IndicateAtReader


@runtime_checkable
class Device(Protocol):
    """Anything that lives on a wire."""

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        ...

    async def run(self) -> None:
        """Serve the wire until cancelled; cancelling closes it and leaves every output as it is."""
        ...

    def counters(self) -> dict[str, int]:
        """Totals since start: frames, rejected, reconnects … Shown in the status, never recorded."""
        ...


@runtime_checkable
class Reader(Device, Protocol):
    """Puts `CardRead`, `KeyPressed`, `TextRead`, `ReadIgnored`, `FramesRejected`, `LinkChanged`.

    One that knows its own state also puts `ReaderConditionChanged`.
    """


@runtime_checkable
class Indicator(Device, Protocol):
    """A reader with a light or a sounder. It puts no `CommandCompleted` for what it shows."""

    def indicate(self, command: IndicateAtReader) -> None:
        """Show it; never blocks. Past its expiry, or while the reader is away, nothing is shown."""
        ...


@runtime_checkable
class RelayBoard(Device, Protocol):
    """Puts `CommandCompleted` for each command, `OutputsRead`, `LinkChanged`.

    A board that can't say how its outputs stand puts `OutputsUnknown` on each connecting, and never `OutputsRead`.
    `OutputsRead` says all outputs on connecting, and later each that is not as it was told: once for each change, and
    never because of a pulse that is under way.
    """

    def submit(self, command: DeviceCommand) -> None:
        """Queue a command; never blocks. Past its expiry nothing is sent and the outcome is `expired`."""
        ...


@runtime_checkable
class InputBoard(Device, Protocol):
    """Puts `InputsChanged`: all inputs on connecting, then changes; of supervised ones `InputFaultChanged` too.

    May be the same object as the relay board.
    """


class ByteLink(Protocol):
    """A byte stream to a device: serial port, TCP, or memory in tests."""

    async def open(self) -> None:
        """Open it. Raises LinkError."""
        ...

    async def read(self) -> bytes:
        """The next bytes, at least one, at most 4096. Raises LinkError when the link is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Write it all. Raises LinkError."""
        ...

    async def close(self) -> None:
        """Close it; closing twice is fine."""
        ...


class Framer(Protocol):
    """Bytes to values, pure: no I/O, no clock of its own, bounded memory."""

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`, which was taken from the link at the monotonic time `now_s`.

        No data says that the link was silent until `now_s`; nothing else ends an unfinished frame. Data never does,
        however late it is taken: it may have waited in the kernel while this process stood still.
        """
        ...

    def deadline(self) -> float | None:
        """When an unfinished frame counts as dead, monotonic seconds; None while nothing is pending."""
        ...


@dataclass(frozen=True, slots=True)
class CameraStream:
    """Where a camera's main stream is. `url` carries no password."""

    url: str
    username: str
    password: str = field(repr=False)
    width_px: int
    height_px: int
    fps: float
    encoding: str


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """A message from the camera's event service. `topic` is as sent, such as `tns1:VideoSource/MotionAlarm`."""

    topic: str
    source: dict[str, str]
    data: dict[str, str]
    at: datetime | None


class Camera(Protocol):
    """A network camera by its contract."""

    @property
    def device_id(self) -> str: ...

    async def stream(self) -> CameraStream:
        """Ask once for the main stream. Raises LinkError, RemoteProtocolError, AuthenticationFailed."""
        ...

    def events(self) -> AsyncIterator[CameraEvent]:
        """The camera's own events, renewed and reconnected by itself."""
        ...

    async def close(self) -> None: ...
