"""Lists down on loopback, signed: from a real office to real sync and doors processes, where they are in force.

`effective` and `live` are from the office's answer to whoever changed it until the doors have recorded it as in force;
`refused` until they have recorded that they refuse the card.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from gateway.store.journal_reader import SqliteJournalReader
from sync.list_wire import REVOKED
from tests.bench.large_list import large_list
from tests.bench.rows import Row, load, row, single
from tests.journeys.doors_process import DoorsProcess
from tests.sync.keys import Keys
from tests.sync.site import ADMIN_TOKEN, TOKEN, Office

SIZE = int(os.environ.get("LIST_SYNC_SIZE", "250000"))
CHANGES, PATIENCE_S = 20, 300
SITE = "small"
OFFICE = """
[office]
url = "{url}"
token = "file:secrets/token"
root_key = "{root}"
removed_percent = 100
granted_percent = 100
removed_least = 1000000
granted_least = 1000000
guard_all_doors = false
guard_unlocked = false
"""
"""Nothing waits for a second yes, but all that would is looked for."""


def run() -> list[Row]:
    """One site with a large list."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Row]:
    keys = Keys(folder / "keys")
    rows: list[Row] = []
    async with (
        Office(folder / "office", "--site", SITE, "--keys", str(keys.folder)) as office,
        httpx2.AsyncClient(trust_env=False, timeout=300, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}) as http,
        _gateway(folder / "site", OFFICE.format(url=office.url, root=keys.root)) as (site, processes),
    ):
        lists = _Lists(site, http, f"{office.url}/admin/v1/sites/{SITE}")
        while (await lists.summary())["last_hello_at"] is None:
            await asyncio.sleep(0.05)
        for name, label in (("the first", ""), ("all of it new", " (2)")):
            taken_in_s, live_s = await lists.whole(label)
            note = f"{name}, load {load()}"
            rows.append(single(f"list of {SIZE:,} taken in by the office", taken_in_s, "s", note))
            rows.append(single(f"snapshot of {SIZE:,} verified and live", live_s, "s", note))
            rows += [
                single(f"{process}: memory at most, until then", _peak_mb(pid), "MB", name)
                for process, pid in processes.items()
            ]
        for count, name in ((1, "one card changed"), (100, "100 cards changed")):
            await lists.changed(count)
            took = [await lists.changed(count) for _ in range(CHANGES)]
            rows.append(row(f"{name} of {SIZE:,}, effective", [1000 * each[1] for each in took], "ms"))
            rows.append(row(f"{name} of {SIZE:,}, at the office", [1000 * each[0] for each in took], "ms"))
        for kept, name in ((1, "one card revoked"), (REVOKED, f"one card revoked beside {REVOKED:,} others")):
            await lists.revoked(kept)
            late = [1000 * await lists.revoked(1) for _ in range(CHANGES)]
            rows.append(row(f"{name}, refused", late, "ms", f"load {load()}"))
    return rows


@asynccontextmanager
async def _gateway(data: Path, more: str) -> AsyncIterator[tuple[DoorsProcess, dict[str, int]]]:
    """Doors and sync of a site without a list, and their process numbers."""
    site = DoorsProcess(data, [1], more)
    (data / "lists" / "current.json").unlink()
    site.keep_secret("token", TOKEN)
    site.start()
    assert site.process is not None
    words = ("-m", "gateway.worker", "sync", "--config", str(site.config), "--data", str(data))
    with (data / "sync.log").open("wb") as log:
        sync = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=log)
    try:
        yield site, {"doors": site.process.pid, "sync": sync.pid}
    finally:
        sync.terminate()
        await sync.wait()
        site.stop()


class _Lists:
    """Changes the office's list, and sees when the site's doors have it in force."""

    def __init__(self, site: DoorsProcess, http: httpx2.AsyncClient, url: str) -> None:
        self._site, self._http, self._url = site, http, url
        self._reader = SqliteJournalReader(site.data / "journal.db")
        self._next = self._revoked = 0

    async def summary(self) -> dict[str, Any]:
        """What the office says of the site."""
        found: dict[str, Any] = (await self._http.get(f"{self._url}/summary")).raise_for_status().json()
        return found

    async def whole(self, label: str) -> tuple[float, float]:
        """A whole list, each card's label ending so: seconds of the office's answer, and from it until it is live."""
        document = msgspec.json.decode(large_list(SIZE))
        document["site"] = SITE
        for card in document["credentials"]:
            card["label"] += label
        content = msgspec.json.encode(document)
        del document
        return await self._sent("PUT", "list", content)

    async def changed(self, count: int) -> tuple[float, float]:
        """So many cards, scattered over the list; seconds as above."""
        cards: list[dict[str, Any]] = []
        for _ in range(count):
            number, self._next = self._next, self._next + 1
            cards.append({"id": f"new-{number % 500}", "cardholder": f"p-{number % 1000:07}", "format": "EM4100"})
            cards[-1]["number"] = number
        return await self._sent("POST", "credentials", msgspec.json.encode(cards))

    async def revoked(self, count: int) -> float:
        """So many more cards: seconds from the office's answer until they are refused. Waits for their list as well."""
        ids = [f"c-{number:07}" for number in range(self._revoked, self._revoked + count)]
        self._revoked += count
        answer = await self._http.post(f"{self._url}/revocations", json={"credentials": ids})
        version = answer.raise_for_status().json()["version"]
        answered = time.perf_counter()
        await _until(lambda: ids[-1] in self._newest("CredentialsRevoked").get("credentials", ()))
        took_s = time.perf_counter() - answered
        await _until(lambda: self._in_force() == version)
        return took_s

    async def _sent(self, method: str, path: str, content: bytes) -> tuple[float, float]:
        begun = time.perf_counter()
        answer = await self._http.request(method, f"{self._url}/{path}", content=content)
        version = answer.raise_for_status().json()["version"]
        answered = time.perf_counter()
        await _until(lambda: self._in_force() == version)
        return answered - begun, time.perf_counter() - answered

    def _in_force(self) -> int | None:
        version: int | None = self._newest("ListActivated").get("list_version")
        return version

    def _newest(self, type_: str) -> Mapping[str, Any]:
        """The body of the newest event of a type, empty where there is none."""
        newest = self._reader.search(types=(type_,), limit=1)
        return newest[0].body if newest else {}


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.001)


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0
