"""Edges of schedules, each asked for by itself."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.schedule import DatedPlan, Period, Schedule, SpecialPlan, clock_changes
from tests.gateway.domain.listing import EVERY_DAY

AUCKLAND = ZoneInfo("Pacific/Auckland")
"""Its day is another one than UTC's for half of it."""


def whole_week(*periods: tuple[int, int, int]) -> Schedule:
    """Of (weekday, first minute, last minute)."""
    return Schedule("s", tuple(Period(frozenset({day}), start, end) for day, start, end in periods))


class TestAlways:
    REST = tuple((day, 0, 1440) for day in range(1, 7))

    @pytest.mark.parametrize(
        ("monday_and_more", "always"),
        [
            (((0, 0, 1440),), True),
            (((0, 1, 1440),), False),
            (((0, 0, 1439),), False),
            (((0, 480, 1440), (6, 1200, 1440 + 480)), True),
            (((0, 481, 1440), (6, 1200, 1440 + 480)), False),
        ],
    )
    def test_a_schedule_holds_always_if_no_minute_of_the_week_is_left_out(
        self, monday_and_more: tuple[tuple[int, int, int], ...], always: bool
    ) -> None:
        assert whole_week(*monday_and_more, *self.REST).always is always

    def test_a_special_day_or_a_dated_plan_leaves_nothing_always(self) -> None:
        week, day = (Period(EVERY_DAY, 0, 1440),), date(2026, 11, 25)
        assert Schedule("s", week).always
        assert not Schedule("s", week, (SpecialPlan("fair", frozenset({day}), week),)).always
        assert not Schedule("s", week, (), (DatedPlan(day, day, week),)).always


class TestNextChange:
    NIGHT = Period(frozenset({0}), 22 * 60, 30 * 60)
    WEEK = (Period(EVERY_DAY, 8 * 60, 24 * 60 + 7 * 60),)

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """In Auckland, in November 2026: the 23rd is a Monday."""
        return datetime(2026, 11, day, hour, minute, tzinfo=AUCKLAND)

    def change(self, schedule: Schedule, after: datetime) -> datetime | None:
        return schedule.next_change(after.astimezone(UTC), AUCKLAND)

    def test_what_began_yesterday_ends_today(self) -> None:
        assert self.change(Schedule("s", (self.NIGHT,)), self.at(24, 1)) == self.at(24, 6)

    def test_a_special_day_without_periods_begins_at_midnight(self) -> None:
        closed = SpecialPlan("closed", frozenset({date(2026, 11, 25)}), ())
        assert self.change(Schedule("s", self.WEEK, (closed,)), self.at(24, 9)) == self.at(25, 0)

    def test_a_special_day_and_a_dated_plan_change_at_their_own_hours(self) -> None:
        hours = (Period(EVERY_DAY, 10 * 60, 11 * 60),)
        for schedule in (
            Schedule("s", (), (SpecialPlan("fair", frozenset({date(2026, 11, 25)}), hours),)),
            Schedule("s", (), (), (DatedPlan(date(2026, 11, 25), date(2026, 11, 25), hours),)),
        ):
            assert self.change(schedule, self.at(24, 9)) == self.at(25, 10)
            assert self.change(schedule, self.at(25, 10)) == self.at(25, 11)
            assert self.change(schedule, self.at(25, 11)) is None

    def test_it_looks_eight_days_ahead_and_no_further(self) -> None:
        first = date(2026, 11, 20)
        later = Schedule("s", (), (), (DatedPlan(first, first, (Period(EVERY_DAY, 0, 60),)),))
        assert self.change(later, self.at(12, 1)) == self.at(20, 0)
        assert self.change(later, self.at(11, 1)) is None

    def test_what_changes_eight_days_later_to_the_minute_is_found_and_what_changes_after_that_is_not(self) -> None:
        first = date(2026, 11, 20)
        late = Schedule("s", (), (), (DatedPlan(first, first, (Period(EVERY_DAY, 20 * 60, 21 * 60),)),))
        assert self.change(late, self.at(12, 20)) == self.at(20, 20)
        assert self.change(late, self.at(12, 19, 59)) is None

    def test_eight_days_are_elapsed_days_also_where_the_clock_is_put_forward(self) -> None:
        """In Auckland 02:00 became 03:00 on 2026-09-27, so 8 days after 23:30 it is 00:30 of the ninth date."""
        first = date(2026, 10, 5)
        early = Schedule("s", (), (), (DatedPlan(first, first, (Period(EVERY_DAY, 15, 60),)),))
        after = datetime(2026, 9, 26, 23, 30, tzinfo=AUCKLAND)
        assert self.change(early, after) == datetime(2026, 10, 5, 0, 15, tzinfo=AUCKLAND)

    def test_a_period_that_runs_on_from_the_sites_yesterday_is_found_where_the_day_is_another_one_elsewhere(
        self,
    ) -> None:
        """Sunday 22:00 to Monday 20:00 in Honolulu, asked on Monday at 18:00: it is Tuesday already in most places."""
        honolulu, sunday = ZoneInfo("Pacific/Honolulu"), whole_week((6, 1320, 1440 + 1200))
        asked = datetime(2026, 11, 23, 18, 0, tzinfo=honolulu)
        assert sunday.next_change(asked, honolulu) == datetime(2026, 11, 23, 20, 0, tzinfo=honolulu)


class TestClockChanges:
    FORWARD = datetime(2026, 9, 26, 14, 0, tzinfo=UTC)
    """02:00 in Auckland, on the 27th, becomes 03:00."""

    def changes(self, day: int, hour: int, minute: int) -> set[datetime]:
        """Of the 24 hours from then, on a day of September."""
        return clock_changes(datetime.combine(date(2026, 9, day), time(hour, minute)), AUCKLAND)

    @pytest.mark.parametrize("minute", [0, 1, 2, 3, 17, 30, 59])
    def test_a_change_is_found_to_the_minute(self, minute: int) -> None:
        assert self.changes(27, 0, minute) == self.changes(27, 1, minute) == {self.FORWARD}

    def test_it_is_looked_for_in_the_24_hours_from_then(self) -> None:
        assert self.changes(26, 2, 0) == {self.FORWARD}
        assert self.changes(26, 1, 59) == set()
        assert self.changes(27, 3, 0) == set()
