"""The clock and the entropy: nobody else asks for the time or for randomness."""

import ctypes
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gateway.domain.moment import ClockQuality, Moment

BUILD_FLOOR = datetime(2026, 11, 1, tzinfo=UTC)
"""No honest clock is earlier than the build."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
ASKED_EVERY_S = 1.0
"""How often the kernel is asked whether its clock is disciplined: the answer takes 16 s to turn."""
_ERROR_MOST_US = 16_000_000
"""The kernel lets its clock's possible error grow by 500 ppm while nobody disciplines it, up to this: some 9 hours."""


class Clock(Protocol):
    """Tells the moment."""

    def now(self) -> Moment:
        """The present moment."""
        ...

    def raise_floor(self, floor: datetime) -> None:
        """From now on a wall time below `floor` is suspect."""
        ...


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)), and room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_ubyte * 512),
    )


def kernel_is_disciplined() -> bool | None:
    """Does something (timesyncd, chrony, ntpd, PTP) keep the kernel's clock? None where the kernel doesn't say.

    adjtimex(2) with modes 0 only reads and needs no rights. The possible error is looked at rather than the flag
    STA_UNSYNC, which chrony leaves set unless it has `rtcsync`; the kernel itself sets both at 16 s.
    """
    try:
        asked = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    told = _Timex()
    if asked(ctypes.byref(told)) < 0:  # a sandbox may forbid it
        return None
    return bool(told.maxerror < _ERROR_MOST_US)


def is_synchronised() -> bool:
    """The kernel's word; without one, timesyncd's mark, which only says that it was so once in this boot."""
    disciplined = kernel_is_disciplined()
    return _TIMESYNCD.exists() if disciplined is None else disciplined


class SystemClock:
    """The operating system's clock; suspect below the floor that it was given."""

    def __init__(self, floor: datetime = BUILD_FLOOR, synchronised: Callable[[], bool] = is_synchronised) -> None:
        self._floor = max(floor, BUILD_FLOOR)
        self._ask, self._synchronised, self._asked_s = synchronised, False, -ASKED_EVERY_S
        self._boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else secrets.token_hex(16)

    def now(self) -> Moment:
        """The present moment; the wall clock in UTC, the monotonic clock in seconds since boot."""
        wall = datetime.now(UTC)
        return Moment(wall, time.monotonic(), self._boot_id, self._quality(wall))

    def raise_floor(self, floor: datetime) -> None:
        """Remember that the time was already `floor` once."""
        self._floor = max(self._floor, floor)

    def _quality(self, wall: datetime) -> ClockQuality:
        if wall < self._floor:
            return ClockQuality.SUSPECT
        now_s = time.monotonic()
        if now_s >= self._asked_s + ASKED_EVERY_S:
            self._synchronised, self._asked_s = self._ask(), now_s
        return ClockQuality.SYNCHRONISED if self._synchronised else ClockQuality.UNSYNCHRONISED


def random_bytes(count: int) -> bytes:
    """`count` bytes from the operating system's entropy."""
    return secrets.token_bytes(count)


def uuid7(wall: datetime) -> bytes:
    """A UUIDv7 (RFC 9562, section 5.7), 16 bytes: the milliseconds of `wall`, then 74 random bits."""
    millis = int(wall.timestamp() * 1000)
    tail = bytearray(secrets.token_bytes(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return millis.to_bytes(6, "big") + bytes(tail)
