"""Events up, played in virtual time with everything going wrong: nothing is lost, nothing counts twice."""

import pytest

from tests.sync.simulation.world import play

SEEDS, PART = 2000, 100
"""`make soak` plays more."""


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_nothing_is_lost_or_counted_twice_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + PART):
        outcome = play(seed)
        assert not outcome.troubles, outcome


def test_a_seed_is_always_the_same_play() -> None:
    for seed in (3, 77):
        assert play(seed) == play(seed)
    assert play(3).faults != play(77).faults


def test_plays_are_not_empty() -> None:
    outcomes = [play(seed) for seed in range(40)]
    assert sum(outcome.events for outcome in outcomes) > 400
    assert sum(outcome.forks for outcome in outcomes) > 10
    assert {outcome.boxes for outcome in outcomes} == {1, 2, 3}
    assert len({fault.split(": ")[1] for outcome in outcomes for fault in outcome.faults}) >= 4
