"""What a door does when power, the gateway or a board was gone, and what is restored at its return."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.domain import events as ev
from gateway.domain.commands import PulseOutput
from gateway.domain.door import DoorState
from gateway.domain.listed import Authentication
from gateway.domain.lock_watch import LockWatch
from gateway.domain.moment import ClockQuality
from gateway.domain.site import (
    Lock,
    LockKind,
    Wiring,
)
from tests.gateway.domain.door_bench import PLACE, Bench, M, unlocked_by
from tests.gateway.domain.listing import ALWAYS
from tests.gateway.domain.plant import DOORS, NORTH, releases


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_override_that_ended_while_the_gateway_was_off_has_ended(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    again = bench.restarted(off_s=7200.0, reboot=True).starts()
    assert [(e.door, e.mode) for e in again.told(ev.DoorModeOverrideEnded)] == [("north", "Unlocked")]
    assert again.mode() is M.LOCKED
    assert [releases(c) for c in again.commands()] == [False]


def test_an_override_that_has_not_ended_goes_on_to_its_own_end(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    again = bench.restarted(off_s=3600.0, reboot=True).starts()
    assert again.doors.events == []
    assert again.doors.deadline_s() == again.monotonic_s + 3600.0
    assert again.after(3599.0).mode() is M.UNLOCKED
    assert again.after(1.0).mode() is M.LOCKED


def test_an_override_waits_for_a_clock_that_can_be_trusted_before_it_unlocks_again(bench: Bench) -> None:
    bench.override(M.UNLOCKED)
    bench.override(M.BLOCKED, door="shed")
    again = bench.restarted(off_s=3600.0, reboot=True)
    right, again.wall, again.quality = again.wall, datetime(2024, 1, 1, tzinfo=UTC), ClockQuality.SUSPECT
    again.starts()
    assert (again.mode(), again.mode("shed")) == (M.LOCKED, M.BLOCKED)
    assert again.doors.deadline_s() is None
    again.after(30.0)
    again.wall, again.quality = right, ClockQuality.SYNCHRONISED
    assert again.after(0.0).mode() is M.UNLOCKED


def test_a_lockdown_stays_over_a_reboot_whatever_the_clock_says(bench: Bench) -> None:
    bench.lock_down(None)
    again = bench.restarted(off_s=9e6, reboot=True)
    again.quality = ClockQuality.SUSPECT
    again.starts()
    assert {again.mode(door) for door in DOORS} == {M.LOCKED_DOWN}
    assert again.doors.events == []


def test_a_life_safety_release_stays_and_is_said_again_to_a_board_that_has_forgotten_it(bench: Bench) -> None:
    bench.lock_open()
    again = bench.restarted(off_s=60.0, reboot=True).starts()
    assert again.mode() is M.LOCKED_OPEN
    LockWatch(again.turn().doors).output_read("board", 0, False, again.moment)
    assert [releases(c) for c in again.commands()] == [True]


def test_a_first_card_lasts_over_a_restart_and_not_over_midnight() -> None:
    access_list = unlocked_by(ALWAYS, Authentication.FIRST_CARD)
    bench = Bench(access_list=access_list)
    bench.doors.first_card("north", bench.moment, access_list)
    assert bench.restarted(off_s=60.0, reboot=True).starts().mode() is M.UNLOCKED
    again = bench.restarted(off_s=12 * 3600.0, reboot=True).starts()
    assert again.changes() == [("north", "Locked", "schedule")]
    assert again.state().layers.first_cards == {}


def test_a_state_kept_before_there_were_layers_is_set_right_at_the_start() -> None:
    old = {"phase": "free", "mode": "Unlocked", "lock_released": True}
    bench = Bench(states={"north": msgspec.convert(old, DoorState)}).starts()
    assert bench.changes() == [("north", "Locked", "schedule")]
    assert [releases(c) for c in bench.commands()] == [False]


LOCKS = [Lock(NORTH.lock.output, kind, wiring) for kind in LockKind for wiring in Wiring]


def lock_name(lock: Lock) -> str:
    return f"{lock.kind}-{lock.wiring}"


def wired(lock: Lock) -> Bench:
    return Bench(site=replace(PLACE, doors={**DOORS, "north": replace(NORTH, lock=lock)}))


def is_released(lock: Lock, *, coil: bool, power: bool = True) -> bool:
    """What the lock does by physics: `power` is the lock's own supply."""
    fed = power and coil == (lock.wiring is Wiring.NO)
    return fed if lock.kind is LockKind.FAIL_SECURE else not fed


@pytest.mark.parametrize("lock", LOCKS, ids=lock_name)
def test_a_command_releases_the_lock_that_it_means_to_release(lock: Lock) -> None:
    (pulse,) = wired(lock).grant().commands()
    assert isinstance(pulse, PulseOutput)
    assert is_released(lock, coil=pulse.energise)
    assert not is_released(lock, coil=not pulse.energise)
    assert is_released(lock, coil=pulse.energise, power=False) == (lock.kind is LockKind.FAIL_SAFE)


@pytest.mark.parametrize("lock", LOCKS, ids=lock_name)
@pytest.mark.parametrize("free", [False, True])
def test_a_board_that_dropped_its_relays_is_put_right_when_it_is_back(lock: Lock, free: bool) -> None:
    bench = wired(lock)
    if free:
        bench.lock_open()
    released = is_released(lock, coil=False)
    LockWatch(bench.turn().doors).output_read("board", 0, False, bench.moment)
    assert [is_released(lock, coil=c.energise) for c in bench.commands()] == ([] if released == free else [free])
    assert bool(bench.told(ev.LockFoundReleased)) == (released and not free)


@pytest.mark.parametrize("lock", LOCKS, ids=lock_name)
@pytest.mark.parametrize("reboot", [False, True])
def test_a_pulse_that_nobody_ended_while_the_gateway_was_gone_is_ended_at_its_return(lock: Lock, reboot: bool) -> None:
    bench = wired(lock).grant()
    again = bench.restarted(off_s=60.0, reboot=reboot).starts()
    assert len(again.told(ev.LockSecured)) == 1
    LockWatch(again.turn().doors).output_read("board", 0, lock.release_energised, again.moment)
    assert [is_released(lock, coil=c.energise) for c in again.commands()] == [False]
    assert len(again.told(ev.LockFoundReleased)) == 1
