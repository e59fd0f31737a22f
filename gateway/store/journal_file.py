"""Opening a journal's file: integrity, migration, epoch, and where the last one ended."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.clock import random_bytes
from gateway.domain.moment import ClockQuality, Moment
from gateway.store.records import from_microseconds, microseconds
from gateway.store.rescue import FLOOR_ROWS, rescue
from gateway.store.schema import migrate

QUICK_CHECK_BYTES = 128 * 1024 * 1024
"""Files up to this size are checked whole at each start (about 0.2 s per 100 MB).

A larger one would delay the first decision.
"""

WAL_PAGES_MOST = 16384
"""The net under `wal_folder`: should that stand still, the writer itself folds the log at 64 MB."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class Opening:
    """What was found: `moved_aside` is the damaged file's new place if there was one.

    `last_wall` the newest time that was not suspect.
    """

    epoch: str
    created: bool
    moved_aside: Path | None
    last_wall: datetime | None


def open_journal_file(path: Path, moment: Moment) -> tuple[sqlite3.Connection, Opening]:
    """Open or create the journal.

    A damaged file is moved to `journal.corrupt-<time>.db` beside it and a new epoch begins, on the state, the facts and
    the clock's floor that can still be read of it.

    Raises ConfigError for a newer file; sqlite3.Error and OSError when the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    moved: Path | None = None
    try:
        connection = _connect_checked(path)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
            raise
        moved = _move_aside(path, moment)
        connection = _connect_checked(path)
    try:
        migrate(connection, path)
        if moved is not None:
            rescue(moved, connection)
        epoch, created = _current_epoch(connection, moment)
        opening = Opening(epoch, created, moved, _last_wall(connection))
    except BaseException:
        connection.close()
        raise
    return connection, opening


def _connect_checked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MOST}")
        if path.stat().st_size <= QUICK_CHECK_BYTES:
            _quick_check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _quick_check(connection: sqlite3.Connection) -> None:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        error = sqlite3.DatabaseError(f"quick_check: {answer}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _move_aside(path: Path, moment: Moment) -> Path:
    stamp = f"{moment.wall:%Y%m%dT%H%M%S}-{random_bytes(2).hex()}"
    aside = path.with_name(f"{path.stem}.corrupt-{stamp}{path.suffix}")
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


def _current_epoch(connection: sqlite3.Connection, moment: Moment) -> tuple[str, bool]:
    row = connection.execute("SELECT epoch FROM epoch ORDER BY number DESC LIMIT 1").fetchone()
    if row is not None:
        return row[0], False
    epoch = random_bytes(16).hex()
    connection.execute("INSERT INTO epoch (epoch, opened_us) VALUES (?, ?)", (epoch, microseconds(moment.wall)))
    return epoch, True


_LAST_WALL = """
WITH recent AS (SELECT row_id, wall_us, clock_quality FROM event ORDER BY row_id DESC LIMIT :rows),
vouched AS (SELECT row_id, wall_us FROM recent WHERE clock_quality = :synchronised)
SELECT max(wall_us) FROM (
    SELECT wall_us FROM rescued_floor UNION ALL SELECT wall_us FROM vouched UNION ALL
    SELECT wall_us FROM recent
    WHERE clock_quality <> :suspect AND row_id > (SELECT coalesce(max(row_id), 0) FROM vouched))
"""
"""What nobody vouched for counts until a synchronised clock has read something: a dead battery may say 2099."""


def _last_wall(connection: sqlite3.Connection) -> datetime | None:
    names = {"synchronised": ClockQuality.SYNCHRONISED.value, "suspect": ClockQuality.SUSPECT.value}
    (newest,) = connection.execute(_LAST_WALL, {"rows": FLOOR_ROWS, **names}).fetchone()
    return None if newest is None else from_microseconds(newest)
