"""What the status says of a door."""

from datetime import timedelta

from gateway.assembly.doors import describe_door
from gateway.domain.alarm import AlarmBook
from gateway.domain.door_control import DoorControl
from gateway.domain.door_mode import DoorMode, ModeOverride
from tests.gateway.domain.plant import GUARD, SITE, START, Rig


def _doors() -> DoorControl:
    return DoorControl(SITE, AlarmBook(), {}, 1)


def test_door_at_rest_is_locked_and_its_contact_unknown_or_none() -> None:
    doors = _doors()
    assert describe_door(doors, "north") == {
        "mode": "Locked",
        "phase": "secure",
        "contact": "unknown",
        "lock": "secured",
        "fire": False,
        "lockdown": False,
        "lock_open": False,
        "override": None,
    }
    assert describe_door(doors, "barrier")["contact"] == "none"


def test_guards_setting_is_told_with_its_end_reason_and_actor() -> None:
    doors = _doors()
    until = START + timedelta(hours=2)
    layers = doors.machines["north"].state.layers
    layers.override = ModeOverride(DoorMode.BLOCKED, until, "repair", GUARD.name, None, "boot-1")
    layers.lockdowns, layers.lock_opens = ["east"], [""]
    told = describe_door(doors, "north")
    assert told["override"] == {
        "mode": "Blocked",
        "until": until.isoformat(),
        "reason": "repair",
        "actor": GUARD.name,
    }
    assert (told["lockdown"], told["lock_open"]) == (True, True)


def test_door_released_for_somebody_is_accessed_and_open_once_its_contact_says_so() -> None:
    rig = Rig()
    assert rig.swipe().reply.accepted
    doors = rig.controller.doors
    assert (describe_door(doors, "north")["mode"], describe_door(doors, "north")["lock"]) == ("Accessed", "released")
    rig.inputs("board", (0, False))
    assert describe_door(doors, "north")["contact"] == "open"
