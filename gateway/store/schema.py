"""The journal's tables, by numbered migrations."""

import shutil
import sqlite3
from itertools import chain
from pathlib import Path

from gateway.errors import ConfigError

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE epoch (
            number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, opened_us INTEGER NOT NULL,
            parent TEXT, parent_hash TEXT)""",
        """CREATE TABLE event (
            row_id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
            type TEXT NOT NULL, version INTEGER NOT NULL, wall_us INTEGER NOT NULL, clock_quality TEXT NOT NULL,
            boot_id TEXT NOT NULL, monotonic_us INTEGER NOT NULL, actor TEXT NOT NULL, device TEXT,
            subjects TEXT NOT NULL, body TEXT NOT NULL, salt TEXT NOT NULL, algorithm TEXT NOT NULL,
            commitment TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL)""",
        "CREATE UNIQUE INDEX event_by_id ON event (event_id)",
        "CREATE UNIQUE INDEX event_by_place ON event (epoch, seq)",
        "CREATE INDEX event_by_type ON event (type, row_id)",
        "CREATE INDEX event_by_wall ON event (wall_us)",
        """CREATE TABLE subject (subject TEXT NOT NULL, row_id INTEGER NOT NULL,
            PRIMARY KEY (subject, row_id)) WITHOUT ROWID""",
        "CREATE TABLE checkpoint (row_id INTEGER PRIMARY KEY, state TEXT NOT NULL)",
    ),
    (
        """CREATE TABLE fact (kind TEXT, key TEXT, value TEXT NOT NULL,
            PRIMARY KEY (kind, key)) WITHOUT ROWID""",
    ),
    ("CREATE TABLE rescued_floor (wall_us INTEGER NOT NULL)",),
    (
        "ALTER TABLE event ADD COLUMN layout INTEGER NOT NULL DEFAULT 1",
        """CREATE TABLE gone (epoch TEXT, first_seq INTEGER, last_seq INTEGER NOT NULL, previous_hash TEXT NOT NULL,
            hash TEXT NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (epoch, first_seq)) WITHOUT ROWID""",
        """CREATE TABLE erasure (row_id INTEGER PRIMARY KEY, subjects TEXT NOT NULL,
            reached INTEGER NOT NULL DEFAULT 0)""",
    ),
    ("ALTER TABLE epoch ADD COLUMN parent_seq INTEGER",),
)
"""One tuple of statements a version; `PRAGMA user_version` is how many were applied.

Never edited once released, only added to.
"""


def migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> int:
    """Bring the database to the newest version and return the version it had.

    A file that already held a version is first copied to `<name>.before-<version>`. Raises ConfigError when the file
    is newer than the program.
    """
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > len(migrations):
        remedy = (
            f"the file was written by a newer gatehouse (its version {found}, this one knows {len(migrations)}): "
            "install that version again, or start with another data directory"
        )
        raise ConfigError("journal", str(path), remedy)
    if 0 < found < len(migrations):
        _back_up(connection, path, found)
    if found == len(migrations):
        return found
    # All in one: who reads meanwhile sees the old file or the new one.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in chain.from_iterable(migrations[found:]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return found


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(path, path.with_name(f"{path.name}.before-{version}"))
