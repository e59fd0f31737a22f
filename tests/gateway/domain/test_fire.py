"""The fire release: an overlay over every door that it releases, latched until a person clears it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain.commands import SetOutput
from gateway.domain.door import DoorPhase
from gateway.domain.door_mode import DoorMode
from gateway.domain.moment import ClockQuality
from gateway.domain.schedule import Period, Schedule
from gateway.domain.signals import GatewayStarting, ListActivated
from gateway.domain.site import Door
from tests.gateway.domain.listing import EVERY_DAY, resident_listing
from tests.gateway.domain.plant import SHED, SITE, Rig, device_commands, door_of, is_free, only, raised, releases, said

STARTING = GatewayStarting("0", restored=True)
NOON_TO_TWO = Schedule("noon", (Period(EVERY_DAY, 720, 840),))


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def with_shed(shed: Door, rig: Rig) -> Rig:
    """The same bench and state, rewired and started again."""
    site = replace(SITE, doors={**SITE.doors, "shed": shed})
    return Rig(site, state=rig.controller.snapshot())


def test_fire_releases_every_door_that_it_should_and_waits_for_nothing(rig: Rig) -> None:
    turn = rig.fire()
    assert turn.urgent
    commands = device_commands(turn)
    assert all(isinstance(c, SetOutput) and releases(c) for c in commands)
    assert {door_of(c).id for c in commands} == {"north", "lobby", "barrier"}
    assert only(turn, ev.FireDetected).input == "smoke"
    assert raised(turn) == ["fire"]
    assert not is_free(rig.door("shed"))


def test_an_open_or_held_door_is_freed_and_its_alarm_is_normal(rig: Rig) -> None:
    rig.open()
    turn = rig.fire()
    assert "AlarmNormal" in said(turn)
    assert is_free(rig.door())
    assert "AlarmRaised" not in said(rig.after(600.0))


def test_doors_open_and_close_in_a_fire_without_alarm(rig: Rig) -> None:
    rig.fire()
    assert said(rig.open()) == ["DoorOpened"]
    assert said(rig.close()) == ["DoorClosed"]


def test_fire_stays_latched_when_its_input_is_normal_again(rig: Rig) -> None:
    rig.fire()
    assert said(rig.fire(False)) == ["InputNormal"]
    assert is_free(rig.door())
    assert "AlarmNormal" not in said(rig.after(3600.0))


def test_fire_cannot_be_cleared_while_its_input_is_active(rig: Rig) -> None:
    rig.fire()
    turn = rig.clear_fire()
    assert turn.reply.reason == "FireStillActive"
    assert only(turn, ev.RequestRefused).reason == "FireStillActive"
    assert is_free(rig.door())


def test_a_person_clears_fire_and_the_doors_lock(rig: Rig) -> None:
    rig.fire()
    rig.fire(False)
    turn = rig.clear_fire()
    assert turn.reply.accepted
    assert only(turn, ev.FireCleared).actor == "guard-1"
    assert {door_of(c).id for c in device_commands(turn)} == {"north", "lobby", "barrier"}
    assert not any(releases(c) for c in device_commands(turn))
    assert rig.door().phase is DoorPhase.SECURE


def test_a_door_open_when_fire_is_cleared_has_its_open_time_from_then(rig: Rig) -> None:
    rig.fire()
    rig.open()
    rig.fire(False)
    rig.clear_fire()
    assert rig.door().phase is DoorPhase.PASSING
    assert "DoorHeldOpen" in said(rig.after(20.0))


def test_without_a_fire_there_is_nothing_to_clear(rig: Rig) -> None:
    assert rig.clear_fire().reply.reason == "FireNotLatched"


def test_a_fire_alarm_ends_only_after_the_release_was_cleared(rig: Rig) -> None:
    alarm = only(rig.fire(), ev.AlarmRaised).alarm
    assert rig.resolve(alarm).reply.reason == "FireNotCleared"
    rig.fire(False)
    assert rig.resolve(alarm).reply.reason == "FireNotCleared"
    rig.clear_fire()
    assert rig.resolve(alarm).reply.accepted


def test_fire_latches_over_a_restart(rig: Rig) -> None:
    rig.fire()
    again = Rig(state=rig.controller.snapshot(), boot_id="boot-2", start_s=5.0)
    again.handle(STARTING)
    assert is_free(again.door())
    again.fire(False)
    assert is_free(again.door())
    assert again.clear_fire().reply.accepted
    assert not is_free(again.door())


def test_a_second_fire_before_the_first_is_cleared_is_a_repeat(rig: Rig) -> None:
    rig.fire()
    rig.fire(False)
    rig.pass_time(60.0)
    turn = rig.fire()
    assert "AlarmRaised" not in said(turn)
    assert "AlarmRepeated" in said(turn)
    assert rig.clear_fire().reply.reason == "FireStillActive"


def test_what_a_schedule_unlocked_is_still_unlocked_after_a_fire() -> None:
    rig = Rig(access_list=resident_listing(unlock=NOON_TO_TWO)).closed_and_ready()
    rig.handle(ListActivated(1, "", 2))
    assert is_free(rig.door())
    rig.fire()
    rig.fire(False)
    rig.clear_fire()
    assert is_free(rig.door())
    assert not is_free(rig.door("lobby"))


def test_a_schedule_that_ends_in_a_fire_locks_no_door_before_the_fire_is_cleared() -> None:
    rig = Rig(access_list=resident_listing(unlock=NOON_TO_TWO)).closed_and_ready()
    rig.after(0.0)
    rig.fire()
    turn = rig.after(2 * 3600.0)
    assert turn.events == ()
    assert device_commands(turn) == []
    rig.fire(False)
    changed = [e for e in rig.clear_fire().events if isinstance(e, ev.DoorModeChanged) and e.door == "north"]
    assert [(e.mode, e.because) for e in changed] == [(DoorMode.LOCKED.value, "fire_cleared")]
    assert not is_free(rig.door())


def test_a_door_wired_for_fire_while_the_gateway_was_down_is_released_at_the_start(rig: Rig) -> None:
    rig.fire()
    again = with_shed(replace(SHED, fire_release=True), rig)
    again.handle(STARTING)
    assert is_free(again.door("shed"))


def test_a_door_that_fire_releases_no_more_does_not_stay_free_for_ever() -> None:
    before = with_shed(replace(SHED, fire_release=True), Rig())
    before.fire()
    assert is_free(before.door("shed"))
    again = with_shed(SHED, before)
    again.handle(STARTING)
    assert again.door("shed").phase is DoorPhase.SECURE
    assert not again.door("shed").lock_released


# Schedules that unlock


def test_an_unlock_schedule_frees_its_door_from_its_start_to_its_end() -> None:
    rig = Rig(access_list=resident_listing(unlock=NOON_TO_TWO)).closed_and_ready()
    rig.wall -= timedelta(seconds=1)
    rig.after(0.0)
    assert not is_free(rig.door())
    assert rig.controller.next_deadline(rig.moment) == pytest.approx(rig.monotonic_s + 1.001)
    turn = rig.after(1.001)
    assert [releases(c) for c in device_commands(turn)] == [True]
    assert only(turn, ev.LockReleased).because == "schedule"
    assert only(turn, ev.LockReleased).seconds is None
    turn = rig.after(2 * 3600.0)
    assert [releases(c) for c in device_commands(turn)] == [False]


def test_a_suspect_clock_unlocks_nothing_and_says_so_once() -> None:
    rig = Rig(access_list=resident_listing(unlock=NOON_TO_TWO)).closed_and_ready()
    rig.after(0.0)
    rig.quality = ClockQuality.SUSPECT
    turn = rig.after(60.0)
    assert raised(turn) == ["clock_suspect"]
    assert not is_free(rig.door())
    assert rig.after(60.0).events == ()
    rig.quality = ClockQuality.SYNCHRONISED
    turn = rig.after(60.0)
    assert "AlarmNormal" in said(turn)
    assert is_free(rig.door())


def test_a_swipe_at_a_door_set_free_is_told_and_commands_nothing() -> None:
    rig = Rig(access_list=resident_listing(unlock=NOON_TO_TWO)).closed_and_ready()
    rig.after(0.0)
    turn = rig.swipe()
    assert said(turn) == ["AccessGranted"]
    assert turn.commands == ()
