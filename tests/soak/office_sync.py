"""`python -m tests.soak office_sync [SEEDS [FIRST]]`: the simulation for longer: 10,000 seeds, half with lists.

Then machines die at each await of sync, one await at a time.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from functools import partial

from tests.sync.simulation.awaits import GATEWAY, OFFICE, Await, awaits, never_died_at, told
from tests.sync.simulation.hunt import play_hunt
from tests.sync.simulation.listed_world import play_either
from tests.sync.simulation.outcome import Outcome

SEEDS = 10_000
HUNTS = 3
"""For each await: so many plays in which machines are to die there and nowhere else."""
MORE_HUNTS = 200
"""At most, for the awaits that nothing has come to by then."""
SHOWN = 10


def run(words: list[str]) -> int:
    """Play SEEDS seeds from FIRST on; 1 when any found trouble, or when no machine died at some await."""
    seeds = int(words[0]) if words else SEEDS
    first = int(words[1]) if len(words) > 1 else 0
    started_s = time.monotonic()
    bad: list[Outcome] = []
    died_at: set[str] = set()
    among = awaits(GATEWAY + OFFICE)
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for outcome in _outcomes(pool, range(first, first + seeds), among):
            died_at |= outcome.died_at
            bad += [outcome] if outcome.troubles else []
    missed = never_died_at(among, died_at)
    for seed in range(first, first + MORE_HUNTS):
        outcome = play_hunt(seed, missed)
        missed = never_died_at(missed, outcome.died_at)
        bad += [outcome] if outcome.troubles else []
        if not missed:
            break
    for outcome in bad[:SHOWN]:
        print(_told(outcome))
    print(f"office_sync: machines died at {len(among) - len(missed)} of {len(among)} awaits; not at {told(missed)}")
    took_s = time.monotonic() - started_s
    print(f"office_sync: {seeds} seeds from {first} on, {len(bad)} with trouble, {took_s:.0f} s", flush=True)
    return 1 if bad or missed else 0


def _outcomes(pool: "multiprocessing.pool.Pool", seeds: range, among: tuple[Await, ...]) -> Iterator[Outcome]:
    yield from pool.imap_unordered(partial(play_either, every=2), seeds, 20)
    hunts = [(seeds.start + n, (each,)) for each in among for n in range(HUNTS)]
    yield from pool.imap_unordered(_hunt, hunts, 5)


def _hunt(given: tuple[int, tuple[Await, ...]]) -> Outcome:
    return play_hunt(*given)


def _told(outcome: Outcome) -> str:
    return "\n  ".join([f"seed {outcome.seed}:", *outcome.troubles, *outcome.faults])
