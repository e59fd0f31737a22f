"""What happens at a door: swipes, exits, contacts and the time between them."""

from dataclasses import replace

import pytest

from gateway.domain import events as ev
from gateway.domain.access_request import DenialReason
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.controller import Turn
from gateway.domain.door import AWAITED_MAX, RELEASE_GRACE_S, REX_STUCK_S, Awaited, DoorMachine, DoorPhase
from gateway.domain.signals import CommandOutcome, GatewayStarting
from tests.gateway.domain.plant import BARRIER, LOBBY, NORTH, SITE, Rig, command, device_commands, only, raised, said


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


# Grants


def test_a_known_card_releases_the_door_for_its_release_time(rig: Rig) -> None:
    turn = rig.swipe()
    assert said(turn) == ["AccessGranted", "LockReleased"]
    pulse = command(turn)
    assert isinstance(pulse, PulseOutput)
    assert (pulse.device, pulse.output, pulse.energise, pulse.duration_s) == ("board", 0, True, 5.0)
    assert pulse.expires_s == rig.monotonic_s + 2.0
    assert only(turn, ev.LockReleased).command_id == pulse.command_id
    assert not turn.urgent


def test_a_lock_that_opens_without_power_is_released_by_dropping_the_relay(rig: Rig) -> None:
    assert command(rig.swipe(reader="lobby-reader")).energise is False


def test_an_unknown_card_moves_nothing(rig: Rig) -> None:
    turn = rig.swipe(99)
    assert said(turn) == ["AccessDenied"]
    assert only(turn, ev.AccessDenied).reason == DenialReason.CREDENTIAL_NOT_FOUND.value
    assert turn.commands == ()


def test_a_read_at_a_reader_of_no_access_point_is_dropped(rig: Rig) -> None:
    turn = rig.swipe(1, "cellar-reader")
    assert only(turn, ev.ReadDropped).reason == "ReaderBelongsToNoAccessPoint"
    assert turn.commands == ()


def test_a_card_held_to_the_reader_is_one_swipe(rig: Rig) -> None:
    assert rig.swipe().commands
    for _ in range(5):
        rig.pass_time(0.9)
        assert rig.swipe().events == ()
    rig.pass_time(1.0)
    assert rig.swipe().commands


def test_a_cardholder_who_needs_longer_gets_longer(rig: Rig) -> None:
    pulse = command(rig.swipe(2))
    assert isinstance(pulse, PulseOutput)
    assert pulse.duration_s == 10.0
    rig.pass_time(9.0)
    rig.open()
    assert "DoorHeldWarning" not in said(rig.after(34.0))
    assert "DoorHeldWarning" in said(rig.after(1.0))


def test_an_exit_in_between_cuts_nobodys_longer_release_short(rig: Rig) -> None:
    rig.swipe(2)
    rig.pass_time(1.0)
    pulse = command(rig.rex())
    assert isinstance(pulse, PulseOutput)
    assert pulse.duration_s == 10.0
    rig.rex(False)
    assert rig.after(8.9 + RELEASE_GRACE_S).events == ()
    assert "AccessNotTaken" in said(rig.after(0.1))


def test_an_exit_after_closing_cuts_a_longer_release_that_still_runs_no_shorter(rig: Rig) -> None:
    rig.swipe(2, "lobby-reader")
    rig.open("lobby")
    rig.close("lobby")
    rig.pass_time(1.0)
    pulse = command(rig.rex(door="lobby"))
    assert isinstance(pulse, PulseOutput)
    assert pulse.duration_s == 9.0


def test_the_next_person_does_not_inherit_the_longer_time(rig: Rig) -> None:
    rig.swipe(2)
    rig.after(10.0 + RELEASE_GRACE_S)
    pulse = command(rig.swipe(1))
    assert isinstance(pulse, PulseOutput)
    assert pulse.duration_s == 5.0


# Taken, not taken, forced


def test_a_door_opened_after_a_grant_was_taken_by_whom_it_was_granted(rig: Rig) -> None:
    rig.swipe()
    turn = rig.open()
    assert said(turn) == ["DoorOpened", "AccessTaken"]
    taken = only(turn, ev.AccessTaken)
    assert (taken.because, taken.credential, taken.cardholder) == ("grant", "c-1", "p-1")


