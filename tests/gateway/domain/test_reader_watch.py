"""A reader's short memory: what is still held to it, the keys under way, and what was refused."""

import pytest

from gateway.domain.reader_watch import KEY_GAP_S, PIN_DIGITS_MAX, ReaderWatch
from tests.gateway.domain.listing import card


def typed(watch: ReaderWatch, keys: str, at_s: float = 100.0) -> list[str | None]:
    return [watch.press(key, at_s) for key in keys]


def test_the_same_read_within_its_time_is_a_repeat_and_so_is_the_one_after_that() -> None:
    watch = ReaderWatch()
    assert [watch.is_repeat((card(1),), at_s, 1.0) for at_s in (0.0, 0.5, 1.25, 2.25)] == [False, True, True, False]


def test_another_read_is_none_and_begins_a_time_of_its_own() -> None:
    watch = ReaderWatch()
    reads = ((card(1),), (card(2),), (card(1),), "GHP1.x", "GHP1.x")
    assert [watch.is_repeat(read, 5.0, 1.0) for read in reads] == [False, False, False, False, True]


def test_a_new_reader_holds_nothing() -> None:
    assert not ReaderWatch().is_repeat((), 0.0, 1.0)


def test_a_hash_ends_the_digits_and_without_any_says_nothing() -> None:
    watch = ReaderWatch()
    assert typed(watch, "0471#") == [None, None, None, None, "0471"]
    assert typed(watch, "#12#") == [None, None, None, "12"]


def test_a_star_takes_back_what_was_typed_and_what_is_no_digit_counts_for_nothing() -> None:
    assert typed(ReaderWatch(), "12*34A5#")[-1] == "345"


def test_more_digits_than_a_pin_has_are_dropped() -> None:
    assert typed(ReaderWatch(), "123456789012345#")[-1] == "123456789012"
    assert PIN_DIGITS_MAX == 12


@pytest.mark.parametrize(("gap_s", "digits"), [(KEY_GAP_S, "12"), (KEY_GAP_S + 0.1, "2")])
def test_keys_further_apart_than_ten_seconds_are_of_different_pins(gap_s: float, digits: str) -> None:
    watch = ReaderWatch()
    watch.press("1", 100.0)
    watch.press("2", 100.0 + gap_s)
    assert watch.press("#", 100.0 + 2 * gap_s) == (digits if gap_s == KEY_GAP_S else None)


@pytest.mark.parametrize(("wrong", "later_s", "counted"), [(True, 9.9, True), (True, 10.0, False), (False, 0.0, False)])
def test_digits_are_counted_already_within_so_long_after_a_wrong_attempt(
    wrong: bool, later_s: float, counted: bool
) -> None:
    watch = ReaderWatch()
    watch.refuse(100.0, wrong=wrong)
    assert watch.refused_s == 100.0
    assert watch.is_counted(100.0 + later_s, 10.0) is counted
    assert not watch.is_counted(100.0 + later_s, 10.0), "asked once"


def test_at_a_new_reader_nothing_was_refused_and_nothing_is_counted() -> None:
    watch = ReaderWatch()
    assert watch.refused_s < -1e9
    assert not watch.is_counted(0.0, 10.0)
