"""The life of an alarm, from raised to resolved."""

from dataclasses import replace

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import PRIORITY, REPEAT_TOLD_AFTER_S, AlarmBook, AlarmKind
from gateway.domain.credential import Reading
from gateway.domain.events import Event
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import GUARD, SITE, Rig, only, raised, said


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def lose(rig: Rig, device: str = "board") -> str:
    return only(rig.handle(sg.LinkChanged(device, sg.LinkState.OFFLINE, "no answer")), ev.AlarmRaised).alarm


def bring_back(rig: Rig, device: str = "board") -> list[str]:
    return said(rig.handle(sg.LinkChanged(device, sg.LinkState.ONLINE)))


def test_every_kind_of_alarm_has_a_priority_from_one_to_four() -> None:
    assert set(PRIORITY) == set(AlarmKind)
    assert set(PRIORITY.values()) == {1, 2, 3, 4}


def test_a_low_alarm_ends_by_itself_once_normal_and_acknowledged_in_either_order(rig: Rig) -> None:
    alarm = lose(rig)
    assert said(rig.acknowledge(alarm)) == ["AlarmAcknowledged"]
    assert bring_back(rig) == ["DeviceReturned", "AlarmNormal", "AlarmResolved"]
    alarm = lose(rig)
    assert bring_back(rig) == ["DeviceReturned", "AlarmNormal"]
    turn = rig.acknowledge(alarm)
    assert said(turn) == ["AlarmAcknowledged", "AlarmResolved"]
    assert only(turn, ev.AlarmResolved).outcome == "returned_to_normal"


