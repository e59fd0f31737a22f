"""A parsed list into the file that `access_list` maps: digits become keys, records are packed, look-ups are sorted."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.list_update import PromisedList
from gateway.errors import ListTorn
from gateway.store.list_digests import (
    CARDHOLDER,
    CREDENTIAL,
    RULES,
    BucketLines,
    LinesSeal,
    bucket_at,
    bucket_of,
    id_digest,
    line_of,
    root_of,
    rules_digest,
)
from gateway.store.list_document import ListDocument, refuse
from gateway.store.list_file import HASH_BYTES, hashes_in, sorted_index, write_sections
from gateway.store.list_keys import SiteKey
from gateway.store.list_records import LevelNumbers, credential_records

SHORT_PARTS = ("schedules", "access_points", "areas", "levels", "pass_keys")

_encoder = msgspec.msgpack.Encoder()
_steady = msgspec.msgpack.Encoder(order="deterministic")
"""Sets have no order of their own, and the same list shall make the same file."""
Sections = dict[str, bytes | bytearray]


class About(msgspec.Struct, array_like=True):
    """What the file says of itself."""

    site: str
    version: int
    issued_at: datetime
    zone: str
    key_check: bytes
    generation: int


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """A compiled list on the disk. `digest` is the SHA-256 of its content, in hex."""

    path: Path
    version: int
    digest: str
    credentials: int
    generation: int = 0


def compile_list(
    document: ListDocument, site_key: bytes, folder: Path, promised: PromisedList | None = None
) -> CompiledFile:
    """Write the compiled list to `folder`, durable before it has its name.

    Raises ListInvalid when a plain and a keyed credential are one card, or a plain and a keyed PIN one PIN; ListTorn
    when its entries aren't those that were promised.
    """
    key = SiteKey(site_key)
    generation = 0 if promised is None else promised.generation
    about = About(document.site, document.version, document.issued_at, document.zone.key, key.check(), generation)
    lines = BucketLines()
    sections = short_sections(document)
    sections |= _credential_sections(document, key, lines)
    sections |= _cardholder_sections(document, level_numbers(sections["levels"]), lines)
    digests = lines.digests()
    if promised is not None:
        count = len(document.cardholders) + len(document.credentials)
        judge_root(promised, count, rules_digest(document.rules), digests)
    sections |= lines.sections(digests, LinesSeal(key))
    return write_list(about, sections, folder, len(document.credentials))


def judge_root(promised: PromisedList, count: int, rules: bytes, digests: bytes | bytearray) -> None:
    """Raises ListTorn when it isn't what the manifest promised."""
    root = root_of(rules, digests)
    if root != promised.root:
        told = f"its root is {root.hex()[:16]}… here and {promised.root.hex()[:16]}… in the manifest"
        raise ListTorn((f"$: its digests are not those of the manifest: it was torn or changed on the way; {told}",))
    if count != promised.count:
        raise ListTorn((f"$: has {count} entries, the manifest says {promised.count}",))


def short_sections(document: ListDocument) -> Sections:
    """The short parts, decoded and as the office wrote them."""
    sections: Sections = {name: _short_section(getattr(document, name)) for name in SHORT_PARTS}
    return sections | {"rules": _encoder.encode({name: document.rules.get(name, b"") for name in RULES})}


def read_rules(section: bytes | bytearray | memoryview) -> dict[str, bytes]:
    """The office's texts of the short parts."""
    return msgspec.msgpack.decode(section, type=dict[str, bytes])


def write_list(about: About, sections: Sections, folder: Path, credentials: int) -> CompiledFile:
    """All sections but what it says of itself are there."""
    path, digest = write_sections({"about": _encoder.encode(about), **sections}, folder, about.version)
    return CompiledFile(path, about.version, digest, credentials, about.generation)


def _short_section(values: Mapping[str, Any]) -> bytes:
    return _encoder.encode({id_: msgspec.Raw(_steady.encode(value)) for id_, value in values.items()})