def test_a_grant_that_nobody_uses_is_told_once_at_the_end_of_its_release(rig: Rig) -> None:
    rig.swipe()
    assert rig.after(4.99 + RELEASE_GRACE_S).events == ()
    turn = rig.after(0.01)
    assert said(turn) == ["LockSecured", "AccessNotTaken"]
    assert only(turn, ev.AccessNotTaken).credential == "c-1"
    assert rig.after(60.0).events == ()


def test_a_late_call_settles_the_timer_before_the_signal(rig: Rig) -> None:
    rig.swipe()
    rig.pass_time(7.0)
    assert said(rig.swipe(99))[:2] == ["LockSecured", "AccessNotTaken"]


def test_a_door_opened_without_a_release_is_forced(rig: Rig) -> None:
    turn = rig.open()
    assert said(turn) == ["DoorOpened", "DoorForcedOpen", "AlarmRaised"]
    alarm = only(turn, ev.AlarmRaised)
    assert (alarm.kind, alarm.priority, alarm.source, alarm.door, alarm.camera) == (
        "door_forced",
        2,
        "north",
        "north",
        "yard",
    )
    assert said(rig.close()) == ["DoorClosed", "AlarmNormal"]


def test_a_door_opened_in_the_grace_after_the_pulse_was_taken(rig: Rig) -> None:
    rig.swipe()
    rig.after(5.0)
    rig.after(RELEASE_GRACE_S - 0.01)
    assert said(rig.open()) == ["DoorOpened", "AccessTaken"]


def test_a_door_opened_after_the_grace_is_forced(rig: Rig) -> None:
    rig.swipe()
    rig.pass_time(5.0 + RELEASE_GRACE_S)
    assert said(rig.open()) == ["LockSecured", "AccessNotTaken", "DoorOpened", "DoorForcedOpen", "AlarmRaised"]


def test_the_grace_is_asked_for_as_a_deadline(rig: Rig) -> None:
    rig.swipe()
    assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 5.0 + RELEASE_GRACE_S


# Several people at one release


def answers(turns: list[Turn], kind: type[ev.AccessTaken] | type[ev.AccessNotTaken]) -> list[tuple[str, str | None]]:
    return [(e.because, e.credential) for turn in turns for e in turn.events if isinstance(e, kind)]


def test_two_who_show_their_cards_and_open_once_have_both_passed(rig: Rig) -> None:
    rig.swipe(1)
    rig.pass_time(2.0)
    rig.swipe(2)
    assert answers([rig.open()], ev.AccessTaken) == [("grant", "c-1"), ("grant", "c-2")]


def test_each_grant_is_not_taken_at_the_end_of_its_own_release(rig: Rig) -> None:
    rig.swipe(1)
    rig.pass_time(2.0)
    rig.swipe(2)
    turn = rig.after(3.0 + RELEASE_GRACE_S)
    assert said(turn) == ["AccessNotTaken"]
    assert answers([turn], ev.AccessNotTaken) == [("grant", "c-1")]
    assert answers([rig.open()], ev.AccessTaken) == [("grant", "c-2")]


def test_the_end_of_each_persons_release_is_asked_for_as_a_deadline(rig: Rig) -> None:
    rig.swipe(1)
    rig.pass_time(2.0)
    rig.swipe(2)
    assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 3.0 + RELEASE_GRACE_S


def test_a_card_shown_twice_at_one_release_is_answered_once(rig: Rig) -> None:
    rig.swipe()
    rig.pass_time(2.0)
    rig.swipe()
    rig.after(60.0)
    assert answers(rig.turns, ev.AccessNotTaken) == [("grant", "c-1")]


@pytest.mark.parametrize("because", ["rex", "guard"])
@pytest.mark.parametrize("opened", [True, False])
def test_an_exit_or_a_guard_in_between_takes_no_grants_answer_away(rig: Rig, because: str, opened: bool) -> None:
    rig.swipe()
    rig.pass_time(1.0)
    if because == "rex":
        rig.rex()
        rig.rex(False)
    else:
        rig.guard_opens()
    if opened:
        rig.open()
    else:
        rig.after(60.0)
    kind = ev.AccessTaken if opened else ev.AccessNotTaken
    assert answers(rig.turns, kind) == [("grant", "c-1"), (because, None)]


