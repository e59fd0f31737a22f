"""Inputs by purpose: what each comes to, at once or after its delay."""

from dataclasses import replace

import pytest

from gateway.domain import events as ev
from gateway.domain.site import InputPurpose, SiteInput, Terminal
from tests.gateway.domain.plant import SITE, Rig, only, raised, said

SUPPLY = {
    "grid": SiteInput("grid", InputPurpose.MAINS, Terminal("alarms", 3), delay_s=60.0),
    "battery": SiteInput("battery", InputPurpose.BATTERY, Terminal("alarms", 4)),
    "lift-1": SiteInput("lift-1", InputPurpose.LIFT_FAULT, Terminal("alarms", 5)),
    "pump": SiteInput("pump", InputPurpose.PUMP_FAULT, Terminal("alarms", 6)),
}


@pytest.fixture
def rig() -> Rig:
    return Rig(replace(SITE, inputs={**SITE.inputs, **SUPPLY}))


@pytest.mark.parametrize(
    ("name", "kind", "priority"),
    [("battery", "battery_low", 2), ("lift-1", "lift_fault", 3), ("pump", "pump_fault", 3)],
)
def test_input_alarms_by_its_purpose_and_ends_with_it(rig: Rig, name: str, kind: str, priority: int) -> None:
    turn = rig.site_input(name, True)
    assert (only(turn, ev.AlarmRaised).kind, only(turn, ev.AlarmRaised).priority) == (kind, priority)
    assert said(rig.site_input(name, False)) == ["InputNormal", "AlarmNormal"]


def test_mains_that_are_lost_are_told_at_once_and_alarm_after_their_delay(rig: Rig) -> None:
    assert said(rig.site_input("grid", True)) == ["InputActivated"]
    assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 60.0
    assert raised(rig.after(59.9)) == []
    assert raised(rig.after(0.1)) == ["mains_lost"]
    assert raised(rig.after(60.0)) == []


def test_mains_that_return_within_their_delay_never_alarm(rig: Rig) -> None:
    rig.site_input("grid", True)
    rig.pass_time(30.0)
    assert said(rig.site_input("grid", False)) == ["InputNormal"]
    assert raised(rig.after(60.0)) == []


def test_delay_goes_on_over_a_restart_and_is_over_after_a_reboot(rig: Rig) -> None:
    rig.site_input("grid", True)
    state = rig.controller.snapshot()
    again = Rig(rig.site, state=state, start_s=rig.monotonic_s + 10.0)
    assert raised(again.after(0.0)) == []
    assert raised(again.after(50.0)) == ["mains_lost"]
    rig.site_input("grid", False)
    rig.site_input("grid", True)
    assert raised(Rig(rig.site, state=rig.controller.snapshot(), boot_id="boot-2", start_s=1.0).after(0.0)) == [
        "mains_lost"
    ]


def test_input_that_is_wired_no_more_is_forgotten(rig: Rig) -> None:
    rig.site_input("grid", True)
    again = Rig(state=rig.controller.snapshot())
    assert raised(again.after(120.0)) == []
    assert again.controller.state.inputs_due == {}


def test_one_poll_tells_fire_first_then_exits_then_the_rest_and_contacts_last() -> None:
    on_one_board = {
        name: replace(each, terminal=replace(each.terminal, device="board", number=each.terminal.number + 10))
        for name, each in SITE.inputs.items()
    }
    rig = Rig(replace(SITE, inputs=on_one_board))
    turn = rig.inputs("board", (0, False), (11, True), (1, True), (10, False))
    told = [name for name in said(turn) if name in ("FireDetected", "ExitPressed", "InputActivated", "DoorOpened")]
    assert told == ["InputActivated", "FireDetected", "ExitPressed", "InputActivated", "DoorOpened"]
