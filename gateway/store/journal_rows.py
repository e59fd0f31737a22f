"""Rows of the journal inside a transaction: numbering, commitment and chain.

The head moves only when the commit did.
"""

import sqlite3
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from gateway.clock import random_bytes, uuid7
from gateway.domain.commands import ForkJournal
from gateway.domain.events import Event, HistoryForked, PersonErased
from gateway.domain.moment import Moment
from gateway.domain.ports import JournalHead
from gateway.domain.register import FactValue
from gateway.store import records
from gateway.store.erasure import ordered_subjects
from gateway.store.facts import fact_text
from gateway.store.fork import renumber
from gateway.store.turn import Facts

CHECKPOINTS_KEPT = 3

_INSERT_EVENT = f"INSERT INTO event VALUES ({','.join('?' * 20)})"
_INSERT_SUBJECT = "INSERT OR IGNORE INTO subject VALUES (?, ?)"
_ORDER_ERASURE = "INSERT INTO erasure (row_id, subjects) VALUES (?, ?)"
_REMEMBER = "INSERT INTO fact VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
_FORGET = "DELETE FROM fact WHERE kind = ? AND key = ?"


class JournalRows:
    """Turns events into chained rows. Used by one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._epoch: str = connection.execute("SELECT epoch FROM epoch ORDER BY number DESC LIMIT 1").fetchone()[0]
        row = connection.execute("SELECT row_id, epoch, seq, hash FROM event ORDER BY row_id DESC LIMIT 1").fetchone()
        self.head: JournalHead | None = None if row is None else JournalHead(*row)
        self._next = self._start()
        self._events: list[Sequence[Any]] = []
        self._subjects: list[tuple[str, int]] = []
        self._erasures: list[tuple[int, str]] = []
        self._checkpoint: tuple[int, str] | None = None
        self._facts: dict[tuple[str, str], FactValue | None] = {}

    def begin(self) -> None:
        """Start a transaction from the committed head."""
        self._next = self._start()
        self._events, self._subjects, self._checkpoint, self._facts = [], [], None, {}
        self._erasures = []

    def add(self, event: Event, moment: Moment) -> None:
        """Number, seal and chain one event."""
        at, salt, body = self._next, random_bytes(16), records.canonical_body(event)
        row_id, seq = at.row_id + 1, at.seq + 1
        event_id = str(uuid.UUID(bytes=uuid7(moment.wall)))
        kind, subjects = (type(event).__name__, event.version), records.subjects_of(event)
        wall_us, monotonic_us = records.microseconds(moment.wall), int(moment.monotonic_s * 1_000_000)
        when = (wall_us, moment.quality.value, moment.boot_id, monotonic_us)
        origin = (records.actor_of(event), records.device_of(event))
        commitment = records.commitment_of(records.LAYOUT, salt, origin[0], subjects, body)
        place, seal = (self._epoch, seq, event_id), (commitment, at.hash)
        digest = records.chain_hash(records.envelope_bytes(records.LAYOUT, place, kind, when, origin, subjects, seal))
        listed, algorithm = "\n".join(subjects), records.HASH_ALGORITHM
        self._events.append(
            (
                row_id,
                event_id,
                self._epoch,
                seq,
                *kind,
                *when,
                *origin,
                listed,
                body.decode(),
                salt.hex(),
                algorithm,
                *seal,
                digest,
                records.LAYOUT,
            )
        )
        self._subjects += [(subject, row_id) for subject in subjects]
        if isinstance(event, PersonErased):
            self._erasures.append((row_id, ordered_subjects(event)))
        self._next = JournalHead(row_id, self._epoch, seq, digest)

    def put_checkpoint(self, state: bytes) -> None:
        """The state after the events so far; the last one of a transaction stays."""
        self._checkpoint = (self._next.row_id, state.decode())

    def put_facts(self, facts: Facts) -> None:
        """Remember and forget; of each key the last one of a transaction stays."""
        self._facts.update(facts)

    def commit(self, touch: bool = False, also: Callable[[], None] | None = None) -> None:
        """Write everything and make it durable; `also` is done in the same transaction.

        Raises sqlite3.Error, and nothing has happened. With nothing to write the file is left alone, unless `touch`
        asks to see whether it can be written.
        """
        empty = not self._events and not self._facts and self._checkpoint is None
        if empty and not touch:
            return
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        self._write_events()
        self._connection.executemany(_ORDER_ERASURE, self._erasures)
        self._write_facts()
        if self._checkpoint is not None:
            run("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", self._checkpoint)
            run(
                "DELETE FROM checkpoint WHERE row_id NOT IN "
                "(SELECT row_id FROM checkpoint ORDER BY row_id DESC LIMIT ?)",
                (CHECKPOINTS_KEPT,),
            )
        if empty:
            (version,) = run("PRAGMA user_version").fetchone()
            run(f"PRAGMA user_version = {version}")
        if also is not None:
            also()
        run("COMMIT")
        self.head = self._next if self._next.seq else self.head

    def fork(self, point: ForkJournal, moment: Moment) -> str | None:
        """Open a new epoch after a common event, with the record of it, in one transaction; the epoch.

        None where the journal is not as `point` says. Raises sqlite3.Error, and nothing has happened.
        """
        was, epoch = self._epoch, random_bytes(16).hex()
        self.begin()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            moved = renumber(self._connection, point, epoch, moment)
            if moved is None:
                self.roll_back()
                return None
            self._epoch, self._next = epoch, moved.head
            told = HistoryForked(parent=point.epoch, parent_seq=point.seq, parent_hash=point.hash, moved=moved.count)
            self.add(told, moment)
            self._write_events()
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError):
            self._epoch = was
            self.roll_back()
            raise
        self.head = self._next
        return epoch

    def roll_back(self) -> None:
        """Forget the transaction that failed."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.begin()

    def fold(self) -> None:
        """Fold the log into the file and empty it, if no reader stands in it just now."""
        run = self._connection.execute
        run("PRAGMA busy_timeout = 0")
        try:
            run("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            run("PRAGMA busy_timeout = 2000")

    def free_bytes(self) -> int:
        """Room inside the file, in pages that hold nothing."""
        (pages,), (size,) = (
            self._connection.execute(f"PRAGMA {n}").fetchone() for n in ("freelist_count", "page_size")
        )
        return int(pages * size)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _write_events(self) -> None:
        self._connection.executemany(_INSERT_EVENT, self._events)
        self._connection.executemany(_INSERT_SUBJECT, self._subjects)

    def _write_facts(self) -> None:
        remembered = [(*place, fact_text(value)) for place, value in self._facts.items() if value is not None]
        self._connection.executemany(_REMEMBER, remembered)
        self._connection.executemany(_FORGET, [place for place, value in self._facts.items() if value is None])

    def _start(self) -> JournalHead:
        """Where the next event chains to: the head, or the start of a new epoch after the last row."""
        if self.head is not None and self.head.epoch == self._epoch:
            return self.head
        last_row = 0 if self.head is None else self.head.row_id
        return JournalHead(last_row, self._epoch, 0, records.FIRST_PREVIOUS_HASH)
