"""`python -m tests.soak office_sync [SEEDS [FIRST]]`: tests/sync/simulation for longer, 10,000 seeds."""

import multiprocessing
import os
import time

from tests.sync.simulation.world import Outcome, play

SEEDS = 10_000
SHOWN = 10


def run(words: list[str]) -> int:
    """Play SEEDS seeds from FIRST on; 1 when any found trouble."""
    seeds = int(words[0]) if words else SEEDS
    first = int(words[1]) if len(words) > 1 else 0
    started_s = time.monotonic()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        bad = [outcome for outcome in pool.imap_unordered(play, range(first, first + seeds), 20) if outcome.troubles]
    for outcome in bad[:SHOWN]:
        print(_told(outcome))
    took_s = time.monotonic() - started_s
    print(f"office_sync: {seeds} seeds from {first} on, {len(bad)} with trouble, {took_s:.0f} s", flush=True)
    return 1 if bad else 0


def _told(outcome: Outcome) -> str:
    return "\n  ".join([f"seed {outcome.seed}:", *outcome.troubles, *outcome.faults])
