"""Copies of the ledger: `gatehouse office backup FILE --data DIR`, `gatehouse office restore FILE --data DIR`.

`backup` makes a whole copy, also while the office runs. `restore` puts one back, with the office stopped: boxes that
were lost since stay lost, and what else was done since is told, to be done again. Exit 2: wrong input.
"""

import argparse
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from sync.office.ledger import Ledger
from sync.office.since import carry_lost_boxes, told_since

LEDGER = "office.db"
_LOCK = "office.lock"
_PID_CHARS = 20
"""What a process id has at most, on any system."""
_BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a ledger that is open, or was when its process was killed: it belongs to that one alone."""


class BackupUnusable(Exception):
    """A copy, or the office's data, can't be used; the text says the remedy."""


def main(arguments: list[str]) -> int:
    """Do what is asked; what a person must know on stdout, what is wrong on stderr."""
    args = _parser().parse_args(arguments)
    try:
        told = [backup(args.data, args.file)] if args.command == "backup" else restore(args.data, args.file)
    except (BackupUnusable, OSError, sqlite3.Error) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 0


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Be the only one that works with this data. Raises BackupUnusable where another does, or nobody can."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / _LOCK).open("a+")
    except OSError as error:
        raise BackupUnusable(f"{data}: can't be used: {error}") from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            number = file.read(_PID_CHARS).strip()  # empty: the other has not written it yet
            whose = f", process {number}" if number else ""
            raise BackupUnusable(f"{data}: an office runs on it{whose}: stop that one first") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def backup(data: Path, copy: Path) -> str:
    """Make a whole copy of the ledger, for its owner's eyes only. Raises BackupUnusable."""
    ledger = data / LEDGER
    if not ledger.exists():
        raise BackupUnusable(f"{ledger}: is not there: --data names the office's folder")
    if copy.exists():
        raise BackupUnusable(f"{copy}: is there already: name another file")
    half = copy.with_name(f".{copy.name}.new")
    half.unlink(missing_ok=True)
    half.touch(0o600, exist_ok=False)  # SQLite fills an empty file that is there, and leaves its mode alone.
    with closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True, isolation_level=None)) as database:
        database.execute("VACUUM INTO ?", (str(half),))
    _sync(half)
    _check(half)
    half.replace(copy)
    _sync(copy.parent)
    return f"{copy}: the whole ledger. It holds cards and PINs: keep it as safe as the office"


def restore(data: Path, copy: Path) -> list[str]:
    """Put a copy in the place of the ledger, which is kept beside it; what a person must do then, in words.

    A power cut leaves the one or the other. Raises BackupUnusable, before anything is changed.
    """
    _check(copy)
    with hold(data):
        fresh, present = data / f".{LEDGER}.restored", data / LEDGER
        _stage(copy, fresh)
        told = _since(fresh, present) if present.exists() else []
        kept = _keep(present) if present.exists() else None
        fresh.replace(present)
        _sync(data)
    aside = [] if kept is None else [f"{kept}: the ledger of before, which has cards and PINs in it too"]
    return [f"{present}: put back from {copy}", *aside, *told]


def _check(copy: Path) -> None:
    """Raises BackupUnusable for what is no whole ledger by itself."""
    if not copy.is_file():
        raise BackupUnusable(f"{copy}: is no file")
    if any(_beside(copy, end).exists() for end in _BESIDE):
        raise BackupUnusable(f"{copy}: has a -wal or -shm beside it, so it is in use, or was copied while it was")
    try:
        # Nobody writes a copy: it may lie where nothing can be written.
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)) as database:
            (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise BackupUnusable(f"{copy}: is no copy of an office's ledger: {error}") from error
    if said != "ok":
        raise BackupUnusable(f"{copy}: is damaged: {said}")
    if not {"site", "event", "cursor"} <= names:
        raise BackupUnusable(f"{copy}: is no copy of an office's ledger")


def _stage(copy: Path, fresh: Path) -> None:
    """The copy beside the ledger, durable, with the tables of this release."""
    for path in (fresh, *(_beside(fresh, end) for end in _BESIDE)):
        path.unlink(missing_ok=True)
    fresh.touch(0o600)
    shutil.copyfile(copy, fresh)
    _settle(fresh)
    with closing(sqlite3.connect(fresh)) as database, database:
        # What was open then was used since: a hello that somebody recorded would open a session by it.
        database.execute("DELETE FROM challenge")
        database.execute("DELETE FROM session")
    _sync(fresh)


def _since(fresh: Path, present: Path) -> list[str]:
    """What the present ledger has beyond the copy; of that, the copy takes up the boxes that were lost."""
    try:
        _settle(present)
        with closing(sqlite3.connect(fresh, isolation_level=None)) as database:
            database.execute("ATTACH ? AS present", (str(present),))
            return [*carry_lost_boxes(database), *told_since(database)]
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise BackupUnusable(f"{present}: somebody has it open: stop the office first") from error
        unknown = f"{present}: can't be read ({error}), so nobody knows what was done since the copy was made"
        return [f"{unknown}: report each box that was lost again, and repeat what was revoked, before gateways call"]


def _settle(ledger: Path) -> None:
    """Have all that belongs to it in the one file, durably. Raises sqlite3.Error: SQLITE_BUSY where it is open."""
    Ledger(ledger).close()
    with closing(sqlite3.connect(ledger, isolation_level=None, timeout=0)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    _sync(ledger)


def _keep(present: Path) -> Path:
    """The ledger of before under another name as well, and whatever lies beside it under that alone."""
    kept = next(path for n in count(1) if not (path := present.with_name(f"{present.name}.replaced-{n}")).exists())
    for end in _BESIDE:  # first: played over the copy, they would undo it
        if _beside(present, end).exists():
            _beside(present, end).replace(_beside(kept, end))
    os.link(present, kept)
    return kept


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _sync(path: Path) -> None:
    """Also a folder: what was renamed in it is durable then."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gatehouse office", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("backup", "a copy of the ledger"), ("restore", "put a copy in its place")):
        command = commands.add_parser(name, help=what, description=__doc__)
        command.add_argument("file", type=Path, metavar="FILE", help="the copy")
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="directory of the ledger")
    return parser
