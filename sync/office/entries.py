"""The cardholders and credentials of all sites' lists, by id, each with the version at which it last changed.

What has changed since a version is read off them; one that was taken out stays as a mark for a while.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from sync import list_wire as lw
from sync.office.lists import card_of

MARKS_KEPT = 50_000
"""Entries that were taken out and are remembered: years of a compound's removals. Older gateways get the whole list."""
LONG_PARTS = ("cardholders", "credentials")

CARD = "coalesce(CAST(raw AS TEXT) -> '$.key', CAST(raw AS TEXT) -> '$.number')"
"""The text of what two entries of one card have alike; whatever else names it is compared by hand."""
IS_CARD = "part = 'credentials' AND raw IS NOT NULL"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entry (
    site TEXT, part TEXT, id TEXT, cardholder TEXT NOT NULL, bucket INTEGER NOT NULL, version INTEGER NOT NULL,
    raw BLOB, PRIMARY KEY (site, part, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_bucket ON entry (site, bucket);
CREATE INDEX IF NOT EXISTS entry_version ON entry (site, version);
CREATE INDEX IF NOT EXISTS entry_mark ON entry (site, version) WHERE raw IS NULL;
CREATE INDEX IF NOT EXISTS entry_holder ON entry (site, cardholder);
CREATE INDEX IF NOT EXISTS entry_card ON entry (site, {CARD}) WHERE {IS_CARD};
"""
# Indices are named in queries, since without statistics the planner walks all of a site's entries.

Key = tuple[str, str]
"""Part, id."""
Entry = tuple[str, bytes | None]
"""Cardholder, text; no text: taken out."""
Before = tuple[int, bool]
"""Bucket, and whether there was a text."""


def entries_of(document: Mapping[str, Any]) -> Iterator[tuple[Key, Entry]]:
    """The entries of a list, or of a part of one. Keys are sorted, so that the same entry is the same text."""
    for part in LONG_PARTS:
        for item in document.get(part, []):
            holder = item["id"] if part == "cardholders" else str(item.get("cardholder", ""))
            yield (part, item["id"]), (holder, msgspec.json.encode(item, order="sorted"))


class Entries:
    """Its callers hold a transaction around whatever changes something."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        database.executescript(SCHEMA)

    def find(self, site: str, part: str, id_: str) -> tuple[bytes | None] | None:
        """The text of an entry, without one where it was taken out; None where it never was there, or is forgotten."""
        query = "SELECT raw FROM entry WHERE site = ? AND part = ? AND id = ?"
        found: tuple[bytes | None] | None = self._db.execute(query, (site, part, id_)).fetchone()
        return found

    def has(self, site: str, part: str, id_: str) -> bool:
        """Whether an entry is there."""
        found = self.find(site, part, id_)
        return found is not None and found[0] is not None

    def of_bucket(self, site: str, number: int) -> Iterator[tuple[str, str, bytes]]:
        """(part, id, text) of those that are there."""
        yield from self._db.execute(
            "SELECT part, id, raw FROM entry INDEXED BY entry_bucket WHERE site = ? AND bucket = ? AND raw IS NOT NULL",
            (site, number),
        )

    def changed(self, site: str, since: int, most: int) -> list[tuple[str, str, bytes | None]]:
        """(part, id, text) of those of later versions than `since`, at most so many."""
        return self._db.execute(
            "SELECT part, id, raw FROM entry INDEXED BY entry_version WHERE site = ? AND version > ? LIMIT ?",
            (site, since, most),
        ).fetchall()

    def without(self, site: str, part: str, id_: str) -> dict[Key, Entry]:
        """What taking one out takes out: a cardholder's credentials go along. Empty where it isn't there."""
        index, where = "", "part = 'credentials' AND id = ?"
        if part == "cardholders":
            index, where = "INDEXED BY entry_holder", "cardholder = ?"
        query = f"SELECT part, id, cardholder FROM entry {index} WHERE site = ? AND raw IS NOT NULL AND {where}"
        gone: dict[Key, Entry] = {(row[0], row[1]): (row[2], None) for row in self._db.execute(query, (site, id_))}
        return gone if (part, id_) in gone else {}

    def leave_changed(self, site: str, entries: dict[Key, Entry]) -> dict[Key, Before]:
        """Leave of a whole list's entries those that are new or different, and mark what it lacks. Where each lay."""
        there: dict[Key, Before] = {}
        query = "SELECT part, id, cardholder, bucket, raw FROM entry WHERE site = ?"
        for part, id_, holder, bucket, raw in self._db.execute(query, (site,)):
            key = part, id_
            there[key] = bucket, raw is not None
            if key not in entries:
                entries[key] = holder, None
            if entries[key][1] == raw:
                del entries[key]
        return there

    def write(
        self,
        site: str,
        version: int,
        entries: Mapping[Key, Entry],
        there: Callable[[Key], Before | None] | None = None,
    ) -> tuple[dict[int, dict[bytes, bytes]], int]:
        """Put entries; the lines that change, by bucket and name, and how many more there are now.

        `there`: where each lay until now, if the caller knows.
        """
        there = there or partial(self._before, site)
        lines: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        more = 0
        rows = []
        for (part, id_), (holder, raw) in entries.items():
            old = there((part, id_))
            bucket = lw.bucket_of(holder)
            line = b"" if raw is None else lw.entry_line(part, id_, raw)
            name = line[: lw.NAME_BYTES] or lw.line_name(part, id_)
            if old is not None:
                lines[old[0]][name] = b""
            lines[bucket][name] = line
            more += (raw is not None) - bool(old and old[1])
            rows.append((site, part, id_, holder, bucket, version, raw))
        self._db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return lines, more

    def forget_marks(self, site: str, floor: int) -> int:
        """Keep the newest marks; the oldest version from which all removals are known, `floor` until now."""
        # The index is of marks alone, so that a change costs no look at the entries that are there.
        row = self._db.execute(
            "SELECT version FROM entry INDEXED BY entry_mark WHERE site = ? AND version > ? AND raw IS NULL"
            " ORDER BY version DESC LIMIT 1 OFFSET ?",
            (site, floor, MARKS_KEPT),
        ).fetchone()
        if row is None:
            return floor
        self._db.execute(
            "DELETE FROM entry INDEXED BY entry_mark WHERE site = ? AND raw IS NULL AND version <= ?", (site, row[0])
        )
        return int(row[0])

    def same_cards(self, site: str, items: list[dict[str, Any]]) -> list[str]:
        """Which of these sound credentials are a card that another one of the list is: a fault of each, by its path."""
        ids = {item["id"] for item in items}
        query = f"SELECT id, raw FROM entry INDEXED BY entry_card WHERE site = ? AND {CARD} = ? AND {IS_CARD}"
        faults = []
        for index, item in enumerate(items):
            alike = self._db.execute(
                query, (site, msgspec.json.encode(item.get("key", item.get("number"))).decode())
            ).fetchall()
            same = [id_ for id_, raw in alike if id_ not in ids and card_of(msgspec.json.decode(raw)) == card_of(item)]
            faults += [f"$.credentials[{index}]: is the same card as {id_!r}" for id_ in same[:1]]
        return faults

    def _before(self, site: str, key: Key) -> Before | None:
        """Where an entry lay until now."""
        query = "SELECT bucket, raw IS NOT NULL FROM entry WHERE site = ? AND part = ? AND id = ?"
        row = self._db.execute(query, (site, *key)).fetchone()
        return None if row is None else (row[0], bool(row[1]))
