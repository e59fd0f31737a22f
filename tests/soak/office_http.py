"""`python -m tests.soak office_http [EXAMPLES [SEED]]`: the office is asked anything, by docs/openapi.json."""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.sync.any_request import ask_anything

EXAMPLES = 200


def run(words: list[str]) -> int:
    """EXAMPLES requests of each operation; 1 when an answer was none that the document knows."""
    examples = int(words[0]) if words else EXAMPLES
    seed = int(words[1]) if len(words) > 1 else 0
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        said = asyncio.run(ask_anything(Path(folder), examples, seed))
    verdict = "trouble" if said else "nothing wrong"
    print(f"{said}office_http: {examples} examples, {verdict}, {time.monotonic() - started_s:.0f} s", flush=True)
    return 1 if said else 0
