"""Lists down on loopback, signed: from a real office process to the list that the doors would open.

`effective` is from the office's answer to whoever changed it until the doors have it in force.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from gateway.domain.list_update import GuardBounds
from tests.bench.large_list import large_list
from tests.bench.rows import Row, row, single
from tests.sync.keys import Keys
from tests.sync.site import TOKEN, Gateway, Office, until

SIZE = int(os.environ.get("LIST_SYNC_SIZE", "250000"))
CHANGES = 20
OPEN = GuardBounds(100, 10_000_000, 100, 10_000_000, all_doors=False, unlocked=False)


def run() -> list[Row]:
    """One site with a large list."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Row]:
    keys = Keys(folder / "keys")
    document = msgspec.json.decode(large_list(SIZE))
    document["site"] = "demo"
    rows: list[Row] = []
    async with (
        Office(folder / "office", "--keys", str(keys.folder)) as office,
        httpx2.AsyncClient(trust_env=False, timeout=300, headers={"Authorization": f"Bearer {TOKEN}"}) as http,
    ):
        begun = time.perf_counter()
        (await http.put(f"{office.url}/admin/v1/sites/demo/list", json=document)).raise_for_status()
        rows.append(single(f"list of {SIZE:,} taken in by the office", time.perf_counter() - begun, "s"))
        begun = time.perf_counter()
        async with Gateway(folder / "gate", office.url, root=keys.root, bounds=OPEN) as gate:
            await until(lambda: gate.lists.version_in_force() == 1, 120)
            rows.append(single(f"snapshot of {SIZE:,} verified and live", time.perf_counter() - begun, "s"))
            admin = f"{office.url}/admin/v1/sites/demo/credentials"
            for count, name in ((1, "one card changed"), (100, "100 cards changed")):
                await _effective(gate, http, admin, count)
                took = [await _effective(gate, http, admin, count) for _ in range(CHANGES)]
                rows.append(row(f"{name} of {SIZE:,}, effective", [1000 * each[1] for each in took], "ms"))
                rows.append(row(f"{name} of {SIZE:,}, at the office", [1000 * each[0] for each in took], "ms"))
    return rows


_next = iter(range(10_000_000))


async def _effective(gate: Gateway, http: httpx2.AsyncClient, url: str, count: int) -> tuple[float, float]:
    """Seconds of the office's answer, and from it until the list is in force."""
    cards: list[dict[str, Any]] = []
    for _ in range(count):
        number = next(_next)
        cards.append({"id": f"new-{number % 500}", "cardholder": f"p-{number % 1000:07}", "format": "EM4100"})
        cards[-1]["number"] = number
    begun = time.perf_counter()
    version = (await http.post(url, json=cards)).raise_for_status().json()["version"]
    answered = time.perf_counter()
    while gate.lists.version_in_force() != version:
        await asyncio.sleep(0.001)
    return answered - begun, time.perf_counter() - answered
