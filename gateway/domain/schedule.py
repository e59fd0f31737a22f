"""Weekly schedules in the site's time zone."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Period:
    """`start <= t < end` in minutes of the local day, on the given weekdays (0 is Monday).

    `end_minute` may pass 1440: the period then runs over midnight into the next day.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """The union of its periods; no period means never."""

    id: str
    periods: tuple[Period, ...]

    @property
    def always(self) -> bool:
        """One period covers every day whole, so no clock is needed to say yes."""
        return any(len(p.days) == 7 and p.start_minute == 0 and p.end_minute >= 1440 for p in self.periods)

    def covers(self, wall: datetime, zone: tzinfo) -> bool:
        """Is the aware time `wall` inside a period, told by the local clock of `zone`?"""
        local = wall.astimezone(zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % 7
        for period in self.periods:
            if today in period.days and period.start_minute <= minute < period.end_minute:
                return True
            if yesterday in period.days and minute < period.end_minute - 1440:
                return True
        return False

    def next_change(self, wall: datetime, zone: tzinfo) -> datetime | None:
        """

        He first time after `wall` at which a period may start or end (at most 8 days ahead), None without periods.
        """
        local_day = wall.astimezone(zone).date()
        edges = []
        for offset in range(-1, 9):
            day = local_day + timedelta(days=offset)
            midnight = datetime.combine(day, time(), zone)
            for period in self.periods:
                if day.weekday() in period.days:
                    edges += [_local_minute(midnight, period.start_minute), _local_minute(midnight, period.end_minute)]
        return min((edge for edge in edges if edge > wall), default=None)


def _local_minute(midnight: datetime, minute: int) -> datetime:
    """The local wall-clock minute after a local midnight (not elapsed minutes: daylight saving moves both)."""
    return (midnight.replace(tzinfo=None) + timedelta(minutes=minute)).replace(tzinfo=midnight.tzinfo)
