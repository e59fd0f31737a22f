"""What readers give, as a decision takes it."""

from datetime import UTC, datetime

import pytest

from gateway.domain.access_request import PinResult, Shown
from gateway.domain.credential import Grade, Identifier, Pass
from gateway.domain.shown import rivals, shown_as, shown_pass, typed_pin
from tests.gateway.domain.compound import compound_list, of, pin
from tests.gateway.domain.listing import card

PASS = Pass("v-1", "office", None, ("all",), None, datetime(2027, 1, 1, tzinfo=UTC), uses=1)
LIST = compound_list(
    credentials={card(1): of(1, **pin(1, "2468", "8642")), card(6): of(1, id="c-6")}, passes={"GHP1.one": PASS}
)


@pytest.mark.parametrize(
    ("identifier", "grade"),
    [
        (card(1), Grade.SECURE),
        (Identifier("PIN4", None, 2468), Grade.PIN),
        (Identifier("PLATE", None, "A"), Grade.PLATE),
    ],
)
def test_a_card_is_worth_what_the_reader_says_and_a_pin_or_plate_what_it_is(
    identifier: Identifier, grade: Grade
) -> None:
    assert shown_as((identifier,), Grade.SECURE, LIST).grade is grade


def test_a_read_of_which_nothing_was_left_is_a_card_without_a_key() -> None:
    assert shown_as((), Grade.SECURE, LIST) == Shown((), Grade.SECURE)


def test_without_a_list_only_facility_codes_are_left_of_a_read() -> None:
    read = (card(1), Identifier("EM4100", None, 7))
    assert shown_as(read, Grade.CLONABLE, None) == Shown((), facilities=(("H10301", 123),))


def test_rivals_are_other_peoples_cards_behind_the_one_that_counts() -> None:
    read = shown_as((card(1), card(6), card(2), card(900), card(3)), Grade.CLONABLE, LIST)
    assert rivals(read, LIST) == ("c-2", "c-3")
    assert rivals(read, None) == ()


def test_a_signed_text_is_shown_as_its_pass_and_any_other_as_forged() -> None:
    assert shown_pass("GHP1.one", LIST) == Shown(grade=Grade.PASS, shown_pass=PASS)
    for access_list in (LIST, None):
        assert shown_pass("GHP1.two", access_list) == Shown(grade=Grade.PASS, forged_pass=True)


@pytest.mark.parametrize(
    ("digits", "result"), [("2468", PinResult.RIGHT), ("8642", PinResult.DURESS), ("1111", PinResult.WRONG)]
)
def test_digits_are_asked_of_the_card_that_was_shown(digits: str, result: PinResult) -> None:
    assert typed_pin(digits, shown_as((card(1),), Grade.CLONABLE, LIST), LIST) is result


def test_for_what_is_unknown_or_has_no_pin_none_is_right() -> None:
    for shown in (shown_as((card(900),), Grade.CLONABLE, LIST), shown_pass("GHP1.one", LIST)):
        assert typed_pin("2468", shown, LIST) is PinResult.WRONG
