"""A barrier is pulsed open and never held, whatever asks for it; its own controller closes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.controller import Turn
from gateway.domain.door import DoorPhase
from gateway.domain.door_mode import DoorMode
from tests.gateway.domain.plant import BARRIER, GUARD, SITE, Rig, device_commands, only, releases, said

BOOM = replace(BARRIER, barrier=True, pulse_time_s=0.5)
BOOMS = replace(SITE, doors={**SITE.doors, "barrier": BOOM})


@pytest.fixture
def rig() -> Rig:
    return Rig(BOOMS)


def pulses(turn: Turn) -> list[float]:
    """The lengths of the pulses to the barrier; nothing else may go to it that opens."""
    told = [c for c in device_commands(turn) if c.device == "pole"]
    assert not any(isinstance(c, SetOutput) and releases(c, BOOMS) for c in told)
    return [c.duration_s for c in told if isinstance(c, PulseOutput)]


def lock_open(rig: Rig) -> Turn:
    return rig.handle(sg.LockOpenRequested(rig.request(), None, "drill", GUARD, rig.wall + timedelta(seconds=10)))


def override(rig: Rig, mode: str | None) -> Turn:
    expires, until = rig.wall + timedelta(seconds=10), rig.wall + timedelta(hours=1)
    return rig.handle(sg.DoorModeRequested(rig.request(), "barrier", mode, "delivery", GUARD, expires, until))


def test_grant_closes_the_open_input_for_the_pulse_time_only(rig: Rig) -> None:
    assert pulses(rig.swipe(reader="barrier-reader")) == [0.5]


def test_guard_pulses_it_again_though_the_release_goes_on(rig: Rig) -> None:
    rig.swipe(reader="barrier-reader")
    rig.pass_time(2.0)
    assert pulses(rig.guard_opens("barrier")) == [0.5]


def test_fire_pulses_it_open_once_and_holds_nothing(rig: Rig) -> None:
    turn = rig.fire()
    assert pulses(turn) == [0.5]
    assert turn.urgent
    (pulse,) = [c for c in device_commands(turn) if c.device == "pole"]
    rig.complete(pulse)
    rig.handle(sg.LinkChanged("pole", sg.LinkState.ONLINE))
    assert rig.door("barrier").phase is not DoorPhase.FREE
    assert [pulses(rig.after(seconds)) for seconds in (1.0, 5.0, 60.0)] == [[], [], []]


def test_car_and_guard_open_it_again_while_fire_lasts(rig: Rig) -> None:
    rig.fire()
    rig.after(10.0)
    assert pulses(rig.swipe(reader="barrier-reader")) == [0.5]
    rig.after(10.0)
    assert pulses(rig.guard_opens("barrier")) == [0.5]


def test_end_of_fire_commands_it_nothing(rig: Rig) -> None:
    rig.fire()
    rig.after(10.0)
    rig.fire(False)
    turn = rig.clear_fire()
    assert [c for c in device_commands(turn) if c.device == "pole"] == []
    assert ("barrier", "Locked") in [(e.door, e.mode) for e in turn.events if isinstance(e, ev.DoorModeChanged)]


def test_fire_pulses_a_barrier_that_was_unlocked_and_has_closed_by_itself(rig: Rig) -> None:
    assert pulses(override(rig, "Unlocked")) == [0.5]
    rig.after(30.0)
    assert pulses(rig.fire()) == [0.5]


def test_life_safety_release_pulses_it_and_lockdown_refuses_entry(rig: Rig) -> None:
    assert pulses(lock_open(rig)) == [0.5]
    other = Rig(BOOMS)
    other.handle(sg.LockdownRequested(other.request(), None, "drill", GUARD, other.wall + timedelta(seconds=10)))
    turn = other.swipe(reader="barrier-reader")
    assert only(turn, ev.AccessDenied).reason == "LockedDown"
    assert pulses(turn) == []


def test_pulse_of_fire_is_said_again_until_the_board_has_taken_it(rig: Rig) -> None:
    told = [c for c in device_commands(rig.fire()) if c.device == "pole"]
    rig.complete(told[0], sg.CommandOutcome.EXPIRED)
    again = rig.after(2.0)
    assert pulses(again) == [0.5]
    assert pulses(rig.handle(sg.LinkChanged("pole", sg.LinkState.ONLINE))) == [0.5]
    newest = [c for c in device_commands(rig.turns[-1]) if c.device == "pole"][-1]
    rig.complete(newest, sg.CommandOutcome.SENT)
    assert pulses(rig.handle(sg.LinkChanged("pole", sg.LinkState.ONLINE))) == []


def test_restart_in_a_fire_holds_nothing(rig: Rig) -> None:
    turn = rig.fire()
    rig.complete(next(c for c in device_commands(turn) if c.device == "pole"))
    again = Rig(BOOMS, state=rig.controller.snapshot(), start_s=rig.monotonic_s + 5.0)
    assert pulses(again.handle(sg.GatewayStarting("0", restored=True))) == []
    assert pulses(again.handle(sg.OutputsRead("pole", ((0, False),)))) == []


def test_open_input_that_reads_closed_is_let_go(rig: Rig) -> None:
    turn = rig.handle(sg.OutputsRead("pole", ((0, True),)))
    assert [releases(c, BOOMS) for c in device_commands(turn)] == [False]


@given(
    st.lists(
        st.sampled_from(
            ["swipe", "guard", "fire", "no fire", "clear", "open", "unlock", "lock", "wait", "fail", "back"]
        ),
        max_size=25,
    )
)
def test_whatever_happens_its_open_input_is_never_held(steps: list[str]) -> None:
    rig = Rig(BOOMS)
    deeds: dict[str, Callable[[], Turn]] = {
        "swipe": lambda: rig.swipe(reader="barrier-reader"),
        "guard": lambda: rig.guard_opens("barrier"),
        "fire": rig.fire,
        "no fire": lambda: rig.fire(False),
        "clear": rig.clear_fire,
        "open": lambda: lock_open(rig),
        "unlock": lambda: override(rig, "Unlocked"),
        "lock": lambda: override(rig, None),
        "wait": lambda: rig.after(3.0),
        "back": lambda: rig.handle(sg.LinkChanged("pole", sg.LinkState.ONLINE)),
    }
    for step in steps:
        newest = next((c for t in reversed(rig.turns) for c in device_commands(t) if c.device == "pole"), None)
        if step == "fail":
            turn = rig.after(0.0) if newest is None else rig.complete(newest, sg.CommandOutcome.FAILED)
        else:
            turn = deeds[step]()
        assert all(0 < seconds <= 0.5 for seconds in pulses(turn)), said(turn)
    assert rig.door("barrier").phase is not DoorPhase.FREE
    assert rig.door("barrier").mode in (DoorMode.LOCKED, DoorMode.UNLOCKED, DoorMode.LOCKED_OPEN)
