"""Boards that fail, vanish and come back, and commands that must work in the end."""

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmKind
from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.controller import Turn
from gateway.domain.door import RELEASE_GRACE_S, DoorPhase
from tests.gateway.domain.plant import Rig, command, device_commands, only, raised, releases, said

FAILED, DONE, EXPIRED = sg.CommandOutcome.FAILED, sg.CommandOutcome.DONE, sg.CommandOutcome.EXPIRED
STARTING = sg.GatewayStarting("0", restored=True)


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def relock(rig: Rig) -> DeviceCommand:
    """Let somebody through; the command that secures the lock behind them."""
    rig.swipe()
    rig.open()
    return command(rig.close())


def test_a_device_is_lost_once_and_returns_once(rig: Rig) -> None:
    offline = sg.LinkChanged("board", sg.LinkState.OFFLINE, "no answer")
    online = sg.LinkChanged("board", sg.LinkState.ONLINE)
    assert said(rig.handle(offline)) == ["DeviceLost", "AlarmRaised"]
    assert said(rig.handle(offline)) == []
    assert said(rig.handle(online)) == ["DeviceReturned", "AlarmNormal"]
    assert said(rig.handle(online)) == []


def test_the_office_and_processes_are_lost_under_their_own_names(rig: Rig) -> None:
    assert raised(rig.handle(sg.LinkChanged("office", sg.LinkState.OFFLINE))) == ["office_lost"]
    gone = sg.ProcessChanged("cameras", sg.LinkState.OFFLINE, "killed")
    assert said(rig.handle(gone)) == ["ProcessLost", "AlarmRaised"]
    assert said(rig.handle(gone)) == []
    assert said(rig.handle(sg.ProcessChanged("cameras", sg.LinkState.ONLINE))) == ["ProcessReturned", "AlarmNormal"]
    assert said(rig.handle(sg.ProcessChanged("cameras", sg.LinkState.ONLINE))) == []


def test_what_must_last_is_said_again_when_its_board_returns(rig: Rig) -> None:
    rig.fire()
    turn = rig.handle(sg.LinkChanged("board", sg.LinkState.ONLINE))
    assert len(device_commands(turn)) == 2
    assert all(releases(c) and isinstance(c, SetOutput) for c in device_commands(turn))


def test_a_lost_board_that_returns_is_given_no_old_pulse(rig: Rig) -> None:
    rig.swipe()
    rig.handle(sg.LinkChanged("board", sg.LinkState.OFFLINE))
    assert device_commands(rig.handle(sg.LinkChanged("board", sg.LinkState.ONLINE))) == []


# Commands that fail


def test_a_failed_command_alarms_and_its_boards_next_success_is_normal(rig: Rig) -> None:
    failed = command(rig.swipe())
    turn = rig.complete(failed, FAILED)
    alarm = only(turn, ev.AlarmRaised)
    assert (alarm.kind, alarm.source, alarm.door) == ("command_failed", "board", "north")
    assert only(turn, ev.CommandEnded).outcome == "failed"
    rig.after(5.0)
    assert "AlarmNormal" in said(rig.complete(command(rig.swipe()), DONE))


def test_a_failed_pulse_is_not_sent_again_late(rig: Rig) -> None:
    rig.complete(command(rig.swipe()), FAILED)
    for _ in range(20):
        assert not any(releases(c) for c in device_commands(rig.after(0.5)))


@pytest.mark.parametrize("outcome", [FAILED, EXPIRED])
def test_a_relock_that_failed_is_sent_again_until_it_works(rig: Rig, outcome: sg.CommandOutcome) -> None:
    told = relock(rig)
    seen = {told.command_id}
    for _ in range(5):
        rig.complete(told, outcome)
        assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 2.0
        assert device_commands(rig.after(1.9)) == []
        told = command(rig.after(0.1))
        assert isinstance(told, SetOutput)
        assert not releases(told)
        assert told.command_id not in seen
        seen.add(told.command_id)
    rig.complete(told, DONE)
    assert device_commands(rig.after(60.0)) == []


def test_a_fire_release_that_failed_is_sent_again_until_it_works(rig: Rig) -> None:
    told = next(c for c in device_commands(rig.fire()) if c.device == "pole")
    for _ in range(3):
        rig.complete(told, FAILED)
        told = command(rig.after(2.0))
        assert releases(told)
    rig.complete(told, DONE)
    assert device_commands(rig.after(60.0)) == []


