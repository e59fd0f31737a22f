"""The gateways' events as the office keeps them: one contiguous stream for each epoch. Part of the ledger."""

import sqlite3
from typing import Any

import msgspec

from sync import wire
from sync.office.alarms import Alarms

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (
    site TEXT, epoch TEXT, through INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (site, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, event_id TEXT NOT NULL, epoch TEXT NOT NULL,
    seq INTEGER NOT NULL, received_at TEXT NOT NULL, sound INTEGER NOT NULL, record BLOB NOT NULL,
    UNIQUE (site, event_id));
CREATE TABLE IF NOT EXISTS place (
    site TEXT, epoch TEXT, seq INTEGER, hash TEXT NOT NULL, event_id TEXT,
    PRIMARY KEY (site, epoch, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gap (
    site TEXT, epoch TEXT, first INTEGER, last INTEGER NOT NULL, told_at TEXT NOT NULL,
    PRIMARY KEY (site, epoch, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fork (
    site TEXT, epoch TEXT, parent TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (site, epoch)) WITHOUT ROWID;
"""
_PLACES_NAME_EVENTS = (
    "ALTER TABLE place ADD COLUMN event_id TEXT",
    """UPDATE place SET event_id = (SELECT event_id FROM event e
        WHERE e.site = place.site AND e.epoch = place.epoch AND e.seq = place.seq)""",
)
"""For a ledger in which an event stood in one epoch only."""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


class Streams:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection, alarms: Alarms) -> None:
        self._db, self._alarms = db, alarms
        if "event_id" not in [column[1] for column in db.execute("PRAGMA table_info(place)")]:
            for statement in _PLACES_NAME_EVENTS:
                db.execute(statement)

    def note_forks(self, site: str, hello: wire.Hello) -> None:
        """Remember what each new epoch goes on from; a fork is told once."""
        for end in hello.epochs:
            if end.parent is None:
                continue
            values = (site, end.epoch, end.parent.epoch, end.parent.seq, end.parent.hash)
            if self._db.execute("INSERT OR IGNORE INTO fork VALUES (?, ?, ?, ?, ?)", values).rowcount:
                detail = f"epoch {end.epoch} goes on from event {end.parent.seq} of epoch {end.parent.epoch}"
                self._alarms.tell(site, "history_forked", end.epoch, detail)

    def hash_at(self, site: str, epoch: str, seq: int) -> str | None:
        """The hash of one event, None where there is none."""
        row = self._one("SELECT hash FROM place WHERE site = ? AND epoch = ? AND seq = ?", site, epoch, seq)
        return None if row is None else str(row[0])

    def cursors(self, site: str, hello: wire.Hello) -> tuple[wire.Cursor, ...]:
        """How far the office has each epoch that the gateway names."""
        found = []
        for end in hello.epochs:
            cursor = self._one("SELECT through, hash FROM cursor WHERE site = ? AND epoch = ?", site, end.epoch)
            if cursor is not None:
                through, head = cursor
                found.append(wire.Cursor(end.epoch, through, head, self.hash_at(site, end.epoch, end.seq)))
        return tuple(found)

    def accept(self, site: str, batch: wire.Batch) -> tuple[wire.Receipt | wire.Refusal, list[wire.WireEvent]]:
        """Keep a batch: known events count once, the cursor stays contiguous. Also the events that are new here."""
        cursor = self._one("SELECT through, hash FROM cursor WHERE site = ? AND epoch = ?", site, batch.epoch)
        through, head = cursor or (0, self._origin(site, batch.epoch))
        first = batch.events[0].seq
        if first > through + 1:
            return wire.Refusal("past_cursor", f"the office has events up to {through} only", through), []
        if (seq := self._divergence(site, batch, through, head)) is not None:
            text = f"the office knows another event at {seq} of epoch {batch.epoch}"
            return wire.Refusal("diverged", text), []
        return self._keep(site, batch, through)

    def accept_copies(self, site: str, copies: wire.Copies) -> wire.Kept:
        """Keep events ahead of their turn: by their ids they are not counted again when it comes."""
        return wire.Kept(sum(self._insert(site, copies.epoch, event) for event in copies.events))

    def accept_gap(self, site: str, gap: wire.Gap) -> wire.Receipt | wire.Refusal:
        """Go on behind events that nobody has any more, on the gateway's word; it stays known that they are missing."""
        cursor = self._one("SELECT through, hash FROM cursor WHERE site = ? AND epoch = ?", site, gap.epoch)
        through, head = cursor or (0, self._origin(site, gap.epoch))
        if gap.first > through + 1:
            return wire.Refusal("past_cursor", f"the office has events up to {through} only", through)
        if gap.last <= through:
            known = self.hash_at(site, gap.epoch, gap.last)
            if known is not None and known != gap.hash:
                return wire.Refusal("diverged", f"the office knows another event at {gap.last} of epoch {gap.epoch}")
            return wire.Receipt(gap.epoch, through)
        if gap.first == through + 1 and gap.previous_hash is not None and gap.previous_hash != head:
            return wire.Refusal("diverged", f"the office knows another event at {through} of epoch {gap.epoch}")
        run = self._db.execute
        run(f"INSERT INTO gap VALUES (?, ?, ?, ?, {_NOW})", (site, gap.epoch, through + 1, gap.last))
        run(
            "INSERT INTO place (site, epoch, seq, hash, event_id) VALUES (?, ?, ?, ?, NULL)",
            (site, gap.epoch, gap.last, gap.hash),
        )
        run("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", (site, gap.epoch, gap.last, gap.hash))
        detail = f"events {through + 1} to {gap.last} of epoch {gap.epoch}"
        self._alarms.tell(site, "events_pruned", gap.epoch, detail)
        return wire.Receipt(gap.epoch, gap.last)

    def _origin(self, site: str, epoch: str) -> str:
        """What the first event of an epoch chains to."""
        row = self._one("SELECT hash FROM fork WHERE site = ? AND epoch = ?", site, epoch)
        return wire.FIRST_PREVIOUS_HASH if row is None else str(row[0])

    def _divergence(self, site: str, batch: wire.Batch, through: int, head: str) -> int | None:
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
            elif event.previous_hash != head:
                return event.seq
            head = event.hash if event.seq >= through else head
        return None

    def _keep(self, site: str, batch: wire.Batch, through: int) -> tuple[wire.Receipt, list[wire.WireEvent]]:
        behind = [event for event in batch.events if event.seq > through]
        fresh = [event for event in behind if self._insert(site, batch.epoch, event)]
        self._db.executemany(
            "INSERT INTO place (site, epoch, seq, hash, event_id) VALUES (?, ?, ?, ?, ?)",
            [(site, batch.epoch, e.seq, e.hash, e.event_id) for e in behind],
        )
        if ignored := len(batch.events) - len(fresh):
            self._db.execute("UPDATE site SET duplicates = duplicates + ? WHERE site = ?", (ignored, site))
        if behind:
            through = behind[-1].seq
            self._db.execute(
                "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", (site, batch.epoch, through, behind[-1].hash)
            )
        return wire.Receipt(batch.epoch, through), fresh

    def _insert(self, site: str, epoch: str, event: wire.WireEvent) -> bool:
        """Whether it is new: an event is known by its id, wherever it stands."""
        values = (site, event.event_id, epoch, event.seq, wire.is_sound(epoch, event), msgspec.json.encode(event))
        done = self._db.execute(
            "INSERT OR IGNORE INTO event (site, event_id, epoch, seq, received_at, sound, record)"
            f" VALUES (?, ?, ?, ?, {_NOW}, ?, ?)",
            values,
        )
        return done.rowcount == 1

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

    def stream(self, site: str, epoch: str, after: int, limit: int) -> list[dict[str, Any]]:
        """One epoch in its own order, whatever epoch an event first arrived in; `place` is its number there."""
        rows = self._all(
            "SELECT p.seq, e.received_at, e.sound, e.record FROM place p JOIN event e"
            " ON e.site = p.site AND e.event_id = p.event_id"
            " WHERE p.site = ? AND p.epoch = ? AND p.seq > ? ORDER BY p.seq LIMIT ?",
            *(site, epoch, after, limit),
        )
        return [
            {"place": seq, "received_at": at, "sound": bool(sound), **msgspec.json.decode(record)}
            for seq, at, sound, record in rows
        ]

    def _forks(self, site: str) -> dict[str, dict[str, Any]]:
        rows = self._all("SELECT epoch, parent, seq FROM fork WHERE site = ?", site)
        return {epoch: {"epoch": parent, "seq": seq} for epoch, parent, seq in rows}

    def summary(self, site: str) -> dict[str, Any]:
        """Counts, and whether anything is missing: `gaps` is counted from the rows, not from the cursor."""
        totals = self._one(
            "SELECT count(*), coalesce(sum(1 - sound), 0), max(received_at) FROM event WHERE site = ?", site
        )
        epochs = self._all(
            "SELECT c.epoch, c.through, c.through - (SELECT count(*) FROM place p WHERE p.site = c.site AND"
            " p.epoch = c.epoch AND p.seq <= c.through AND p.event_id IS NOT NULL) FROM cursor c WHERE c.site = ?",
            site,
        )
        (told,) = self._one("SELECT coalesce(sum(last - first + 1), 0) FROM gap WHERE site = ?", site)
        forks = self._forks(site)
        return {
            "events": totals[0],
            "unsound": totals[1],
            "last_event_at": totals[2],
            "gaps": sum(missing for _, _, missing in epochs) - told,
            "told_gone": told,
            "epochs": [
                {"epoch": epoch, "through": through, "parent": forks.get(epoch)} for epoch, through, _ in epochs
            ],
        }

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    def _all(self, query: str, *values: Any) -> list[Any]:
        return self._db.execute(query, values).fetchall()
