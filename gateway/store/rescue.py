"""Out of a damaged journal: what a start goes on from, as far as it can still be read."""

import logging
import sqlite3
from pathlib import Path

import msgspec

from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.remembered import newest_state, read_as_it_lies

log = logging.getLogger(__name__)

BEFORE_THE_FIRST_EVENT = 0
"""The rescued state's place in the new file: whatever is recorded there is newer."""

_REMEMBER = "INSERT OR IGNORE INTO fact VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"


def rescue(damaged: Path, connection: sqlite3.Connection) -> None:
    """Take the newest state and the facts of `damaged` over into the new journal, both or neither.

    A latched fire, a lockdown and a guard's block outlive a bad page. Raises sqlite3.Error for the new file only.
    """
    state = read_as_it_lies(damaged, newest_state, "state")
    facts = read_as_it_lies(damaged, SqliteJournalReader.fact_rows, "facts") or []
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
    connection.execute("COMMIT")
