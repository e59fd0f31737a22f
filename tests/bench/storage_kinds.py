"""Stores of events behind one face: the journal, plain SQLite, and thingsboard-gateway's storages.

Runs in the environment of whichever store it drives, so it imports the standard library alone until one is made.
Each store gets the same event, numbered, of some 230 bytes as a message.
"""

import asyncio
import base64
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

IN_ONE_COMMIT = 500
"""What the journal's group commit takes at most, and a batch of the uplink."""
SETTLED_S = 10.0
PACKS_MISSED = 20
"""Empty packs one after the other before a store counts as read out: its own thread may be fetching the next one."""
VALUES = {
    "type": "AccessDenied",
    "access_point": "north-in",
    "door": "north",
    "reader": "north-reader",
    "reason": "CredentialNotFound",
    "list_version": 12,
}


class Storage(Protocol):
    """A store in a folder of its own."""

    def put(self, number: int) -> bool:
        """Store one event; True is its word that it has it."""

    def put_all(self, numbers: range) -> None:
        """Store a burst, in the fastest way that the store offers."""

    def packs(self) -> Iterator[list[int]]:
        """Read out from the oldest on, each pack acknowledged before the next is asked for."""

    def close(self) -> None:
        """End as the store's own program ends it, after what waits in memory had time to be written."""


class Journal:
    """Ours: an event is acknowledged after COMMIT with synchronous=FULL. The cursor is whoever reads's."""

    def __init__(self, folder: Path, _: dict[str, Any]) -> None:
        events, journal = import_module("gateway.domain.events"), import_module("gateway.store.journal")
        self._unavailable: type[Exception] = import_module("gateway.errors").JournalUnavailable
        self._event, self._clock = events.AccessDenied, import_module("gateway.clock").SystemClock()
        self._reader = import_module("gateway.store.journal_reader").SqliteJournalReader
        self._path = folder / "journal.db"
        self._journal = journal.SqliteJournal(self._path, self._clock)
        self._runner = asyncio.Runner()

    def put(self, number: int) -> bool:
        try:
            return bool(self._runner.run(self._append(number).wait(None)))
        except self._unavailable:
            return False

    def put_all(self, numbers: range) -> None:
        commits = [self._append(number) for number in numbers]
        self._runner.run(commits[-1].wait(None))

    def packs(self) -> Iterator[list[int]]:
        reader, row_id = self._reader(self._path), 0
        while rows := reader.after(row_id, IN_ONE_COMMIT):
            row_id = rows[-1].row_id
            yield [int(row.body["credential"]) for row in rows if row.type == "AccessDenied"]
        reader.close()

    def close(self) -> None:
        self._journal.close()
        self._runner.close()

    def _append(self, number: int) -> Any:
        fields = {name: value for name, value in VALUES.items() if name != "type"}
        event = self._event(credential=str(number), cardholder=None, trace=(), **fields)
        return self._journal.append([event], self._clock.now())


class PlainSqlite:
    """One table, WAL and synchronous=FULL: the floor that the disk sets."""

    def __init__(self, folder: Path, _: dict[str, Any]) -> None:
        self._db = sqlite3.connect(folder / "plain.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS event (row_id INTEGER PRIMARY KEY, body TEXT)")

    def put(self, number: int) -> bool:
        try:
            self._db.execute("INSERT INTO event (body) VALUES (?)", (message(number),))
        except sqlite3.OperationalError:
            return False
        return True

    def put_all(self, numbers: range) -> None:
        for first in range(numbers.start, numbers.stop, IN_ONE_COMMIT):
            some = range(first, min(first + IN_ONE_COMMIT, numbers.stop))
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO event (body) VALUES (?)", [(message(number),) for number in some])
            self._db.execute("COMMIT")

    def packs(self) -> Iterator[list[int]]:
        row_id, query = 0, "SELECT row_id, body FROM event WHERE row_id > ? ORDER BY row_id LIMIT ?"
        while rows := self._db.execute(query, (row_id, IN_ONE_COMMIT)).fetchall():
            row_id = rows[-1][0]
            yield [_number(body) for _, body in rows]

    def close(self) -> None:
        self._db.close()


class ThingsBoard:
    """A storage class of thingsboard-gateway, driven as its service drives it: put, get_event_pack, …_done."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        kind = settings["type"]
        name = {"file": "file.file_event_storage", "sqlite": "sqlite.sqlite_event_storage"}[kind]
        made = import_module(f"thingsboard_gateway.storage.{name}")
        log = logging.getLogger("storage")
        log.trace = lambda *_: None  # type: ignore[attr-defined]  # its own loggers have this level
        places = {"data_folder_path": f"{folder}/", "data_file_path": f"{folder}/"}
        of_kind = {"file": "FileEventStorage", "sqlite": "SQLiteEventStorage"}[kind]
        self._storage = getattr(made, of_kind)(settings | places, log, threading.Event())

    def put(self, number: int) -> bool:
        return self._storage.put(message(number)) is True

    def put_all(self, numbers: range) -> None:
        for number in numbers:
            self._storage.put(message(number))

    def packs(self) -> Iterator[list[int]]:
        missed = 0
        while missed < PACKS_MISSED:
            if pack := self._storage.get_event_pack():
                yield [_number(text) for text in pack]
                self._storage.event_pack_processing_done()
                missed = 0
            else:
                missed += 1
                time.sleep(0.05)

    def close(self) -> None:
        queue, until_s = getattr(self._storage, "write_queue", None), time.monotonic() + SETTLED_S
        while queue is not None and not queue.empty() and time.monotonic() < until_s:
            time.sleep(0.05)
        time.sleep(0.5)  # the batch that its thread has taken out of the queue
        self._storage.stop()


KINDS: dict[str, type[Journal] | type[PlainSqlite] | type[ThingsBoard]] = {
    "journal": Journal,
    "plain": PlainSqlite,
    "thingsboard": ThingsBoard,
}


def shipped_settings() -> dict[str, Any]:
    """The `storage` section of the tb_gateway.json that thingsboard-gateway installs."""
    package = Path(str(import_module("thingsboard_gateway").__file__)).parent
    document = json.loads((package / "config" / "tb_gateway.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["storage"]
    return found


def in_files(folder: Path) -> int:
    """How many events another reader of a store's files finds there now; whole lines of text files that are one."""
    count = 0
    for path in folder.glob("*.db"):
        with closing(sqlite3.connect(path)) as db, suppress(sqlite3.OperationalError):
            known = [
                name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name IN ('event', 'messages')")
            ]
            count += sum(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in known)
    return count + sum(_whole_lines(path) for path in folder.glob("data_*.txt"))


def _whole_lines(path: Path) -> int:
    count = 0
    for line in path.read_bytes().splitlines():
        with suppress(ValueError, KeyError):
            _number(base64.b64decode(line))
            count += 1
    return count


def message(number: int) -> str:
    """One event as thingsboard-gateway's converters hand them to its storage."""
    telemetry = [{"ts": 1_764_000_000_000, "values": {"n": number, **VALUES}}]
    return json.dumps({"deviceName": "north", "deviceType": "door", "telemetry": telemetry}, separators=(",", ":"))


def _number(text: str | bytes) -> int:
    return int(json.loads(text)["telemetry"][0]["values"]["n"])