class CredentialTable:
    """Collects credentials, and makes the tables in which they are looked up."""

    def __init__(self) -> None:
        self._keys, self._ids = bytearray(), bytearray()
        self._offsets, self._records = array("I", [0]), bytearray()

    def add(self, key: bytes, id_hash: bytes, record: bytes | memoryview) -> None:
        """One credential: its key, the hash of its id (8 bytes), its packed record."""
        self._keys += key
        self._ids += id_hash
        self._records += record
        self._offsets.append(len(self._records))

    def sections(self) -> Sections:
        """Raises ListInvalid when two of them are the same card."""
        halves = hashes_in(self._keys)
        rests = halves[1::2]
        key_hashes, key_numbers = sorted_index(halves[::2])
        refuse(_twins(key_hashes, key_numbers, rests))
        id_hashes, id_numbers = sorted_index(hashes_in(self._ids))
        return {
            "key_hashes": key_hashes.tobytes(),
            "key_numbers": key_numbers.tobytes(),
            "key_rests": rests.tobytes(),
            "id_hashes": id_hashes.tobytes(),
            "id_numbers": id_numbers.tobytes(),
            "credential_offsets": self._offsets.tobytes(),
            "credentials": self._records,
        }


class CardholderTable:
    """Collects cardholders, and makes the tables in which they are looked up."""

    def __init__(self) -> None:
        self._ids, self._offsets, self._records = bytearray(), array("I", [0]), bytearray()

    def add(self, id_hash: bytes, record: bytes | memoryview) -> None:
        """One cardholder: the hash of the id (8 bytes), the packed record."""
        self._ids += id_hash
        self._records += record
        self._offsets.append(len(self._records))

    def sections(self) -> Sections:
        hashes, places = sorted_index(hashes_in(self._ids))
        return {
            "holder_hashes": hashes.tobytes(),
            "holder_numbers": places.tobytes(),
            "cardholder_offsets": self._offsets.tobytes(),
            "cardholders": self._records,
        }


def level_numbers(levels: bytes | bytearray | memoryview) -> LevelNumbers:
    """The numbers of the levels: their places in the file's section."""
    return LevelNumbers(list(msgspec.msgpack.decode(levels, type=dict[str, msgspec.Raw])))


def _credential_sections(document: ListDocument, site_key: SiteKey, lines: BucketLines) -> Sections:
    table = CredentialTable()
    buckets: dict[str, int] = {}
    records = credential_records(document.credentials, site_key)
    for (key, record), text in zip(records, document.credentials.texts(), strict=True):
        digest = id_digest(record.id)
        table.add(key, digest[:HASH_BYTES], _encoder.encode(record))
        bucket = buckets.get(record.cardholder)
        if bucket is None:
            bucket = buckets[record.cardholder] = bucket_of(record.cardholder)
        lines.add(bucket, line_of(CREDENTIAL, digest, memoryview(text)))
    return table.sections()


def _cardholder_sections(document: ListDocument, numbers: LevelNumbers, lines: BucketLines) -> Sections:
    table = CardholderTable()
    for item, text in zip(document.cardholders.typed(), document.cardholders.texts(), strict=True):
        digest = id_digest(item.id)
        table.add(digest[:HASH_BYTES], _encoder.encode(numbers.pack(item)))
        lines.add(bucket_at(digest), line_of(CARDHOLDER, digest, memoryview(text)))
    return table.sections()


def _twins(hashes: "array[int]", numbers: "array[int]", rests: "array[int]") -> Iterator[str]:
    """Credentials whose whole keys are alike: the look-up would find only one of them."""
    for at in range(1, len(hashes)):
        before = at - 1
        while before >= 0 and hashes[before] == hashes[at]:
            if rests[numbers[before]] == rests[numbers[at]]:
                yield f"$.credentials[{numbers[at]}]: is the same card as $.credentials[{numbers[before]}]"
            before -= 1
