"""What somebody holds. The compiled list finds credentials by card and by id: whose they are, its bucket lines tell."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec

from gateway.domain.credential import Credential, CredentialState
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_digests import CREDENTIAL, LinesSeal, bucket_of, split
from gateway.store.list_file import HASH_BYTES, Records

FEW = 50
"""People whose credentials are found by their buckets, some ms each in a large list; for more of them all are read."""


class Holding(NamedTuple):
    """A credential, whose it is, and whether it is active."""

    id: str
    cardholder: str
    active: bool


def held_by(opened: CompiledAccessList, seal: LinesSeal, holders: Collection[str]) -> Iterator[Holding]:
    """The credentials of these cardholders, in no order. `seal` is of the list's site key."""
    unchanged = _in_buckets(opened, seal, holders) if len(holders) <= FEW else _in_one_pass(opened, holders)
    yield from (each for each in unchanged if each.id not in opened.changed_credentials)
    for changed in opened.changed_credentials.values() if holders else ():
        if changed is not None and changed.cardholder in holders:
            yield _holding(changed)


def _holding(credential: Credential) -> Holding:
    return Holding(credential.id, credential.cardholder, credential.state is CredentialState.ACTIVE)


def _in_buckets(opened: CompiledAccessList, seal: LinesSeal, holders: Collection[str]) -> Iterator[Holding]:
    wanted = defaultdict(set)
    for holder in holders:
        wanted[bucket_of(holder)].add(holder)
    offsets, lines = opened.sections["line_offsets"].cast("I"), opened.sections["lines"]
    for number, theirs in wanted.items():
        for entry in split(seal.open(lines[offsets[number] : offsets[number + 1]], b"lines/%d" % number)):
            if entry[:1] == CREDENTIAL:
                found = opened.held_under(int.from_bytes(entry[1 : 1 + HASH_BYTES], "big"))
                yield from (_holding(each) for each in found if each.cardholder in theirs)


class _Rest(msgspec.Struct, array_like=True, gc=False):
    state: CredentialState


class _Record(msgspec.Struct, array_like=True, gc=False):
    """What counts here of a `CredentialRecord`: what is behind it is passed over."""

    id: str
    cardholder: str
    label: msgspec.Raw = msgspec.Raw()
    rest: _Rest | None = None


def _in_one_pass(opened: CompiledAccessList, holders: Collection[str]) -> Iterator[Holding]:
    records = Records(opened.sections["credential_offsets"], opened.sections["credentials"])
    decode = msgspec.msgpack.Decoder(_Record).decode
    for number in range(len(records)):
        record = decode(records[number])
        if record.cardholder in holders:
            active = record.rest is None or record.rest.state is CredentialState.ACTIVE
            yield Holding(record.id, record.cardholder, active)
