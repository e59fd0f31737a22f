"""The file of a compiled list: sections in a row, and tables in them that are searched where they lie.

8 bytes magic (in the host's byte order: a file of another machine is refused and compiled again), SHA-256 of all that
follows, the lengths of the sections, then the sections (`SECTIONS`). A table is records one after the other in the
order of LIST.json; `offsets` (uint32) say where each begins. An index is sorted hashes (uint64) and the number of the
record that each one belongs to (uint32).
"""

import hashlib
import mmap
import os
import struct
import sys
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from io import FileIO
from itertools import chain
from pathlib import Path

from gateway.clock import random_bytes
from gateway.errors import ListInvalid

SECTIONS = (
    "about",
    "schedules",
    "access_points",
    "areas",
    "levels",
    "pass_keys",
    "rules",
    "key_hashes",
    "key_numbers",
    "key_rests",
    "id_hashes",
    "id_numbers",
    "credential_offsets",
    "credentials",
    "holder_hashes",
    "holder_numbers",
    "cardholder_offsets",
    "cardholders",
    "digests",
    "line_offsets",
    "lines",
)
_MAGIC = 0x31_4C_48_47_04_00_00_00
_HEADER = struct.Struct(f"=Q32s{len(SECTIONS)}Q")
_DIGEST_AT = 40
HASH_BYTES = 8
_NO_HASH = 1 << 64
_CHUNK_BYTES = 256 * 1024
_BREATH_S = 0.0005
"""After each chunk. On a busy machine the decisions would otherwise wait for the thread that hashes: it comes as early
as they do, and the system lets it run for several milliseconds at a time. A million credentials open in 0.3 s so.
"""


def is_compiled_list(path: Path) -> bool:
    """Does the file look like a compiled list of this version? Its content isn't read."""
    try:
        with path.open("rb") as file:
            return file.read(8) == struct.pack("=Q", _MAGIC)
    except OSError:
        return False


def write_sections(sections: dict[str, bytes | bytearray], folder: Path, version: int) -> tuple[Path, str]:
    """Write a compiled list, durable before it has its name; its path, and its digest in hex."""
    parts = [sections[name] for name in SECTIONS]
    lengths = struct.pack(f"={len(SECTIONS)}Q", *map(len, parts))
    digest = hashlib.sha256(lengths)
    for part in parts:
        digest.update(part)
    path = folder / f"list-{version}-{digest.hexdigest()[:12]}.ghl"
    write_durably(path, [struct.pack("=Q", _MAGIC), digest.digest(), lengths, *parts])
    return path, digest.hexdigest()


def map_sections(path: Path) -> tuple[dict[str, memoryview], str]:
    """Verify a compiled list and map it: its sections, and its digest in hex.

    Raises ListInvalid when it is truncated, damaged, or of another format.
    """
    try:
        with path.open("rb", buffering=0) as file:
            lengths, digest = _verified(file, path.name)
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ListInvalid((f"{path.name}: can't be opened: {error}",)) from error
    view, at, sections = memoryview(content), _HEADER.size, {}
    for name, length in zip(SECTIONS, lengths, strict=True):
        sections[name] = view[at : at + length]
        at += length
    return sections, digest


def _verified(file: FileIO, name: str) -> tuple[list[int], str]:
    """The sections' lengths and the digest of a whole file.

    It is read, not hashed through a map: a map's pages would count as this process's memory, and taking them in and
    out would hold up a decision that touches another page meanwhile. Neither reading nor hashing holds Python's lock.
    """
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or _HEADER.unpack(header)[0] != _MAGIC:
        raise ListInvalid((f"{name}: is no compiled list of this version",))
    _, digest, *lengths = _HEADER.unpack(header)
    if sum(lengths) + _HEADER.size != os.fstat(file.fileno()).st_size:
        raise ListInvalid((f"{name}: is truncated or has grown",))
    found, chunk = hashlib.sha256(header[_DIGEST_AT:]), memoryview(bytearray(_CHUNK_BYTES))
    while count := file.readinto(chunk):
        found.update(chunk[:count])
        time.sleep(_BREATH_S)
    if found.digest() != digest:
        raise ListInvalid((f"{name}: is damaged: its digest does not match",))
    return lengths, digest.hex()


class Index:
    """Sorted hashes, and the number of the record that each belongs to."""

    def __init__(self, hashes: memoryview, numbers: memoryview) -> None:
        self._hashes, self._numbers = hashes.cast("Q"), numbers.cast("I")

    def __len__(self) -> int:
        return len(self._hashes)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every hash with its record, rising; behind them one hash that is above all others."""
        return chain(zip(self._hashes, self._numbers, strict=True), [(_NO_HASH, 0)])

    def numbers(self, wanted: int) -> Iterator[int]:
        """The records under a hash: hardly ever more than one."""
        at = bisect_left(self._hashes, wanted)
        while at < len(self._hashes) and self._hashes[at] == wanted:
            yield self._numbers[at]
            at += 1


def matched(one: Index, other: Index) -> Iterator[tuple[list[int], list[int]]]:
    """The records under each hash of two indexes, in both of them."""
    ours, theirs = one.pairs(), other.pairs()
    (our_hash, our_number), (their_hash, their_number) = next(ours), next(theirs)
    while (at := min(our_hash, their_hash)) < _NO_HASH:
        here, there = [], []
        while our_hash == at:
            here.append(our_number)
            our_hash, our_number = next(ours)
        while their_hash == at:
            there.append(their_number)
            their_hash, their_number = next(theirs)
        yield here, there


class Records:
    """Records one after the other. Reading one copies nothing."""

    def __init__(self, offsets: memoryview, records: memoryview) -> None:
        self._offsets, self._records = offsets.cast("I"), records

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> memoryview:
        return self._records[self._offsets[number] : self._offsets[number + 1]]


def hashes_in(packed: bytes | bytearray) -> "array[int]":
    """Hashes of 8 bytes each, big-endian, as numbers."""
    hashes = array("Q", packed)
    if sys.byteorder == "little":
        hashes.byteswap()
    return hashes


def sorted_index(hashes: "array[int]") -> tuple["array[int]", "array[int]"]:
    """What an index over the hashes of records 0, 1, 2 … holds: sorted hashes, and numbers."""
    order = sorted(range(len(hashes)), key=hashes.__getitem__)
    return array("Q", map(hashes.__getitem__, order)), array("I", order)


def id_hash(id_: str) -> int:
    """What an id is found by; the record says whether it is the one."""
    return int.from_bytes(hashlib.sha256(id_.encode()).digest()[:HASH_BYTES], "big")


def write_durably(path: Path, parts: list[bytes | bytearray]) -> None:
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
