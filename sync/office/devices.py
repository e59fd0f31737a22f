"""Which device speaks for a site: its key, the challenges it must sign, and its sessions. Part of the ledger."""

import secrets
import sqlite3
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync import wire
from sync.office.alarms import Alarms
from sync.office.lost_boxes import LostBoxes

CHALLENGES = 16
"""Open ones of a site: two boxes with one identity and a bad line each have a few on their way."""
TOLD_EVERY_S = 60
"""Who is refused asks again and again, by several calls: they are one alarm, counted once in this time at most."""
STARTS = 64
"""Starts at a site that are remembered, to notice that two of them are alive."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS device (
    site TEXT PRIMARY KEY, key TEXT NOT NULL, enrolled_at TEXT NOT NULL, how TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS challenge (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, challenge TEXT NOT NULL, UNIQUE (site, challenge));
CREATE TABLE IF NOT EXISTS session (
    site TEXT, head TEXT, session TEXT NOT NULL, boot_id TEXT NOT NULL, PRIMARY KEY (site, head)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boot (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, boot_id TEXT NOT NULL, UNIQUE (site, boot_id));
"""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


def is_key(text: str) -> bool:
    """One key has one writing, by which it is known."""
    try:
        msgspec.convert(text, wire.PublicKey)
    except msgspec.ValidationError:
        return False
    return True


