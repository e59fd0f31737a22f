"""A compiled list and its changes made one compiled list, while more changes go on beside the old one."""

import struct
from array import array
from dataclasses import replace
from pathlib import Path

import msgspec

from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.list_changes import Changes
from gateway.store.list_compiler import (
    SHORT_PARTS,
    CardholderTable,
    CompiledFile,
    CredentialTable,
    Sections,
    write_list,
)
from gateway.store.list_digests import BUCKETS, BucketLines, id_digest
from gateway.store.list_file import HASH_BYTES
from gateway.store.list_records import CardholderRecord, CredentialRecord
from gateway.store.list_state import ListState

_KEY = struct.Struct(">QQ")
_encoder = msgspec.msgpack.Encoder()


def merged(state: ListState, folder: Path) -> CompiledFile:
    """The list of a state that has changes, as one file in `folder`."""
    opened, changes = state.opened, state.opened.changes
    assert changes is not None
    sections: Sections = {name: bytes(opened.sections[name]) for name in (*SHORT_PARTS, "rules")}
    sections |= changes.short
    sections |= _credentials(opened, changes).sections()
    sections |= _cardholders(opened, changes).sections()
    lines = BucketLines()
    for number in range(BUCKETS):
        for entry in state.bucket(number).values():
            lines.add(number, entry)
    sections |= lines.sections(state.digests, state.seal)
    return write_list(changes.about, sections, folder, opened.credentials)


def carried_over(now: ListState, at: ListState, merged_file: Path, site_key: bytes) -> ListState:
    """The state `now` over the list that was made of the state `at`: only what came later is still beside it."""
    base = open_list(merged_file, site_key)
    before, newest = at.opened.changes, now.opened.changes
    assert before is not None
    assert newest is not None
    lines = {place: each for place, each in now.lines.items() if each.step > before.step}
    moved = replace(now, opened=base, base_name=merged_file.name, lines=lines)
    if newest.step == before.step:
        return moved
    later = Changes(
        newest.about,
        merged_file.name,
        base.base_digest,
        newest.credential_count,
        newest.cardholder_count,
        newest.step,
        newest.short_step,
        newest.short if newest.short_step > before.step else {},
        {id_: each for id_, each in newest.credentials.items() if each.step > before.step},
        {id_: each for id_, each in newest.cardholders.items() if each.step > before.step},
        b"",
        b"",
    )
    moved.opened = base.changed(later, "")
    return moved


def _credentials(opened: CompiledAccessList, changes: Changes) -> CredentialTable:
    table, sections = CredentialTable(), opened.sections
    offsets, records = sections["credential_offsets"].cast("I"), sections["credentials"]
    rests = sections["key_rests"].cast("Q")
    firsts = array("Q", bytes(8 * len(rests)))
    for first, number in zip(sections["key_hashes"].cast("Q"), sections["key_numbers"].cast("I"), strict=True):
        firsts[number] = first
    decode = msgspec.msgpack.Decoder(CredentialRecord).decode
    for number in range(len(rests)):
        record = records[offsets[number] : offsets[number + 1]]
        id_ = decode(record).id
        if id_ not in changes.credentials:
            table.add(_KEY.pack(firsts[number], rests[number]), id_digest(id_)[:HASH_BYTES], record)
    for id_, put in changes.credentials.items():
        if put.record:
            table.add(put.key, id_digest(id_)[:HASH_BYTES], put.record)
    return table


def _cardholders(opened: CompiledAccessList, changes: Changes) -> CardholderTable:
    table, sections = CardholderTable(), opened.sections
    offsets, records = sections["cardholder_offsets"].cast("I"), sections["cardholders"]
    decode = msgspec.msgpack.Decoder(CardholderRecord).decode
    old, new = opened.base_levels, opened.level_numbers
    for number in range(len(offsets) - 1):
        text = records[offsets[number] : offsets[number + 1]]
        record = decode(text)
        if record.id not in changes.cardholders:
            hash_ = id_digest(record.id)[:HASH_BYTES]
            table.add(hash_, text if old is new else _encoder.encode(old.renumbered(record, new)))
    for id_, put in changes.cardholders.items():
        if put.record:
            table.add(id_digest(id_)[:HASH_BYTES], put.record)
    return table
