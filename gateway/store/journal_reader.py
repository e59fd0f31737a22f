"""Reading the journal from any process while its writer writes: by cursor, by search, and link by link of its chain."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.moment import ClockQuality
from gateway.domain.ports import EpochParent, JournalHead, RecordedEvent
from gateway.domain.register import Fact
from gateway.errors import JournalUnavailable
from gateway.store import records
from gateway.store.facts import FactRow, facts_from_rows
from gateway.store.gone import GONE, Gone
from gateway.store.verification import VERIFIED, Verdict, verify_rows

log = logging.getLogger(__name__)

READ_BOUND = 5_000
"""Rows of one answer at most: about 5 MB."""

_COLUMNS = (
    "row_id, event_id, epoch, seq, type, version, wall_us, clock_quality, boot_id, monotonic_us, actor, device, "
    "subjects, body, salt, commitment, previous_hash, hash, layout"
)


_FIELDS = tuple(name for name in _COLUMNS.split(", ") if name not in ("wall_us", "subjects", "body"))

EPOCH_ENDS = (
    "SELECT e.row_id, e.epoch, e.seq, e.hash FROM epoch CROSS JOIN event e ON e.epoch = epoch.epoch AND e.seq = "
    "(SELECT max(seq) FROM event WHERE event.epoch = epoch.epoch) UNION ALL "
    "SELECT g.last_row, g.epoch, g.last_seq, g.hash FROM gone g WHERE NOT EXISTS "
    "(SELECT 1 FROM event WHERE event.epoch = g.epoch) ORDER BY 1"
)
"""CROSS JOIN keeps SQLite from walking all events to save a sort: with 1.5 million of them that took half a minute."""


class SqliteJournalReader:
    """Implements `gateway.domain.ports.JournalReader`.

    Safe to call from several threads; a file that isn't there yet reads as empty.

    `at_rest`: read it without the files that SQLite needs beside it, for which a full disk has no room. Only while
    nobody writes; refused while a log lies beside it.
    Every method raises JournalUnavailable when the file can't be read.
    """

    def __init__(self, path: Path, *, at_rest: bool = False) -> None:
        self._path, self._at_rest = path, at_rest
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._text_factory: Callable[[bytes], str] | None = None
        self._told: set[tuple[bytes, bytes]] = set()

    def after(self, row_id: int, limit: int) -> list[RecordedEvent]:
        """The next events in row order, at most `limit` (and `READ_BOUND`)."""
        query = f"SELECT {_COLUMNS} FROM event WHERE row_id > ? ORDER BY row_id LIMIT ?"
        return [_recorded(row) for row in self._rows(query, (row_id, min(limit, READ_BOUND)))]

    def head(self) -> JournalHead | None:
        """The last event's place, None while empty."""
        rows = self._rows("SELECT row_id, epoch, seq, hash FROM event ORDER BY row_id DESC LIMIT 1")
        return JournalHead(*rows[0]) if rows else None

    def epochs(self) -> list[JournalHead]:
        """The end of each epoch that has or had events, oldest epoch first."""
        return [JournalHead(*row) for row in self._rows(EPOCH_ENDS)]

    def parents(self) -> dict[str, EpochParent]:
        """What each forked epoch goes on from, by epoch."""
        query = "SELECT epoch, parent, parent_seq, parent_hash FROM epoch WHERE parent IS NOT NULL ORDER BY number"
        return {row[0]: EpochParent(*row) for row in self._rows(query)}

    def place(self, epoch: str, seq: int) -> JournalHead | None:
        """The event at (epoch, seq), None where there is none; also the last of a run of removed ones."""
        query = (
            "SELECT row_id, epoch, seq, hash FROM event WHERE epoch = ? AND seq = ? UNION ALL "
            "SELECT last_row, epoch, last_seq, hash FROM gone WHERE epoch = ? AND last_seq = ?"
        )
        rows = self._rows(query, (epoch, seq, epoch, seq))
        return JournalHead(*rows[0]) if rows else None

    def event(self, event_id: str) -> RecordedEvent | None:
        """The event with this id."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM event WHERE event_id = ?", (event_id,))
        return _recorded(rows[0]) if rows else None

    def search(
        self,
        *,
        types: Sequence[str] | None = None,
        subject: str | None = None,
        text: str | None = None,
        before_row: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[RecordedEvent]:
        """The newest events first that pass every filter.

        `subject` is `kind:id`, `text` is looked for in body and subjects, `since <= wall < until`.
        """
        filters: list[tuple[str, tuple[Any, ...]]] = []
        if types is not None:
            filters.append((f"type IN ({','.join('?' * len(types))})", tuple(types)))
        if subject is not None:
            filters.append(("row_id IN (SELECT row_id FROM subject WHERE subject = ?)", (subject,)))
        if text:
            like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            filters.append(("(body LIKE ? ESCAPE '\\' OR type LIKE ? ESCAPE '\\')", (like, like)))
        if before_row is not None:
            filters.append(("row_id < ?", (before_row,)))
        if since is not None:
            filters.append(("wall_us >= ?", (records.microseconds(since),)))
        if until is not None:
            filters.append(("wall_us < ?", (records.microseconds(until),)))
        where = " AND ".join(condition for condition, _ in filters) or "1"
        values = [value for _, given in filters for value in given]
        query = f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY row_id DESC LIMIT ?"
        return [_recorded(row) for row in self._rows(query, (*values, min(limit, READ_BOUND)))]

    def latest_checkpoint(self) -> tuple[int, dict[str, Any]] | None:
        """(row id, state) of the newest checkpoint that can be read."""
        return next(iter(self.checkpoints()), None)

    def checkpoints(self) -> list[tuple[int, dict[str, Any]]]:
        """(row id, state) of every checkpoint that can be read, the newest first; a bad page takes no other along."""
        found: list[tuple[int, dict[str, Any]]] = []
        fault: JournalUnavailable | None = None
        for (row_id,) in reversed(self._readable_rows("SELECT row_id FROM checkpoint", ("row_id",))):
            try:
                states = self._rows("SELECT CAST(state AS BLOB) FROM checkpoint WHERE row_id = ?", (row_id,))
                found += [(row_id, msgspec.json.decode(state, type=dict[str, Any])) for (state,) in states]
            except JournalUnavailable as error:
                fault = error
            except ValueError:  # no JSON, or no UTF-8
                continue
        if fault is not None and not found:
            raise fault
        return found

    def newest_wall(self, rows: int) -> datetime | None:
        """The newest time that was not suspect, among the last `rows` events by number and by time.

        An event counts if its hash holds; a bad page costs what is on it.
        """
        found: list[int] = []
        numbers: set[int] = set()
        for order in ("row_id", "wall_us"):  # Two trees of the file: a bad page is in one of them.
            newest = f"SELECT row_id FROM event ORDER BY {order} DESC LIMIT ?"
            listed, fault = self._rows_until_fault(newest, (rows,))
            numbers.update(row_id for (row_id,) in listed)
        for row_id in numbers:
            read, failed = self._rows_until_fault(f"SELECT {_COLUMNS} FROM event WHERE row_id = ?", (row_id,))
            fault = fault or failed
            found += [row[6] for row in read if row[7] != ClockQuality.SUSPECT and _holds(row)]
        if fault is not None and not found:
            raise fault
        return records.from_microseconds(max(found)) if found else None

    def facts(self, kind: str | None = None) -> list[Fact]:
        """What is remembered, of one kind or of all, by kind and key; the value is never None.

        A fact that can't be read is left out and told once.
        """
        return facts_from_rows(self.fact_rows(kind), self._told)

    def fact_rows(self, kind: str | None = None) -> list[FactRow]:
        """Kind, key and value of what is remembered, as they lie in the file; a bad page costs what is on it."""
        # As blobs: one damaged text must not keep sqlite3 from handing out the others.
        query = "SELECT CAST(kind AS BLOB), CAST(key AS BLOB), CAST(value AS BLOB) FROM fact"
        where, values = ("", ()) if kind is None else (" WHERE kind = ?", (kind,))
        return self._readable_rows(query + where, ("kind", "key"), values)

    def rows_between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """The first row from `since` on and the last one before `until`; none where the first is behind the last."""
        first, last = 1, 2**62
        if since is not None:
            rows = self._rows("SELECT min(row_id) FROM event WHERE wall_us >= ?", (records.microseconds(since),))
            first = 2**62 if not rows or rows[0][0] is None else int(rows[0][0])
        if until is not None:
            rows = self._rows("SELECT max(row_id) FROM event WHERE wall_us < ?", (records.microseconds(until),))
            last = 0 if not rows or rows[0][0] is None else int(rows[0][0])
        return first, last

    def credentials_of(self, cardholder: str) -> tuple[str, ...]:
        """Credentials that events give to a cardholder, in the order of their first event."""
        found: dict[str, None] = {}
        row_id = 0
        subject = f"cardholder:{cardholder}"
        query = (
            f"SELECT {_COLUMNS} FROM event WHERE row_id IN (SELECT row_id FROM subject WHERE subject = ? "
            "AND row_id > ? ORDER BY row_id LIMIT 1000) ORDER BY row_id"
        )
        while page := [_recorded(row) for row in self._rows(query, (subject, row_id))]:
            row_id = page[-1].row_id
            for event in page:
                credential = event.body.get("credential")
                if event.body.get("cardholder") == cardholder and isinstance(credential, str):
                    found[credential] = None
        return tuple(found)

    def erasures(self) -> int:
        """How many orders to erase somebody are not carried out yet."""
        rows = self._rows("SELECT count(*) FROM erasure")
        return int(rows[0][0]) if rows else 0

    def gone(self) -> list[Gone]:
        """What was removed, as runs in the order of their rows."""
        return [Gone(*row) for row in self._rows(f"SELECT {GONE} FROM gone ORDER BY last_row")]

    def verify(self) -> Verdict:
        """Walk the whole chain and name the first row whose content, hash, link or number doesn't hold.

        A journal in use may grow and lose its oldest rows meanwhile. Memory stays flat.
        """
        reader = SqliteJournalReader(self._path, at_rest=self._at_rest)
        reader._text_factory = _decode_damaged
        try:
            return verify_rows(reader)
        finally:
            reader.close()

    def page_to_verify(self, after: int) -> tuple[list[Gone], list[tuple[Any, ...]]]:
        """What is gone, and the next thousand rows as they lie in the file, of one moment."""
        query = f"SELECT {VERIFIED} FROM event WHERE row_id > ? ORDER BY row_id LIMIT 1000"
        self._rows("BEGIN")
        try:
            return self.gone(), self._rows(query, (after,))
        finally:
            self._rows("ROLLBACK")

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        with self._lock:
            self._drop()

    def _rows(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        rows, fault = self._rows_until_fault(query, values)
        if fault is not None:
            raise fault
        return rows

    def _readable_rows(self, query: str, order: Sequence[str], values: Sequence[Any] = ()) -> list[Any]:
        """All rows in order but those on a bad page, which is come at from both ends. Raises where it leaves none."""
        rows, fault = self._rows_until_fault(f"{query} ORDER BY {', '.join(order)}", values)
        if fault is None:
            return rows
        backwards = ", ".join(f"{column} DESC" for column in order)
        last, _ = self._rows_until_fault(f"{query} ORDER BY {backwards}", values)
        if not rows and not last:
            raise fault
        log.error("%s has a bad page, some rows are lost: %s", self._path.name, fault)
        return list(dict.fromkeys([*rows, *reversed(last)]))

    def _rows_until_fault(self, query: str, values: Iterable[Any]) -> tuple[list[Any], JournalUnavailable | None]:
        rows: list[Any] = []
        with self._lock:
            connection = self._connected()
            if connection is None:
                return rows, None
            given = tuple(values)
            while True:
                try:
                    rows.extend(connection.execute(query, given))
                except sqlite3.Error as error:
                    if self._reads_damaged_text(connection, error):
                        rows.clear()
                        continue
                    self._drop()
                    if "no such table" in str(error):  # the writer has only just made the file
                        return rows, None
                    return rows, JournalUnavailable(f"journal can't be read: {error}")
                return rows, None

    def _reads_damaged_text(self, connection: sqlite3.Connection, error: sqlite3.Error) -> bool:
        """Whether it does from now on, as a text is no UTF-8: one flipped bit must not hide all that comes after it.

        Such an event says something else than what was sealed: whoever verifies it, also the office, finds that.
        """
        if self._text_factory is not None or "decode to UTF-8" not in str(error):
            return False
        log.error("%s has a damaged text, which is read as far as it can be: %s", self._path.name, error)
        self._text_factory = connection.text_factory = _decode_what_there_is
        return True

    def _connected(self) -> sqlite3.Connection | None:
        """The connection to the file that now has the name: the writer may have moved a damaged one aside."""
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            self._drop()
            return None
        except OSError as error:
            raise JournalUnavailable(f"journal can't be opened: {error}") from error
        if self._connection is None or inode != self._inode:
            self._drop()
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            if self._at_rest:
                uri += "&immutable=1"  # sqlite.org/uri.html: no locks, no shared memory, and no look at the log
                if self._log_bytes():
                    raise JournalUnavailable("the journal was not closed")
            try:
                self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=2.0)
            except sqlite3.Error as error:
                raise JournalUnavailable(f"journal can't be opened: {error}") from error
            if self._text_factory is not None:
                self._connection.text_factory = self._text_factory
            self._inode = inode
        return self._connection

    def _log_bytes(self) -> int:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _recorded(row: Sequence[Any]) -> RecordedEvent:
    subjects, body = row[12], row[13]
    try:
        fields = msgspec.json.decode(body)
    except msgspec.DecodeError:
        fields = {}  # a damaged body; verify() names the row
    named = dict(zip(_FIELDS, (*row[:6], *row[7:12], *row[14:]), strict=True))
    return RecordedEvent(
        **named,
        wall=records.from_microseconds(row[6]),
        subjects=tuple(subjects.split("\n")) if subjects else (),
        body=fields,
    )


def _holds(row: Sequence[Any]) -> bool:
    """Does a row's hash hold? A damaged one may hold anything in any column."""
    try:
        event = _recorded(row)
        return recorded_hash(event) == event.hash
    except (AttributeError, OverflowError, TypeError, ValueError):
        return False


def _decode_damaged(text: bytes) -> str:
    """A damaged text is still a text, and none that holds."""
    return text.decode("utf-8", "surrogateescape")


def _decode_what_there_is(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def recorded_hash(event: RecordedEvent) -> str:
    """The hash that the event's envelope has."""
    when = (records.microseconds(event.wall), event.clock_quality, event.boot_id, event.monotonic_us)
    envelope = records.envelope_bytes(
        event.layout,
        (event.epoch, event.seq, event.event_id),
        (event.type, event.version),
        when,
        (event.actor, event.device),
        event.subjects,
        (event.commitment, event.previous_hash),
    )
    return records.chain_hash(envelope)
