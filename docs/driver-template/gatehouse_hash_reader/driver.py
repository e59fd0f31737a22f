"""A reader that says `#`, eight hex digits and CR for each card (9600 8N1)."""

import re

from pydantic import Field

from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext, DriverSettings
from drivers.serial_reader import Card, Rejected, SerialReader
from gateway.domain.credential import Identifier, Reading

FRAME_MAX = 10
"""`#`, eight digits, CR. Nothing longer is kept."""
PATIENCE_S = 0.5
"""After this silence the rest of a frame won't come; a busy machine can hold bytes back for more than 0.1 s."""
_FRAME = re.compile(rb"#([0-9A-F]{8})\r")


class HashFramer:
    """Bytes to `Card` and `Rejected`: pure, and holds at most one frame (drivers.contracts.Framer)."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            self._line.clear()
            values.append(Rejected("half a frame"))
        for byte in data:
            self._line.append(byte)
            if byte == 0x0D or len(self._line) == FRAME_MAX:
                values.append(_read(bytes(self._line)))
                self._line.clear()
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When an unfinished frame counts as dead; None while nothing is pending."""
        return self._last_s + PATIENCE_S if self._line else None


def _read(line: bytes) -> Card | Rejected:
    found = _FRAME.fullmatch(line)
    if found is None:
        return Rejected("no frame of this reader")
    return Card((Reading(Identifier("UID32", None, int(found[1], 16))),))


class HashReaderSettings(DriverSettings):
    """Settings of `driver = "hash-reader"`: strict, unknown keys refused, checked by `gatehouse check`."""

    port: str = Field(min_length=1)
    baud: int = 9600


def build(settings: HashReaderSettings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config: reconnects, counts and tells by itself."""
    link = SerialLink(settings.port, settings.baud)
    return SerialReader(context.device_id, link, HashFramer, context.sink, context.clock)


DRIVER = Driver("hash-reader", "reader", HashReaderSettings, build, "A reader that says # and eight hex digits")
