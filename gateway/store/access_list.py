"""The access list that decides: compiled to one file with keys instead of digits, mapped into memory, replaced whole.

A compiled file: 8 bytes magic (in the host's byte order: a file of another machine is refused and compiled again),
SHA-256 of all that follows, then the lengths of its sections, then the sections: meta (MessagePack), key prefixes
(sorted uint64), keys (16 bytes each, same order), record offsets (uint64), records (MessagePack); once for
credentials, once for cardholders.
"""

import hashlib
import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.clock import random_bytes
from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.listed import AccessLevel, Area, ListedAccessPoint, PassKey
from gateway.domain.schedule import Schedule
from gateway.errors import ListInvalid
from gateway.store.list_document import ListDocument, parse_list
from gateway.store.list_keys import KEY_BYTES, key_check, keyed_credentials, lookup_key, pin_key
from gateway.store.list_schema import list_schema
from gateway.store.memory_list import MemoryAccessList
from gateway.store.passes import open_pass

__all__ = [
    "CompiledAccessList",
    "CompiledFile",
    "ListDocument",
    "MemoryAccessList",
    "compile_list",
    "list_schema",
    "lookup_key",
    "open_list",
    "parse_list",
]

_MAGIC = 0x31_4C_48_47_02_00_00_00
_HEADER = struct.Struct("=Q32s9Q")
_DIGEST_AT = 40


class _Meta(msgspec.Struct, array_like=True):
    site: str
    version: int
    issued_at: datetime
    zone: str
    key_check: bytes
    schedules: list[Schedule]
    access_points: list[ListedAccessPoint]
    areas: list[Area]
    levels: list[AccessLevel]
    pass_keys: list[PassKey]


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """A compiled list on the disk. `digest` is the SHA-256 of its content, in hex."""

    path: Path
    version: int
    digest: str
    credentials: int


def compile_list(document: ListDocument, site_key: bytes, folder: Path) -> CompiledFile:
    """Write the compiled list to `folder`, durable before it has its name.

    Raises ListInvalid when a plain and a keyed credential are one card, or a plain and a keyed PIN one PIN.
    """
    meta = _Meta(
        document.site,
        document.version,
        document.issued_at,
        document.zone.key,
        key_check(site_key),
        list(document.schedules.values()),
        list(document.access_points.values()),
        list(document.areas.values()),
        list(document.levels.values()),
        list(document.pass_keys.values()),
    )
    credentials = keyed_credentials(document, site_key)
    cardholders = {_id_key(id_): holder for id_, holder in document.cardholders.items()}
    sections = [msgspec.msgpack.encode(meta), *_table(credentials), *_table(cardholders)]
    lengths = struct.pack("=9Q", *map(len, sections))
    digest = hashlib.sha256(lengths)
    for section in sections:
        digest.update(section)
    name = f"list-{document.version}-{digest.hexdigest()[:12]}.ghl"
    write_durably(folder / name, [struct.pack("=Q", _MAGIC), digest.digest(), lengths, *sections])
    return CompiledFile(folder / name, document.version, digest.hexdigest(), len(credentials))


def open_list(path: Path, site_key: bytes, fallback: bool = False) -> "CompiledAccessList":
    """Map a compiled list. `fallback`: it stands in for the newer one that should be in force.

    Raises ListInvalid when it is truncated, damaged, of another site key or of another format.
    """
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ListInvalid((f"{path.name}: can't be opened: {error}",)) from error
    if len(content) < _HEADER.size or _HEADER.unpack_from(content)[0] != _MAGIC:
        raise ListInvalid((f"{path.name}: is no compiled list of this version",))
    _, digest, *lengths = _HEADER.unpack_from(content)
    if sum(lengths) + _HEADER.size != len(content):
        raise ListInvalid((f"{path.name}: is truncated or has grown",))
    if hashlib.sha256(memoryview(content)[_DIGEST_AT:]).digest() != digest:
        raise ListInvalid((f"{path.name}: is damaged: its digest does not match",))
    opened = CompiledAccessList(content, lengths, site_key, digest.hex(), fallback)
    if not opened.key_matches:
        raise ListInvalid((f"{path.name}: was compiled with another site key",))
    return opened


class _Table:
    """Sorted keys and records in the mapped file. A look-up touches no lock and copies one record."""

    def __init__(self, view: memoryview, start: int, lengths: list[int]) -> None:
        a, b, c, d = (start + sum(lengths[:n]) for n in range(4))
        self._prefixes = view[a:b].cast("Q")
        self._keys, self._offsets = view[b:c], view[c:d].cast("Q")
        self._records = view[d : d + lengths[3]]

    def __len__(self) -> int:
        return len(self._prefixes)

    def records(self) -> Iterator[memoryview]:
        """Every record, in the order of the keys."""
        return map(self.record, range(len(self)))

    def record(self, at: int) -> memoryview:
        """The record at a place in the order of the keys."""
        return self._records[self._offsets[at] : self._offsets[at + 1]]

    def find(self, key: bytes) -> memoryview | None:
        """The record of a key."""
        prefix = int.from_bytes(key[:8], "big")
        at = bisect_left(self._prefixes, prefix)
        while at < len(self._prefixes) and self._prefixes[at] == prefix:
            if self._keys[at * KEY_BYTES : (at + 1) * KEY_BYTES] == key:
                return self.record(at)
            at += 1
        return None


