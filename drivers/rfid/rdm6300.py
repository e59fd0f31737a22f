"""RDM6300, ID-12LA and ID-20LA: 125 kHz readers that say EM4100 tags in ASCII between STX and ETX (9600 8N1).

A frame is STX (02), the tag's twelve digits and ETX (03); an ID-12LA puts CR LF before the ETX (their data sheets;
Tasmota xsns_51_rdm6300). An RDM6300 says it again and again while the tag stays; an ID-12LA says it once.
"""

from drivers.contracts import Framer
from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.rfid.em4100 import DIGITS, FRAME_PATIENCE_S, HEX, Em4100Settings, read_tag
from drivers.serial_reader import Rejected, SerialReader

STX = 0x02
_TAILS = (b"\x03", b"\r\n\x03")

MAX_NOISE = 64
"""So many bytes of noise in a row count as one rejected frame."""


class Rdm6300Framer:
    """Bytes to `Card` and `Rejected`. Holds at most 15 bytes; an STX always begins anew."""

    def __init__(self) -> None:
        self._frame: bytearray | None = None
        self._noise = 0
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            self._frame = None
            values.append(Rejected("half a frame"))
        for byte in data:
            self._take(byte, values)
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When the half frame counts as dead."""
        return None if self._frame is None else self._last_s + FRAME_PATIENCE_S

    def _take(self, byte: int, values: list[object]) -> None:
        if byte == STX:
            if self._frame is not None:
                values.append(Rejected("half a frame"))
            self._frame, self._noise = bytearray(), 0
        elif self._frame is None:
            if self._noise == 0:
                values.append(Rejected("noise between frames"))
            self._noise = (self._noise + 1) % MAX_NOISE
        else:
            self._continue(self._frame, byte, values)

    def _continue(self, frame: bytearray, byte: int, values: list[object]) -> None:
        frame.append(byte)
        digits, tail = frame[:DIGITS], bytes(frame[DIGITS:])
        if tail in _TAILS:
            self._frame = None
            values.append(read_tag(bytes(digits)))
        elif byte not in HEX if not tail else not any(whole.startswith(tail) for whole in _TAILS):
            # What follows up to the next STX belongs to this broken frame: it isn't counted again.
            self._frame, self._noise = None, 1
            values.append(Rejected("not a hex digit" if not tail else "no end of frame"))


class Rdm6300Settings(Em4100Settings):
    """Settings of `driver = "rdm6300"`."""


def build(settings: Rdm6300Settings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    return SerialReader(
        context.device_id, SerialLink(settings.port, settings.baud), make_framer, context.sink, context.clock
    )


def make_framer() -> Framer:
    """A framer for a new connection."""
    return Rdm6300Framer()


DRIVER = Driver("rdm6300", "reader", Rdm6300Settings, build, "RDM6300, ID-12LA, ID-20LA: 125 kHz serial readers")
