"""A site's list as the office keeps it: its rules, its entries by id, and the manifest that promises both."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sync import list_wire as lw
from sync.office.bucket_lines import BucketLines
from sync.office.devices import is_signed
from sync.office.entries import LONG_PARTS, Before, Entries, Entry, Key, entries_of
from sync.office.lists import (
    GivesBack,
    Unsound,
    entry_faults,
    is_active,
    named_cardholders,
    named_levels,
    pass_key_faults,
)
from sync.office.revocations import Revocations
from sync.office.signing import Signer

SCHEMA = """
CREATE TABLE IF NOT EXISTS listing (
    site TEXT PRIMARY KEY, generation INTEGER NOT NULL, version INTEGER NOT NULL, previous INTEGER NOT NULL,
    issued_at TEXT NOT NULL, rules BLOB NOT NULL, rules_version INTEGER NOT NULL, digests BLOB NOT NULL,
    count INTEGER NOT NULL, floor INTEGER NOT NULL, sequence INTEGER NOT NULL, manifest BLOB NOT NULL) WITHOUT ROWID;
"""


class TooFew(Exception):
    """There is no list yet, or no such entry: `code` says which."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class OtherManifest(Exception):
    """A signature is none of the newest manifest by a key that counts; the text says which of the two."""


@dataclass(slots=True)
class _Listing:
    generation: int
    version: int
    previous: int
    issued_at: str
    rules: bytes
    rules_version: int
    digests: bytes
    count: int
    floor: int
    sequence: int
    manifest: bytes


