"""The office's memory: one SQLite file, synchronous=FULL. What was answered is committed; a batch is one transaction.

Times are stamped by the ledger itself, in UTC.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sync import wire
from sync.office import alarms, devices, held_lists, lost_boxes, refused_lists, said_lists, streams
from sync.office.confirmations import SCHEMA as CONFIRMATIONS
from sync.office.confirmations import Confirmations
from sync.office.listing import Listings
from sync.office.other_entries import OtherEntries
from sync.office.signing import Signer

Result = TypeVar("Result")

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS site (
    site TEXT PRIMARY KEY, hello_at TEXT, software TEXT, boot_id TEXT,
    list_seen INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
"""


class Ledger:
    """Not safe for several threads at once: the application calls it from one thread of its own."""

    def __init__(self, path: Path, signer: Signer | None = None) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA cache_size=-65536")  # 64 MiB: the entries of a large list lie in no order
        self._db.executescript(_SCHEMA + alarms.SCHEMA + devices.SCHEMA + streams.SCHEMA + CONFIRMATIONS)
        self._db.executescript(refused_lists.SCHEMA + held_lists.SCHEMA + lost_boxes.SCHEMA + said_lists.SCHEMA)
        self._alarms = alarms.Alarms(self._db)
        self.lost = lost_boxes.LostBoxes(self._db, self._alarms)
        self._devices = devices.Devices(self._db, self._alarms, self.lost)
        self._streams = streams.Streams(self._db, self._alarms)
        self._refused = refused_lists.RefusedLists(self._db)
        self._held = held_lists.HeldLists(self._db)
        self._other_entries = OtherEntries(self._db)
        self._said = said_lists.SaidLists(self._db, self._alarms)
        self._confirmations = Confirmations(self._db)
        self.lists = Listings(self._db, signer or Signer())
        self._take_up_whole_lists()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _take_up_whole_lists(self) -> None:
        """A ledger of an earlier release held each version of a list whole: its newest becomes entries, once."""
        if self._one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'list'") is None:
            return
        with self._transaction():
            query = "SELECT l.site, l.raw, coalesce(s.list_seen, 0) FROM list l LEFT JOIN site s USING (site)"
            newest = " WHERE l.version = (SELECT max(version) FROM list WHERE site = l.site)"
            for site, raw, seen in self._db.execute(query + newest).fetchall():
                if self.list_version(site) == 0:
                    self.lists.put(site, msgspec.json.decode(raw), seen, keep=True)
            self._db.execute("DROP TABLE list")

    def add_site(self, site: str) -> None:
        """Know a site from now on."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO site (site) VALUES (?)", (site,))

    def knows(self, site: str) -> bool:
        """Whether the office has this site."""
        return self._one("SELECT 1 FROM site WHERE site = ?", site) is not None

    def sites(self) -> list[dict[str, Any]]:
        """Each site, its newest list's coordinate, and when its gateway said hello last."""
        rows = self._db.execute(
            "SELECT site, coalesce(generation, 0), coalesce(version, 0), hello_at FROM site"
            " LEFT JOIN listing USING (site) ORDER BY site"
        )
        names = ("site", "list_generation", "list_version", "last_hello_at")
        return [dict(zip(names, row, strict=True)) for row in rows]

    # Events

    def challenge(self, site: str) -> wire.Challenge:
        """Something new for the site's device to sign."""
        with self._transaction():
            return self._devices.challenge(site)

    def welcome(self, site: str, hello: wire.Hello, body: bytes, signature: str) -> wire.Welcome | wire.Refusal:
        """Open a session, if the site's own device says this hello now. `body` is what was signed."""
        with self._transaction():
            refusal = self._devices.admit(site, hello, body, signature)
            if refusal is not None:
                return refusal
            self._db.execute(
                f"UPDATE site SET hello_at = {_NOW}, software = ?, boot_id = ?,"
                " list_seen = max(list_seen, ?) WHERE site = ?",
                (hello.software, hello.boot_id, hello.list_version, site),
            )
            self._said.take(site, hello, self.lists.coordinate(site))
            self._streams.note_forks(site, hello)
            session = self._devices.open_session(site, hello)
            return wire.Welcome(session, self._streams.cursors(site, hello))

    def accept(self, site: str, batch: wire.Batch, body: bytes, signature: str) -> wire.Receipt | wire.Refusal:
        """Keep a batch. Durable when this returns a receipt. `body` is what was signed."""
        first = batch.events[0].seq
        if [event.seq for event in batch.events] != list(range(first, first + len(batch.events))):
            return wire.Refusal("gap_in_batch", "seq must rise by one from event to event")
        with self._transaction():
            refusal = self._devices.admits(site, batch.session, "events", body, signature)
            if refusal is not None:
                return refusal
            result, fresh = self._streams.accept(site, batch)
            self._confirmations.take(site, batch.epoch, fresh)
            self._refused.take(site, fresh)
            self._held.take(site, fresh)
            return result

    def accept_gap(self, site: str, gap: wire.Gap, body: bytes, signature: str) -> wire.Receipt | wire.Refusal:
        """Go on behind events that are gone. Durable when this returns a receipt. `body` is what was signed."""
        if gap.last < gap.first:
            return wire.Refusal("gap_in_batch", "the last is before the first")
        with self._transaction():
            refusal = self._devices.admits(site, gap.session, "gap", body, signature)
            return refusal or self._streams.accept_gap(site, gap)

    def accept_copies(self, site: str, copies: wire.Copies, body: bytes, signature: str) -> wire.Kept | wire.Refusal:
        """Keep events ahead of their turn. Durable when this returns. `body` is what was signed."""
        with self._transaction():
            refusal = self._devices.admits(site, copies.session, "copies", body, signature)
            return refusal or self._streams.accept_copies(site, copies)

    def hash_at(self, site: str, epoch: str, seq: int) -> wire.KnownHash:
        """The hash of one event: what a gateway asks for to find where two histories part."""
        return wire.KnownHash(self._streams.hash_at(site, epoch, seq))

    def stream(self, site: str, epoch: str, after: int, limit: int) -> list[dict[str, Any]]:
        """One epoch in its own order."""
        return self._streams.stream(site, epoch, after, limit)

    def events(self, site: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Events in the order of their arrival; `n` is the number to go on from."""
        return self._streams.events(site, after, limit)

    def summary(self, site: str) -> dict[str, Any]:
        """Counts, whether anything is missing, who speaks for the site, and what must be looked at."""
        about = self._one("SELECT hello_at, software, list_seen, duplicates FROM site WHERE site = ?", site)
        return {
            "site": site,
            **self._streams.summary(site),
            "duplicates_ignored": about[3],
            "last_hello_at": about[0],
            "software": about[1],
            "list_version": self.list_version(site),
            "list_generation": self.lists.coordinate(site)[0],
            "list_version_at_gateway": about[2],
            "list_at_gateway": self._said.summary(site),
            "list_refused": self._refused.summary(site),
            "list_held": self._held.summary(site),
            "device_key": self._devices.enrolled(site),
            "lost_boxes": self.lost.known(site),
            "alarms": self._alarms.open(site),
        }

    # The site's device, and what somebody must look at

    def admit_device(self, site: str, key: str, call: str) -> wire.Refusal | None:
        """Whether this key, which has signed a call just now, speaks for the site; the first that comes is enrolled."""
        if not self.knows(site):
            return wire.Refusal("unknown_site", f"there is no site {site!r} here")
        if self._devices.speaks(site, key):  # as nearly always: nothing is written
            return None
        with self._transaction():
            return self._devices.meet(site, key, f"asks for {call}")

    def enrol(self, site: str, key: str) -> bool:
        """From now on this key, and no other, speaks for the site. False for that of a box that was lost."""
        with self._transaction():
            return self._devices.enrol(site, key, "administrator")

    def report_lost(self, site: str, by: str) -> tuple[str | None, str]:
        """The site's box is gone: its key, which speaks for nobody any more, and the token of the next box."""
        with self._transaction():
            known = self._devices.enrolled(site)
            self._devices.forget(site)
            key = None if known is None else str(known["key"])
            return key, self.lost.report(site, key, by)

    def note_lost_token(self, site: str, where: str) -> None:
        """Somebody has the token that a lost box knew."""
        with self._transaction():
            self.lost.speaks(site, "token", f"from {where}")

    def forget_device(self, site: str) -> bool:
        """The next key that comes is enrolled. False where there was none."""
        with self._transaction():
            return self._devices.forget(site)

    def end_alarm(self, site: str, number: int, by: str) -> bool:
        """Somebody has seen to it. False where there is no such open alarm."""
        with self._transaction():
            return self._alarms.end(site, number, by)

    # Who waits for a yes

    def waiting(self, site: str) -> list[dict[str, Any]]:
        """Who waits at the site's gates, and what was answered."""
        return self._confirmations.waiting(site)

    def give_answer(self, site: str, given: wire.GivenAnswer) -> str | wire.Refusal:
        """Keep an answer; what became of it so far. Durable when this returns."""
        with self._transaction():
            return self._confirmations.give(site, given)

    def answers(self, site: str, after: int) -> wire.Answers | None:
        """Answers that the gateway has not heard, None while there are none."""
        return self._confirmations.answers(site, after)

    # Lists

    def list_version(self, site: str) -> int:
        """The newest list's version, 0 while there is none."""
        return self.lists.coordinate(site)[1]

    def list_hint(self, site: str) -> str | None:
        """What whoever changes the list should know: the gateway takes none, or this replaces one held there."""
        behind = self._said.hint(site, self.lists.coordinate(site))
        return behind or self._held.hint(site)

    def generation_shown(self, site: str) -> int:
        """That of its gateway's list: what a new generation must be above."""
        return self._said.generation(site)

    def revocation_hint(self, site: str, revoked: Collection[str]) -> str | None:
        """What whoever revokes these should know, before they do: other entries of the same cards stay good."""
        return self._other_entries.hint(site, revoked)

    def change_list(self, site: str, change: Callable[[Listings, int], Result]) -> Result:
        """Change a site's list in one transaction. `change` gets the newest version that its gateway has shown."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO site (site) VALUES (?)", (site,))
            (seen,) = self._one("SELECT list_seen FROM site WHERE site = ?", site)
            waits = self._held.summary(site)  # its gateway asks for what is newer than that one, too
            shown = (int(seen), 0 if waits is None else waits["version"])
            return change(self.lists, max((each for each in shown if each < said_lists.VERSIONS_FOLLOWED), default=0))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Committed when the block ends, also by a return; rolled back when it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some faults of a disk have rolled it back already
                self._db.execute("ROLLBACK")
            raise

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()
