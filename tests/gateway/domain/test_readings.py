"""Which of a read's readings counts: the first known one in the reader's order, never one of wrong parity."""

from collections.abc import Iterable

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.controller import Turn
from gateway.domain.credential import Identifier, Reading
from tests.gateway.domain.compound import Compound, compound_list, granted, of, why
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import only, said

LONG = Identifier("H10306", 1, 2)
LIST = compound_list(credentials={card(1): of(1), LONG: of(2, id="c-long"), card(3): of(1, id="c-3")})


def show(rig: Compound, readings: Iterable[tuple[Identifier, bool | None]]) -> Turn:
    read = tuple(Reading(identifier, parity_ok) for identifier, parity_ok in readings)
    return rig.handle(sg.CardRead("ni", read, rig.monotonic_s))


@pytest.mark.parametrize("parity_ok", [True, None])
def test_a_reading_opens_with_sound_parity_and_where_there_is_none(parity_ok: bool | None) -> None:
    assert granted(show(Compound(LIST), [(card(1), parity_ok)]))


def test_a_reading_of_wrong_parity_opens_nothing_and_is_told() -> None:
    rig = Compound(LIST)
    turn = show(rig, [(card(1), False), (LONG, False)])
    assert only(turn, ev.ReadDropped).reason == "WrongParity"
    assert said(turn) == ["ReadDropped"]
    assert turn.commands == ()
    assert granted(show(rig, [(card(1), True)]))


def test_a_reading_of_wrong_parity_does_not_stand_before_a_sound_one() -> None:
    turn = show(Compound(LIST), [(card(1), False), (LONG, True)])
    assert only(turn, ev.AccessGranted).credential == "c-long"
    assert "ReadAmbiguous" not in said(turn)


def test_wrong_parity_counts_as_no_wrong_attempt() -> None:
    rig = Compound(LIST)
    for _ in range(20):
        rig.pass_time(2)
        show(rig, [(card(99), False)])
    assert granted(show(rig, [(card(1), True)]))


@pytest.mark.parametrize(
    ("order", "counts", "rival"), [((card(1), LONG), "c-1", "c-long"), ((LONG, card(1)), "c-long", "c-1")]
)
def test_of_two_peoples_cards_in_one_read_the_readers_order_decides_and_that_is_told(
    order: tuple[Identifier, ...], counts: str, rival: str
) -> None:
    turn = show(Compound(LIST), [(each, True) for each in order])
    assert only(turn, ev.AccessGranted).credential == counts
    told = only(turn, ev.ReadAmbiguous)
    assert (told.credential, told.rivals, told.access_point) == (counts, (rival,), "north-in")


def test_two_cards_of_one_person_and_an_unknown_one_are_no_ambiguity() -> None:
    turn = show(Compound(LIST), [(card(99), True), (card(1), True), (card(3), True)])
    assert only(turn, ev.AccessGranted).credential == "c-1"
    assert "ReadAmbiguous" not in said(turn)


def test_a_read_without_readings_is_an_unknown_card() -> None:
    assert why(show(Compound(LIST), [])) == "CredentialNotFound"