def test_a_relock_said_again_never_cuts_a_newer_release_short(rig: Rig) -> None:
    rig.complete(relock(rig), FAILED)
    rig.pass_time(1.0)
    assert isinstance(command(rig.rex()), PulseOutput)
    rig.rex(False)
    for _ in range(39):
        assert device_commands(rig.after(0.1)) == []
    assert rig.door().lock_released


def test_a_release_that_failed_is_not_said_again_after_it_was_taken_back(rig: Rig) -> None:
    told = next(c for c in device_commands(rig.fire()) if c.device == "pole")
    rig.complete(told, FAILED)
    rig.fire(False)
    rig.clear_fire()
    assert not any(releases(c) for c in device_commands(rig.after(2.0)))


def test_an_older_commands_failure_does_not_undo_a_newer_one(rig: Rig) -> None:
    pulse = command(rig.swipe())
    rig.open()
    rig.close()
    rig.complete(pulse, FAILED)
    assert device_commands(rig.after(10.0)) == []


def test_a_retry_survives_a_restart(rig: Rig) -> None:
    rig.complete(relock(rig), FAILED)
    again = Rig(state=rig.controller.snapshot())
    assert not releases(command(again.after(2.0)))


def test_after_a_reboot_a_retry_is_due_at_once(rig: Rig) -> None:
    rig.complete(relock(rig), FAILED)
    again = Rig(state=rig.controller.snapshot(), boot_id="boot-2", start_s=3.0)
    assert not releases(command(again.handle(STARTING)))


# Numbers


def test_no_command_id_is_used_twice_after_a_restart_even_for_what_its_first_turn_sends(rig: Rig) -> None:
    """What went out between the checkpoint and the crash has ids that the checkpoint doesn't know."""
    rig.complete(relock(rig), FAILED)
    kept = rig.controller.snapshot().next_command
    lost = {f"c-{number}" for number in range(kept, kept + 1000)}
    again = Rig(state=rig.controller.snapshot(), boot_id="boot-2", start_s=3.0)
    first = command(again.handle(STARTING))
    assert first.command_id not in lost
    assert int(first.command_id.removeprefix("c-")) >= kept + 1000


# Reading outputs back


def test_a_lock_found_released_for_no_recorded_reason_is_secured_with_an_alarm(rig: Rig) -> None:
    turn = rig.handle(sg.OutputsRead("board", ((0, True), (1, True))))
    assert said(turn) == ["LockFoundReleased", "AlarmRaised"]
    assert raised(turn) == ["lock_found_released"]
    assert not releases(command(turn))


def test_a_lock_that_is_found_released_again_and_again_is_told_once_and_secured_each_time(rig: Rig) -> None:
    rig.handle(sg.OutputsRead("board", ((0, True), (1, True))))
    for _ in range(20):
        rig.pass_time(2.0)
        assert not releases(command(rig.handle(sg.OutputsRead("board", ((0, True),)))))
    assert len(rig.all_events(ev.LockFoundReleased)) == 1
    rig.complete(command(rig.turns[-1]), DONE)
    assert "LockFoundReleased" in said(rig.handle(sg.OutputsRead("board", ((0, True),))))


def alarm_is_active(rig: Rig, kind: AlarmKind, source: str = "north") -> bool:
    return rig.controller.alarms.is_active(kind, source)


def test_a_lock_found_released_is_normal_once_securing_it_is_confirmed(rig: Rig) -> None:
    securing = command(rig.handle(sg.OutputsRead("board", ((0, True), (1, True)))))
    rig.complete(securing, FAILED)
    rig.complete(securing, sg.CommandOutcome.SENT)
    assert alarm_is_active(rig, AlarmKind.LOCK_FOUND_RELEASED)
    turn = rig.complete(command(rig.after(2.0)), DONE)
    assert only(turn, ev.AlarmNormal).alarm == rig.controller.alarms.find(AlarmKind.LOCK_FOUND_RELEASED, "north")
    assert not alarm_is_active(rig, AlarmKind.LOCK_FOUND_RELEASED)


