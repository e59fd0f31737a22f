"""Events up and lists down, played in virtual time with everything going wrong: nothing is lost, nothing counts twice,
and no list is in force but the office's own, newest that was known.
"""

from collections import Counter

import pytest

from tests.sync.simulation.awaits import GATEWAY, OFFICE, awaits, never_died_at, told
from tests.sync.simulation.hunt import play_hunt
from tests.sync.simulation.listed_world import LISTED_EVERY, play_either

pytestmark = pytest.mark.timeout(300)
"""They reckon all the time, and may have to share the machine with many."""
SEEDS, PART = 2000, 50
"""`make soak` plays more."""
HUNTS = 100
"""At most; thirty are enough."""


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_nothing_is_lost_or_counted_twice_and_no_list_but_the_offices_decides_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + PART):
        outcome = play_either(seed)
        assert not outcome.troubles, outcome


def test_machines_die_at_every_await_of_sync_and_nothing_is_lost() -> None:
    left = list(awaits(GATEWAY + OFFICE))
    for seed in range(HUNTS):
        outcome = play_hunt(seed, left)
        assert not outcome.troubles, outcome
        left = never_died_at(left, outcome.died_at)
        if not left:
            return
    assert not left, told(left)


def test_a_seed_is_always_the_same_play() -> None:
    for seed in (LISTED_EVERY, 77):
        assert play_either(seed) == play_either(seed)
    assert play_hunt(1, awaits(GATEWAY)) == play_hunt(1, awaits(GATEWAY))
    assert play_either(3).faults != play_either(77).faults


def test_plays_are_not_empty() -> None:
    outcomes = [play_either(seed) for seed in range(1, 61) if seed % LISTED_EVERY]
    assert sum(outcome.events for outcome in outcomes) > 400
    assert sum(outcome.forks for outcome in outcomes) > 10
    assert {outcome.boxes for outcome in outcomes} == {1, 2, 3}
    assert len({fault.split(": ")[1] for outcome in outcomes for fault in outcome.faults}) >= 4
    assert sum(len(outcome.died_at) for outcome in outcomes) > 5


def test_plays_with_lists_are_not_empty() -> None:
    outcomes = [play_either(seed * LISTED_EVERY) for seed in range(20)]
    assert sum(outcome.lists for outcome in outcomes) > 60
    assert sum(outcome.in_force for outcome in outcomes) > 25
    assert sum(outcome.refused for outcome in outcomes) > 15
    assert sum(outcome.held for outcome in outcomes) > 0
    assert sum(outcome.revoked for outcome in outcomes) > 3
    assert sum(outcome.answered for outcome in outcomes) > 10
    ways = Counter(way for outcome in outcomes for way in outcome.ways)
    assert all(ways[way] > 5 for way in ("changes", "buckets", "whole"))
