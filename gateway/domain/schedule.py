"""Weekly schedules in the site's time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo


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
        """The first time after `wall` (UTC) at which `covers` changes; None if it doesn't within the next 8 days."""
        local_day = wall.astimezone(zone).date()
        edges: set[datetime] = set()
        for offset in range(-1, 9):
            midnight = datetime.combine(local_day + timedelta(days=offset), time())
            edges |= _clock_changes(midnight, zone)
            for period in self.periods:
                if midnight.weekday() in period.days:
                    edges |= _instants(midnight, period.start_minute, zone) | _instants(
                        midnight, period.end_minute, zone
                    )
        now = self.covers(wall, zone)
        return next((edge for edge in sorted(edges) if edge > wall and self.covers(edge, zone) != now), None)


def _instants(midnight: datetime, minute: int, zone: tzinfo) -> set[datetime]:
    """When a local clock shows that minute: twice where the clock was put back (not elapsed minutes)."""
    shown = (midnight + timedelta(minutes=minute)).replace(tzinfo=zone)
    return {shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def _clock_changes(midnight: datetime, zone: tzinfo) -> set[datetime]:
    """When, in the 24 hours from a local midnight, the zone's offset changes (to the minute)."""
    start = midnight.replace(tzinfo=zone).astimezone(UTC)
    low, high = 0, 24 * 60
    offsets = {minute: _offset(start, minute, zone) for minute in (low, high)}
    if offsets[low] == offsets[high]:
        return set()
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(start, middle, zone) == offsets[0]:
            low = middle
        else:
            high = middle
    return {start + timedelta(minutes=high)}


def _offset(start: datetime, minute: int, zone: tzinfo) -> timedelta | None:
    return (start + timedelta(minutes=minute)).astimezone(zone).utcoffset()