def test_a_grant_is_not_taken_in_its_time_also_while_the_exit_button_stays_pressed(rig: Rig) -> None:
    rig.swipe()
    rig.rex()
    for _ in range(6):
        rig.after(1.0)
    assert answers(rig.turns, ev.AccessNotTaken) == [("grant", "c-1")]
    assert answers([rig.open()], ev.AccessTaken) == [("rex", None)]


def test_more_people_than_are_awaited_push_the_first_one_out_with_an_answer() -> None:
    machine = DoorMachine(NORTH)
    people = [Awaited("grant", f"c-{number}", f"p-{number}", 5.0) for number in range(AWAITED_MAX + 1)]
    assert [machine.await_passage(awaited) for awaited in people] == [*([[]] * AWAITED_MAX), people[:1]]
    assert machine.state.awaited == people[1:]


def test_who_waits_survives_a_restart(rig: Rig) -> None:
    rig.swipe()
    again = Rig(state=rig.controller.snapshot())
    assert answers([again.open()], ev.AccessTaken) == [("grant", "c-1")]


def test_a_door_that_relocks_on_closing_is_secured_at_once_and_forced_when_opened_again(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    rig.pass_time(1.0)
    closing = rig.close()
    assert said(closing) == ["DoorClosed", "LockSecured"]
    assert isinstance(command(closing), SetOutput)
    assert command(closing).energise is False
    assert "DoorForcedOpen" in said(rig.open())


def test_a_door_that_does_not_relock_on_closing_may_be_opened_again_while_its_release_runs(rig: Rig) -> None:
    rig.swipe(reader="lobby-reader")
    rig.open("lobby")
    rig.pass_time(1.0)
    assert device_commands(rig.close("lobby")) == []
    assert said(rig.open("lobby")) == ["DoorOpened"]
    rig.close("lobby")
    assert said(rig.after(4.0 + RELEASE_GRACE_S)) == ["LockSecured"]
    assert "DoorForcedOpen" in said(rig.open("lobby"))


def test_an_access_refused_does_not_explain_an_open_door(rig: Rig) -> None:
    rig.swipe(99)
    assert "door_forced" in raised(rig.open())


# Held


def test_a_door_kept_open_warns_then_alarms_then_is_normal_when_closed(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    assert "DoorHeldWarning" not in said(rig.after(14.9))
    assert said(rig.after(0.1)) == ["DoorHeldWarning"]
    assert rig.after(4.9).events == ()
    assert said(rig.after(0.1)) == ["DoorHeldOpen", "AlarmRaised"]
    assert said(rig.close()) == ["DoorClosed", "AlarmNormal"]


def test_a_late_call_still_warns_before_it_alarms(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    assert said(rig.after(60.0)) == ["LockSecured", "DoorHeldWarning", "DoorHeldOpen", "AlarmRaised"]


def test_another_swipe_at_a_held_door_starts_its_time_anew(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    rig.after(20.0)
    turn = rig.swipe()
    assert "AlarmNormal" in said(turn)
    assert command(turn).energise
    assert "DoorHeldWarning" not in said(rig.after(14.9))
    assert "DoorHeldWarning" in said(rig.after(0.1))


def test_a_door_closed_in_time_is_never_held(rig: Rig) -> None:
    rig.swipe()
    rig.open()
    rig.pass_time(14.0)
    rig.close()
    assert rig.after(60.0).events == ()


# Doors without a contact


def test_a_door_without_contact_is_pulsed_and_says_nothing_of_taken_or_not(rig: Rig) -> None:
    turn = rig.swipe(reader="barrier-reader")
    assert isinstance(command(turn), PulseOutput)
    assert said(rig.after(5.0 + RELEASE_GRACE_S)) == ["LockSecured"]
    assert rig.door("barrier").phase is DoorPhase.SECURE


# Exits


def reach(rig: Rig, phase: DoorPhase) -> None:
    """Bring the north door into a phase by what people do."""
    if phase in (DoorPhase.RELEASED, DoorPhase.PASSING, DoorPhase.WARNING, DoorPhase.HELD):
        rig.swipe()
    if phase in (DoorPhase.PASSING, DoorPhase.WARNING, DoorPhase.HELD, DoorPhase.FORCED):
        rig.open()
    if phase in (DoorPhase.WARNING, DoorPhase.HELD):
        rig.after(15.0)
    if phase is DoorPhase.HELD:
        rig.after(5.0)
    if phase is DoorPhase.FREE:
        rig.fire()
    assert rig.door().phase is phase


@pytest.mark.parametrize("phase", list(DoorPhase))
def test_an_exit_button_releases_in_every_phase_and_waits_for_nothing(rig: Rig, phase: DoorPhase) -> None:
    reach(rig, phase)
    turn = rig.rex()
    assert said(turn)[0] == "ExitPressed"
    assert command(turn).energise is True
    assert turn.urgent
    assert rig.door().lock_released


def test_an_exit_in_the_same_poll_as_the_opening_is_never_forced(rig: Rig) -> None:
    assert NORTH.contact
    assert NORTH.rex
    turn = rig.inputs("board", (NORTH.contact.number, False), (NORTH.rex.number, True))
    assert "DoorForcedOpen" not in said(turn)
    assert only(turn, ev.AccessTaken).because == "rex"


def test_an_exit_masks_forced_for_its_release_time_only(rig: Rig) -> None:
    rig.rex()
    rig.rex(False)
    rig.pass_time(4.9)
    assert only(rig.open(), ev.AccessTaken).because == "rex"
    rig.close()
    assert "DoorForcedOpen" in said(rig.open())


def test_a_button_still_pressed_at_the_end_of_its_release_releases_again(rig: Rig) -> None:
    rig.rex()
    for _ in range(3):
        assert isinstance(command(rig.after(5.0)), PulseOutput)
        assert rig.door().lock_released
    rig.rex(False)
    assert device_commands(rig.after(5.0 + RELEASE_GRACE_S)) == []
    assert not rig.door().lock_released


def test_a_button_that_stays_pressed_does_not_prolong_somebodys_longer_time(rig: Rig) -> None:
    rig.swipe(2)
    rig.rex()
    pulse = command(rig.after(10.0))
    assert isinstance(pulse, PulseOutput)
    assert pulse.duration_s == 5.0


def test_a_button_held_while_the_door_closes_keeps_it_open_for_the_next_one(rig: Rig) -> None:
    rig.rex()
    rig.open()
    turn = rig.close()
    assert [type(c) for c in device_commands(turn)] == [SetOutput, PulseOutput]
    assert rig.door().lock_released
    assert only(rig.open(), ev.AccessTaken).because == "rex"


def test_a_button_held_when_a_fire_release_is_cleared_keeps_the_door_open(rig: Rig) -> None:
    rig.fire()
    rig.rex()
    rig.fire(False)
    turn = rig.clear_fire()
    north = [c for c in device_commands(turn) if (c.device, c.output) == ("board", 0)]
    assert [type(c) for c in north] == [SetOutput, PulseOutput]
    assert rig.door().lock_released


def test_a_button_that_stays_pressed_is_pressed_once(rig: Rig) -> None:
    rig.rex()
    assert rig.rex().events == ()


def test_a_button_is_not_believed_pressed_after_a_start_until_it_is_read() -> None:
    rig = Rig().closed_and_ready()
    rig.rex()
    again = Rig(state=rig.controller.snapshot())
    again.pass_time(1.0)
    again.handle(GatewayStarting("0", restored=True))
    assert not again.door().rex_pressed
    turn = again.rex()
    assert command(turn).energise


def test_a_button_that_is_wired_no_more_is_not_pressed_for_ever() -> None:
    rig = Rig().closed_and_ready()
    rig.rex()
    site = replace(SITE, doors={**SITE.doors, "north": replace(NORTH, rex=None)})
    again = Rig(site, state=rig.controller.snapshot())
    assert "LockSecured" in said(again.after(5.0 + RELEASE_GRACE_S))
    assert not again.door().lock_released


# A stuck exit button


def hold_the_button(rig: Rig, seconds: float) -> list[Turn]:
    """Time passes with the board confirming whatever it is told."""
    found = []
    for _ in range(round(seconds)):
        found.append(turn := rig.after(1.0))
        assert rig.door().lock_released
        found += [rig.complete(c) for c in device_commands(turn)]
    return found


def test_a_button_pressed_for_a_minute_is_one_alarm_until_it_is_let_go(rig: Rig) -> None:
    rig.rex()
    assert "rex_stuck" not in [kind for turn in hold_the_button(rig, REX_STUCK_S - 1) for kind in raised(turn)]
    alarm = only(rig.after(1.0), ev.AlarmRaised)
    assert (alarm.kind, alarm.priority, alarm.source, alarm.door) == ("rex_stuck", 3, "north", "north")
    assert not [e for turn in hold_the_button(rig, 600) for e in turn.events if isinstance(e, ev.AlarmRepeated)]
    assert only(rig.rex(False), ev.AlarmNormal).alarm == alarm.alarm


def test_the_minute_of_a_stuck_button_is_asked_for_as_a_deadline() -> None:
    rig = Rig().closed_and_ready()
    rig.fire()
    rig.rex()
    rig.pass_time(REX_STUCK_S - 1)
    assert rig.controller.next_deadline(rig.moment) <= rig.monotonic_s + 1


def test_releases_for_a_stuck_button_are_told_once_a_minute_and_go_on(rig: Rig) -> None:
    rig.rex()
    hold_the_button(rig, REX_STUCK_S)
    turns = hold_the_button(rig, 10 * REX_STUCK_S)
    pulses = [c for turn in turns for c in device_commands(turn)]
    assert len(pulses) == 120
    assert all(isinstance(c, PulseOutput) for c in pulses)
    told = [type(e).__name__ for turn in turns for e in turn.events]
    assert set(told) == {"LockReleased", "CommandEnded"}
    assert 9 <= told.count("LockReleased") <= 10
    assert told.count("CommandEnded") == told.count("LockReleased")


def test_a_release_for_a_stuck_button_that_fails_is_told(rig: Rig) -> None:
    rig.rex()
    hold_the_button(rig, REX_STUCK_S)
    turn = rig.complete(command(rig.after(5.0)), CommandOutcome.FAILED)
    assert said(turn) == ["CommandEnded", "AlarmRaised"]


def test_who_passes_a_door_with_a_stuck_button_is_told_as_ever(rig: Rig) -> None:
    rig.rex()
    hold_the_button(rig, REX_STUCK_S)
    assert said(rig.swipe()) == ["AccessGranted", "LockReleased"]
    assert answers([rig.open()], ev.AccessTaken) == [("rex", None), ("grant", "c-1")]
    assert said(rig.close()) == ["DoorClosed"]
    assert rig.door().lock_released


def test_a_stuck_button_that_is_let_go_leaves_a_lock_that_is_secured_and_told_so(rig: Rig) -> None:
    rig.rex()
    hold_the_button(rig, 2 * REX_STUCK_S)
    rig.rex(False)
    assert said(rig.after(5.0 + RELEASE_GRACE_S)) == ["LockSecured", "AccessNotTaken"]
    assert not rig.door().lock_released
    assert said(rig.rex()) == ["ExitPressed", "LockReleased"]


@pytest.mark.parametrize("still", [True, False])
def test_a_restart_raises_no_second_alarm_for_a_stuck_button_and_ends_that_of_one_let_go(rig: Rig, still: bool) -> None:
    rig.rex()
    hold_the_button(rig, REX_STUCK_S)
    again = Rig(state=rig.controller.snapshot(), start_s=rig.monotonic_s)
    again.handle(GatewayStarting("0", restored=True))
    turns = [again.rex(still), *hold_the_button(again, 2 * REX_STUCK_S)] if still else [again.rex(still)]
    told = [type(e) for turn in turns for e in turn.events]
    assert ev.AlarmRaised not in told
    assert ev.AlarmRepeated not in told
    assert (ev.AlarmNormal in told) == (not still)


# The first report after a start


def test_a_door_found_closed_at_the_first_report_is_no_event() -> None:
    assert Rig().close().events == ()


def test_a_door_found_open_at_the_first_report_alarms_when_nothing_explains_it() -> None:
    assert raised(Rig().open()) == ["door_forced"]


def test_every_door_of_the_bench_is_wired_as_its_lock_says() -> None:
    assert NORTH.lock.release_energised
    assert not LOBBY.lock.release_energised
    assert BARRIER.lock.release_energised
