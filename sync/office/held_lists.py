"""The list that waits at a site for a second yes, and why: what whoever put it here must see. Part of the ledger.

The site measures it against the list in force there, by its own bounds (docs/protocol.md, "Guards").
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from sync import wire
from sync.office.refused_lists import is_count, told_at

GUARDS = ("removed", "granted", "all_doors", "unlocked")
"""Of how many it is so that they lose passage, gain it, may pass everywhere; doors that are to stand unlocked."""
_HINT = (
    "list {version} waits at the site for a second yes ({removed} lose passage, {granted} gain it, {all_doors} could"
    " pass everywhere, {unlocked} access points stand unlocked). This one takes its place: it is measured against the"
    " list in force by itself, and waits too where it changes as much, or else goes in force; revocations pass it;"
    " see list_held in the summary, and Guards in docs/protocol.md for who says yes"
)
SCHEMA = """
CREATE TABLE IF NOT EXISTS held_list (
    site TEXT PRIMARY KEY, version INTEGER NOT NULL, held_at TEXT NOT NULL, removed INTEGER NOT NULL,
    granted INTEGER NOT NULL, all_doors INTEGER NOT NULL, unlocked INTEGER NOT NULL) WITHOUT ROWID;
"""


class HeldLists:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def take(self, site: str, fresh: Iterable[wire.WireEvent]) -> None:
        """What new events say: a list waits, or one as new is in force."""
        for event in fresh:
            version = event.body.get("list_version")
            if not is_count(version):
                continue
            if event.type == "ListHeld":
                counts = [event.body.get(guard) for guard in GUARDS]
                values = (version, told_at(event), *(n if is_count(n) else 0 for n in counts))
                self._db.execute("INSERT OR REPLACE INTO held_list VALUES (?, ?, ?, ?, ?, ?, ?)", (site, *values))
            elif event.type == "ListActivated":
                self._db.execute("DELETE FROM held_list WHERE site = ? AND version <= ?", (site, version))

    def hint(self, site: str) -> str | None:
        """In words, while a list waits there."""
        held = self.summary(site)
        return None if held is None else _HINT.format(**held)

    def summary(self, site: str) -> dict[str, Any] | None:
        """The list that waits there, until one as new is in force."""
        names = ("version", "held_at", *GUARDS)
        row = self._db.execute(f"SELECT {', '.join(names)} FROM held_list WHERE site = ?", (site,)).fetchone()
        return None if row is None else dict(zip(names, row, strict=True))
