"""A clock that jumps is recorded, so that the office can correct a boot's times; one that nobody keeps is an alarm."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain.moment import ClockQuality
from gateway.domain.signals import DeadlineReached
from tests.gateway.domain.plant import SITE, Rig, only, raised

HOUR = 3600.0


@pytest.fixture
def rig() -> Rig:
    rig = Rig().closed_and_ready()
    rig.handle(DeadlineReached())
    return rig


@pytest.mark.parametrize("seconds", [2.1, -2.1, 10 * 365 * 86_400.0, -3600.0])
def test_a_jump_is_recorded_with_its_offset_before_what_else_happens(rig: Rig, seconds: float) -> None:
    rig.pass_time(30)
    honest = rig.wall
    rig.wall += timedelta(seconds=seconds)
    turn = rig.swipe()
    told = only(turn, ev.ClockOffset)
    assert turn.events[0] is told
    assert (told.wall_before, told.wall_after, told.offset_s) == (honest, rig.wall, seconds)
    assert told.boot == rig.moment.boot_id
    assert not [event for event in rig.after(30).events if isinstance(event, ev.ClockOffset)], "it was told twice"


@pytest.mark.parametrize("seconds", [0.0, 0.03, 1.9, -1.9])
def test_a_slewed_clock_has_not_jumped(rig: Rig, seconds: float) -> None:
    rig.pass_time(60)
    rig.wall += timedelta(seconds=seconds)
    assert not [event for event in rig.swipe().events if isinstance(event, ev.ClockOffset)]


def test_the_end_of_suspicion_is_recorded_also_where_nothing_jumped(rig: Rig) -> None:
    rig.quality = ClockQuality.SUSPECT
    rig.swipe()
    rig.quality = ClockQuality.SYNCHRONISED
    told = only(rig.swipe(), ev.ClockOffset)
    assert (told.offset_s, told.was) == (0.0, "suspect")


def test_the_end_of_suspicion_is_recorded_also_by_a_process_that_started_meanwhile(rig: Rig) -> None:
    rig.quality = ClockQuality.SUSPECT
    rig.after(1.0)
    later = Rig(state=rig.controller.snapshot(), boot_id=rig.boot_id, start_s=rig.monotonic_s + 5.0)
    later.wall, later.quality = rig.wall + timedelta(seconds=5.0), ClockQuality.SYNCHRONISED
    told = only(later.handle(DeadlineReached()), ev.ClockOffset)
    assert (told.was, told.offset_s, told.boot) == ("suspect", 0.0, rig.boot_id)


def test_another_boot_has_no_offset_to_the_one_before(rig: Rig) -> None:
    rig.boot_id, rig.monotonic_s = "boot-2", 5.0
    rig.wall += timedelta(days=3)
    assert not [event for event in rig.swipe().events if isinstance(event, ev.ClockOffset)]


def test_a_clock_that_is_off_by_ten_years_is_an_alarm_within_a_minute(rig: Rig) -> None:
    rig.wall -= timedelta(days=3650)
    rig.quality = ClockQuality.SUSPECT
    due_s = rig.controller.next_deadline(rig.moment)
    assert due_s - rig.monotonic_s <= 60
    turn = rig.after(due_s - rig.monotonic_s)
    assert only(turn, ev.AlarmRaised).kind == "clock_suspect"
    assert only(turn, ev.AlarmRaised).priority == 2


def test_a_day_without_a_time_source_is_an_alarm_that_ends_with_it(rig: Rig) -> None:
    rig.quality = ClockQuality.UNSYNCHRONISED
    rig.after(61)
    assert raised(rig.after(23 * HOUR)) == []
    turn = rig.after(1 * HOUR)
    assert only(turn, ev.AlarmRaised).kind == "clock_unsynchronised"
    assert only(turn, ev.AlarmRaised).priority == 3
    assert raised(rig.after(HOUR)) == [], "it is one alarm"
    rig.quality = ClockQuality.SYNCHRONISED
    turn = rig.after(61)
    assert [event for event in turn.events if isinstance(event, ev.AlarmNormal)]
    rig.quality = ClockQuality.UNSYNCHRONISED
    rig.after(61)
    assert raised(rig.after(23 * HOUR)) == [], "the time runs from the last sound moment"


def test_a_site_sets_its_own_patience() -> None:
    rig = Rig(replace(SITE, unsynchronised_alarm_s=600.0))
    rig.quality = ClockQuality.UNSYNCHRONISED
    rig.closed_and_ready()
    rig.after(61)
    assert raised(rig.after(601)) == ["clock_unsynchronised"]
