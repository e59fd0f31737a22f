"""What readers show, and what they say of themselves."""

from dataclasses import replace

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import IndicateAtReader, Indication
from gateway.domain.controller import Turn
from gateway.domain.door_control import COMMAND_EXPIRY_S
from gateway.domain.listed import Authentication
from tests.gateway.domain.compound import SITE, Compound, compound_list, of, pin
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import SITE as BENCH
from tests.gateway.domain.plant import Rig, device_commands, only, raised, said

LIT = replace(SITE, indicators=frozenset({"ni", "vi"}))
WITH_PIN = compound_list(
    credentials={card(1): of(1, **pin(1, "2468", duress="8642"))}, wants={"north-in": Authentication.CARD_AND_PIN}
)


def shown(turn: Turn) -> list[tuple[str, Indication]]:
    """(reader, indication) of the turn."""
    return [(c.device, c.indication) for c in turn.commands if isinstance(c, IndicateAtReader)]


def test_a_grant_and_a_denial_show_where_the_card_was_shown() -> None:
    rig = Compound(site=LIT)
    assert shown(rig.show(1, "ni")) == [("ni", Indication.GRANTED)]
    assert shown(rig.show(99, "vi")) == [("vi", Indication.DENIED)]


def test_a_reader_that_can_show_nothing_is_told_nothing() -> None:
    rig = Compound(site=LIT)
    assert shown(rig.show(1, "si")) == []
    assert shown(rig.show(99, "si")) == []


def test_an_indication_lives_as_long_as_an_opening_does() -> None:
    rig = Compound(site=LIT)
    (told,) = [c for c in rig.show(1, "ni").commands if isinstance(c, IndicateAtReader)]
    assert told.expires_s == rig.monotonic_s + COMMAND_EXPIRY_S


def test_who_must_type_a_pin_is_told_to_go_on_and_then_how_it_went() -> None:
    rig = Compound(WITH_PIN, site=LIT)
    assert shown(rig.show(1)) == [("ni", Indication.WAITING)]
    assert shown(rig.type("2468")) == [("ni", Indication.GRANTED)]
    rig.show(1)
    assert shown(rig.type("1111")) == [("ni", Indication.DENIED)]


def test_a_pin_after_a_refused_card_shows_denied_once_more() -> None:
    rig = Compound(WITH_PIN, site=LIT)
    rig.show(99)
    turn = rig.type("2468")
    assert (shown(turn), turn.events) == ([("ni", Indication.DENIED)], ())


def test_what_was_waited_for_in_vain_shows_as_denied() -> None:
    rig = Compound(WITH_PIN, site=LIT)
    rig.show(1)
    assert shown(rig.after(60.0)) == [("ni", Indication.DENIED)]


def test_another_card_in_between_shows_only_its_own_outcome() -> None:
    rig = Compound(WITH_PIN, site=LIT)
    rig.show(1)
    turn = rig.show(99)
    assert said(turn).count("AccessDenied") == 2
    assert shown(turn) == [("ni", Indication.DENIED)]


def test_duress_shows_exactly_what_a_plain_grant_shows() -> None:
    rig = Compound(WITH_PIN, site=LIT)
    rig.show(1)
    plain = rig.type("2468")
    rig.after(6)
    rig.show(1)
    forced = rig.type("8642")
    assert raised(forced) == ["duress"]
    assert shown(forced) == shown(plain)
    assert [type(c) for c in forced.commands] == [type(c) for c in plain.commands]


def test_a_card_that_is_still_being_held_there_shows_nothing_more() -> None:
    rig = Compound(site=LIT)
    rig.show(1)
    assert shown(rig.swipe(1, "ni")) == []


def test_lights_change_nothing_of_what_a_turn_records_or_does_at_the_door() -> None:
    dark, lit = Compound(), Compound(site=LIT)
    for rig in (dark, lit):
        rig.show(1)
        rig.open("north")
    for a, b in zip(dark.turns, lit.turns, strict=True):
        assert said(a) == said(b)
        assert [type(c) for c in device_commands(a)] == [type(c) for c in device_commands(b)]


# What a reader says of itself


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def say(rig: Rig, *, tampered: bool = False, power_fault: bool = False) -> Turn:
    return rig.handle(sg.ReaderConditionChanged("north-reader", tampered, power_fault))


def test_a_reader_that_is_well_says_nothing_new(rig: Rig) -> None:
    assert said(say(rig)) == []


def test_tamper_is_told_with_its_door_and_camera(rig: Rig) -> None:
    turn = say(rig, tampered=True)
    assert only(turn, ev.ReaderConditionChanged) == ev.ReaderConditionChanged(
        device="north-reader", tampered=True, power_fault=False
    )
    alarm = only(turn, ev.AlarmRaised)
    assert (alarm.kind, alarm.priority, alarm.source) == ("reader_tamper", 2, "north-reader")
    assert (alarm.door, alarm.camera) == ("north", "yard")


def test_failing_power_is_a_technical_alarm(rig: Rig) -> None:
    alarm = only(say(rig, power_fault=True), ev.AlarmRaised)
    assert (alarm.kind, alarm.priority) == ("reader_power", 3)


def test_what_is_said_again_is_told_once(rig: Rig) -> None:
    say(rig, tampered=True)
    assert said(say(rig, tampered=True)) == []
    assert raised(say(rig, tampered=True, power_fault=True)) == ["reader_power"]


def test_a_reader_that_is_whole_again_ends_what_it_began(rig: Rig) -> None:
    say(rig, tampered=True, power_fault=True)
    assert said(say(rig)) == ["ReaderConditionChanged", "AlarmNormal", "AlarmNormal"]


def test_a_restart_forgets_no_tamper() -> None:
    rig = Compound()
    tampered = sg.ReaderConditionChanged("ni", True, False)
    rig.handle(tampered)
    again = rig.restarted()
    assert said(again.handle(tampered)) == []
    assert said(again.handle(sg.ReaderConditionChanged("ni", False, False))) == [
        "ReaderConditionChanged",
        "AlarmNormal",
    ]


def test_a_reader_of_no_access_point_alarms_without_a_door() -> None:
    rig = Rig(BENCH)
    alarm = only(rig.handle(sg.ReaderConditionChanged("spare", True, False)), ev.AlarmRaised)
    assert (alarm.source, alarm.door, alarm.camera) == ("spare", None, None)