class CompiledAccessList:
    """A compiled list in memory; implements `gateway.domain.listed.AccessList`. Made by `open_list`."""

    def __init__(
        self, content: mmap.mmap, lengths: list[int], site_key: bytes, digest: str, fallback: bool = False
    ) -> None:
        view = memoryview(content)
        start = _HEADER.size
        meta = msgspec.msgpack.decode(view[start : start + lengths[0]], type=_Meta)
        self._site_key, self._meta = site_key, meta
        self.digest, self._fallback = digest, fallback
        start += lengths[0]
        self._credentials = _Table(view, start, lengths[1:5])
        self._cardholders = _Table(view, start + sum(lengths[1:5]), lengths[5:9])
        self._zone = ZoneInfo(meta.zone)
        self._schedules = {schedule.id: schedule for schedule in meta.schedules}
        self._access_points = {point.id: point for point in meta.access_points}
        self._areas = {area.id: area for area in meta.areas}
        self._levels = {level.id: level for level in meta.levels}
        self._pass_keys = {key.id: key for key in meta.pass_keys}
        self._by_id: dict[str, int] = {}
        self._decode_credential = msgspec.msgpack.Decoder(Credential).decode
        self._decode_cardholder = msgspec.msgpack.Decoder(Cardholder).decode

    @property
    def site(self) -> str:
        return self._meta.site

    @property
    def version(self) -> int:
        return self._meta.version

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    @property
    def issued_at(self) -> datetime:
        return self._meta.issued_at

    @property
    def fallback(self) -> bool:
        return self._fallback

    @property
    def credentials(self) -> int:
        """How many credentials it holds."""
        return len(self._credentials)

    @property
    def key_matches(self) -> bool:
        """Whether it was compiled with this site key."""
        return compare_digest(self._meta.key_check, key_check(self._site_key))

    def key(self, identifier: Identifier) -> str:
        return lookup_key(self._site_key, identifier).hex()

    def credential(self, key: str) -> Credential | None:
        record = self._credentials.find(bytes.fromhex(key))
        return None if record is None else self._decode_credential(record)

    def credential_by_id(self, credential_id: str) -> Credential | None:
        """The credential of an id: a replay knows no more of it. The first call reads the whole list."""
        if not self._by_id:
            self._by_id = {held.id: at for at, held in enumerate(self.each_credential())}
        at = self._by_id.get(credential_id)
        return None if at is None else self._decode_credential(self._credentials.record(at))

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return pin_key(self._site_key, credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return open_pass(text, self._pass_keys)

    def each_credential(self) -> Iterator[Credential]:
        """Every credential, in no order that means anything."""
        return map(self._decode_credential, self._credentials.records())

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        record = self._cardholders.find(_id_key(cardholder_id))
        return None if record is None else self._decode_cardholder(record)

    def level(self, level_id: str) -> AccessLevel | None:
        return self._levels.get(level_id)

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self._schedules.get(schedule_id)

    def access_point(self, access_point_id: str) -> ListedAccessPoint | None:
        return self._access_points.get(access_point_id)

    def access_points(self) -> tuple[ListedAccessPoint, ...]:
        """Every access point of the list."""
        return tuple(self._access_points.values())

    def area(self, area_id: str) -> Area | None:
        return self._areas.get(area_id)

    def areas(self) -> Iterable[Area]:
        return self._areas.values()


def write_durably(path: Path, parts: list[bytes]) -> None:
    """Write a file beside its place, fsync it, give it its name in one step, fsync the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{random_bytes(4).hex()}")
    try:
        with fresh.open("xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _id_key(id_: str) -> bytes:
    return hashlib.sha256(id_.encode()).digest()[:KEY_BYTES]


def _table(values: dict[bytes, Any]) -> tuple[bytes, bytes, bytes, bytes]:
    """Sections of one table: prefixes, keys, offsets, records.

    The first two padded to whole words by their item sizes.
    """
    encode = msgspec.msgpack.Encoder().encode
    ordered = sorted(values)
    records = [encode(values[key]) for key in ordered]
    offsets = [0]
    for record in records:
        offsets.append(offsets[-1] + len(record))
    prefixes = struct.pack(f"={len(ordered)}Q", *(int.from_bytes(key[:8], "big") for key in ordered))
    return prefixes, b"".join(ordered), struct.pack(f"={len(offsets)}Q", *offsets), b"".join(records)
