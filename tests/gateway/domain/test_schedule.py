"""Weekly schedules against an oracle that looks at every minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.schedule import Period, Schedule
from tests.gateway.domain.listing import ALWAYS, EVERY_DAY, NEVER

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
DAYS_WITH_CHANGES = [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
DAYS = [*DAYS_WITH_CHANGES, *(datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 10, 11))]


@st.composite
def periods(draw: st.DrawFn) -> Period:
    start = draw(st.integers(0, 1439))
    length = draw(st.one_of(st.integers(1, 180), st.integers(1, 1440)))
    return Period(draw(st.frozensets(st.integers(0, 6), min_size=1)), start, start + length)


def covered_by_words(schedule: Schedule, wall: datetime, zone: ZoneInfo) -> bool:
    """The rule written a second time: which minutes of the week does the local clock show?"""
    local = wall.astimezone(zone)
    of_week = local.weekday() * 1440 + local.hour * 60 + local.minute
    covered: set[int] = set()
    for period in schedule.periods:
        for day in period.days:
            first = day * 1440 + period.start_minute
            covered |= {minute % (7 * 1440) for minute in range(first, first + period.end_minute - period.start_minute)}
    return of_week in covered


schedules = st.builds(Schedule, st.just("s"), st.lists(periods(), max_size=2).map(tuple))
moments = st.builds(lambda day, s: day + timedelta(seconds=s), st.sampled_from(DAYS), st.integers(0, 4 * 86400))


@given(schedules, moments, st.sampled_from(ZONES))
def test_covers_agrees_with_the_minutes_of_the_week(schedule: Schedule, wall: datetime, zone: ZoneInfo) -> None:
    assert schedule.covers(wall, zone) == covered_by_words(schedule, wall, zone)


@settings(max_examples=60, deadline=None)
@given(schedules, moments, st.sampled_from(ZONES))
def test_next_change_is_the_first_minute_at_which_the_answer_differs(
    schedule: Schedule, wall: datetime, zone: ZoneInfo
) -> None:
    change = schedule.next_change(wall, zone)
    before = schedule.covers(wall, zone)
    minute = wall.replace(second=0, microsecond=0) + MINUTE
    end = wall + timedelta(days=7)
    while minute < end and schedule.covers(minute, zone) == before:
        minute += MINUTE
    if minute < end:
        assert change == minute
    else:
        assert change is None or change >= end


def test_a_schedule_that_never_changes_has_no_next_change() -> None:
    for schedule in (ALWAYS, NEVER):
        assert schedule.next_change(datetime(2026, 3, 28, tzinfo=UTC), BERLIN) is None


def test_a_period_in_the_hour_that_comes_twice_ends_and_begins_again() -> None:
    schedule = Schedule("s", (Period(EVERY_DAY, 150, 210),))
    """02:30 to 03:30; on 2026-10-25 Berlin's clock goes from 03:00 CEST (01:00 UTC) back to 02:00."""
    at = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    changes = []
    for _ in range(4):
        change = schedule.next_change(at, BERLIN)
        assert change is not None
        changes.append(change.strftime("%H:%M"))
        at = change
    assert changes == ["00:30", "01:00", "01:30", "02:30"]


def test_a_period_that_starts_in_the_hour_that_is_skipped_starts_when_the_clock_jumps() -> None:
    schedule = Schedule("s", (Period(EVERY_DAY, 150, 300),))
    change = schedule.next_change(datetime(2026, 3, 29, 0, 0, tzinfo=UTC), BERLIN)
    assert change == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_only_a_whole_week_counts_as_always() -> None:
    assert ALWAYS.always
    assert not NEVER.always
    assert not Schedule("s", (Period(frozenset(range(6)), 0, 1440),)).always
    assert not Schedule("s", (Period(EVERY_DAY, 0, 1439),)).always
