"""The simulation is worth what it finds: each thing that the protocol does for a reason is left out once."""

import pytest

from tests.sync.simulation.mutations import MUTATIONS, mutated
from tests.sync.simulation.world import play

SEEDS = 300


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_simulation_finds_out_when(name: str) -> None:
    with mutated(MUTATIONS[name]):
        found = next((seed for seed in range(SEEDS) if _is_in_trouble(seed)), None)
    assert found is not None, f"{SEEDS} seeds and no trouble though {name}"
    assert not play(found).troubles


def _is_in_trouble(seed: int) -> bool:
    try:
        return bool(play(seed).troubles)
    except Exception:  # noqa: BLE001 (mutated code may fail in any way, and that is trouble)
        return True
