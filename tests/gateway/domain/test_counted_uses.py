"""What is counted is what was used: where no command of a grant went out, the count is given back."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import PulseOutput
from gateway.domain.controller import Turn
from gateway.domain.counted import Counted, CountedBook, CountedUse
from gateway.domain.credential import Pass
from gateway.domain.register import Fact, Made, Register, Uses
from gateway.domain.signals import CommandOutcome
from tests.gateway.domain.compound import Compound, compound_list, granted, of, why
from tests.gateway.domain.listing import card

UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


def pulses(turn: Turn) -> list[PulseOutput]:
    return [command for command in turn.commands if isinstance(command, PulseOutput)]


def ended(rig: Compound, command: PulseOutput, outcome: CommandOutcome = CommandOutcome.EXPIRED) -> list[str]:
    """A command's outcome comes back; the credentials whose use is given back."""
    turn = rig.handle(sg.CommandCompleted(command.command_id, command.device, outcome, ""))
    return [event.credential for event in turn.events if isinstance(event, ev.UseGivenBack)]


def one_use(**more: int) -> Compound:
    return Compound(compound_list(credentials={card(1): of(1, **(more or {"uses": 1}))}))


def test_a_use_whose_command_never_went_is_given_back_and_may_be_used() -> None:
    rig = one_use()
    (pulse,) = pulses(rig.show(1))
    assert why(rig.show(1)) == "UsesExhausted"
    assert ended(rig, pulse) == ["c-1"]
    assert rig.controller.register.uses["c-1"].total == 0
    assert granted(rig.show(1))
    assert why(rig.show(1)) == "UsesExhausted"


def test_a_release_that_was_over_before_its_command_expired_moved_nothing_either() -> None:
    rig = one_use()
    (pulse,) = pulses(rig.show(1))
    rig.pass_time(30)
    assert ended(rig, pulse) == ["c-1"]


@pytest.mark.parametrize(
    ("since", "left"),
    [
        (Uses(5, "2026-11-23", 2), Uses(4, "2026-11-23", 1)),
        (Uses(5, "2026-11-24", 2), Uses(4, "2026-11-24", 2)),
    ],
)
def test_a_use_of_the_day_is_given_back_to_its_own_day(since: Uses, left: Uses) -> None:
    register = Register([Fact("uses", "c-1", since)])
    CountedBook(register, []).give_back(CountedUse("c-1", "2026-11-23"))
    assert register.uses["c-1"] == left


def test_a_newer_rotating_pass_that_was_taken_since_stays_taken() -> None:
    register = Register([Fact("made", "pass:app/v-1", Made(UNTIL))])
    CountedBook(register, []).give_back(CountedUse("pass:app/v-1", made=UNTIL - timedelta(seconds=5)))
    assert register.made["pass:app/v-1"] == Made(UNTIL)


def test_a_first_rotating_pass_that_is_given_back_leaves_none_that_was_taken() -> None:
    register = Register([Fact("made", "pass:app/v-1", Made(UNTIL))])
    CountedBook(register, []).give_back(CountedUse("pass:app/v-1", made=UNTIL))
    assert register.take_changed() == (Fact("made", "pass:app/v-1", None),)


def test_a_rotating_pass_gives_back_no_use_and_a_use_that_was_forgotten_is_not_missed() -> None:
    register = Register([Fact("uses", "pass:app/v-1", Uses(3, "2026-11-23", 3))])
    book = CountedBook(register, [])
    book.give_back(CountedUse("pass:app/v-1", made=UNTIL))
    book.give_back(CountedUse("c-9", "2026-11-23"))
    assert register.take_changed() == ()


def test_of_what_was_counted_only_that_of_whoever_went_through_is_kept_no_longer() -> None:
    mine, other, elsewhere = (
        Counted(door, door, leader, [f"c-{n}"]) for n, (door, leader) in enumerate((("a", "1"), ("a", "2"), ("b", "1")))
    )
    counted = [mine, other, elsewhere]
    CountedBook(Register(), counted).taken("a", "1")
    assert counted == [other, elsewhere]


