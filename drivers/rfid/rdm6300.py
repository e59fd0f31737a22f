"""RDM6300, EM-18 and ID-12LA: 125 kHz readers that say EM4100 tags in ASCII (9600 8N1).

A frame is STX (02), ten hex digits (version, then the 32-bit number), two hex digits (XOR of those five bytes) and
ETX (03); an ID-12LA puts CR LF before the ETX (their data sheets; Tasmota xsns_51_rdm6300).
"""

from functools import reduce
from operator import xor

from pydantic import Field, field_validator

from drivers.contracts import Framer
from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import Driver, DriverContext, DriverSettings
from drivers.serial_reader import Card, Rejected, SerialReader
from gateway.domain.credential import Identifier, Reading

STX, ETX = 0x02, 0x03
_DIGITS = 12
_HEX = frozenset(b"0123456789ABCDEFabcdef")
_TAILS = (b"\x03", b"\r\n\x03")

FRAME_PATIENCE_S = 0.5
"""After this silence its rest won't come. A frame lasts 14.6 ms at 9600 baud and a USB adapter may add 16 ms, but the
kernel of a busy machine can hold bytes back for longer than 0.1 s; waiting is free, as an STX always begins anew."""

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
        digits, tail = frame[:_DIGITS], bytes(frame[_DIGITS:])
        if tail in _TAILS:
            self._frame = None
            values.append(read_tag(bytes(digits)))
        elif byte not in _HEX if not tail else not any(whole.startswith(tail) for whole in _TAILS):
            # What follows up to the next STX belongs to this broken frame: it isn't counted again.
            self._frame, self._noise = None, 1
            values.append(Rejected("not a hex digit" if not tail else "no end of frame"))


def read_tag(digits: bytes) -> Card | Rejected:
    """The tag in twelve hex digits."""
    *tag, checksum = bytes.fromhex(digits.decode("ascii"))
    if reduce(xor, tag) != checksum:
        return Rejected("wrong checksum")
    identifier = Identifier("EM4100", None, int.from_bytes(bytes(tag[1:]), "big"))
    return Card((Reading(identifier, None, tag[0]),))


class Rdm6300Settings(DriverSettings):
    """Settings of `driver = "rdm6300"`."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; these readers speak 9600")
        return baud


def build(settings: Rdm6300Settings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    return SerialReader(
        context.device_id, SerialLink(settings.port, settings.baud), make_framer, context.sink, context.clock
    )


def make_framer() -> Framer:
    """A framer for a new connection."""
    return Rdm6300Framer()


DRIVER = Driver("rdm6300", "reader", Rdm6300Settings, build, "RDM6300, EM-18, ID-12LA: 125 kHz serial readers")
