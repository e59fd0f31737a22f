"""Forking: rows that the office has otherwise are numbered again in a new epoch, and keep their row and event ids."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.commands import ForkJournal
from gateway.domain.moment import Moment
from gateway.domain.ports import JournalHead
from gateway.store import records

PAGE = 1000
"""Rows that are held at once."""

_ROW = (
    "row_id, event_id, type, version, wall_us, clock_quality, boot_id, monotonic_us, actor, device, subjects, "
    "commitment, layout"
)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many rows were numbered again, and where the new epoch ends."""

    count: int
    head: JournalHead


def renumber(connection: sqlite3.Connection, point: ForkJournal, epoch: str, moment: Moment) -> Moved | None:
    """Open `epoch` after the common event and number everything behind it again, within the caller's transaction.

    None, and nothing was done, where the journal is not as `point` says: it has forked already, or another event
    stands there. Some 30,000 rows a second. Raises sqlite3.Error.
    """
    start = _row_of(connection, point)
    if start is None:
        return None
    parent_hash = point.hash if point.seq else records.FIRST_PREVIOUS_HASH
    values = (epoch, records.microseconds(moment.wall), point.epoch, parent_hash, point.seq)
    connection.execute(
        "INSERT INTO epoch (epoch, opened_us, parent, parent_hash, parent_seq) VALUES (?, ?, ?, ?, ?)", values
    )
    (newest,) = connection.execute("SELECT coalesce(max(row_id), 0) FROM event").fetchone()
    head = JournalHead(max(start, newest), epoch, 0, parent_hash)
    for row in _rows_after(connection, start):
        head = _again(connection, row, head)
    connection.execute("DELETE FROM gone WHERE last_row > ?", (start,))
    connection.execute(
        "DELETE FROM epoch WHERE epoch NOT IN (?, ?)"
        " AND NOT EXISTS (SELECT 1 FROM event WHERE event.epoch = epoch.epoch)"
        " AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.epoch = epoch.epoch)",
        (epoch, point.epoch),
    )
    return Moved(head.seq, head)


def _row_of(connection: sqlite3.Connection, point: ForkJournal) -> int | None:
    """The row after which everything is numbered again."""
    run = connection.execute
    current = run("SELECT epoch FROM epoch ORDER BY number DESC LIMIT 1").fetchone()
    if current is None or current[0] != point.current:
        return None
    if not point.seq:
        first = run("SELECT min(row_id) FROM event WHERE epoch = ?", (point.epoch,)).fetchone()[0]
        return None if first is None else int(first) - 1
    place = (point.epoch, point.seq, point.hash)
    row = run("SELECT row_id FROM event WHERE epoch = ? AND seq = ? AND hash = ?", place).fetchone()
    row = row or run("SELECT last_row FROM gone WHERE epoch = ? AND last_seq = ? AND hash = ?", place).fetchone()
    return None if row is None else int(row[0])


def _rows_after(connection: sqlite3.Connection, row_id: int) -> Iterator[tuple[Any, ...]]:
    while page := connection.execute(
        f"SELECT {_ROW} FROM event WHERE row_id > ? ORDER BY row_id LIMIT ?", (row_id, PAGE)
    ).fetchall():
        yield from page
        row_id = page[-1][0]


def _again(connection: sqlite3.Connection, row: tuple[Any, ...], head: JournalHead) -> JournalHead:
    """Number and chain one row behind `head`."""
    row_id, event_id, type_, version, *when, actor, device, subjects, commitment, layout = row
    seq = head.seq + 1
    envelope = records.envelope_bytes(
        layout,
        (head.epoch, seq, event_id),
        (type_, version),
        (when[0], when[1], when[2], when[3]),
        (actor, device),
        subjects.split("\n") if subjects else (),
        (commitment, head.hash),
    )
    digest = records.chain_hash(envelope)
    connection.execute(
        "UPDATE event SET epoch = ?, seq = ?, previous_hash = ?, hash = ? WHERE row_id = ?",
        (head.epoch, seq, head.hash, digest, row_id),
    )
    return JournalHead(row_id, head.epoch, seq, digest)
