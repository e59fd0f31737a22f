"""SQLite and plain files on a disk that can fail; processes that can die at any commit and at any step of a file."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

JULIAN_1970 = 2_440_587.5
_connect = sqlite3.connect
_fsync, _replace, _unlink = os.fsync, os.replace, os.unlink


class Crashed(BaseException):
    """The process that used this disk is dead: no code of it handles this."""


@dataclass(frozen=True, slots=True)
class _Renamed:
    """A name that a folder holds in memory only: until the folder is synced, a power cut may bring back what was."""

    path: Path
    before: bytes | None


class Disk:
    """One machine's folder. Images of it are copied between two commits."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self.folder, self._chance = folder, chance
        folder.mkdir(parents=True)
        self.crash_at: int | None = None
        """The process dies at this many commits, or steps of a file, from now."""
        self.failing = False
        self.commits = 0
        self._dead = False
        """Nothing more of this process comes to the disk."""
        self._open: dict[Connection, None] = {}
        self._watching: dict[str, tuple[int, sqlite3.Connection]] = {}
        self._images = 0
        self._synced: set[int] = set()
        self._unsynced: dict[Path, None] = {}
        self._renamed: list[_Renamed] = []

    def commit(self, connection: "Connection") -> sqlite3.Cursor:
        """Commit, or fail, or die before or after it."""
        self.commits += 1
        if self.failing:
            raise sqlite3.OperationalError("disk I/O error")
        if self._dies_here():
            if self._chance.random() < 0.5:
                connection.finish()
            raise Crashed
        return connection.finish()

    def step(self, work: Callable[[], None]) -> None:
        """A step of a plain file: done, or it fails, or the process dies before or after it."""
        if self._dead:
            raise Crashed
        self.commits += 1
        if self.failing:
            raise OSError(5, "Input/output error")
        dies = self._dies_here()
        if not dies or self._chance.random() < 0.5:
            work()
        if dies:
            self._dead = True
            raise Crashed

    def synced(self, path: Path) -> None:
        """A file's content, or a folder's names, are durable."""
        if path.is_dir():
            self._renamed = [each for each in self._renamed if each.path.parent != path]
        else:
            self._synced.add(path.stat().st_ino)

    def replaced(self, source: Path, target: Path) -> None:
        """A file gets the name of another."""
        self._renamed.append(_Renamed(target, target.read_bytes() if target.exists() else None))
        self._unsynced.pop(target, None)
        if source.stat().st_ino not in self._synced:
            self._unsynced[target] = None
        _replace(source, target)

    def removed(self, path: Path) -> None:
        """A name is taken out of its folder. A dead process tidies nothing."""
        if not self._dead:
            if path.exists():
                self._renamed.append(_Renamed(path, path.read_bytes()))
            _unlink(path)

    def opened(self, connection: "Connection") -> None:
        """It must be closed when the process dies."""
        self._open[connection] = None

    def drop_connections(self) -> None:
        """The process is dead: what was not committed is not there. The next one finds a disk that works."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._stop_watching()
        self._dead = False

    def watch(self, name: str) -> sqlite3.Connection:
        """A connection of nobody's that only reads. Kept: to open one costs more than to look. Raises sqlite3.Error."""
        path = self.folder / name
        inode, connection = self._watching.get(name, (0, None))
        if connection is None or inode != path.stat().st_ino:
            connection = _connect(f"file://{path}?mode=ro", uri=True)
            self._watching[name] = path.stat().st_ino, connection
        return connection

    def _stop_watching(self) -> None:
        for _, connection in self._watching.values():
            connection.close()
        self._watching.clear()

    def cut_power(self) -> None:
        """What lay in memory only is gone: the last names given, and the content of files that nobody synced."""
        keep = self._chance.randrange(len(self._renamed) + 1) if self._renamed else 0
        for each in reversed(self._renamed[keep:]):
            if each.before is not None:
                each.path.write_bytes(each.before)
            elif each.path.exists():
                _unlink(each.path)
        for path in self._unsynced:
            if path.exists():
                os.truncate(path, self._chance.randrange(path.stat().st_size + 1))
        self._forget_memory()

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
        self._stop_watching()
        shutil.rmtree(self.folder)
        shutil.copytree(image, self.folder)
        self._forget_memory()

    def _forget_memory(self) -> None:
        self._renamed, self._unsynced, self._synced = [], {}, set()

    def _dies_here(self) -> bool:
        if self.crash_at is None:
            return False
        self.crash_at -= 1
        if self.crash_at >= 0:
            return False
        self.crash_at = None
        return True


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
def disks(found: dict[Path, Disk], now: Callable[[], datetime]) -> Iterator[None]:
    """Every file below one of these folders is on its disk. To SQLite it is `now`, as its own functions say it."""

    def strftime(form: str, _now: str) -> str:
        return now().isoformat(timespec="milliseconds").removesuffix("+00:00") + form.partition("%f")[2]

    def julianday(_now: str) -> float:
        return JULIAN_1970 + now().timestamp() / 86_400

    def connect(database: Any, **options: Any) -> sqlite3.Connection:
        connection = _connect(database, factory=Connection, **options)
        text = str(database).removeprefix("file://").removeprefix("file:").split("?", maxsplit=1)[0]
        disk = found.get(Path(text).parent)
        if disk is not None and "mode=ro" not in str(database):
            connection.disk = disk
            connection.create_function("strftime", 2, strftime)
            connection.create_function("julianday", 1, julianday)
        if disk is not None:
            disk.opened(connection)
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]
    try:
        with _plain_files(found):
            yield
    finally:
        sqlite3.connect = _connect


@contextmanager
def _plain_files(found: dict[Path, Disk]) -> Iterator[None]:
    def disk_of(path: Any, options: dict[str, Any]) -> Disk | None:
        if options or not isinstance(path, str | Path):
            return None
        place = Path(path)
        return found.get(place.parent) or found.get(place.parent.parent)

    def fsync(number: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        disk = disk_of(path, {})
        if disk is None:
            _fsync(number)
        else:
            disk.step(lambda: disk.synced(path))

    def replace(source: Any, target: Any, **options: Any) -> None:
        disk = disk_of(target, options)
        if disk is None:
            _replace(source, target, **options)
        else:
            disk.step(lambda: disk.replaced(Path(source), Path(target)))

    def unlink(path: Any, **options: Any) -> None:
        disk = disk_of(path, options)
        if disk is None:
            _unlink(path, **options)
        else:
            disk.removed(Path(path))

    os.fsync, os.replace, os.unlink = fsync, replace, unlink  # type: ignore[assignment]
    try:
        yield
    finally:
        os.fsync, os.replace, os.unlink = _fsync, _replace, _unlink
