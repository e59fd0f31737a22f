"""Doors that the list's settings leave unlocked, by the hour or from the first card on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.authentication import authentication_now
from gateway.domain.listed import Authentication, ListedAccessPoint, Setting
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Period, Schedule
from gateway.domain.site import (
    AccessPoint,
)
from gateway.domain.unlocking import first_card_counts, first_card_until, next_midnight, next_unlock_change
from tests.gateway.domain.door_bench import OFFICE_HOURS, PLACE, Bench, M, unlocked_by
from tests.gateway.domain.listing import ALWAYS, EVERY_DAY, listing
from tests.gateway.domain.plant import START


def test_a_setting_unlocks_its_door_while_its_schedule_covers_the_time() -> None:
    bench = Bench(access_list=unlocked_by(OFFICE_HOURS)).after(0.0)
    assert bench.changes() == [("north", "Unlocked", "schedule")]
    assert bench.access_list is not None
    assert bench.doors.next_schedule_change(bench.moment, bench.access_list) == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert bench.after(6 * 3600.0).changes() == [("north", "Locked", "schedule")]


def test_the_first_setting_that_covers_the_time_counts() -> None:
    lunch = Schedule("lunch", (Period(EVERY_DAY, 720, 780),))
    point = ListedAccessPoint(
        "north", settings=(Setting("lunch", Authentication.CARD), Setting("office", Authentication.UNLOCKED))
    )
    bench = Bench(access_list=listing(schedules=(lunch, OFFICE_HOURS), access_points=(point,))).after(0.0)
    assert bench.mode() is M.LOCKED
    assert bench.after(3600.0).mode() is M.UNLOCKED


@pytest.mark.parametrize("authentication", [Authentication.UNLOCKED, Authentication.FIRST_CARD])
def test_a_suspect_clock_a_fallback_list_and_none_unlock_nothing(authentication: Authentication) -> None:
    good = unlocked_by(ALWAYS, authentication)
    bench = Bench(access_list=good)
    bench.turn().doors.first_card("north", bench.moment, good)
    assert bench.after(0.0).mode() is M.UNLOCKED
    for access_list, quality in (
        (good, ClockQuality.SUSPECT),
        (replace(good, fallback=True), ClockQuality.SYNCHRONISED),  # type: ignore[type-var]
        (None, ClockQuality.SYNCHRONISED),
    ):
        bench.access_list, bench.quality = access_list, quality
        assert bench.after(1.0).mode() is M.LOCKED
        if access_list is not None:
            bench.doors.first_card("north", bench.moment, access_list)
        assert bench.mode() is M.LOCKED
        bench.access_list, bench.quality = good, ClockQuality.SYNCHRONISED
        assert bench.after(1.0).mode() is M.UNLOCKED


def test_the_first_card_unlocks_at_once_and_to_the_end_of_its_setting() -> None:
    access_list = unlocked_by(OFFICE_HOURS, Authentication.FIRST_CARD)
    bench = Bench(access_list=access_list).after(0.0)
    assert bench.mode() is M.LOCKED
    bench.turn().doors.first_card("north", bench.moment, access_list)
    assert bench.changes() == [("north", "Unlocked", "schedule")]
    assert bench.after(6 * 3600.0 - 1).mode() is M.UNLOCKED
    assert bench.after(1.0).mode() is M.LOCKED
    assert bench.state().layers.first_cards == {}
    assert bench.after(18 * 3600.0).mode() is M.LOCKED, "the next day waits for its own first card"


def test_a_first_card_is_gone_by_local_midnight() -> None:
    access_list = unlocked_by(ALWAYS, Authentication.FIRST_CARD)
    bench = Bench(access_list=access_list)
    bench.doors.first_card("north", bench.moment, access_list)
    midnight = datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert bench.state().layers.first_cards == {"north": midnight}
    assert bench.doors.next_schedule_change(bench.moment, access_list) == midnight
    assert bench.after(12 * 3600.0 - 1).mode() is M.UNLOCKED
    assert bench.after(1.0).mode() is M.LOCKED


def test_a_first_card_outlives_a_change_of_schedules_that_leaves_its_setting_in_force() -> None:
    morning = Schedule("morning", (Period(EVERY_DAY, 480, 840),))
    late = Schedule("late", (Period(EVERY_DAY, 840, 960),))
    point = ListedAccessPoint(
        "north",
        settings=(
            Setting("morning", Authentication.FIRST_CARD),
            Setting("late", Authentication.FIRST_CARD),
            Setting("office", Authentication.CARD),
        ),
    )
    access_list = listing(schedules=(morning, late, OFFICE_HOURS), access_points=(point,))
    now = Moment(START, 1000.0, "boot-1")
    assert authentication_now(point, now, access_list) is Authentication.FIRST_CARD
    assert first_card_until(point, now, access_list) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_clock_put_back_a_day_does_not_count_yesterdays_first_card() -> None:
    access_list = unlocked_by(ALWAYS, Authentication.FIRST_CARD)
    bench = Bench(access_list=access_list)
    bench.doors.first_card("north", bench.moment, access_list)
    bench.wall -= timedelta(days=1)
    assert bench.after(0.0).mode() is M.LOCKED


def test_a_first_card_at_a_lift_or_an_unknown_access_point_unlocks_nothing() -> None:
    site = replace(PLACE, access_points={**PLACE.access_points, "car": AccessPoint("car", None, (), lift="car")})
    access_list = unlocked_by(ALWAYS, Authentication.FIRST_CARD)
    bench = Bench(site=site, access_list=access_list)
    bench.doors.first_card("car", bench.moment, access_list)
    bench.doors.first_card("lobby", bench.moment, access_list)
    assert bench.after(0.0).changes() == []


@pytest.mark.parametrize(("at", "day"), [((15, 30), 23), ((16, 0), 24), ((17, 30), 24)])
def test_the_next_midnight_is_the_sites(at: tuple[int, int], day: int) -> None:
    """Midnight in Shanghai is 16:00 UTC."""
    wall = datetime(2026, 11, 23, *at, tzinfo=UTC)
    assert next_midnight(wall, ZoneInfo("Asia/Shanghai")) == datetime(2026, 11, day, 16, 0, tzinfo=UTC)


def test_a_first_card_counts_to_the_sites_midnight_and_no_longer() -> None:
    noon, midnight = Moment(START, 1000.0, "boot"), datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    for until, counts in ((midnight, True), (midnight + timedelta(seconds=1), False), (START, False), (None, False)):
        assert first_card_counts(until, noon, listing()) is counts


def test_a_first_card_that_ends_now_changes_nothing_later() -> None:
    noon = Moment(START, 1000.0, "boot")
    assert next_unlock_change((), {"north": START}, noon, listing()) is None
    later = START + timedelta(seconds=1)
    assert next_unlock_change((), {"north": later}, noon, listing()) == later