def test_a_grant_of_which_one_command_went_is_kept_no_longer() -> None:
    counted = [Counted("lift", None, "c-1", ["c-1", "c-2"])]
    book = CountedBook(Register(), counted)
    assert book.ended("c-1", never_sent=False) == []
    assert counted == []
    assert book.ended("c-2", never_sent=True) == []


def test_a_pass_of_two_uses_opens_twice() -> None:
    passes = {"GHP1.two": Pass("v-1", "app", None, ("all",), None, UNTIL, uses=2)}
    rig = Compound(compound_list(passes=passes))
    assert granted(rig.text("GHP1.two"))
    assert granted(rig.text("GHP1.two"))
    assert why(rig.text("GHP1.two")) == "UsesExhausted"


@pytest.mark.parametrize("outcome", [CommandOutcome.DONE, CommandOutcome.SENT, CommandOutcome.FAILED])
def test_what_went_or_may_have_gone_stays_counted(outcome: CommandOutcome) -> None:
    rig = one_use()
    (pulse,) = pulses(rig.show(1))
    assert ended(rig, pulse, outcome) == []
    assert ended(rig, pulse) == []
    assert why(rig.show(1)) == "UsesExhausted"


def test_who_went_through_on_anothers_release_has_used_it() -> None:
    rig = one_use()
    (other,) = pulses(rig.show(2))
    assert ended(rig, other, CommandOutcome.DONE) == []
    (pulse,) = pulses(rig.show(1))
    rig.open("north")
    rig.close("north")
    rig.pass_time(30)
    assert ended(rig, pulse) == []


def test_while_the_door_is_released_for_somebody_else_it_stays_counted() -> None:
    rig = one_use()
    (pulse,) = pulses(rig.show(1))
    rig.rex(door="north")
    assert ended(rig, pulse) == []


def test_a_rotating_pass_whose_command_never_went_may_be_shown_again() -> None:
    made = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    passes = {
        f"GHP1.{n}": Pass("v-1", "app", "p-1", (), None, UNTIL, made_at=made + timedelta(seconds=n)) for n in (0, 5)
    }
    rig = Compound(compound_list(passes=passes))
    assert granted(rig.text("GHP1.0"))
    rig.pass_time(20)
    (pulse,) = pulses(rig.text("GHP1.5"))
    assert ended(rig, pulse) == ["pass:app/v-1"]
    assert why(rig.text("GHP1.0")) == "PassReplayed"
    assert granted(rig.text("GHP1.5"))


def test_a_lift_of_which_one_floor_was_enabled_has_moved() -> None:
    rig = one_use(uses=2)
    first, second = pulses(rig.show(1, "li"))
    assert ended(rig, first) == []
    assert ended(rig, second) == ["c-1"]
    first, second = pulses(rig.show(1, "li"))
    assert ended(rig, first) == []
    assert ended(rig, second, CommandOutcome.DONE) == []
    assert rig.controller.register.uses["c-1"].total == 1


def test_a_restart_leaves_counted_what_nobody_tells_the_end_of() -> None:
    rig = one_use()
    (pulse,) = pulses(rig.show(1))
    again = rig.restarted()
    assert ended(again, pulse) == []
    assert why(again.show(1)) == "UsesExhausted"


def test_what_is_kept_is_bounded_and_the_oldest_stays_counted() -> None:
    rig = one_use(uses=1000)
    turns = [rig.show(1) for _ in range(205)]
    counted = rig.controller.entry.state.counted
    assert len(counted) == 200
    (oldest,), (newest,) = pulses(turns[0]), pulses(turns[-1])
    assert ended(rig, oldest) == []
    assert not any(newest.command_id in each.commands for each in counted[:-1])
