"""`python -m tests.soak office_sync [SEEDS [FIRST]]`: the simulation for longer: 10,000 seeds, half with lists."""

import multiprocessing
import os
import time
from functools import partial

from tests.sync.simulation.awaits import DOWN, OFFICE, UP, awaits, never_died_at
from tests.sync.simulation.listed_world import play_either
from tests.sync.simulation.world import Outcome

SEEDS = 10_000
SHOWN = 10


def run(words: list[str]) -> int:
    """Play SEEDS seeds from FIRST on; 1 when any found trouble."""
    seeds = int(words[0]) if words else SEEDS
    first = int(words[1]) if len(words) > 1 else 0
    started_s = time.monotonic()
    bad: list[Outcome] = []
    died_at: set[str] = set()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for outcome in pool.imap_unordered(partial(play_either, every=2), range(first, first + seeds), 20):
            died_at |= outcome.died_at
            bad += [outcome] if outcome.troubles else []
    for outcome in bad[:SHOWN]:
        print(_told(outcome))
    missed = never_died_at(died_at)
    among = len(awaits(UP + DOWN + OFFICE))
    print(f"office_sync: machines died at {among - len(missed)} of {among} awaits of sync; not at {missed}")
    took_s = time.monotonic() - started_s
    print(f"office_sync: {seeds} seeds from {first} on, {len(bad)} with trouble, {took_s:.0f} s", flush=True)
    return 1 if bad else 0


def _told(outcome: Outcome) -> str:
    return "\n  ".join([f"seed {outcome.seed}:", *outcome.troubles, *outcome.faults])
