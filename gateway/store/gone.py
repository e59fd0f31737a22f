"""What is gone from the journal: runs of removed rows, each with the hashes that the chain goes on from.

A run is written in the transaction that removes its rows, so at every commit the first row that is left chains to a
row or to a run. Neighbouring runs are one; the rows that age removes are always the run that begins at seq 1.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gone:
    """Rows `first_seq` to `last_seq` of an epoch. `previous_hash` is what the first chained to, `hash` the last's."""

    epoch: str
    first_seq: int
    last_seq: int
    previous_hash: str
    hash: str
    last_row: int


@dataclass(frozen=True, slots=True)
class Removable:
    """What must be known of a row to remove it; as the columns of `REMOVABLE`."""

    row_id: int
    epoch: str
    seq: int
    type: str
    wall_us: int
    subjects: str
    previous_hash: str
    hash: str


REMOVABLE = "row_id, epoch, seq, type, wall_us, subjects, previous_hash, hash"
GONE = "epoch, first_seq, last_seq, previous_hash, hash, last_row"


def remove_rows(connection: sqlite3.Connection, rows: Sequence[Removable]) -> None:
    """Remove rows, given in their order, within the caller's transaction."""
    for run in _runs(rows):
        _write(connection, run)
    connection.executemany("DELETE FROM event WHERE row_id = ?", [(row.row_id,) for row in rows])
    listed = [(subject, row.row_id) for row in rows for subject in row.subjects.split("\n") if subject]
    connection.executemany("DELETE FROM subject WHERE subject = ? AND row_id = ?", listed)


def forget_before(connection: sqlite3.Connection, epoch: str) -> None:
    """Forget the runs of earlier epochs of which nothing is left: this epoch has lost rows, so theirs are no start."""
    connection.execute(
        "DELETE FROM gone WHERE epoch IN (SELECT epoch FROM epoch WHERE number < (SELECT number FROM epoch "
        "WHERE epoch = ?)) AND NOT EXISTS (SELECT 1 FROM event WHERE event.epoch = gone.epoch)",
        (epoch,),
    )


def ranges_of(rows: Sequence[Removable]) -> tuple[tuple[int, int], ...]:
    """The first and last seq of each run of rows, which are of one epoch."""
    return tuple((run.first_seq, run.last_seq) for run in _runs(rows))


def _runs(rows: Iterable[Removable]) -> list[Gone]:
    found: list[Gone] = []
    for row in rows:
        last = found[-1] if found else None
        if last is not None and last.epoch == row.epoch and last.last_seq + 1 == row.seq:
            found[-1] = Gone(last.epoch, last.first_seq, row.seq, last.previous_hash, row.hash, row.row_id)
        else:
            found.append(Gone(row.epoch, row.seq, row.seq, row.previous_hash, row.hash, row.row_id))
    return found


def _write(connection: sqlite3.Connection, run: Gone) -> None:
    """Keep a run, as one with those that it touches."""
    before = connection.execute(
        f"SELECT {GONE} FROM gone WHERE epoch = ? AND last_seq = ?", (run.epoch, run.first_seq - 1)
    ).fetchone()
    after = connection.execute(
        f"SELECT {GONE} FROM gone WHERE epoch = ? AND first_seq = ?", (run.epoch, run.last_seq + 1)
    ).fetchone()
    if before is not None:
        run = Gone(run.epoch, before[1], run.last_seq, before[3], run.hash, run.last_row)
    if after is not None:
        connection.execute("DELETE FROM gone WHERE epoch = ? AND first_seq = ?", (run.epoch, after[1]))
        run = Gone(run.epoch, run.first_seq, after[2], run.previous_hash, after[4], after[5])
    values = (run.epoch, run.first_seq, run.last_seq, run.previous_hash, run.hash, run.last_row)
    connection.execute("INSERT OR REPLACE INTO gone VALUES (?, ?, ?, ?, ?, ?)", values)