def is_signed(key: str, signature: str, message: bytes) -> bool:
    """Whether the key's owner signed the message; anything malformed is not signed."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Devices:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection, alarms: Alarms, lost: LostBoxes) -> None:
        self._db, self._alarms, self._lost = db, alarms, lost

    def challenge(self, site: str) -> wire.Challenge:
        """Something new to sign; of a site's open challenges the newest stay."""
        fresh = secrets.token_hex(16)
        self._db.execute("INSERT INTO challenge (site, challenge) VALUES (?, ?)", (site, fresh))
        self._db.execute(
            "DELETE FROM challenge WHERE site = ? AND n <= (SELECT n FROM challenge WHERE site = ? ORDER BY n DESC"
            " LIMIT 1 OFFSET ?)",
            (site, site, CHALLENGES),
        )
        return wire.Challenge(fresh)

    def admit(self, site: str, hello: wire.Hello, body: bytes, signature: str) -> wire.Refusal | None:
        """Whether this hello is the site's own device's, said now. The first key that comes is enrolled."""
        if not is_signed(hello.device_key, signature, wire.signed_bytes(site, "hello", hello.challenge, body)):
            return wire.Refusal("bad_signature", "the hello is not signed by the key that it names")
        refusal = self._refused(site, hello.device_key, f"says hello, software {hello.software[:40]}")
        if refusal is not None:
            return refusal
        (used,) = self._one(
            "SELECT coalesce(max(n), 0) FROM challenge WHERE site = ? AND challenge = ?", site, hello.challenge
        )
        if not used:
            return wire.Refusal("challenge", "the challenge is not open, or was used: ask for another")
        # Those before it too: a hello that is late would end the newer session, and look like a second box.
        self._db.execute("DELETE FROM challenge WHERE site = ? AND n <= ?", (site, used))
        self.enrol(site, hello.device_key, "first use")
        return None

    def speaks(self, site: str, key: str) -> bool:
        """Whether the site's enrolled device has this key, and was not lost."""
        query = "SELECT 1 FROM device WHERE site = ? AND key = ? AND key NOT IN (SELECT key FROM lost_box)"
        return self._one(query, site, key) is not None

    def meet(self, site: str, key: str, said: str) -> wire.Refusal | None:
        """Enrol the key if it is the first that comes. `said` is what its owner wants, for who looks at the alarm."""
        refusal = self._refused(site, key, said)
        if refusal is None:
            self.enrol(site, key, "first use")
        return refusal

    def _refused(self, site: str, key: str, said: str) -> wire.Refusal | None:
        """Why this key may not speak for the site, which an alarm tells."""
        if self._lost.is_lost(key):
            self._lost.speaks(site, "key", f"its key {key[:16]} {said}")
            return wire.Refusal("lost_device", "this box was reported lost: what it knew is void")
        row = self._one("SELECT key FROM device WHERE site = ?", site)
        if row is not None and row[0] == key:
            return None
        elsewhere = self._one("SELECT site FROM device WHERE key = ?", key)
        if row is None and elsewhere is None:
            return None
        whose = "" if elsewhere is None else f", site {elsewhere[0]}'s"
        self._alarms.tell(site, "other_device", key[:16], f"its key is {key}{whose}; it {said}", TOLD_EVERY_S)
        if row is None:
            text = "this device is another site's: if its box was moved, have the office name or forget its key"
        else:
            text = "this site's device has another key: if the box was replaced, have the office forget the old key"
        return wire.Refusal("other_device", text)

    def enrol(self, site: str, key: str, how: str) -> bool:
        """This key speaks for the site from now on; sessions of another are over. False for a lost box's."""
        if self._lost.is_lost(key):
            return False
        known = self.enrolled(site)
        if known is not None and known["key"] == key:
            return True
        self._db.execute(f"INSERT OR REPLACE INTO device VALUES (?, ?, {_NOW}, ?)", (site, key, how))
        self._db.execute("DELETE FROM session WHERE site = ?", (site,))
        return True

    def forget(self, site: str) -> bool:
        """The next key that comes is enrolled. False where there was none."""
        self._db.execute("DELETE FROM session WHERE site = ?", (site,))
        return self._db.execute("DELETE FROM device WHERE site = ?", (site,)).rowcount == 1

    def enrolled(self, site: str) -> dict[str, Any] | None:
        """The site's key, since when, and how it came; None while there is none."""
        row = self._one("SELECT key, enrolled_at, how FROM device WHERE site = ?", site)
        return None if row is None else dict(zip(("key", "enrolled_at", "how"), row, strict=True))

    def open_session(self, site: str, hello: wire.Hello) -> str:
        """A new session of this box and its newest epoch; the ones before it are stale.

        Boxes whose histories have parted have sessions of their own: they don't end each other's.
        """
        session = secrets.token_hex(16)
        head = hello.epochs[-1].epoch if hello.epochs else ""
        self._db.execute("DELETE FROM session WHERE site = ? AND boot_id = ?", (site, hello.boot_id))
        self._db.execute("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)", (site, head, session, hello.boot_id))
        self._note_start(site, hello.start_id or hello.boot_id)
        return session

    def admits(self, site: str, session: str, call: str, body: bytes, signature: str) -> wire.Refusal | None:
        """Whether a call belongs to an open session and was signed by the site's device."""
        if self._one("SELECT 1 FROM session WHERE site = ? AND session = ?", site, session) is None:
            return wire.Refusal("stale_session", "another session is open: say hello again")
        (key,) = self._one("SELECT key FROM device WHERE site = ?", site)
        if not is_signed(key, signature, wire.signed_bytes(site, call, session, body)):
            return wire.Refusal("bad_signature", "it is not signed by this site's device")
        return None

    def _note_start(self, site: str, start: str) -> None:
        """What starts has a new id for ever: one that speaks again after another's is a second box."""
        newest = self._one("SELECT boot_id FROM boot WHERE site = ? ORDER BY n DESC LIMIT 1", site)
        if newest is not None and newest[0] == start:
            return
        again = self._db.execute("DELETE FROM boot WHERE site = ? AND boot_id = ?", (site, start)).rowcount
        if again and newest is not None:
            self._alarms.tell(site, "clone", "boxes", f"the boxes started as {newest[0][:40]} and {start[:40]}")
        self._db.execute("INSERT INTO boot (site, boot_id) VALUES (?, ?)", (site, start))
        self._db.execute(
            "DELETE FROM boot WHERE site = ? AND n <= (SELECT n FROM boot WHERE site = ? ORDER BY n DESC"
            " LIMIT 1 OFFSET ?)",
            (site, site, STARTS),
        )

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()
