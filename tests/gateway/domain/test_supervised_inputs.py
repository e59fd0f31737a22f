"""Supervised loops at fault: what is known of a door, an exit button or an alarm input whose wire is cut or shorted."""

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmKind
from gateway.domain.controller import Turn
from gateway.domain.door import DoorPhase
from tests.gateway.domain.plant import Rig, device_commands, only, raised, releases, said

CUT, SHORT = sg.InputFault.OPEN_CIRCUIT, sg.InputFault.SHORT
CONTACT, REX = 0, 1
"""The north door's, on the board."""
SMOKE, PANIC, LID = 0, 1, 2
"""On the alarm board."""


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def loop(rig: Rig, number: int, fault: sg.InputFault | None, device: str = "board") -> Turn:
    return rig.handle(sg.InputFaultChanged(device, number, fault))


def test_contact_at_fault_is_told_with_an_alarm_and_its_end_too(rig: Rig) -> None:
    turn = loop(rig, CONTACT, CUT)
    assert only(turn, ev.DoorInputFaultChanged) == ev.DoorInputFaultChanged(
        door="north", part="contact", fault="open_circuit"
    )
    assert only(turn, ev.AlarmRaised).priority == 2
    assert (only(turn, ev.AlarmRaised).kind, only(turn, ev.AlarmRaised).door) == ("contact_fault", "north")
    assert rig.door().contact_fault == "open_circuit"
    assert said(loop(rig, CONTACT, None)) == ["DoorInputFaultChanged", "AlarmNormal"]
    assert rig.door().contact_fault == ""


def test_fault_that_is_known_is_no_news_and_another_one_is(rig: Rig) -> None:
    loop(rig, CONTACT, CUT)
    assert loop(rig, CONTACT, CUT).events == ()
    assert only(loop(rig, CONTACT, SHORT), ev.DoorInputFaultChanged).fault == "short"


def test_fault_of_a_contact_neither_opens_nor_closes_nor_forces_the_door(rig: Rig) -> None:
    turn = loop(rig, CONTACT, SHORT)
    assert rig.door().phase is DoorPhase.SECURE
    assert not {"DoorOpened", "DoorClosed", "DoorForcedOpen"} & set(said(turn))


def test_door_that_opened_while_its_contact_was_at_fault_is_forced_when_that_is_known(rig: Rig) -> None:
    loop(rig, CONTACT, CUT)
    turn = rig.open()
    assert {"DoorInputFaultChanged", "DoorOpened", "DoorForcedOpen"} <= set(said(turn))


def test_what_is_told_of_a_contact_says_that_its_loop_is_whole(rig: Rig) -> None:
    """Its settings may have changed while the gateway was off: nobody else would ever tell."""
    loop(rig, CONTACT, CUT)
    rig.close()
    assert rig.door().contact_fault == ""
    assert not rig.controller.alarms.is_active(AlarmKind.CONTACT_FAULT, "north")


def test_whoever_passes_a_door_whose_contact_is_at_fault_owes_no_answer(rig: Rig) -> None:
    loop(rig, CONTACT, CUT)
    rig.swipe()
    assert "AccessNotTaken" not in said(rig.after(6.0))


def test_exit_button_at_fault_is_an_alarm_and_is_not_pressed(rig: Rig) -> None:
    rig.rex()
    turn = loop(rig, REX, SHORT)
    assert raised(turn) == ["rex_fault"]
    assert rig.door().rex_pressed is False
    assert [releases(told) for told in device_commands(rig.after(6.0))] in ([], [False])
    assert rig.door().phase is DoorPhase.SECURE


def test_exit_button_that_is_well_again_releases(rig: Rig) -> None:
    loop(rig, REX, CUT)
    loop(rig, REX, None)
    assert [releases(told) for told in device_commands(rig.rex())] == [True]


def test_fire_input_at_fault_is_an_alarm_of_its_own_and_releases_nothing(rig: Rig) -> None:
    turn = loop(rig, SMOKE, CUT, "alarms")
    assert raised(turn) == ["fire_input_fault"]
    assert only(turn, ev.AlarmRaised).priority == 2
    assert device_commands(turn) == []
    assert rig.controller.state.fire_latched is False
    assert said(loop(rig, SMOKE, None, "alarms")) == ["InputFaultChanged", "AlarmNormal"]


def test_fire_that_is_latched_stays_latched_while_its_input_is_at_fault(rig: Rig) -> None:
    rig.fire()
    turn = loop(rig, SMOKE, SHORT, "alarms")
    assert device_commands(turn) == []
    assert rig.controller.state.fire_latched is True
    assert rig.clear_fire().reply.reason == "FireStillActive"


@pytest.mark.parametrize(("number", "name"), [(PANIC, "panic"), (LID, "lid")])
def test_panic_and_tamper_inputs_at_fault_are_alarms(rig: Rig, number: int, name: str) -> None:
    turn = loop(rig, number, CUT, "alarms")
    assert (only(turn, ev.AlarmRaised).kind, only(turn, ev.AlarmRaised).source) == ("input_fault", name)


def test_faults_are_known_after_a_restart(rig: Rig) -> None:
    loop(rig, CONTACT, CUT)
    loop(rig, PANIC, CUT, "alarms")
    again = Rig(state=rig.controller.snapshot())
    assert loop(again, CONTACT, CUT).events == ()
    assert loop(again, PANIC, CUT, "alarms").events == ()
    assert again.door().contact_fault == "open_circuit"
