"""A site's list as the office keeps it: entries by id, each with the version at which it last changed.

What has changed since a version is read off the entries; one that was taken out stays as a mark for a while.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from sync import list_wire as lw
from sync.office.bucket_lines import BucketLines
from sync.office.devices import is_signed
from sync.office.lists import (
    GivesBack,
    Unsound,
    card_of,
    entry_faults,
    named_cardholders,
    named_levels,
    pass_key_faults,
)
from sync.office.signing import Signer

MARKS_KEPT = 50_000
"""Entries that were taken out and are remembered: years of a compound's removals. Older gateways get the whole list."""
LONG_PARTS = ("cardholders", "credentials")

CARD = "coalesce(CAST(raw AS TEXT) -> '$.key', CAST(raw AS TEXT) -> '$.number')"
"""The text of what two entries of one card have alike; whatever else names it is compared by hand."""
IS_CARD = "part = 'credentials' AND raw IS NOT NULL"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS listing (
    site TEXT PRIMARY KEY, generation INTEGER NOT NULL, version INTEGER NOT NULL, previous INTEGER NOT NULL,
    issued_at TEXT NOT NULL, rules BLOB NOT NULL, rules_version INTEGER NOT NULL, digests BLOB NOT NULL,
    count INTEGER NOT NULL, floor INTEGER NOT NULL, sequence INTEGER NOT NULL, manifest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    site TEXT, part TEXT, id TEXT, cardholder TEXT NOT NULL, bucket INTEGER NOT NULL, version INTEGER NOT NULL,
    raw BLOB, PRIMARY KEY (site, part, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_bucket ON entry (site, bucket);
CREATE INDEX IF NOT EXISTS entry_version ON entry (site, version);
CREATE INDEX IF NOT EXISTS entry_mark ON entry (site, version) WHERE raw IS NULL;
CREATE INDEX IF NOT EXISTS entry_holder ON entry (site, cardholder);
CREATE INDEX IF NOT EXISTS entry_card ON entry (site, {CARD}) WHERE {IS_CARD};
CREATE TABLE IF NOT EXISTS revocation (
    site TEXT, credential TEXT, generation INTEGER NOT NULL, version INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (site, credential)) WITHOUT ROWID;
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


_Key = tuple[str, str]
"""Part, id."""
_Entry = tuple[str, bytes | None]
"""Cardholder, text; no text: taken out."""
_Before = tuple[int, bool]
"""Bucket, and whether there was a text."""


class Listings:
    """All sites' lists. Its callers hold a transaction around whatever changes something."""

    def __init__(self, database: sqlite3.Connection, signer: Signer) -> None:
        self._db, self._signer = database, signer
        database.executescript(SCHEMA)
        self._lines = BucketLines(database, self._bucket)

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
        rows = self._db.execute(
            "SELECT part, id, raw FROM entry INDEXED BY entry_version WHERE site = ? AND version > ? LIMIT ?",
            (site, since, lw.CHANGED_ENTRIES + 1),
        ).fetchall()
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
            for part, _, raw in self._bucket(site, number):
                held[part].append(msgspec.Raw(raw))
        return lw.Buckets(_rules(found.rules), *(tuple(held[part]) for part in LONG_PARTS))

    def revocations(self, site: str, after: int) -> lw.Revocations | None:
        """The newest, if their sequence is above `after`."""
        found = self._find(site)
        if found is None or found.sequence <= after:
            return None
        rows = self._db.execute(
            "SELECT credential, generation, version FROM revocation WHERE site = ?"
            " ORDER BY sequence DESC, credential LIMIT ?",
            (site, lw.REVOKED),
        ).fetchall()
        revoked = tuple(lw.Revoked(*row) for row in rows)
        unsigned = lw.Revocations(site, found.sequence, self._now(), revoked, self._signer.key_epoch)
        return msgspec.structs.replace(unsigned, signatures=self._signer.signatures(unsigned))

    # What people at the office do

    def put(
        self, site: str, document: dict[str, Any], seen: int, *, keep: bool = False, give_back: bool = False
    ) -> int:
        """A whole list as the next version. `keep`: its own version and time, where they are above all others.

        `give_back`: revoked credentials may be active in it. Raises GivesBack where they are and may not.
        """
        if not give_back and (back := self._given_back(site, document)):
            raise GivesBack(back)
        before = self._find(site)
        version = max(seen, 0 if before is None else before.version) + 1
        issued_at = None
        if keep:
            version = max(version, int(document.get("version", 1)))
            issued_at = _time(document.get("issued_at"))
        entries: dict[_Key, _Entry] = dict(_entries(document))
        there: dict[_Key, _Before] = {}
        query = "SELECT part, id, cardholder, bucket, raw FROM entry WHERE site = ?"
        for part, id_, holder, bucket, raw in self._db.execute(query, (site,)):
            key = part, id_
            there[key] = bucket, raw is not None
            if key not in entries:
                entries[key] = holder, None
            if entries[key][1] == raw:
                del entries[key]
        rules = msgspec.json.encode({name: document[name] for name in lw.RULES if name in document})
        return self._next(site, version, entries, there.get, rules=rules, issued_at=issued_at)

    def put_entries(self, site: str, part: str, items: list[dict[str, Any]], seen: int) -> int:
        """Put entries in, or in the place of those with the same id. Those that are no longer active are revoked.

        Raises Unsound.
        """
        before = self._must_find(site)
        if faults := self._entry_faults(site, part, items, _rules(before.rules)):
            raise Unsound(faults)
        version = self._next(site, max(seen, before.version) + 1, dict(_entries({part: items})))
        if part == "credentials":
            self._revoke(site, [item["id"] for item in items if not _is_active(item)], version)
        return version

    def remove(self, site: str, part: str, id_: str, seen: int) -> int:
        """Take an entry out; a cardholder's credentials go along. They are revoked. Raises Unsound."""
        before = self._must_find(site)
        if part == "cardholders" and (faults := pass_key_faults(_rules(before.rules), id_)):
            raise Unsound(faults)
        # Named, since without statistics the planner walks all of a site's entries.
        index, where = "", "part = 'credentials' AND id = ?"
        if part == "cardholders":
            index, where = "INDEXED BY entry_holder", "cardholder = ?"
        query = f"SELECT part, id, cardholder FROM entry {index} WHERE site = ? AND raw IS NOT NULL AND {where}"
        rows = self._db.execute(query, (site, id_)).fetchall()
        if not any((row[0], row[1]) == (part, id_) for row in rows):
            raise TooFew("unknown_entry", "there is no entry with this id")
        entries: dict[_Key, _Entry] = {(row[0], row[1]): (row[2], None) for row in rows}
        version = self._next(site, max(seen, before.version) + 1, entries)
        self._revoke(site, [row[1] for row in rows if row[0] == "credentials"], version)
        return version

    def revoke(self, site: str, credentials: list[str], state: str, seen: int) -> int:
        """Give credentials another state, and have gateways refuse them before they have the list.

        Also those that were taken out: while that list waits at the site, they still pass there.
        """
        before = self._must_find(site)
        items = []
        for id_ in credentials:
            row = self._db.execute(
                "SELECT raw FROM entry WHERE site = ? AND part = 'credentials' AND id = ?", (site, id_)
            ).fetchone()
            if row is None:
                raise TooFew("unknown_entry", f"there is no credential {id_!r}")
            if row[0] is not None:
                items.append({**msgspec.json.decode(row[0]), "state": state})
        version = self._next(site, max(seen, before.version) + 1, dict(_entries({"credentials": items})))
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
        query = "SELECT 1 FROM entry WHERE site = ? AND part = 'cardholders' AND id = ? AND raw IS NOT NULL"
        named = named_cardholders(items)
        known = [id_ for id_ in named if self._db.execute(query, (site, id_)).fetchone() is not None]
        return entry_faults(part, items, (), known) or self._same_cards(site, items)

    def _given_back(self, site: str, document: dict[str, Any]) -> list[str]:
        """The revoked credentials that are not active here, and would be in this list."""
        active = {item["id"] for item in document.get("credentials", ()) if _is_active(item)}
        rows = self._db.execute(
            "SELECT credential, raw FROM revocation LEFT JOIN entry ON entry.site = revocation.site"
            " AND entry.part = 'credentials' AND entry.id = revocation.credential"
            " WHERE revocation.site = ? ORDER BY credential",
            (site,),
        )
        return [id_ for id_, raw in rows if id_ in active and not (raw and _is_active(msgspec.json.decode(raw)))]

    def _same_cards(self, site: str, items: list[dict[str, Any]]) -> list[str]:
        """Which of these sound credentials are a card that another one of the list is."""
        ids = {item["id"] for item in items}
        query = f"SELECT id, raw FROM entry INDEXED BY entry_card WHERE site = ? AND {CARD} = ? AND {IS_CARD}"
        faults = []
        for index, item in enumerate(items):
            alike = self._db.execute(
                query, (site, msgspec.json.encode(item.get("key", item.get("number"))).decode())
            ).fetchall()
            same = [id_ for id_, raw in alike if id_ not in ids and card_of(msgspec.json.decode(raw)) == card_of(item)]
            faults += [f"$.credentials[{index}]: is the same card as {id_!r}" for id_ in same[:1]]
        return faults

    def _next(
        self,
        site: str,
        version: int,
        entries: Mapping[_Key, _Entry],
        there: Callable[[_Key], _Before | None] | None = None,
        *,
        rules: bytes | None = None,
        issued_at: datetime | None = None,
        generation: int | None = None,
    ) -> int:
        before = self._find(site)
        changed_lines, more = self._write(site, version, entries, there or partial(self._before, site))
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
        floor = version if before is None else self._floor(site, before.floor)
        row = _Listing(
            *(generation, version, previous, now.isoformat(), text),
            version if changed or before is None else before.rules_version,
            *(bytes(digests), count, floor, 0 if before is None else before.sequence),
            msgspec.json.encode(self._signed(manifest)),
        )
        values = [getattr(row, name) for name in _Listing.__slots__]
        self._db.execute(f"INSERT OR REPLACE INTO listing VALUES (?{', ?' * len(values)})", (site, *values))
        return version

    def _write(
        self, site: str, version: int, entries: Mapping[_Key, _Entry], there: Callable[[_Key], _Before | None]
    ) -> tuple[dict[int, dict[bytes, bytes]], int]:
        """Put the entries; the lines that change, by bucket and name, and how many more entries there are now."""
        lines: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        more = 0
        rows = []
        for (part, id_), (holder, raw) in entries.items():
            old = there((part, id_))
            bucket = lw.bucket_of(holder)
            line = b"" if raw is None else lw.entry_line(part, id_, raw)
            name = line[: lw.NAME_BYTES] or lw.line_name(part, id_)
            if old is not None:
                lines[old[0]][name] = b""
            lines[bucket][name] = line
            more += (raw is not None) - bool(old and old[1])
            rows.append((site, part, id_, holder, bucket, version, raw))
        self._db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return lines, more

    def _before(self, site: str, key: _Key) -> _Before | None:
        """Where an entry lay until now."""
        query = "SELECT bucket, raw IS NOT NULL FROM entry WHERE site = ? AND part = ? AND id = ?"
        row = self._db.execute(query, (site, *key)).fetchone()
        return None if row is None else (row[0], bool(row[1]))

    def _floor(self, site: str, floor: int) -> int:
        """The oldest version from which all removals are known."""
        # The index is of marks alone, so that a change costs no look at the entries that are there.
        row = self._db.execute(
            "SELECT version FROM entry INDEXED BY entry_mark WHERE site = ? AND version > ? AND raw IS NULL"
            " ORDER BY version DESC LIMIT 1 OFFSET ?",
            (site, floor, MARKS_KEPT),
        ).fetchone()
        if row is None:
            return floor
        self._db.execute(
            "DELETE FROM entry INDEXED BY entry_mark WHERE site = ? AND raw IS NULL AND version <= ?", (site, row[0])
        )
        return int(row[0])

    def _revoke(self, site: str, credentials: list[str], version: int) -> None:
        if not credentials:
            return
        found = self._must_find(site)
        # By the clock, so that an office that was put back to an older copy goes on above what its gateways have seen.
        sequence = max(found.sequence + 1, int(self._now().timestamp() * 1000))
        rows = [(site, id_, found.generation, version, sequence) for id_ in credentials]
        self._db.executemany("INSERT OR REPLACE INTO revocation VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute("UPDATE listing SET sequence = ? WHERE site = ?", (sequence, site))

    def _manifest(self, found: _Listing) -> lw.Manifest:
        """The newest manifest as it is told: signed by the key set in use."""
        manifest = msgspec.json.decode(found.manifest, type=lw.Manifest)
        if self._signer.has_signed(manifest):
            return manifest
        return self._signed(msgspec.structs.replace(manifest, key_epoch=self._signer.key_epoch))

    def _signed(self, manifest: lw.Manifest) -> lw.Manifest:
        return msgspec.structs.replace(manifest, signatures=self._signer.signatures(manifest))

    def _bucket(self, site: str, number: int) -> Iterator[tuple[str, str, bytes]]:
        # The index is named, since without statistics the planner walks all of a site's entries.
        yield from self._db.execute(
            "SELECT part, id, raw FROM entry INDEXED BY entry_bucket WHERE site = ? AND bucket = ? AND raw IS NOT NULL",
            (site, number),
        )

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


def _entries(document: dict[str, Any]) -> Iterator[tuple[_Key, tuple[str, bytes]]]:
    """(part, id) and (cardholder, text) of each entry. Keys are sorted, so that the same entry is the same text."""
    for part in LONG_PARTS:
        for item in document.get(part, []):
            holder = item["id"] if part == "cardholders" else str(item.get("cardholder", ""))
            yield (part, item["id"]), (holder, msgspec.json.encode(item, order="sorted"))


def _is_active(credential: Mapping[str, Any]) -> bool:
    return bool(credential.get("state", "active") == "active")


def _rules(text: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])


def _time(text: object) -> datetime | None:
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return found if found.tzinfo is not None else None
