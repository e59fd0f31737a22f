"""Lists on their way down: pure records, what is signed, and their bounds (docs/protocol.md, "Lists down")."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from sync.wire import Count, Hash, Seq, Site

BUCKETS = 1024
NAME_BYTES, LINE_BYTES = 17, 49
"""Of an entry's line in its bucket, and of the name that it begins with."""
RULES = ("zone", "special_days", "schedules", "areas", "access_points", "levels", "pass_keys")
"""The members of LIST.json that travel and are digested as one."""
CHANGED_ENTRIES = 5_000
"""Entries of one answer with changes: more is soon as much as the whole list."""
CHANGES_BYTES = 16 * 1024 * 1024
"""An answer with changes: 5,000 entries and the largest rules are some 4 MB."""
BUCKETS_ASKED = 64
"""Buckets of one call: more of them differ only where the whole list does."""
BUCKETS_BYTES = 64 * 1024 * 1024
"""An answer with buckets: 64 of 1024 of the largest list."""
KEYS = 8
"""Keys of one set: a handful of people sign."""
NO_NEWS = 2**53 - 1
"""As a number of keys or signatures: nothing is news."""
REVOKED = 1_000
"""Revocations at a time: what was taken up by a list drops out, and a mass removal is a list."""

_EPOCH_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
KeyEpoch: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
SignatureHex: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
EntryId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]


class Signature(Struct, frozen=True):
    """Ed25519 (RFC 8032) by the key whose public half is `key`, in hex."""

    key: Hash
    signature: SignatureHex


Signatures: TypeAlias = Annotated[tuple[Signature, ...], Meta(max_length=KEYS)]


class Manifest(Struct, frozen=True):
    """A list exists, and what it will be: everything that it holds hangs on `root`. `previous`: the version before."""

    site: Site
    generation: Count
    version: Seq
    previous: Count
    count: Count
    root: Hash
    issued_at: Time
    key_epoch: KeyEpoch = 0
    signatures: Signatures = ()


class KeySet(Struct, frozen=True):
    """The keys that sign from `valid_from` on, and no others; signed by the root key. Epochs only rise."""

    key_epoch: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    valid_from: Time
    keys: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=KEYS)]
    signature: SignatureHex


class Revoked(Struct, frozen=True):
    """A credential that is refused until a list of this (generation, version) or later is in force."""

    credential: EntryId
    generation: Count
    version: Seq


class Revocations(Struct, frozen=True):
    """All revocations that a gateway may not have in its list yet; `sequence` rises with each."""

    site: Site
    sequence: Seq
    issued_at: Time
    revoked: Annotated[tuple[Revoked, ...], Meta(max_length=REVOKED)]
    key_epoch: KeyEpoch = 0
    signatures: Signatures = ()


class Changes(Struct, frozen=True):
    """From the list `since` to the list of a manifest. Entries are the texts that are digested."""

    since: Seq
    rules: dict[str, msgspec.Raw] | None = None
    cardholders: tuple[msgspec.Raw, ...] = ()
    credentials: tuple[msgspec.Raw, ...] = ()
    gone_cardholders: tuple[EntryId, ...] = ()
    gone_credentials: tuple[EntryId, ...] = ()


class Digests(Struct, frozen=True):
    """The rules' digest, and those of all buckets one after the other."""

    rules: Hash
    buckets: Annotated[str, Meta(pattern=rf"^[0-9a-f]{{{BUCKETS * 64}}}\Z")]


class Buckets(Struct, frozen=True):
    """The rules, and all entries of the buckets that were asked for."""

    rules: dict[str, msgspec.Raw]
    cardholders: tuple[msgspec.Raw, ...] = ()
    credentials: tuple[msgspec.Raw, ...] = ()


def manifest_bytes(manifest: Manifest) -> bytes:
    """What a manifest's signatures cover."""
    return _fields(
        b"gatehouse/list-manifest/1",
        *(manifest.site, manifest.generation, manifest.version, manifest.previous, manifest.count, manifest.root),
        *(_microseconds(manifest.issued_at), manifest.key_epoch),
    )


def key_set_bytes(keys: KeySet) -> bytes:
    """What a key set's signature covers."""
    times = (keys.key_epoch, _microseconds(keys.valid_from), len(keys.keys))
    return _fields(b"gatehouse/key-set/1", *times, *keys.keys)


def revocations_bytes(revocations: Revocations) -> bytes:
    """What the signatures of revocations cover."""
    each = (field for r in revocations.revoked for field in (r.credential, r.generation, r.version))
    return _fields(
        b"gatehouse/revocations/1",
        *(revocations.site, revocations.sequence, _microseconds(revocations.issued_at), revocations.key_epoch),
        *(len(revocations.revoked), *each),
    )


def _fields(tag: bytes, *values: str | int) -> bytes:
    """Each field as UTF-8 behind its length in 4 bytes, big-endian, as in an event's envelope."""
    fields = [tag, *(str(value).encode() for value in values)]
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH_ZERO) // _MICROSECOND


def bucket_of(cardholder: str) -> int:
    """The bucket of a cardholder and of what they hold: the first 10 bits of SHA-256 over the cardholder's id."""
    return int.from_bytes(hashlib.sha256(cardholder.encode()).digest()[:2], "big") >> 6


def line_name(part: str, id_: str) -> bytes:
    """What tells an entry's line from the others of its bucket: `h` or `c`, 16 bytes of SHA-256 over the id."""
    letter = b"h" if part == "cardholders" else b"c"
    return letter + hashlib.sha256(id_.encode()).digest()[:16]


def entry_line(part: str, id_: str, text: bytes) -> bytes:
    """The line's name, and SHA-256 over the text."""
    return line_name(part, id_) + hashlib.sha256(text).digest()


def bucket_digest(lines: Iterable[bytes]) -> bytes:
    """SHA-256 over the tag and a bucket's lines in rising order."""
    return hashlib.sha256(b"gatehouse/list-bucket/1" + b"".join(sorted(lines))).digest()


def rules_digest(rules: dict[str, msgspec.Raw]) -> bytes:
    """SHA-256 over the tag and, for each of `RULES`, its text behind its length in 4 bytes; an absent one is empty."""
    content = b"gatehouse/list-rules/1"
    for name in RULES:
        text = bytes(rules.get(name, b""))
        content += len(text).to_bytes(4, "big") + text
    return hashlib.sha256(content).digest()


def root_of(rules: bytes, buckets: bytes) -> str:
    """SHA-256 over the tag, the rules' digest and all buckets' digests, in hex."""
    return hashlib.sha256(b"gatehouse/list-root/1" + rules + buckets).hexdigest()
