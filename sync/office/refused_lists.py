"""The list that a site's gateway would not take, and why: what whoever put it here must see. Part of the ledger.

The office takes no list without sense, but a gateway knows more: its card formats, and the keys of its cards.
"""

import re
import sqlite3
from collections.abc import Iterable
from datetime import UTC
from typing import Any, TypeGuard

import msgspec

from sync import wire

FAULTS_SHOWN = 20
"""What somebody mends at a time; the event has up to fifty."""
FAULT_CHARACTERS = 300
"""What a gateway writes of one."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS refused_list (
    site TEXT PRIMARY KEY, version INTEGER, refused_at TEXT NOT NULL, faults TEXT NOT NULL, count INTEGER NOT NULL
    ) WITHOUT ROWID;
"""
_MORE = re.compile(r"and (\d{1,9}) more")
"""How a gateway ends faults of which it can't tell all."""


class RefusedLists:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def take(self, site: str, fresh: Iterable[wire.WireEvent]) -> None:
        """What new events say: a list was refused; or one waits or is in force, and so is what the gateway has."""
        for event in fresh:
            if event.type == "ListRejected":
                self._refused(site, event)
            elif event.type in ("ListActivated", "ListHeld") and is_count(version := event.body.get("list_version")):
                newer = "DELETE FROM refused_list WHERE site = ? AND coalesce(version, 0) <= ?"
                self._db.execute(newer, (site, version))
                if event.type == "ListActivated":
                    self._db.execute("UPDATE site SET list_seen = max(list_seen, ?) WHERE site = ?", (version, site))

    def summary(self, site: str) -> dict[str, Any] | None:
        """The list that was refused last, until one as new waits or is in force."""
        query = "SELECT version, refused_at, faults, count FROM refused_list WHERE site = ?"
        row = self._db.execute(query, (site,)).fetchone()
        if row is None:
            return None
        version, at, faults, count = row
        return {"version": version, "refused_at": at, "faults": msgspec.json.decode(faults), "count": count}

    def _refused(self, site: str, event: wire.WireEvent) -> None:
        version, told = event.body.get("list_version"), event.body.get("faults")
        faults = [str(fault)[:FAULT_CHARACTERS] for fault in told] if isinstance(told, list) else []
        count = len(faults)
        if faults and (more := _MORE.fullmatch(faults[-1])) is not None:
            del faults[-1]
            count = len(faults) + int(more[1])
        values = (
            site,
            version if is_count(version) else None,
            told_at(event),
            msgspec.json.encode(faults[:FAULTS_SHOWN]).decode(),
            count,
        )
        self._db.execute("INSERT OR REPLACE INTO refused_list VALUES (?, ?, ?, ?, ?)", values)


def is_count(value: object) -> TypeGuard[int]:
    """A number that a ledger can keep."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def told_at(event: wire.WireEvent) -> str:
    """By the gateway's clock."""
    return event.wall.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