def test_a_confirmed_release_does_not_say_that_a_lock_found_released_is_secured(rig: Rig) -> None:
    rig.handle(sg.OutputsRead("board", ((0, True), (1, True))))
    rig.complete(command(rig.swipe()), DONE)
    assert alarm_is_active(rig, AlarmKind.LOCK_FOUND_RELEASED)


def test_a_lock_found_released_is_normal_when_it_is_read_as_secured(rig: Rig) -> None:
    rig.handle(sg.OutputsRead("board", ((0, True), (1, True))))
    assert said(rig.handle(sg.OutputsRead("board", ((0, False), (1, True))))) == ["AlarmNormal"]


def test_outputs_that_are_as_they_should_be_are_left_alone(rig: Rig) -> None:
    turn = rig.handle(sg.OutputsRead("board", ((0, False), (1, True), (2, False), (7, True))))
    assert turn.events == ()
    assert turn.commands == ()


def test_a_door_set_free_whose_lock_is_found_secured_is_released_again(rig: Rig) -> None:
    rig.fire()
    turn = rig.handle(sg.OutputsRead("board", ((0, False), (1, False))))
    assert [c.output for c in device_commands(turn)] == [0]
    assert releases(command(turn))


def test_a_release_under_way_is_left_alone_and_secured_in_so_many_words_at_its_end(rig: Rig) -> None:
    rig.swipe()
    again = Rig(state=rig.controller.snapshot())
    again.handle(STARTING)
    assert again.handle(sg.OutputsRead("board", ((0, True),))).commands == ()
    assert device_commands(again.after(4.9 + RELEASE_GRACE_S)) == []
    turn = again.after(0.1)
    assert "AccessNotTaken" in said(turn)
    assert not releases(command(turn))