def test_a_high_alarm_ends_by_a_guards_outcome_only(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    rig.acknowledge(alarm)
    assert said(rig.close()) == ["DoorClosed", "AlarmNormal"]
    rig.after(86_400.0)
    assert alarm in rig.controller.alarms.open
    turn = rig.resolve(alarm, "false_alarm", "wind")
    resolved = only(turn, ev.AlarmResolved)
    assert (resolved.outcome, resolved.note, resolved.actor) == ("false_alarm", "wind", "guard-1")
    assert alarm not in rig.controller.alarms.open


@pytest.mark.parametrize("outcome", ["", "REAL", "returned_to_normal", "whatever"])
def test_an_unknown_outcome_ends_nothing(rig: Rig, outcome: str) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    assert rig.resolve(alarm, outcome).reply.reason == "OutcomeUnknown"
    assert alarm in rig.controller.alarms.open


def test_an_alarm_is_acknowledged_once_and_only_while_it_is_open(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    assert rig.acknowledge(alarm).reply.accepted
    assert rig.acknowledge(alarm).reply.reason == "AlreadyAcknowledged"
    rig.resolve(alarm)
    assert rig.acknowledge(alarm).reply.reason == "AlarmNotOpen"
    assert rig.resolve(alarm).reply.reason == "AlarmNotOpen"


def test_the_same_cause_again_is_a_repeat_of_the_open_alarm(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    rig.close()
    repeat = only(rig.open(), ev.AlarmRepeated)
    assert (repeat.alarm, repeat.count) == (alarm, 2)


def test_what_was_acknowledged_and_went_away_must_be_acknowledged_again_when_it_is_back(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    rig.acknowledge(alarm)
    rig.close()
    rig.open()
    assert rig.acknowledge(alarm).reply.accepted


def test_an_alarm_after_the_first_was_resolved_is_a_new_one(rig: Rig) -> None:
    first = only(rig.open(), ev.AlarmRaised).alarm
    rig.close()
    rig.resolve(first)
    assert only(rig.open(), ev.AlarmRaised).alarm != first


def test_a_chattering_cause_is_counted_always_and_told_every_ten_seconds() -> None:
    rig = Rig()
    book = AlarmBook()
    told: list[Event] = []
    for _ in range(101):
        told += book.raise_alarm(AlarmKind.COMMAND_FAILED, "board", rig.moment)
        rig.pass_time(0.25)
    assert [type(event).__name__ for event in told] == ["AlarmRaised", "AlarmRepeated", "AlarmRepeated"]
    assert [e.count for e in told if isinstance(e, ev.AlarmRepeated)] == [41, 81]
    assert next(iter(book.open.values())).count == 101


def chatter(book: AlarmBook, rig: Rig, times: int) -> list[Event]:
    """A cause that comes and goes four times a second; it is there at the end."""
    told: list[Event] = []
    for _ in range(times):
        told += book.normal(AlarmKind.TAMPER, "lid")
        told += book.raise_alarm(AlarmKind.TAMPER, "lid", rig.moment)
        rig.pass_time(0.25)
        told += book.settle(rig.moment)
    return told


def test_a_cause_that_chatters_through_normal_is_counted_always_and_told_a_few_times_in_ten_seconds() -> None:
    rig, book = Rig(), AlarmBook()
    told = [type(event).__name__ for event in chatter(book, rig, 400)]
    assert told.count("AlarmRaised") == 1
    assert 10 <= told.count("AlarmRepeated") <= 20
    assert 0 <= told.count("AlarmRepeated") - told.count("AlarmNormal") + 1 <= 1
    (alarm,) = book.open.values()
    assert (alarm.count, alarm.active) == (400, True)


def test_a_return_that_was_held_back_is_told_when_its_time_is_over_and_it_is_still_there() -> None:
    rig, book = Rig(), AlarmBook()
    told = [type(event).__name__ for event in chatter(book, rig, 3)]
    assert told == ["AlarmRaised", "AlarmNormal", "AlarmRepeated", "AlarmNormal"]
    assert book.is_active(AlarmKind.TAMPER, "lid")
    due_s = book.deadline_s()
    assert due_s is not None
    rig.pass_time(due_s - rig.monotonic_s)
    assert [event.count for event in book.settle(rig.moment) if isinstance(event, ev.AlarmRepeated)] == [3]
    assert book.deadline_s() is None
    assert book.settle(rig.moment) == []


def test_a_return_that_was_held_back_and_is_over_is_not_told() -> None:
    rig, book = Rig(), AlarmBook()
    chatter(book, rig, 3)
    assert book.normal(AlarmKind.TAMPER, "lid") == []
    assert not book.is_active(AlarmKind.TAMPER, "lid")
    rig.pass_time(60.0)
    assert book.settle(rig.moment) == []


def test_what_was_held_back_is_told_before_it_is_acknowledged() -> None:
    rig, book = Rig(), AlarmBook()
    chatter(book, rig, 3)
    refusal, told = book.acknowledge("a-1", GUARD)
    assert refusal is None
    assert [type(event).__name__ for event in told] == ["AlarmRepeated", "AlarmAcknowledged"]


def test_an_acknowledged_alarm_stays_so_until_its_return_is_told() -> None:
    rig, book = Rig(), AlarmBook()
    chatter(book, rig, 2)
    book.acknowledge("a-1", GUARD)
    chatter(book, rig, 1)
    assert book.acknowledge("a-1", GUARD)[0] == "AlreadyAcknowledged"
    rig.pass_time(10.0)
    book.settle(rig.moment)
    assert book.acknowledge("a-1", GUARD)[0] is None


def test_a_door_forced_again_and_again_is_told_in_the_end_by_the_controller(rig: Rig) -> None:
    for _ in range(3):
        rig.close()
        rig.open()
    due_s = rig.controller.next_deadline(rig.moment)
    assert due_s - rig.monotonic_s <= REPEAT_TOLD_AFTER_S
    assert only(rig.after(due_s - rig.monotonic_s), ev.AlarmRepeated).count == 3


def test_numbers_of_alarms_are_never_used_again_after_a_restart(rig: Rig) -> None:
    first = only(rig.open(), ev.AlarmRaised).alarm
    rig.close()
    rig.resolve(first)
    again = Rig(state=rig.controller.snapshot())
    assert only(again.open(), ev.AlarmRaised).alarm != first


def test_only_ids_that_were_given_out_count_as_raised(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    book = rig.controller.alarms
    assert book.was_raised(alarm)
    book.resolve(alarm, "real", "", GUARD)
    assert book.was_raised(alarm)
    assert not any(book.was_raised(name) for name in ("a-0", "a-2", "a-", "a--1", "1", "a-1x", "a-²", "b-1"))


# What raises them


def test_panic_stays_active_until_a_guard_ends_it(rig: Rig) -> None:
    turn = rig.site_input("panic", True)
    assert only(turn, ev.AlarmRaised).priority == 1
    assert said(rig.site_input("panic", False)) == ["InputNormal"]
    assert rig.controller.alarms.open[only(turn, ev.AlarmRaised).alarm].active


def test_tamper_is_normal_when_the_lid_is_closed(rig: Rig) -> None:
    assert raised(rig.site_input("lid", True)) == ["tamper"]
    assert said(rig.site_input("lid", False)) == ["InputNormal", "AlarmNormal"]


def test_an_input_that_says_the_same_again_says_nothing(rig: Rig) -> None:
    rig.site_input("lid", True)
    assert rig.site_input("lid", True).events == ()


def test_five_unknown_cards_in_a_row_raise_an_alarm_and_a_good_one_ends_the_row(rig: Rig) -> None:
    for number in range(90, 94):
        assert raised(rig.swipe(number)) == []
    rig.swipe(1)
    for number in range(90, 94):
        assert raised(rig.swipe(number)) == []
    turn = rig.swipe(94)
    alarm = only(turn, ev.AlarmRaised)
    assert (alarm.kind, alarm.source, alarm.door) == ("wrong_attempts", "north-reader", "north")


def test_five_unknown_cards_over_a_long_time_are_no_row(rig: Rig) -> None:
    for number in range(90, 99):
        assert raised(rig.swipe(number)) == []
        rig.pass_time(80.0)


def type_pin(rig: Rig, pin: str) -> list[str]:
    found: list[str] = []
    for key in pin + "#":
        found += said(rig.handle(sg.KeyPressed("north-reader", key, rig.monotonic_s)))
    return found


def test_keys_far_apart_a_star_and_what_is_no_digit_make_no_pin(rig: Rig) -> None:
    assert type_pin(rig, "") == []
    assert type_pin(rig, "12*") == []
    assert type_pin(rig, "ABé") == []
    rig.handle(sg.KeyPressed("north-reader", "1", rig.monotonic_s))
    rig.pass_time(10.1)
    assert said(rig.handle(sg.KeyPressed("north-reader", "#", rig.monotonic_s))) == []


def test_keys_are_never_in_what_a_restart_brings_back(rig: Rig) -> None:
    rig.handle(sg.KeyPressed("north-reader", "7", rig.monotonic_s))
    assert "7" not in repr(rig.controller.snapshot().used_requests)
    again = Rig(state=rig.controller.snapshot())
    assert said(again.handle(sg.KeyPressed("north-reader", "#", again.monotonic_s))) == []


def test_without_a_list_every_swipe_is_denied_and_the_alarm_ends_with_the_next_list() -> None:
    rig = Rig().closed_and_ready()
    rig.access_list = None
    turn = rig.handle(sg.CardRead("north-reader", (Reading(card(1)),), rig.monotonic_s))
    assert only(turn, ev.AccessDenied).reason == "NoValidList"
    assert raised(turn) == ["no_valid_list"]
    assert "AlarmNormal" in said(rig.handle(sg.ListActivated(2, "", 2)))


def test_a_list_that_is_not_newer_is_not_swapped_in(rig: Rig) -> None:
    assert rig.handle(sg.ListReady(1, "lists/1", "d", 2)).reply.reason == "ListNotNewer"
    turn = rig.handle(sg.ListReady(2, "lists/2", "d", 2))
    assert [type(c).__name__ for c in turn.commands] == ["SwapList"]


def test_a_refused_list_is_told_with_its_faults_and_bounded(rig: Rig) -> None:
    turn = rig.handle(sg.ListRefused(9, tuple("f" * 1000 for _ in range(500))))
    faults = only(turn, ev.ListRejected).faults
    assert (len(faults), len(faults[0])) == (50, 300)
    assert raised(turn) == ["list_rejected"]


def test_rubbish_and_dropped_signals_are_told_and_normal_at_once(rig: Rig) -> None:
    assert said(rig.handle(sg.FramesRejected("north-reader", 3, "checksum"))) == [
        "RubbishReceived",
        "AlarmRaised",
        "AlarmNormal",
    ]
    assert said(rig.handle(sg.SignalsDropped("Observation", 3))) == ["SignalsLost", "AlarmRaised", "AlarmNormal"]


def test_a_journal_that_fails_is_an_alarm_and_lost_events_are_another(rig: Rig) -> None:
    assert raised(rig.handle(sg.JournalChanged(False, "disk full"))) == ["journal_unavailable"]
    turn = rig.handle(sg.JournalChanged(True, "", lost=12))
    assert raised(turn) == ["events_lost"]
    assert "AlarmNormal" in said(turn)


def test_a_link_without_encryption_is_a_standing_alarm() -> None:
    rig = Rig(replace(SITE, insecure_links=("mqtt://broker",)))
    assert raised(rig.handle(sg.GatewayStarting("0", restored=False))) == ["insecure_link"]
    again = Rig(rig.site, state=rig.controller.snapshot())
    assert raised(again.handle(sg.GatewayStarting("0", restored=True))) == []


def test_a_thing_that_happened_again_must_be_acknowledged_again(rig: Rig) -> None:
    """A duress or a row of wrong attempts is over when it is told: the next one is another one."""
    for _ in range(5):
        turn = rig.swipe(99, "north-reader")
        rig.pass_time(2)
    alarm = only(turn, ev.AlarmRaised).alarm
    rig.acknowledge(alarm)
    rig.pass_time(60)
    for _ in range(5):
        turn = rig.swipe(99, "north-reader")
        rig.pass_time(2)
    assert only(turn, ev.AlarmRepeated).alarm == alarm
    assert rig.acknowledge(alarm).reply.accepted


def test_a_thing_that_happened_again_right_after_it_was_acknowledged_is_told_at_once() -> None:
    rig, book = Rig(), AlarmBook()
    (first,) = book.raise_alarm(AlarmKind.DURESS, "north", rig.moment)
    assert isinstance(first, ev.AlarmRaised)
    book.acknowledge(first.alarm, GUARD)
    rig.pass_time(REPEAT_TOLD_AFTER_S / 2)
    assert book.raise_alarm(AlarmKind.DURESS, "north", rig.moment) == [ev.AlarmRepeated(alarm=first.alarm, count=2)]
    assert book.raise_alarm(AlarmKind.DURESS, "north", rig.moment) == [], "nobody has seen that one yet"
    assert book.acknowledge(first.alarm, GUARD)[0] is None
