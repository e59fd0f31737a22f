"""`python -m tests.soak kills [COUNT [SEED]]`: gateway and office are killed so often, 1,000 times by default."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.sync.kills import KilledSite

KILLS = 1000


def run(words: list[str]) -> int:
    """1 when anything durable was lost or counted twice."""
    kills, seed = int(words[0]) if words else KILLS, int(words[1]) if len(words) > 1 else 1
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gatehouse-kills-") as folder:
        site = KilledSite(Path(folder), Random(seed))
        try:
            wrong = asyncio.run(site.run(kills, _told))
        except TimeoutError:
            wrong = ["somebody didn't start, or said nothing, in time"]
    done = ", ".join(f"{what} {count} times" for what, count in sorted(site.done.items()))
    found = "; ".join(wrong) or "all there, once and in order"
    took_s = time.monotonic() - started_s
    print(f"kills: {done}; {len(site.durable)} events said to be durable: {found}; {took_s:.0f} s", flush=True)
    return 1 if wrong else 0


def _told(done: int) -> None:
    if done % 100 == 0:
        print(f"  {done} kills", file=sys.stderr, flush=True)
