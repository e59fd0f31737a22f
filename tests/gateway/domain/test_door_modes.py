"""What a door is meant to do: the table of modes, its layers, and a guard's overrides."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import msgspec
import pytest

from gateway.domain import events as ev
from gateway.domain.door import RELEASE_GRACE_S, DoorPhase, DoorState
from gateway.domain.door_mode import (
    ALL_DOORS,
    MODES,
    DoorMode,
    ModeLayers,
    ModeOverride,
    ModeRequest,
    mode_refusal,
)
from gateway.domain.moment import ClockQuality
from gateway.domain.site import (
    DoorGroup,
)
from tests.gateway.domain.door_bench import GROUPS, OFFICE_HOURS, PLACE, Bench, M, R, unlocked_by
from tests.gateway.domain.listing import ALWAYS
from tests.gateway.domain.plant import DOORS, START, releases


@pytest.fixture
def bench() -> Bench:
    return Bench()


def layerings() -> Iterator[ModeLayers]:
    """Every layering that matters to one door of the group `front`."""
    until = START + timedelta(hours=2)
    for scheduled, mode in product((M.LOCKED, M.UNLOCKED), (None, M.LOCKED, M.UNLOCKED, M.BLOCKED)):
        override = None if mode is None else ModeOverride(mode, until, "x", "guard-1", 8200.0, "boot-1")
        for down, wide_open in product(((), ("front",), ("front", ALL_DOORS)), ((), ("front",))):
            yield ModeLayers(scheduled, {}, override, list(down), list(wide_open))


def arranged(layers: ModeLayers, *, accessed: bool) -> Bench:
    """A north door whose layers are these; `accessed`: and just released for somebody, where it is locked."""
    bench = Bench(states={"north": DoorState(layers=layers)})
    bench.turn().doors.follow_mode("north", bench.moment, "schedule")
    if accessed and bench.mode() is M.LOCKED:
        bench.grant()
    return bench


def ask(bench: Bench, request: ModeRequest) -> Bench:
    """Put the request to the north door by whatever asks it in earnest."""
    match request:
        case R.LOCK | R.UNLOCK | R.BLOCK:
            return bench.override({R.LOCK: M.LOCKED, R.UNLOCK: M.UNLOCKED, R.BLOCK: M.BLOCKED}[request])
        case R.GIVE_BACK:
            return bench.override(None)
        case R.LOCK_DOWN:
            return bench.lock_down("inner" if "front" in bench.state().layers.lockdowns else "front")
        case R.LOCK_DOWN_RELEASE:
            return bench.release_lockdown()
        case R.LOCK_OPEN:
            return bench.lock_open(None)
        case R.LOCK_OPEN_RELEASE:
            return bench.release_lock_open()
        case R.ACCESS:
            bench.turn()
            bench.refusal = bench.doors.may_open("north")
            return bench if bench.refusal else bench.grant()
        case R.ACCESS_END:
            return bench.after(5.0 + RELEASE_GRACE_S)


CASES = [(layers, accessed) for layers in layerings() for accessed in (False, True)]


@pytest.mark.parametrize("request_", list(ModeRequest), ids=str)
def test_whatever_the_layers_a_request_leads_where_the_table_says(request_: ModeRequest) -> None:
    seen: set[DoorMode] = set()
    for layers, accessed in CASES:
        bench = arranged(msgspec.convert(msgspec.to_builtins(layers), ModeLayers), accessed=accessed)
        bench.site = bench.doors.site = replace(PLACE, door_groups={**GROUPS, "inner": DoorGroup("inner", ("north",))})
        before = bench.mode()
        if request_ is R.ACCESS_END and before is not M.ACCESSED:
            continue
        beneath = what_lies_beneath(bench, request_)
        ask(bench, request_)
        if (before, request_) not in MODES:
            assert bench.refusal == mode_refusal(before, request_) or bench.refusal in (
                "NotLockedDown",
                "NotLockedOpen",
            )
            assert bench.mode() is before
        elif bench.refusal is not None:
            assert bench.refusal in ("NotOverridden", "NotLockedDown"), "there must be something to end"
            assert bench.mode() is before
        else:
            seen.add(before)
            assert bench.mode() is (MODES[before, request_] or beneath)
    assert seen == {mode for mode, request in MODES if request is request_}, "every row was walked"


def what_lies_beneath(bench: Bench, request: ModeRequest) -> DoorMode:
    """What the door would show without the layer that the request ends."""
    layers, before = bench.state().layers, bench.mode()
    lock_opens = [] if request is R.LOCK_OPEN_RELEASE else layers.lock_opens
    lockdowns = [name for name in layers.lockdowns if request is not R.LOCK_DOWN_RELEASE or name != "front"]
    override = None if request is R.GIVE_BACK else layers.override
    mode = ModeLayers(layers.scheduled, {}, override, lockdowns, lock_opens).mode(bench.quality)
    return M.ACCESSED if mode is M.LOCKED and bench.state().lock_released and before is M.ACCESSED else mode


def test_locked_down_and_locked_open_are_left_by_their_own_release_alone() -> None:
    ways_out = {
        mode: {r for r in R if (mode, r) in MODES and MODES[mode, r] is not mode}
        for mode in (M.LOCKED_DOWN, M.LOCKED_OPEN)
    }
    assert ways_out == {M.LOCKED_DOWN: {R.LOCK_DOWN_RELEASE, R.LOCK_OPEN}, M.LOCKED_OPEN: {R.LOCK_OPEN_RELEASE}}


def test_nobody_passes_by_a_card_or_a_guards_click_where_a_door_is_blocked_or_locked_down(bench: Bench) -> None:
    assert bench.doors.may_open("north") is None
    bench.override(M.BLOCKED)
    assert bench.doors.may_open("north") == "DoorBlocked"
    bench.lock_down()
    assert bench.doors.may_open("north") == "DoorLockedDown"
    bench.lock_open()
    assert bench.doors.may_open("north") is None


def test_a_locked_door_shows_accessed_while_it_is_released_for_somebody(bench: Bench) -> None:
    bench.grant()
    assert bench.mode() is M.ACCESSED
    assert bench.changes() == []
    bench.after(5.0 + RELEASE_GRACE_S)
    assert bench.mode() is M.LOCKED
    assert bench.changes() == []


@pytest.mark.parametrize("mode", [M.BLOCKED, M.LOCKED_DOWN])
def test_an_exit_opens_a_door_that_refuses_entry_and_lets_nobody_in_with_it(bench: Bench, mode: DoorMode) -> None:
    bench.lock_down() if mode is M.LOCKED_DOWN else bench.override(mode)
    bench.rex()
    assert releases(bench.commands()[-1])
    assert bench.state().lock_released
    assert bench.mode() is mode
    assert bench.doors.may_open("north") is not None


# Layers


def test_a_lockdown_secures_a_free_door_at_once(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    assert bench.state().phase is DoorPhase.FREE
    bench.lock_down()
    assert [releases(c) for c in bench.commands()] == [False]
    assert bench.state().phase is DoorPhase.SECURE
    assert bench.changes() == [("north", "LockedDown", "lockdown"), ("lobby", "LockedDown", "lockdown")]


def test_a_lockdown_of_a_free_door_that_stands_open_starts_its_open_time(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.contact(True)
    bench.lock_down()
    assert bench.state().phase is DoorPhase.PASSING
    bench.after(20.0)
    assert [e.door for e in bench.told(ev.DoorHeldOpen)] == ["north"]


def test_a_lockdown_leaves_a_pressed_exit_button_its_release(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.rex()
    bench.lock_down()
    assert [releases(c) for c in bench.commands()] == [False, True]
    assert bench.state().lock_released


def test_each_higher_layer_covers_the_lower_and_gives_it_back() -> None:
    bench = Bench(access_list=unlocked_by(ALWAYS)).after(0.0)
    up = [M.UNLOCKED, M.BLOCKED, M.LOCKED_DOWN, M.LOCKED_OPEN, M.UNLOCKED]
    shown = [bench.mode()]
    shown.append(bench.override(M.BLOCKED).mode())
    shown.append(bench.lock_down().mode())
    shown.append(bench.lock_open().mode())
    shown.append(bench.fire().mode())
    assert shown == up
    shown = [bench.mode()]
    shown.append(bench.fire(False).mode())
    shown.append(bench.release_lock_open().mode())
    shown.append(bench.release_lockdown().mode())
    shown.append(bench.override(None).mode())
    assert shown == up[::-1]


def test_a_lockdown_that_is_asked_for_in_a_fire_is_there_after_it(bench: Bench) -> None:
    bench.fire()
    bench.lock_down()
    assert bench.refusal is None
    assert bench.changes() == []
    assert bench.state().phase is DoorPhase.FREE
    bench.fire(False)
    assert ("north", "LockedDown", "fire_cleared") in bench.changes()
    assert bench.state().phase is DoorPhase.SECURE


def test_a_lockdown_beneath_a_life_safety_release_can_be_released_and_is_gone(bench: Bench) -> None:
    bench.lock_down()
    bench.lock_open()
    bench.release_lockdown()
    assert bench.refusal is None
    assert bench.mode() is M.LOCKED_OPEN
    bench.release_lock_open()
    assert bench.mode() is M.LOCKED


def test_a_door_of_two_lockdowns_stays_locked_down_until_both_are_released(bench: Bench) -> None:
    bench.lock_down("front").lock_down("inner")
    bench.release_lockdown("front")
    assert (bench.mode("north"), bench.mode("lobby"), bench.mode("shed")) == (M.LOCKED, M.LOCKED_DOWN, M.LOCKED_DOWN)
    bench.release_lockdown("inner")
    assert {bench.mode(door) for door in DOORS} == {M.LOCKED}


def test_a_groups_release_ends_no_lockdown_of_the_whole_site_but_that_of_all_ends_every_one(bench: Bench) -> None:
    bench.lock_down("front").lock_down(None)
    bench.release_lockdown("front")
    assert bench.mode("north") is M.LOCKED_DOWN
    bench.lock_down("inner").release_lockdown(None)
    assert {bench.mode(door) for door in DOORS} == {M.LOCKED}
    assert set(bench.told(ev.LockdownReleased)[0].doors) == set(DOORS)


def test_a_door_that_has_left_its_group_is_released_with_it(bench: Bench) -> None:
    bench.lock_down("front")
    smaller = replace(PLACE, door_groups={**GROUPS, "front": DoorGroup("front", ("lobby",))})
    again = bench.restarted(site=smaller).starts()
    assert again.mode("north") is M.LOCKED_DOWN
    again.release_lockdown("front")
    assert again.mode("north") is M.LOCKED


def test_the_schedule_goes_on_beneath_an_override_and_is_told_when_it_shows() -> None:
    bench = Bench(access_list=unlocked_by(OFFICE_HOURS)).after(0.0)
    bench.override(M.LOCKED, hours=12)
    assert bench.changes() == [("north", "Locked", "override")]
    assert bench.after(7 * 3600.0).changes() == []
    bench.override(None)
    assert bench.changes() == []
    assert bench.mode() is M.LOCKED


# Overrides


def test_an_override_is_recorded_with_who_why_and_how_long(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    (told,) = bench.told(ev.DoorModeOverridden)
    assert (told.mode, told.until, told.reason) == ("Unlocked", bench.wall + timedelta(hours=2), "delivery")
    assert (told.actor, told.post, told.request_id) == ("guard-1", "gatehouse", "r-1")
    assert bench.changes() == [("north", "Unlocked", "override")]
    (released,) = bench.told(ev.LockReleased)
    assert (released.because, released.seconds) == ("override", None)


def test_an_override_ends_by_itself_and_asks_for_its_end_as_a_deadline(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    assert bench.doors.deadline_s() == bench.monotonic_s + 7200.0
    bench.after(7199.0)
    assert bench.mode() is M.UNLOCKED
    bench.after(1.0)
    assert [(e.door, e.mode) for e in bench.told(ev.DoorModeOverrideEnded)] == [("north", "Unlocked")]
    assert bench.changes() == [("north", "Locked", "override_ended")]
    assert [releases(c) for c in bench.commands()] == [False]
    assert bench.doors.deadline_s() is None


def test_a_newer_override_takes_the_place_of_the_older_one(bench: Bench) -> None:
    bench.override(M.UNLOCKED, hours=1)
    bench.override(M.BLOCKED, hours=3)
    bench.after(3600.0)
    assert bench.mode() is M.BLOCKED
    bench.after(7200.0)
    assert bench.mode() is M.LOCKED


def test_an_override_beneath_a_lockdown_runs_out_unseen(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.lock_down()
    bench.after(7200.0)
    assert len(bench.told(ev.DoorModeOverrideEnded)) == 1
    assert bench.changes() == []
    bench.release_lockdown()
    assert bench.mode() is M.LOCKED


def test_a_wall_clock_put_forward_ends_an_override_and_one_put_back_prolongs_none(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.wall += timedelta(hours=2)
    assert bench.after(0.0).mode() is M.LOCKED
    bench.override(M.UNLOCKED)
    bench.wall -= timedelta(hours=10)
    assert bench.after(7199.0).mode() is M.UNLOCKED
    assert bench.after(1.0).mode() is M.LOCKED


def test_while_the_clock_is_suspect_an_override_unlocks_nothing_and_a_block_holds(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.override(M.BLOCKED, door="shed")
    bench.quality = ClockQuality.SUSPECT
    bench.after(60.0)
    assert bench.changes() == [("north", "Locked", "clock_suspect")]
    assert bench.mode("shed") is M.BLOCKED
    bench.quality = ClockQuality.SYNCHRONISED
    assert bench.after(60.0).mode() is M.UNLOCKED


def test_while_the_clock_is_suspect_a_block_still_ends_when_its_time_has_passed(bench: Bench) -> None:
    bench.quality = ClockQuality.SUSPECT
    bench.override(M.BLOCKED)
    assert bench.refusal is None
    bench.wall -= timedelta(days=9000)
    assert bench.after(7199.0).mode() is M.BLOCKED
    assert bench.after(1.0).mode() is M.LOCKED


def test_a_suspect_clock_that_runs_ahead_ends_no_block(bench: Bench) -> None:
    bench.override(M.BLOCKED)
    bench.quality = ClockQuality.SUSPECT
    bench.wall += timedelta(days=9000)
    assert bench.after(7199.0).mode() is M.BLOCKED
    assert bench.after(1.0).mode() is M.LOCKED
