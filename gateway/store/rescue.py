"""Out of a damaged journal: what a start goes on from, as far as it can still be read."""

import logging
import sqlite3
from pathlib import Path

import msgspec

from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.records import microseconds
from gateway.store.remembered import newest_state, read_as_it_lies

log = logging.getLogger(__name__)

BEFORE_THE_FIRST_EVENT = 0
"""The rescued state's place in the new file: whatever is recorded there is newer."""

FLOOR_ROWS = 1000
"""Events that are asked for the clock's floor: while the clock is suspect, some hours' worth are no floor."""

_REMEMBER = "INSERT OR IGNORE INTO fact VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"


def rescue(damaged: Path, connection: sqlite3.Connection) -> None:
    """Take the newest state, the facts and the clock's floor of `damaged` over into the new journal, all or nothing.

    A latched fire, a lockdown and a guard's block outlive a bad page, and a clock that is put back is still found out.
    Raises sqlite3.Error for the new file only.
    """
    state = read_as_it_lies(damaged, newest_state, "state")
    facts = read_as_it_lies(damaged, SqliteJournalReader.fact_rows, "facts") or []
    floor = read_as_it_lies(damaged, lambda reader: reader.newest_wall(FLOOR_ROWS), "newest time")
    log.error(
        "%s is damaged and was moved aside; of it go on %s and %d facts",
        damaged.name,
        "no state" if state is None else "its state",
        len(facts),
    )
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_REMEMBER, facts)
    if state is not None:
        text = msgspec.json.encode(state).decode()
        connection.execute("INSERT OR IGNORE INTO checkpoint VALUES (?, ?)", (BEFORE_THE_FIRST_EVENT, text))
    if floor is not None:
        connection.execute("INSERT INTO rescued_floor VALUES (?)", (microseconds(floor),))
    connection.execute("COMMIT")
