"""A parsed list into the file that `access_list` maps: digits become keys, records are packed, look-ups are sorted."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.store.list_document import ListDocument, refuse
from gateway.store.list_file import id_hash, sorted_index, write_sections
from gateway.store.list_keys import SiteKey
from gateway.store.list_records import LevelNumbers, credential_records

_PARTS = ("schedules", "access_points", "areas", "levels", "pass_keys")
_HALF = 2**64 - 1

_encoder = msgspec.msgpack.Encoder()
_steady = msgspec.msgpack.Encoder(order="deterministic")
"""Sets have no order of their own, and the same list shall make the same file."""
_Sections = dict[str, bytes | bytearray]


class About(msgspec.Struct, array_like=True):
    """What the file says of itself."""

    site: str
    version: int
    issued_at: datetime
    zone: str
    key_check: bytes


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
    key = SiteKey(site_key)
    about = About(document.site, document.version, document.issued_at, document.zone.key, key.check())
    sections: _Sections = {"about": _encoder.encode(about)}
    sections |= {name: _short_section(getattr(document, name)) for name in _PARTS}
    sections |= _credential_sections(document, key)
    sections |= _cardholder_sections(document, level_numbers(sections["levels"]))
    path, digest = write_sections(sections, folder, document.version)
    return CompiledFile(path, document.version, digest, len(document.credentials))


def _short_section(values: dict[str, Any]) -> bytes:
    return _encoder.encode({id_: msgspec.Raw(_steady.encode(value)) for id_, value in values.items()})


def _credential_sections(document: ListDocument, site_key: SiteKey) -> _Sections:
    keys, rests, ids = array("Q"), array("Q"), array("Q")
    offsets, records = array("I", [0]), bytearray()
    for key, record in credential_records(document.credentials, site_key):
        whole = int.from_bytes(key, "big")
        keys.append(whole >> 64)
        rests.append(whole & _HALF)
        ids.append(id_hash(record.id))
        _encoder.encode_into(record, records, -1)
        offsets.append(len(records))
    key_hashes, key_numbers = sorted_index(keys)
    refuse(_twins(key_hashes, key_numbers, rests))
    id_hashes, id_numbers = sorted_index(ids)
    return {
        "key_hashes": key_hashes.tobytes(),
        "key_numbers": key_numbers.tobytes(),
        "key_rests": rests.tobytes(),
        "id_hashes": id_hashes.tobytes(),
        "id_numbers": id_numbers.tobytes(),
        "credential_offsets": offsets.tobytes(),
        "credentials": records,
    }


def level_numbers(levels: bytes | bytearray | memoryview) -> LevelNumbers:
    """The numbers of the levels: their places in the file's section."""
    return LevelNumbers(list(msgspec.msgpack.decode(levels, type=dict[str, msgspec.Raw])))


def _cardholder_sections(document: ListDocument, numbers: LevelNumbers) -> _Sections:
    ids, offsets, records = array("Q"), array("I", [0]), bytearray()
    for item in document.cardholders.typed():
        ids.append(id_hash(item.id))
        _encoder.encode_into(numbers.pack(item), records, -1)
        offsets.append(len(records))
    hashes, places = sorted_index(ids)
    return {
        "holder_hashes": hashes.tobytes(),
        "holder_numbers": places.tobytes(),
        "cardholder_offsets": offsets.tobytes(),
        "cardholders": records,
    }


def _twins(hashes: "array[int]", numbers: "array[int]", rests: "array[int]") -> Iterator[str]:
    """Credentials whose whole keys are alike: the look-up would find only one of them."""
    for at in range(1, len(hashes)):
        before = at - 1
        while before >= 0 and hashes[before] == hashes[at]:
            if rests[numbers[before]] == rests[numbers[at]]:
                yield f"$.credentials[{numbers[at]}]: is the same card as $.credentials[{numbers[before]}]"
            before -= 1
