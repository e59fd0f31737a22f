"""A board that can't say how its outputs stand: its locks are told what they should do whenever it is connected."""

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.controller import Turn
from tests.gateway.domain.plant import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def unknown(rig: Rig) -> Turn:
    return rig.handle(sg.OutputsUnknown("board"))


def locks(turn: Turn) -> dict[int, bool]:
    assert all(isinstance(command, SetOutput) for command in turn.commands)
    return {command.output: command.energise for command in turn.commands if isinstance(command, SetOutput)}


def test_each_lock_on_it_is_told_to_rest_as_its_wiring_wants(rig: Rig) -> None:
    assert locks(unknown(rig)) == {0: False, 1: True, 2: False}


def test_telling_a_lock_what_it_does_already_is_no_event_and_no_alarm(rig: Rig) -> None:
    assert unknown(rig).events == ()


def test_pulse_that_a_dead_gateway_timed_is_ended_after_its_restart(rig: Rig) -> None:
    rig.swipe()
    again = Rig(state=rig.controller.snapshot(), start_s=rig.monotonic_s + 60.0)
    again.handle(sg.GatewayStarting("test", True))
    assert locks(unknown(again))[0] is False


def test_pulse_that_goes_on_is_left_alone_and_its_end_is_said(rig: Rig) -> None:
    turn = rig.swipe()
    assert [type(command) for command in turn.commands] == [PulseOutput]
    rig.pass_time(1.0)
    assert 0 not in locks(unknown(rig))
    assert locks(rig.after(4.6)) == {0: False}


def test_door_that_fire_holds_open_is_released_again(rig: Rig) -> None:
    rig.inputs("alarms", (0, False))
    assert locks(unknown(rig)) == {0: True, 1: False, 2: False}
    assert not any(isinstance(event, ev.LockSecured) for event in unknown(rig).events)
