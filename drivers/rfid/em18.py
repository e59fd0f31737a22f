"""EM-18: a 125 kHz reader that says an EM4100 tag as twelve ASCII hex digits and nothing else (9600 8N1).

No byte marks where a frame begins or ends (EM-18 data sheets: `4500C5D1E9B8`, `307E4DE5C224`); some boards with this
module add CR LF. Modules sold under the same name that send STX and ETX are `rdm6300`.
"""

from drivers.contracts import Framer
from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.rfid.em4100 import DIGITS, FRAME_PATIENCE_S, HEX, Em4100Settings, read_tag
from drivers.serial_reader import Rejected, SerialReader

_LINE_END = frozenset(b"\r\n")

GAP_S = 0.06
"""The silence that ends whole frames. Their bytes follow each other within 1.05 ms at 9600 baud, and a USB adapter may
group them in 16 ms."""


class Em18Framer:
    """Bytes to `Card` and `Rejected`; holds at most 24 digits.

    Frames are whole once silence, CR or LF ends them, and only then. The checksum alone can't tell: where a frame is
    said twice in a row and a digit is lost, the twelve digits from then on are the tag's own turned by one, whose sum
    is always right. Until the next end, whatever isn't so many times the same twelve digits is one rejected frame.
    """

    def __init__(self) -> None:
        self._digits = bytearray()
        self._whole = b""
        self._skipping = False
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            self._end(values)
        for byte in data:
            self._take(byte, values)
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When frames count as whole, half a frame as dead, or what is skipped as over."""
        if self._digits or self._skipping:
            return self._last_s + FRAME_PATIENCE_S
        return self._last_s + GAP_S if self._whole else None

    def _take(self, byte: int, values: list[object]) -> None:
        if byte in _LINE_END:
            self._end(values)
        elif self._skipping:
            return
        elif byte not in HEX:
            self._skip("not a hex digit", values)
        else:
            self._digits.append(byte)
            if len(self._digits) == DIGITS:
                if self._whole not in (b"", self._digits):
                    self._skip("frames that differ", values)
                else:
                    self._whole = bytes(self._digits)
                    self._digits.clear()

    def _skip(self, reason: str, values: list[object]) -> None:
        values.append(Rejected(reason))
        self._digits.clear()
        self._whole, self._skipping = b"", True

    def _end(self, values: list[object]) -> None:
        """Silence or a line end: what was said is whole, or it is over."""
        if self._digits:
            values.append(Rejected("half a frame"))
        elif self._whole:
            values.append(read_tag(self._whole))
        self._digits.clear()
        self._whole, self._skipping = b"", False


class Em18Settings(Em4100Settings):
    """Settings of `driver = "em18"`."""


def build(settings: Em18Settings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    return SerialReader(
        context.device_id, SerialLink(settings.port, settings.baud), make_framer, context.sink, context.clock
    )


def make_framer() -> Framer:
    """A framer for a new connection."""
    return Em18Framer()


DRIVER = Driver("em18", "reader", Em18Settings, build, "EM-18: 125 kHz serial readers without STX and ETX")
