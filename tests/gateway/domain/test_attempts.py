"""Wrong attempts in a row: when they lock, and when nothing of them matters any more."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.access_request import Decision, DenialReason, Person, Shown
from gateway.domain.attempts import ATTEMPTS_KEPT, AttemptBook, Attempts
from gateway.domain.credential import CredentialState
from gateway.domain.moment import Moment
from tests.gateway.domain.compound import Compound, compound_list, of, why
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import raised

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WINDOW_S, LOCK_OUT_S = 300.0, 60.0
"""The manual's 5 minutes and its one minute."""
LOST_CARD = compound_list(credentials={card(1): of(1, state=CredentialState.LOST)})
"""Where a card or a PIN alone opens, and no PIN is known."""


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


# The book of all readers and cards


def unknown_card_at(book: AttemptBook, reader: str, monotonic_s: float) -> str | None:
    return book.wrong(reader, Decision(False, DenialReason.CREDENTIAL_NOT_FOUND, (), 1), at(monotonic_s))


def test_five_wrong_pins_of_a_card_at_several_readers_lock_out_the_card_by_its_name() -> None:
    person = Person("c-1", None, None, Shown())
    wrong = Decision(False, DenialReason.INVALID_PIN, (), 1, people=(person,))
    book = AttemptBook({})
    assert [book.wrong(f"r-{n}", wrong, at(1000.0 + n)) for n in range(5)] == [None] * 4 + ["c-1"]
    assert book.is_locked_out("r-9", person, at(1005.0))
    assert not book.is_locked_out("r-0", None, at(1005.0)), "no reader is"


def test_what_matters_no_more_is_forgotten_with_the_next_wrong_attempt() -> None:
    attempts: dict[str, Attempts] = {}
    book = AttemptBook(attempts)
    unknown_card_at(book, "r-1", 1000.0)
    unknown_card_at(book, "r-2", 1200.0)
    unknown_card_at(book, "r-3", 1000.5 + WINDOW_S)
    assert list(attempts) == ["reader:r-2", "reader:r-3"]


def test_so_many_are_kept_and_the_oldest_go_first() -> None:
    attempts: dict[str, Attempts] = {}
    book = AttemptBook(attempts)
    for n in range(ATTEMPTS_KEPT + 1):
        unknown_card_at(book, f"r-{n}", 1000.0)
    assert len(attempts) == ATTEMPTS_KEPT
    assert next(iter(attempts)) == "reader:r-1"


# A refused card and the digits after it, where a PIN alone opens


def test_an_unknown_card_and_the_first_digits_after_it_are_one_wrong_attempt() -> None:
    rig = Compound()
    for n in range(4):
        assert why(rig.show(900 + n)) == "CredentialNotFound"
        turn = rig.type(f"111{n}")
        assert (why(turn), raised(turn)) == ("CredentialNotFound", []), "told, and counted with the card"
    assert raised(rig.type("2222")) == ["wrong_attempts"], "the second digits after a card are a guess of their own"


def test_digits_after_a_known_card_that_was_refused_are_a_wrong_attempt() -> None:
    rig = Compound(LOST_CARD)
    for n in range(4):
        rig.show(1)
        assert not raised(rig.type(f"111{n}"))
    assert not raised(rig.show(1))
    assert raised(rig.type("1114")) == ["wrong_attempts"]


def test_digits_that_come_late_or_at_another_reader_are_an_attempt_of_their_own() -> None:
    rig = Compound()
    rig.show(900)
    rig.pass_time(10)
    rig.type("1111")
    rig.show(901)
    assert [raised(rig.type(f"222{n}", "si")) for n in range(5)] == [[], [], [], [], ["wrong_attempts"]]
    rig.show(902)
    assert raised(rig.show(903)) == ["wrong_attempts"], "four cards, and the digits that came late"


@given(st.lists(st.sampled_from(["unknown card", "lost card", "digits"]), max_size=30))
def test_nobody_guesses_more_than_five_pins_before_the_lock_out(tries: list[str]) -> None:
    rig, guesses = Compound(LOST_CARD), 0
    for n, shown in enumerate(tries):
        rig.pass_time(2)
        turn = rig.type(f"{1000 + n}") if shown == "digits" else rig.show(1 if shown == "lost card" else 900 + n)
        guesses += shown == "digits"
        assert guesses <= 5
        if raised(turn):
            break
