"""Wrong attempts in a row: when they lock, and when nothing of them matters any more."""

from datetime import UTC, datetime

from gateway.domain.attempts import Attempts
from gateway.domain.moment import Moment

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WINDOW_S, LOCK_OUT_S = 300.0, 60.0
"""The manual's 5 minutes and its one minute."""


def at(monotonic_s: float, boot: str = "boot") -> Moment:
    return Moment(NOON, monotonic_s, boot)


def test_five_within_exactly_the_window_lock_and_the_first_one_counts() -> None:
    attempts = Attempts()
    for second in (0.0, 200.0, 210.0, 220.0):
        assert not attempts.wrong(at(1000.0 + second))
    assert attempts.wrong(at(1000.0 + WINDOW_S))


def test_five_in_more_than_the_window_do_not_lock() -> None:
    attempts = Attempts()
    for second in (0.0, 200.0, 210.0, 220.0, WINDOW_S + 0.5):
        assert not attempts.wrong(at(1000.0 + second))
    assert not attempts.is_locked(at(1300.5))
    assert attempts.wrong(at(1000.0 + WINDOW_S + 1)), "only the last five are counted"


def test_the_lock_is_over_after_its_minute_and_a_new_row_begins() -> None:
    attempts = Attempts()
    assert [attempts.wrong(at(1000.0)) for _ in range(5)] == [False] * 4 + [True]
    assert attempts.is_locked(at(1000.0 + LOCK_OUT_S - 0.1))
    assert not attempts.is_locked(at(1000.0 + LOCK_OUT_S))
    assert not attempts.wrong(at(1000.0 + LOCK_OUT_S))


def test_another_boot_begins_anew_and_is_not_locked() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.wrong(at(1000.0))
    assert not attempts.is_locked(at(0.5, "next"))
    assert not attempts.wrong(at(0.5, "next"))
    assert not attempts.is_locked(at(0.5, "next"))
    assert [attempts.wrong(at(0.5, "next")) for _ in range(4)] == [False] * 3 + [True]


def test_a_row_matters_to_the_end_of_its_window_and_no_longer() -> None:
    attempts = Attempts()
    attempts.wrong(at(1000.0))
    attempts.wrong(at(1010.0))
    assert not attempts.is_over(at(1010.0 + WINDOW_S))
    assert attempts.is_over(at(1010.5 + WINDOW_S))


def test_a_lock_matters_while_it_lasts_and_of_another_boot_nothing_does() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.wrong(at(1000.0))
    assert not attempts.is_over(at(1000.0 + LOCK_OUT_S))
    assert attempts.is_over(at(1000.5 + LOCK_OUT_S))
    assert attempts.is_over(at(1000.5, "next"))
