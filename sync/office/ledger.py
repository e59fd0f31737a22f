"""The office's memory: one SQLite file, synchronous=FULL. What was answered is committed; a batch is one transaction.

Times are stamped by the ledger itself, in UTC.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sync import wire
from sync.office.confirmations import SCHEMA as CONFIRMATIONS
from sync.office.confirmations import Confirmations

LISTS_KEPT = 20
"""Versions of a site's list that stay readable; a gateway only ever wants the newest."""

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS site (
    site TEXT PRIMARY KEY, session TEXT, hello_at TEXT, software TEXT, boot_id TEXT,
    list_seen INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor (
    site TEXT, epoch TEXT, through INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (site, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, event_id TEXT NOT NULL, epoch TEXT NOT NULL,
    seq INTEGER NOT NULL, received_at TEXT NOT NULL, sound INTEGER NOT NULL, record BLOB NOT NULL,
    UNIQUE (site, event_id));
CREATE TABLE IF NOT EXISTS place (
    site TEXT, epoch TEXT, seq INTEGER, hash TEXT NOT NULL, PRIMARY KEY (site, epoch, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS list (
    site TEXT, version INTEGER, changed_at TEXT NOT NULL, sha256 TEXT NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (site, version));
"""


class Ledger:
    """Not safe for several threads at once: the application calls it from one thread of its own."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA + CONFIRMATIONS)
        self._confirmations = Confirmations(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add_site(self, site: str) -> None:
        """Know a site from now on."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO site (site) VALUES (?)", (site,))

    def knows(self, site: str) -> bool:
        """Whether the office has this site."""
        return self._one("SELECT 1 FROM site WHERE site = ?", site) is not None

    # Events

    def welcome(self, site: str, hello: wire.Hello) -> wire.Welcome:
        """Open a session; an earlier one is stale from now on."""
        session = secrets.token_hex(16)
        with self._transaction():
            self._db.execute(
                f"UPDATE site SET session = ?, hello_at = {_NOW}, software = ?, boot_id = ?,"
                " list_seen = max(list_seen, ?) WHERE site = ?",
                (session, hello.software, hello.boot_id, hello.list_version, site),
            )
        rows = self._all("SELECT epoch, through, hash FROM cursor WHERE site = ? LIMIT ?", site, wire.EPOCHS)
        return wire.Welcome(session, tuple(wire.Cursor(*row) for row in rows))

    def accept(self, site: str, batch: wire.Batch) -> wire.Receipt | wire.Refusal:
        """Keep a batch: known events count once, the cursor stays contiguous. Durable when this returns a receipt."""
        first = batch.events[0].seq
        if [event.seq for event in batch.events] != list(range(first, first + len(batch.events))):
            return wire.Refusal("gap_in_batch", "seq must rise by one from event to event")
        with self._transaction():
            known = self._one("SELECT session FROM site WHERE site = ?", site)
            if known is None or known[0] != batch.session:
                return wire.Refusal("stale_session", "another session is open: say hello again")
            cursor = self._one("SELECT through, hash FROM cursor WHERE site = ? AND epoch = ?", site, batch.epoch)
            through, head = cursor or (0, None)
            if first > through + 1:
                return wire.Refusal("past_cursor", f"the office has events up to {through} only", through)
            if (seq := self._divergence(site, batch, through, head)) is not None:
                return wire.Refusal("diverged", f"the office knows another event at {seq} of epoch {batch.epoch}")
            return self._keep(site, batch, through)

    def _divergence(self, site: str, batch: wire.Batch, through: int, head: str | None) -> int | None:
        """The first seq where the batch and what is known are two histories."""
        rows = self._all(
            "SELECT seq, hash FROM place WHERE site = ? AND epoch = ? AND seq BETWEEN ? AND ?",
            *(site, batch.epoch, batch.events[0].seq, batch.events[-1].seq),
        )
        known: dict[int, str] = dict(rows)
        for event in batch.events:
            if event.seq <= through:
                if known.get(event.seq) != event.hash:
                    return event.seq
            elif head is not None and event.previous_hash != head:
                return event.seq
            head = event.hash if event.seq >= through else head
        return None

    def _keep(self, site: str, batch: wire.Batch, through: int) -> wire.Receipt:
        fresh = [event for event in batch.events if event.seq > through]
        added = 0
        for event in fresh:
            record = msgspec.json.encode(event)
            values = (site, event.event_id, batch.epoch, event.seq, wire.is_sound(batch.epoch, event), record)
            added += self._db.execute(
                "INSERT OR IGNORE INTO event (site, event_id, epoch, seq, received_at, sound, record)"
                f" VALUES (?, ?, ?, ?, {_NOW}, ?, ?)",
                values,
            ).rowcount
        self._db.executemany(
            "INSERT INTO place VALUES (?, ?, ?, ?)", [(site, batch.epoch, e.seq, e.hash) for e in fresh]
        )
        self._confirmations.take(site, batch.epoch, fresh)
        if ignored := len(batch.events) - added:
            self._db.execute("UPDATE site SET duplicates = duplicates + ? WHERE site = ?", (ignored, site))
        if fresh:
            through = fresh[-1].seq
            self._db.execute(
                "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", (site, batch.epoch, through, fresh[-1].hash)
            )
        return wire.Receipt(batch.epoch, through)

    def events(self, site: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Events in the order of their arrival; `n` is the number to go on from."""
        rows = self._all(
            "SELECT n, received_at, epoch, sound, record FROM event WHERE site = ? AND n > ? ORDER BY n LIMIT ?",
            *(site, after, limit),
        )
        return [
            {"n": n, "received_at": at, "epoch": epoch, "sound": bool(sound), **msgspec.json.decode(record)}
            for n, at, epoch, sound, record in rows
        ]

    def summary(self, site: str) -> dict[str, Any]:
        """Counts, and whether anything is missing: `gaps` is counted from the rows, not from the cursor."""
        totals = self._one(
            "SELECT count(*), coalesce(sum(1 - sound), 0), max(received_at) FROM event WHERE site = ?", site
        )
        about = self._one("SELECT hello_at, software, list_seen, duplicates FROM site WHERE site = ?", site)
        epochs = self._all(
            "SELECT c.epoch, c.through, c.through - (SELECT count(*) FROM place p WHERE p.site = c.site AND"
            " p.epoch = c.epoch AND p.seq <= c.through) FROM cursor c WHERE c.site = ?",
            site,
        )
        return {
            "site": site,
            "events": totals[0],
            "unsound": totals[1],
            "last_event_at": totals[2],
            "duplicates_ignored": about[3],
            "gaps": sum(missing for _, _, missing in epochs),
            "epochs": [{"epoch": epoch, "through": through} for epoch, through, _ in epochs],
            "last_hello_at": about[0],
            "software": about[1],
            "list_version": self.list_version(site),
            "list_version_at_gateway": about[2],
        }

    # Who waits for a yes

    def waiting(self, site: str) -> list[dict[str, Any]]:
        """Who waits at the site's gates, and what was answered."""
        return self._confirmations.waiting(site)

    def give_answer(self, site: str, given: wire.GivenAnswer) -> str | wire.Refusal:
        """Keep an answer; what became of it so far. Durable when this returns."""
        with self._transaction():
            return self._confirmations.give(site, given)

    def answers(self, site: str, after: int) -> wire.Answers | None:
        """Answers that the gateway has not heard, None while there are none."""
        return self._confirmations.answers(site, after)

    # Lists

    def list_version(self, site: str) -> int:
        """The newest list's version, 0 while there is none."""
        row = self._one("SELECT max(version) FROM list WHERE site = ?", site)
        return int(row[0] or 0)

    def manifest(self, site: str, after: int) -> wire.Manifest | None:
        """The newest list, if it is newer than `after`."""
        row = self._one(
            "SELECT site, version, length(raw), sha256 FROM list WHERE site = ? AND version > ?"
            " ORDER BY version DESC LIMIT 1",
            *(site, after),
        )
        return None if row is None else wire.Manifest(*row)

    def list_bytes(self, site: str, version: int | None = None) -> bytes | None:
        """A list as its gateway gets it; the newest without a version."""
        version = self.list_version(site) if version is None else version
        row = self._one("SELECT raw FROM list WHERE site = ? AND version = ?", site, version)
        return None if row is None else bytes(row[0])

    def put_list(self, site: str, document: dict[str, Any], *, keep_version: bool = False) -> int:
        """Store a whole list as the next version: above all that the office has, and all that the gateway has shown."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO site (site) VALUES (?)", (site,))
            (seen,) = self._one("SELECT list_seen FROM site WHERE site = ?", site)
            version = max(seen, self.list_version(site)) + 1
            now = self._one(f"SELECT {_NOW}")[0]
            if keep_version:
                version = max(version, int(document.get("version", 1)))
            else:
                document = {**document, "issued_at": now}
            raw = msgspec.json.encode({**document, "version": version})
            digest = hashlib.sha256(raw).hexdigest()
            self._db.execute("INSERT INTO list VALUES (?, ?, ?, ?, ?)", (site, version, now, digest, raw))
            self._db.execute("DELETE FROM list WHERE site = ? AND version <= ?", (site, version - LISTS_KEPT))
        return int(version)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Committed when the block ends, also by a return; rolled back when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    def _all(self, query: str, *values: Any) -> list[Any]:
        return self._db.execute(query, values).fetchall()
