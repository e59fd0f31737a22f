"""Schedules in the site's time zone: a week, special days that override it, and dated calendars that revert."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES
LOOK_AHEAD = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Period:
    """`start <= t < end` in minutes of the local day, on the given weekdays (0 is Monday).

    `end_minute` may pass 1440: the period then runs over midnight into the next day.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class SpecialPlan:
    """On the dates of a special-day group these periods count and nothing else; their weekdays mean nothing."""

    group: str
    dates: frozenset[date]
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class DatedPlan:
    """From `first` to `last`, both included, this week counts instead; after it what was before is back."""

    first: date
    last: date
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The union of its periods; no period means never. A special day comes before a dated plan, that before the week.

    A period that runs over midnight belongs to the day on which it starts; a special day cuts off what runs into it
    from a day of another plan.
    """

    id: str
    periods: tuple[Period, ...]
    special: tuple[SpecialPlan, ...] = ()
    dated: tuple[DatedPlan, ...] = ()

    @property
    def always(self) -> bool:
        """Its periods cover the whole week and nothing overrides them, so no clock is needed to say yes."""
        return not self.special and not self.dated and _cover_the_week(self.periods)

    def covers(self, wall: datetime, zone: tzinfo) -> bool:
        """Is the aware time `wall` inside a period, told by the local clock of `zone`?"""
        local = wall.astimezone(zone)
        minute, today = local.hour * 60 + local.minute, local.date()
        plan = self._plan(today)
        if any(p.start_minute <= minute < p.end_minute for p in self._starting(plan, today)):
            return True
        yesterday = today - timedelta(days=1)
        before = self._plan(yesterday)
        if isinstance(plan, SpecialPlan) and before is not plan:
            return False
        return any(minute < p.end_minute - DAY_MINUTES for p in self._starting(before, yesterday))

    def next_change(self, wall: datetime, zone: tzinfo) -> datetime | None:
        """The first time after `wall` (UTC) at which `covers` changes; None if it doesn't within 8 days of 24 h."""
        local_day = wall.astimezone(zone).date()
        last = wall + LOOK_AHEAD
        edges: set[datetime] = set()
        for offset in range(-1, (last.astimezone(zone).date() - local_day).days + 1):
            day = local_day + timedelta(days=offset)
            midnight = datetime.combine(day, time())
            edges |= clock_changes(midnight, zone) | _instants(midnight, 0, zone)
            for period in self._starting(self._plan(day), day):
                edges |= _instants(midnight, period.start_minute, zone) | _instants(midnight, period.end_minute, zone)
        now = self.covers(wall, zone)
        return next((edge for edge in sorted(edges) if wall < edge <= last and self.covers(edge, zone) != now), None)

    def _plan(self, day: date) -> "SpecialPlan | DatedPlan | None":
        """What overrides the week on that day."""
        special = next((plan for plan in self.special if day in plan.dates), None)
        return special or next((plan for plan in self.dated if plan.first <= day <= plan.last), None)

    def _starting(self, plan: "SpecialPlan | DatedPlan | None", day: date) -> tuple[Period, ...]:
        """The periods that start on that day."""
        if isinstance(plan, SpecialPlan):
            return plan.periods
        weekday = day.weekday()
        return tuple(p for p in (self.periods if plan is None else plan.periods) if weekday in p.days)


def _cover_the_week(periods: tuple[Period, ...]) -> bool:
    """Is there no minute of the week that none of them covers?"""
    spans = sorted(
        (week * WEEK_MINUTES + day * DAY_MINUTES + period.start_minute, period.end_minute - period.start_minute)
        for period in periods
        for day in period.days
        for week in (-1, 0)  # What starts last Sunday may run into Monday.
    )
    covered = 0
    for start, length in spans:
        if start > covered:
            return False
        covered = max(covered, start + length)
    return covered >= WEEK_MINUTES


def _instants(midnight: datetime, minute: int, zone: tzinfo) -> set[datetime]:
    """When a local clock shows that minute: twice where the clock was put back (not elapsed minutes)."""
    shown = (midnight + timedelta(minutes=minute)).replace(tzinfo=zone)
    return {shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


def clock_changes(midnight: datetime, zone: tzinfo) -> set[datetime]:
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