class Listings:
    """All sites' lists. Its callers hold a transaction around whatever changes something."""

    def __init__(self, database: sqlite3.Connection, signer: Signer) -> None:
        self._db, self._signer = database, signer
        database.executescript(SCHEMA)
        self._entries, self._revocations = Entries(database), Revocations(database, signer)
        self._lines = BucketLines(database, self._entries.of_bucket)

    # What gateways get

    def coordinate(self, site: str) -> tuple[int, int]:
        """(generation, version) of the newest list, (0, 0) while there is none."""
        found = self._find(site)
        return (0, 0) if found is None else (found.generation, found.version)

    def manifest(
        self, site: str, after: tuple[int, int], keys: int = lw.NO_NEWS, signatures: int = lw.NO_NEWS
    ) -> lw.Manifest | None:
        """That of the newest list, if it is newer than `after`, or is `after` with more signatures than so many.

        Also if the key set is newer than `keys`: whoever goes by a lost key must learn of it.
        """
        found = self._find(site)
        if found is None:
            return None
        manifest = self._manifest(found)
        coordinate = (found.generation, found.version)
        countersigned = coordinate == after and len(manifest.signatures) > signatures
        return manifest if coordinate > after or countersigned or self._signer.key_epoch > keys else None

    def changes(self, site: str, version: int, since: int) -> lw.Changes | None:
        """From one version to the newest, which is `version`; None where that isn't known any more, or is much.

        What lies between the newest and the one before was another office's, or this one's before it was put back.
        """
        found = self._find(site)
        if found is None or found.version != version or not found.floor <= since <= found.previous:
            return None
        rows = self._entries.changed(site, since, lw.CHANGED_ENTRIES + 1)
        if len(rows) > lw.CHANGED_ENTRIES:
            return None
        put: dict[str, list[msgspec.Raw]] = {part: [] for part in LONG_PARTS}
        gone: dict[str, list[str]] = {part: [] for part in LONG_PARTS}
        for part, id_, raw in rows:
            if raw is None:
                gone[part].append(id_)
            else:
                put[part].append(msgspec.Raw(raw))
        rules = _rules(found.rules) if found.rules_version > since else None
        people, cards = (tuple(put[part]) for part in LONG_PARTS)
        return lw.Changes(since, rules, people, cards, *(tuple(gone[part]) for part in LONG_PARTS))

    def digests(self, site: str, version: int) -> lw.Digests | None:
        """Of the newest list, if it is `version`."""
        found = self._find(site)
        if found is None or found.version != version:
            return None
        return lw.Digests(lw.rules_digest(_rules(found.rules)).hex(), found.digests.hex())

    def buckets(self, site: str, version: int, numbers: Sequence[int]) -> lw.Buckets | None:
        """The rules and some buckets' entries of the newest list, if it is `version`."""
        found = self._find(site)
        if found is None or found.version != version:
            return None
        held: dict[str, list[msgspec.Raw]] = {part: [] for part in LONG_PARTS}
        for number in numbers:
            for part, _, raw in self._entries.of_bucket(site, number):
                held[part].append(msgspec.Raw(raw))
        return lw.Buckets(_rules(found.rules), *(tuple(held[part]) for part in LONG_PARTS))

    def revocations(self, site: str, after: int) -> lw.Revocations | None:
        """The newest, if their sequence is above `after`."""
        found = self._find(site)
        if found is None or found.sequence <= after:
            return None
        return self._revocations.newest(site, found.sequence, self._now())

    # What people at the office do

    def put(
        self, site: str, document: dict[str, Any], seen: int, *, keep: bool = False, give_back: bool = False
    ) -> int:
        """A whole list as the next version. `keep`: its own version and time, where they are above all others.

        `give_back`: revoked credentials may be active in it. Raises GivesBack where they are and may not.
        """
        if not give_back and (back := self._revocations.given_back(site, document)):
            raise GivesBack(back)
        before = self._find(site)
        version = max(seen, 0 if before is None else before.version) + 1
        issued_at = None
        if keep:
            version = max(version, int(document.get("version", 1)))
            issued_at = _time(document.get("issued_at"))
        entries = dict(entries_of(document))
        there = self._entries.leave_changed(site, entries)
        rules = msgspec.json.encode({name: document[name] for name in lw.RULES if name in document})
        return self._next(site, version, entries, there.get, rules=rules, issued_at=issued_at)

    def put_entries(self, site: str, part: str, items: list[dict[str, Any]], seen: int) -> int:
        """Put entries in, or in the place of those with the same id. Those that are no longer active are revoked.

        Raises Unsound.
        """
        before = self._must_find(site)
        if faults := self._entry_faults(site, part, items, _rules(before.rules)):
            raise Unsound(faults)
        version = self._next(site, max(seen, before.version) + 1, dict(entries_of({part: items})))
        if part == "credentials":
            self._revoke(site, [item["id"] for item in items if not is_active(item)], version)
        return version

    def remove(self, site: str, part: str, id_: str, seen: int) -> int:
        """Take an entry out; a cardholder's credentials go along. They are revoked. Raises Unsound."""
        before = self._must_find(site)
        if part == "cardholders" and (faults := pass_key_faults(_rules(before.rules), id_)):
            raise Unsound(faults)
        entries = self._entries.without(site, part, id_)
        if not entries:
            raise TooFew("unknown_entry", "there is no entry with this id")
        version = self._next(site, max(seen, before.version) + 1, entries)
        self._revoke(site, [id_ for part, id_ in entries if part == "credentials"], version)
        return version

    def revoke(self, site: str, credentials: list[str], state: str, seen: int) -> int:
        """Give credentials another state, and have gateways refuse them before they have the list.

        Also those that were taken out: while that list waits at the site, they still pass there.
        """
        before = self._must_find(site)
        items = []
        for id_ in credentials:
            found = self._entries.find(site, "credentials", id_)
            if found is None:
                raise TooFew("unknown_entry", f"there is no credential {id_!r}")
            if found[0] is not None:
                items.append({**msgspec.json.decode(found[0]), "state": state})
        version = self._next(site, max(seen, before.version) + 1, dict(entries_of({"credentials": items})))
        self._revoke(site, credentials, version)
        return version

    def begin_generation(self, site: str, seen: int, shown: int = 0) -> int:
        """The same list in a generation above this one and `shown`, the gateway's. Its version."""
        before = self._must_find(site)
        generation = max(before.generation, shown) + 1
        return self._next(site, max(seen, before.version) + 1, {}, generation=generation)

    def countersign(self, site: str, signature: lw.Signature) -> lw.Manifest:
        """Add a person's signature to the newest manifest, in the place of theirs before.

        Raises OtherManifest: a wrong one of a known key would have each gateway refuse the list.
        """
        manifest = self._manifest(self._must_find(site))
        if not self._signer.counts(signature.key):
            raise OtherManifest(f"{signature.key[:16]}… is no key of key set {manifest.key_epoch}, which counts here")
        if not is_signed(signature.key, signature.signature, lw.manifest_bytes(manifest)):
            raise OtherManifest(
                f"it does not sign the newest manifest, of version {manifest.version}: was the list changed meanwhile,"
                " or were the keys? GET list/signing again, and sign that one"
            )
        others = tuple(each for each in manifest.signatures if each.key != signature.key)
        signed = msgspec.structs.replace(manifest, signatures=(*others, signature))
        self._db.execute("UPDATE listing SET manifest = ? WHERE site = ?", (msgspec.json.encode(signed), site))
        return signed

    def _entry_faults(self, site: str, part: str, items: list[Any], rules: dict[str, msgspec.Raw]) -> Sequence[str]:
        """What is wrong with entries that are put, with this list around them."""
        if part == "cardholders":
            there = {level["id"] for level in msgspec.json.decode(rules.get("levels", b"[]"))}
            return entry_faults(part, items, there & named_levels(items), ())
        known = [id_ for id_ in named_cardholders(items) if self._entries.has(site, "cardholders", id_)]
        return entry_faults(part, items, (), known) or self._entries.same_cards(site, items)

    def _next(
        self,
        site: str,
        version: int,
        entries: Mapping[Key, Entry],
        there: Callable[[Key], Before | None] | None = None,
        *,
        rules: bytes | None = None,
        issued_at: datetime | None = None,
        generation: int | None = None,
    ) -> int:
        before = self._find(site)
        changed_lines, more = self._entries.write(site, version, entries, there)
        digests = bytearray(before.digests if before is not None else lw.bucket_digest(()) * lw.BUCKETS)
        self._lines.change(site, changed_lines, digests)
        text = rules if rules is not None else b"{}" if before is None else before.rules
        changed = before is None or text != before.rules
        count = (0 if before is None else before.count) + more
        previous = 0 if before is None else before.version
        if generation is None:
            generation = 0 if before is None else before.generation
        root = lw.root_of(lw.rules_digest(_rules(text)), bytes(digests))
        now = issued_at or self._now()
        manifest = lw.Manifest(site, generation, version, previous, count, root, now, self._signer.key_epoch)
        floor = version if before is None else self._entries.forget_marks(site, before.floor)
        row = _Listing(
            *(generation, version, previous, now.isoformat(), text),
            version if changed or before is None else before.rules_version,
            *(bytes(digests), count, floor, 0 if before is None else before.sequence),
            msgspec.json.encode(self._signed(manifest)),
        )
        values = [getattr(row, name) for name in _Listing.__slots__]
        self._db.execute(f"INSERT OR REPLACE INTO listing VALUES (?{', ?' * len(values)})", (site, *values))
        return version

    def _revoke(self, site: str, credentials: list[str], version: int) -> None:
        if not credentials:
            return
        found = self._must_find(site)
        # By the clock, so that an office that was put back to an older copy goes on above what its gateways have seen.
        sequence = max(found.sequence + 1, int(self._now().timestamp() * 1000))
        self._revocations.put(site, credentials, found.generation, version, sequence)
        self._db.execute("UPDATE listing SET sequence = ? WHERE site = ?", (sequence, site))

    def _manifest(self, found: _Listing) -> lw.Manifest:
        """The newest manifest as it is told: signed by the key set in use."""
        manifest = msgspec.json.decode(found.manifest, type=lw.Manifest)
        if self._signer.has_signed(manifest):
            return manifest
        return self._signed(msgspec.structs.replace(manifest, key_epoch=self._signer.key_epoch))

    def _signed(self, manifest: lw.Manifest) -> lw.Manifest:
        return msgspec.structs.replace(manifest, signatures=self._signer.signatures(manifest))

    def _now(self) -> datetime:
        (text,) = self._db.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')").fetchone()
        return datetime.fromisoformat(text)

    def _find(self, site: str) -> _Listing | None:
        row = self._db.execute("SELECT * FROM listing WHERE site = ?", (site,)).fetchone()
        return None if row is None else _Listing(*row[1:])

    def _must_find(self, site: str) -> _Listing:
        found = self._find(site)
        if found is None:
            raise TooFew("unknown_list", f"{site!r} has no list yet: PUT one first")
        return found


def read_document(path: Path, site: str, version: int | None) -> bytes | None:
    """The whole LIST.json, read beside whoever writes; None where the newest list is another than `version`."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as database:
        database.execute("BEGIN")
        row = database.execute(
            "SELECT generation, version, issued_at, rules FROM listing WHERE site = ?", (site,)
        ).fetchone()
        if row is None or (version is not None and row[1] != version):
            return None
        head = {"schema": 1, "site": site, "version": row[1], "issued_at": datetime.fromisoformat(row[2])}
        parts = [msgspec.json.encode({**head, **_rules(row[3])})[:-1]]
        for part in LONG_PARTS:
            raws = database.execute(
                "SELECT raw FROM entry WHERE site = ? AND part = ? AND raw IS NOT NULL ORDER BY id", (site, part)
            )
            parts += [b',"' + part.encode() + b'":[', b",".join(raw for (raw,) in raws), b"]"]
    return b"".join([*parts, b"}"])


def _rules(text: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])


def _time(text: object) -> datetime | None:
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return found if found.tzinfo is not None else None
