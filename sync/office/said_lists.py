"""The list that is in force at a site, as its gateway's last hello said, beside the office's own. Part of the ledger.

An office that was put back, or that a site was moved to, may be behind its gateway: that takes nothing older.
"""

import sqlite3
from typing import Any

from sync import wire
from sync.office.alarms import Alarms

SCHEMA = """
CREATE TABLE IF NOT EXISTS said_list (
    site TEXT PRIMARY KEY, generation INTEGER NOT NULL, version INTEGER NOT NULL, said_at TEXT NOT NULL) WITHOUT ROWID;
"""
TOLD_EVERY_S = 3600
"""A gateway says hello each minute: it is one alarm, counted once in this time at most."""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
GENERATIONS_FOLLOWED = 1000
"""An office goes above what a gateway shows below this. A new box takes no generation above 1,000 by one signature, so
who has stolen one must not lead the office beyond; each is begun by a person after an accident: few ever are."""
VERSIONS_FOLLOWED = 2**52
"""As above: numbers on the wire end at 2^53 - 1; a list is one change. A generation goes above whatever was shown."""
_REMEDY = "it takes nothing older from here: somebody begins a generation (POST list/generation)"
_BEYOND = "no office begins so many generations: is it this site's box? See device_key, and docs/office.md"


class SaidLists:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection, alarms: Alarms) -> None:
        self._db, self._alarms = db, alarms

    def take(self, site: str, hello: wire.Hello, newest: tuple[int, int]) -> None:
        """What a hello says. `newest`: (generation, version) of the office's newest list, (0, 0) while it has none."""
        self._db.execute(
            f"INSERT OR REPLACE INTO said_list VALUES (?, ?, ?, {_NOW})",
            (site, hello.list_generation, hello.list_version),
        )
        if newest != (0, 0) and (behind := self.hint(site, newest)) is not None:
            self._alarms.tell(site, "list_behind", "list", behind, TOLD_EVERY_S)

    def hint(self, site: str, newest: tuple[int, int]) -> str | None:
        """In words, while the gateway shows a list that is newer than the office's newest."""
        said = self.coordinate(site)
        if said <= newest:
            return None
        remedy = _REMEDY if said[0] < GENERATIONS_FOLLOWED else _BEYOND
        return f"the gateway has list {_told(said)}, the office's newest is {_told(newest)}: {remedy}"

    def generation(self, site: str) -> int:
        """That of the gateway's list, if it is one that an office goes above; else 0."""
        generation, _ = self.coordinate(site)
        return generation if generation < GENERATIONS_FOLLOWED else 0

    def coordinate(self, site: str) -> tuple[int, int]:
        """(generation, version), (0, 0) for none."""
        said = self.summary(site)
        return (0, 0) if said is None else (said["generation"], said["version"])

    def summary(self, site: str) -> dict[str, Any] | None:
        """The list, and when it was said; None before the first hello."""
        row = self._db.execute("SELECT generation, version, said_at FROM said_list WHERE site = ?", (site,)).fetchone()
        return None if row is None else dict(zip(("generation", "version", "said_at"), row, strict=True))


def _told(coordinate: tuple[int, int]) -> str:
    generation, version = coordinate
    return f"{version} of generation {generation}"
