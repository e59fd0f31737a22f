"""The checksums that readers put into their frames."""

from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor


@dataclass(frozen=True, slots=True)
class Checksum:
    """How many bytes it has, and what it is of some bytes."""

    width: int
    of: Callable[[bytes], int]


def _modbus_row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_MODBUS = tuple(_modbus_row(byte) for byte in range(256))


def crc16_modbus(data: bytes) -> int:
    """CRC-16 of Modbus RTU: polynomial A001 reversed, begins with FFFF (Modbus over serial line 1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _MODBUS[(value ^ byte) & 0xFF]
    return value


CHECKSUMS = {
    "none": Checksum(0, lambda _data: 0),
    "xor": Checksum(1, lambda data: reduce(xor, data, 0)),
    "sum": Checksum(1, lambda data: sum(data) & 0xFF),
    "crc16-ccitt": Checksum(2, lambda data: crc_hqx(data, 0xFFFF)),
    "crc16-xmodem": Checksum(2, lambda data: crc_hqx(data, 0)),
    "crc16-modbus": Checksum(2, crc16_modbus),
}
"""By the name in the settings. Data sheets call two of them CCITT: the other one, xmodem, begins with 0000."""
