"""What firmwares behind a broker say of cards and keys, as far as they agree (pure)."""

from drivers.serial_reader import Card, Rejected
from drivers.wiegand.formats import uid_reading
from gateway.domain.credential import Identifier, Reading
from gateway.domain.moment import ClockQuality, Moment

HEX = frozenset("0123456789ABCDEFabcdef")


def read_uid(text: str, separator: str = "") -> Card | Rejected:
    """A chip's UID as hex digits, two a byte."""
    digits = text.replace(separator, "") if separator else text
    if len(digits) % 2 == 0 and from_hex(digits, 20) is not None:
        reading = uid_reading(bytes.fromhex(digits))
        if reading is not None:
            return Card((reading,))
    return Rejected("no UID of 4, 5, 7, 8 or 10 bytes in hex")


def read_em4100(number: int | None) -> Card | Rejected:
    """The number of an EM4100 tag: its lower 32 bits."""
    if number is None or not 0 <= number < 1 << 32:
        return Rejected("no EM4100 number of 32 bits")
    return Card((Reading(Identifier("EM4100", None, number), None),))


def from_hex(text: str, most_digits: int) -> int | None:
    """A number in plain hex digits; None for anything else."""
    return int(text, 16) if 1 <= len(text) <= most_digits and HEX.issuperset(text) else None


def from_decimal(text: str, most_digits: int = 20) -> int | None:
    """A number in plain decimal digits (2**64 has 20); None for anything else."""
    return int(text) if 1 <= len(text) <= most_digits and text.isascii() and text.isdigit() else None


def is_outside(said_s: float | None, at: Moment, window_s: float, utc_offset_h: float) -> bool:
    """Whether a read's own time, in seconds since 1970 by the device's clock, is further from ours than the window.

    Never where the device says no time, where the window is 0, or while our own clock is suspect.
    """
    if said_s is None or window_s == 0 or at.quality is ClockQuality.SUSPECT:
        return False
    return abs(at.wall.timestamp() + utc_offset_h * 3600 - said_s) > window_s