def test_after_a_reboot_a_doors_timers_count_as_expired(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    again = Rig(state=rig.controller.snapshot(), boot_id="boot-2", start_s=3.0)
    assert said(again.handle(STARTING))[:3] == ["LockSecured", "DoorHeldWarning", "DoorHeldOpen"]
    assert again.door().phase is DoorPhase.HELD


def test_a_misconfigured_device_alarms_until_it_is_set_right(rig: Rig) -> None:
    turn = rig.handle(sg.DeviceFlagged("pole", ("PowerOnState is 3",)))
    assert said(turn) == ["DeviceMisconfigured", "AlarmRaised"]
    assert said(rig.handle(sg.DeviceFlagged("pole", ()))) == ["AlarmNormal"]


def test_a_release_that_was_never_sent_was_none(rig: Rig) -> None:
    """The board was away: nobody is waited for, and nothing says that the lock was released and secured."""
    told = command(rig.swipe())
    turn = rig.complete(told, sg.CommandOutcome.EXPIRED)
    assert "LockNotReleased" in said(turn)
    assert rig.door().phase is DoorPhase.SECURE
    assert not rig.door().lock_released
    assert "AccessNotTaken" not in said(rig.after(10))


def test_a_release_of_which_one_command_went_out_stays_one(rig: Rig) -> None:
    first = command(rig.swipe())
    rig.pass_time(2)
    second = command(rig.swipe(2))
    rig.complete(first)
    assert "LockNotReleased" not in said(rig.complete(second, sg.CommandOutcome.EXPIRED))
    assert rig.door().lock_released


def test_a_command_that_may_have_arrived_leaves_the_door_released(rig: Rig) -> None:
    told = command(rig.swipe())
    assert "LockNotReleased" not in said(rig.complete(told, sg.CommandOutcome.FAILED))
    assert rig.door().lock_released


def refuse(rig: Rig, told: DeviceCommand) -> Turn:
    """The board is known to be away: it fails at once, and nothing goes out."""
    return rig.complete(told, FAILED, never_sent=True)


def test_a_release_that_its_board_refused_at_once_was_none(rig: Rig) -> None:
    told = command(rig.swipe())
    turn = refuse(rig, told)
    assert said(turn) == ["CommandEnded", "LockNotReleased", "AlarmRaised"]
    assert only(turn, ev.LockNotReleased).command_id == told.command_id
    assert (rig.door().phase, rig.door().lock_released) == (DoorPhase.SECURE, False)
    later = rig.after(60.0)
    assert (later.events, later.commands) == ((), ())


def test_a_door_that_opens_after_a_release_that_never_went_out_is_forced(rig: Rig) -> None:
    refuse(rig, command(rig.swipe()))
    assert "DoorForcedOpen" in said(rig.open())


def test_a_door_that_opens_after_a_release_that_may_have_gone_out_is_not_forced(rig: Rig) -> None:
    rig.complete(command(rig.swipe()), FAILED)
    assert said(rig.open()) == ["DoorOpened", "AccessTaken"]
    assert not releases(command(rig.close()))


def test_a_relock_that_was_refused_at_once_is_sent_again(rig: Rig) -> None:
    refuse(rig, relock(rig))
    assert not releases(command(rig.after(2.0)))


def test_an_exit_button_held_at_a_board_that_refuses_asks_again_at_its_releases_end_only(rig: Rig) -> None:
    """To ask again at once would never end: each command is refused in the same moment."""
    turn = refuse(rig, command(rig.rex()))
    assert device_commands(turn) == []
    assert rig.door().lock_released
    assert device_commands(rig.after(4.9)) == []
    assert releases(command(rig.after(0.1)))


def test_an_exit_whose_command_was_refused_is_told_as_not_released_when_the_button_is_let_go(rig: Rig) -> None:
    refuse(rig, command(rig.rex()))
    assert said(rig.rex(False)) == ["LockNotReleased"]
    assert rig.after(10.0).events == ()


# A release that should have lasted longer for the next one


def release_for_two(rig: Rig, between_s: float = 3.0) -> tuple[DeviceCommand, DeviceCommand]:
    """One is released for; then the board goes away, and another is granted meanwhile."""
    first = command(rig.swipe())
    rig.complete(first)
    rig.pass_time(between_s)
    return first, command(rig.swipe(2))


def test_a_release_ends_with_the_last_pulse_that_went_out(rig: Rig) -> None:
    first, second = release_for_two(rig)
    rig.pass_time(2.0)
    assert said(rig.complete(second, EXPIRED)) == ["CommandEnded", "AlarmRaised"]
    assert rig.door().lock_released
    turn = rig.after(RELEASE_GRACE_S)
    assert said(turn) == ["LockSecured", "AccessNotTaken", "LockNotReleased"]
    assert only(turn, ev.LockSecured).command_id == first.command_id
    assert only(turn, ev.AccessNotTaken).credential == "c-1"
    assert only(turn, ev.LockNotReleased).command_id == second.command_id
    assert rig.after(20.0).events == ()
    assert rig.all_events(ev.AreaEntered) == []


def test_who_was_granted_meanwhile_and_goes_along_has_passed(rig: Rig) -> None:
    _, second = release_for_two(rig)
    refuse(rig, second)
    turn = rig.open()
    assert [e.credential for e in turn.events if isinstance(e, ev.AccessTaken)] == ["c-1", "c-2"]
    assert "LockNotReleased" not in said(rig.after(20.0))


def test_a_door_that_opens_after_the_last_pulse_that_went_out_is_forced(rig: Rig) -> None:
    _, second = release_for_two(rig)
    refuse(rig, second)
    rig.after(2.0 + RELEASE_GRACE_S)
    assert "DoorForcedOpen" in said(rig.open())


def test_a_command_of_which_nothing_was_heard_yet_keeps_the_door_released(rig: Rig) -> None:
    _, second = release_for_two(rig)
    rig.pass_time(1.5)
    third = command(rig.swipe())
    rig.complete(second, EXPIRED)
    assert "LockSecured" not in said(rig.after(4.0))
    rig.complete(third, FAILED)
    assert "AccessTaken" in said(rig.open())


def test_who_had_the_whole_of_their_time_by_anothers_pulse_has_not_taken_it(rig: Rig) -> None:
    rig.complete(command(rig.swipe(2, "lobby-reader")))
    rig.open("lobby")
    rig.close("lobby")
    rig.pass_time(1.0)
    refuse(rig, command(rig.swipe(1, "lobby-reader")))
    assert said(rig.after(9.0 + RELEASE_GRACE_S)) == ["LockSecured", "AccessNotTaken"]


def test_a_release_that_was_cut_short_is_so_after_a_restart(rig: Rig) -> None:
    _, second = release_for_two(rig)
    refuse(rig, second)
    again = Rig(state=rig.controller.snapshot(), start_s=rig.monotonic_s)
    assert "LockNotReleased" in said(again.after(2.0 + RELEASE_GRACE_S))
