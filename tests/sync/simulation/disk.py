"""SQLite on a disk that can fail, and processes that can die, at any commit."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

_connect = sqlite3.connect


class Crashed(BaseException):
    """The process that used this disk is dead: no code of it handles this."""


class Disk:
    """One machine's folder. Images of it are copied between two commits."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self.folder, self._chance = folder, chance
        folder.mkdir(parents=True)
        self.crash_at: int | None = None
        """The process dies at this many commits from now."""
        self.failing = False
        self.commits = 0
        self._open: dict[Connection, None] = {}
        self._images = 0

    def commit(self, connection: "Connection") -> sqlite3.Cursor:
        """Commit, or fail, or die before or after it."""
        self.commits += 1
        if self.failing:
            raise sqlite3.OperationalError("disk I/O error")
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                self.crash_at = None
                if self._chance.random() < 0.5:
                    connection.finish()
                raise Crashed
        return connection.finish()

    def opened(self, connection: "Connection") -> None:
        """It must be closed when the process dies."""
        self._open[connection] = None

    def drop_connections(self) -> None:
        """The process is dead: what was not committed is not there."""
        for connection in self._open:
            connection.close()
        self._open.clear()

    def tear(self, name: str) -> None:
        """A frame that was being written when the power went: it lies torn behind the last commit."""
        log = self.folder / f"{name}-wal"
        if log.exists() and log.stat().st_size:
            with log.open("ab") as file:
                file.write(self._chance.randbytes(self._chance.randrange(1, 4200)))
        (self.folder / f"{name}-shm").unlink(missing_ok=True)

    def image(self) -> Path:
        """A copy of everything as the last commit left it."""
        self._images += 1
        copy = self.folder.with_name(f"{self.folder.name}.image{self._images}")
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
        return copy

    def restore(self, image: Path) -> None:
        """Put an image in the place of what is there; nobody may have it open."""
        shutil.rmtree(self.folder)
        shutil.copytree(image, self.folder)


class Connection(sqlite3.Connection):
    """A connection that asks its disk before it commits."""

    disk: Disk | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.disk is not None:
            return self.disk.commit(self)
        return super().execute(sql, *values)

    def finish(self) -> sqlite3.Cursor:
        """The real commit."""
        return super().execute("COMMIT")


@contextmanager
def disks(found: dict[Path, Disk]) -> Iterator[None]:
    """Every SQLite file below one of these folders is on its disk."""

    def connect(database: Any, **options: Any) -> sqlite3.Connection:
        connection = _connect(database, factory=Connection, **options)
        text = str(database).removeprefix("file://").split("?", maxsplit=1)[0]
        disk = found.get(Path(text).parent)
        if disk is not None and "mode=ro" not in str(database):
            connection.disk = disk
        if disk is not None:
            disk.opened(connection)
        connection.execute("PRAGMA cache_size = -256")
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]
    try:
        yield
    finally:
        sqlite3.connect = _connect
