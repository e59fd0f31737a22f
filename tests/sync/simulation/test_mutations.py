"""The simulation is worth what it finds: each thing that the protocol does for a reason is left out once."""

from functools import cache

import pytest

from tests.sync.simulation.listed_world import ListedWorld
from tests.sync.simulation.mutations import FOUND_AT, LIST_MUTATIONS, MUTATIONS, mutated
from tests.sync.simulation.world import World, play

SEEDS = 300


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_simulation_finds_out_when(name: str) -> None:
    with mutated(MUTATIONS[name]):
        found = _first_in_trouble(name, World)
    assert found is not None, f"{SEEDS} seeds and no trouble though {name}"
    assert _is_untroubled(found, World)


@pytest.mark.parametrize("name", LIST_MUTATIONS)
def test_the_simulation_of_lists_finds_out_when(name: str) -> None:
    with mutated(*LIST_MUTATIONS[name]):
        found = _first_in_trouble(name, ListedWorld)
    assert found is not None, f"{SEEDS} seeds and no trouble though {name}"
    assert _is_untroubled(found, ListedWorld)


@cache
def _is_untroubled(seed: int, kind: type[World]) -> bool:
    """Whether the real code comes through; one play finds several mutations."""
    return not play(seed, kind).troubles


def _first_in_trouble(name: str, kind: type[World]) -> int | None:
    seeds = (FOUND_AT.get(name, 0), *range(SEEDS))
    return next((seed for seed in seeds if _is_in_trouble(seed, kind)), None)


def _is_in_trouble(seed: int, kind: type[World]) -> bool:
    try:
        return bool(play(seed, kind).troubles)
    except Exception:  # noqa: BLE001 (mutated code may fail in any way, and that is trouble)
        return True
