"""What the time is, and how far it can be trusted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ClockQuality(StrEnum):
    """How far the wall clock can be trusted."""

    SYNCHRONISED = "synchronised"
    UNSYNCHRONISED = "unsynchronised"
    SUSPECT = "suspect"
    """Below the floor: max of the last persisted time, the list's issue time and the build's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the clock: UTC wall time, seconds since boot, the boot's id and the wall's quality."""

    wall: datetime
    monotonic_s: float
    boot_id: str
    quality: ClockQuality = ClockQuality.SYNCHRONISED
