"""EM4100 tags as 125 kHz readers say them in ASCII, and the settings that these readers share.

A tag is twelve hex digits: a version byte, a 32-bit number, and the XOR of those five bytes.
"""

from functools import reduce
from operator import xor

from pydantic import Field, field_validator

from drivers.links import BAUD_RATES
from drivers.registry import DriverSettings
from drivers.serial_reader import Card, Rejected
from gateway.domain.credential import Identifier, Reading

DIGITS = 12
HEX = frozenset(b"0123456789ABCDEFabcdef")

FRAME_PATIENCE_S = 0.5
"""After this silence its rest won't come. A frame lasts 14.6 ms at 9600 baud and a USB adapter may add 16 ms, but the
kernel of a busy machine can hold bytes back for longer than 0.1 s; waiting costs little, as a card held to the reader
again is read anyway."""


def read_tag(digits: bytes) -> Card | Rejected:
    """The tag in twelve hex digits."""
    *tag, checksum = bytes.fromhex(digits.decode("ascii"))
    if reduce(xor, tag) != checksum:
        return Rejected("wrong checksum")
    identifier = Identifier("EM4100", None, int.from_bytes(bytes(tag[1:]), "big"))
    return Card((Reading(identifier, None, tag[0]),))


class Em4100Settings(DriverSettings):
    """A 125 kHz reader on a serial port."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; these readers speak 9600")
        return baud
