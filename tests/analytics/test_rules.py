"""Facts about the rule of motion in a zone."""

from hypothesis import given
from hypothesis import strategies as st

from analytics.rules import TABLE, Outcome, RuleState, Stimulus, ZoneRule, advance, check, lose
from analytics.settings import RuleSettings

SETTINGS = RuleSettings(settle_s=0.2, quiet_s=3.0, longest_s=60.0)


def _play(moves: list[bool], step_s: float = 0.1) -> list[tuple[float, Outcome]]:
    rule = ZoneRule()
    told: list[tuple[float, Outcome]] = []
    for number, moving in enumerate(moves):
        rule, outcome = advance(rule, moving, number * step_s, SETTINGS)
        if outcome is not Outcome.NOTHING:
            told.append((round(number * step_s, 1), outcome))
    return told


def test_motion_shorter_than_it_takes_to_settle_is_never_told() -> None:
    assert _play([False, True, True, False] * 20) == []


def test_motion_starts_once_and_ends_after_quiet() -> None:
    assert _play([True] * 20 + [False] * 60) == [(0.2, Outcome.STARTED), (5.0, Outcome.ENDED)]


def test_a_pause_shorter_than_quiet_does_not_end_it() -> None:
    told = _play([True] * 20 + [False] * 20 + [True] * 20 + [False] * 60)
    assert [outcome for _, outcome in told] == [Outcome.STARTED, Outcome.ENDED]


def test_endless_motion_is_ended_and_not_told_again_before_quiet() -> None:
    assert _play([True] * 2000) == [(0.2, Outcome.STARTED), (60.2, Outcome.TIMED_OUT)]


def test_after_endless_motion_and_quiet_it_may_start_again() -> None:
    told = [outcome for _, outcome in _play([True] * 700 + [False] * 50 + [True] * 10)]
    assert told == [Outcome.STARTED, Outcome.TIMED_OUT, Outcome.STARTED]


def test_a_lost_stream_ends_what_is_open() -> None:
    rule = ZoneRule(RuleState.ACTIVE, 1.0, 1.0)
    rule, outcome = lose(rule, 2.0)
    assert outcome is Outcome.TIMED_OUT
    assert rule.state is RuleState.IDLE
    assert lose(rule, 3.0)[1] is Outcome.NOTHING


def test_the_end_comes_without_further_frames() -> None:
    rule = ZoneRule(RuleState.FADING, 1.0, 0.5)
    assert check(rule, 3.9, SETTINGS)[1] is Outcome.NOTHING
    assert check(rule, 4.0, SETTINGS)[1] is Outcome.ENDED


def test_every_state_can_be_lost_and_left() -> None:
    for state in RuleState:
        if state is not RuleState.IDLE:
            assert TABLE[state, Stimulus.LOST][0] is RuleState.IDLE


@given(st.lists(st.tuples(st.sampled_from(["moves", "still", "time", "lost"]), st.floats(0.01, 70.0)), max_size=80))
def test_starts_and_ends_alternate_whatever_happens(steps: list[tuple[str, float]]) -> None:
    rule, now_s, open_ = ZoneRule(), 0.0, False
    for what, passed_s in [*steps, ("lost", 1.0)]:
        now_s += passed_s
        if what == "lost":
            rule, outcome = lose(rule, now_s)
        elif what == "time":
            rule, outcome = check(rule, now_s, SETTINGS)
        else:
            rule, outcome = advance(rule, what == "moves", now_s, SETTINGS)
        if outcome is Outcome.STARTED:
            assert not open_
            open_ = True
        elif outcome in (Outcome.ENDED, Outcome.TIMED_OUT):
            assert open_
            open_ = False
        assert open_ == rule.observing
    assert not open_
