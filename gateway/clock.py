"""The clock and the entropy: nobody else asks for the time or for randomness."""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gateway.domain.moment import ClockQuality, Moment

BUILD_FLOOR = datetime(2026, 11, 1, tzinfo=UTC)
"""No honest clock is earlier than the build."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """Tells the moment."""

    def now(self) -> Moment:
        """The present moment."""
        ...

    def raise_floor(self, floor: datetime) -> None:
        """From now on a wall time below `floor` is suspect."""
        ...


class SystemClock:
    """The operating system's clock; suspect below the floor that it was given."""

    def __init__(self, floor: datetime = BUILD_FLOOR) -> None:
        self._floor = max(floor, BUILD_FLOOR)
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
        return ClockQuality.SYNCHRONISED if _TIMESYNCD.exists() else ClockQuality.UNSYNCHRONISED


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
