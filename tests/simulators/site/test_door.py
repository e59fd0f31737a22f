"""The physics of a door."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.door import SWING_S, Door, Lock, Phase

Kind = Literal["fail_safe", "fail_secure"]
Wiring = Literal["NO", "NC"]


def make_door(kind: Kind = "fail_secure", wiring: Wiring = "NO", *, cut: bool = False) -> Door:
    return Door("north", Lock(kind, wiring, cut_by_exit=cut))


def phase(door: Door) -> Phase:
    return door.phase


@pytest.mark.parametrize(
    ("kind", "wiring", "coil", "released"),
    [
        ("fail_safe", "NC", False, False),
        ("fail_safe", "NC", True, True),
        ("fail_safe", "NO", False, True),
        ("fail_safe", "NO", True, False),
        ("fail_secure", "NO", False, False),
        ("fail_secure", "NO", True, True),
        ("fail_secure", "NC", False, True),
        ("fail_secure", "NC", True, False),
    ],
)
def test_lock_gives_way_as_its_kind_and_wiring_say(kind: Kind, wiring: Wiring, coil: bool, released: bool) -> None:
    assert Lock(kind, wiring, coil=coil).released() is released


def test_push_against_a_holding_lock_moves_nothing() -> None:
    door = make_door()
    assert not door.push(1.0)
    assert (door.phase, door.contact_open, door.counts.openings, door.counts.refused) == (Phase.SHUT, False, 0, 1)


def test_released_door_opens_stands_and_shuts_by_itself() -> None:
    door = make_door()
    door.set_coil(1.0, True)
    assert door.push(1.0)
    assert door.contact_open
    assert door.angle_deg(1.0 + SWING_S / 2) == pytest.approx(40)
    door.set_coil(1.3, False)
    door.advance(1.0 + SWING_S)
    assert phase(door) is Phase.OPEN
    door.advance(1.0 + SWING_S + door.stands_open_s)
    assert phase(door) is Phase.CLOSING
    door.advance(100.0)
    assert phase(door) is Phase.SHUT
    assert not door.push(101.0)


def test_held_door_stays_open_until_it_is_let_go() -> None:
    door = make_door()
    door.set_coil(0.0, True)
    door.push(0.0, held=True)
    door.advance(10_000.0)
    assert phase(door) is Phase.OPEN
    door.close(10_000.0)
    door.advance(10_000.0 + SWING_S)
    assert phase(door) is Phase.SHUT


def test_force_opens_a_locked_door_and_is_counted() -> None:
    door = make_door()
    door.force(0.0)
    assert door.contact_open
    assert (door.counts.forced, door.counts.openings) == (1, 1)


def test_force_on_a_released_door_is_an_ordinary_opening() -> None:
    door = make_door()
    door.set_coil(0.0, True)
    door.force(0.0)
    assert (door.counts.forced, door.counts.openings) == (0, 1)


def test_exit_button_cuts_a_fail_safe_lock_in_the_wiring() -> None:
    door = make_door("fail_safe", "NC", cut=True)
    door.press_rex(0.0)
    assert door.lock.released()
    assert not door.lock.released_by_coil()
    assert door.push(0.1)
    door.advance(50.0)
    assert not door.lock.released()
    assert (door.counts.releases, door.counts.releases_by_coil) == (1, 0)


def test_fire_releases_a_fail_safe_lock_for_as_long_as_it_lasts() -> None:
    door = make_door("fail_safe", "NC", cut=True)
    door.set_fire(0.0, True)
    assert door.lock.released()
    door.set_fire(9.0, False)
    assert not door.lock.released()


def test_exit_button_moves_no_power_of_a_fail_secure_lock() -> None:
    door = make_door()
    door.press_rex(0.0)
    assert door.rex_pressed
    assert not door.lock.released()
    door.advance(5.0)
    assert not door.rex_pressed


STEPS = st.lists(
    st.tuples(st.sampled_from(["push", "close", "rex", "on", "off", "wait"]), st.floats(0.0, 5.0)), max_size=40
)


@given(STEPS)
def test_without_force_a_door_opens_only_while_its_lock_gives_way(steps: list[tuple[str, float]]) -> None:
    door, now = make_door("fail_safe", "NC", cut=True), 0.0
    for what, after_s in steps:
        now += after_s
        door.advance(now)
        was_shut, was_released = door.phase is Phase.SHUT, door.lock.released()
        if what == "push":
            assert door.push(now) == (not was_shut or was_released)
        elif what == "close":
            door.close(now)
        elif what == "rex":
            door.press_rex(now)
        elif what in ("on", "off"):
            door.set_coil(now, what == "on")
        assert 0.0 <= door.angle_deg(now) <= 80.0
    assert door.counts.forced == 0


@given(STEPS)
def test_time_in_small_steps_ends_where_one_long_step_does(steps: list[tuple[str, float]]) -> None:
    one, many, now = make_door(), make_door(), 0.0
    for door in (one, many):
        door.set_coil(0.0, True)
        door.push(0.0)
        door.press_rex(0.0)
    for _, after_s in steps:
        now += after_s
        many.advance(now)
    one.advance(now)
    assert (one.phase, one.since_s, one.rex_pressed) == (many.phase, many.since_s, many.rex_pressed)
