"""Cardholders and credentials as the compiled list holds them: short MessagePack arrays, digits replaced by keys.

What most of them don't have lies in a second array that is left out; levels are numbers.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel, Risk
from gateway.domain.credential import Credential, CredentialState, Grade
from gateway.store.list_document import refuse
from gateway.store.list_items import CardholderItem, CredentialItem, HeldItem, Items
from gateway.store.list_keys import SiteKey
from gateway.store.list_times import rfc3339

_KINDS, _STATES = tuple(CardholderKind), tuple(CredentialState)
_KIND_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_HeldRecord = int | tuple[int, datetime | None, datetime | None]
"""A level's number, alone where it holds for ever."""


class _CredentialRest(msgspec.Struct, array_like=True, gc=False):
    state: CredentialState
    valid_from: datetime | None
    valid_until: datetime | None
    uses: int | None
    uses_per_day: int | None
    pin: bytes | None
    duress_pin: bytes | None
    duress: bool
    grade: Literal["clonable", "secure"] | None


class CredentialRecord(msgspec.Struct, array_like=True, gc=False):
    """A credential; its key lies in the file's index."""

    id: str
    cardholder: str
    label: str = ""
    rest: _CredentialRest | None = None


class _CardholderRest(msgspec.Struct, array_like=True, gc=False):
    valid_from: datetime | None
    valid_until: datetime | None
    extended_time: bool
    risk: tuple[int, str, datetime | None] | None
    anti_passback_exempt: bool
    escort_needed: bool
    can_escort: bool
    special_care: bool
    groups: tuple[str, ...]


class CardholderRecord(msgspec.Struct, array_like=True, gc=False):
    """A cardholder; `kind` is its place in `CardholderKind`."""

    id: str
    kind: int
    levels: tuple[_HeldRecord, ...]
    rest: _CardholderRest | None = None


def credential_records(items: Items[CredentialItem], site_key: SiteKey) -> Iterator[tuple[bytes, CredentialRecord]]:
    """The key and the record of each item.

    Raises ListInvalid at the end when a PIN and a duress PIN turn out to be one: the office gave one of them by key.
    """
    faults = []
    for number, item in enumerate(items.typed()):
        record = _packed_credential(item, site_key)
        if record.rest is not None and record.rest.pin is not None and record.rest.pin == record.rest.duress_pin:
            faults.append(f"$.credentials[{number}].duress_pin: is the same as pin")
        yield site_key.key_of(item), record
    refuse(faults)


def _packed_credential(item: CredentialItem, site_key: SiteKey) -> CredentialRecord:
    rest = _CredentialRest(
        item.state,
        _when(item.valid_from),
        _when(item.valid_until),
        item.uses,
        item.uses_per_day,
        _pin(item.pin, item.pin_key, item.id, site_key),
        _pin(item.duress_pin, item.duress_pin_key, item.id, site_key),
        item.duress,
        item.grade,
    )
    return CredentialRecord(item.id, item.cardholder, item.label, None if rest == _PLAIN_CREDENTIAL else rest)


def unpack_credential(record: CredentialRecord) -> Credential:
    """The credential of a record."""
    rest = record.rest
    if rest is None:
        return Credential(record.id, record.cardholder, record.label)
    return Credential(
        record.id,
        record.cardholder,
        record.label,
        rest.state,
        rest.valid_from,
        rest.valid_until,
        rest.uses,
        rest.uses_per_day,
        rest.pin,
        rest.duress_pin,
        rest.duress,
        None if rest.grade is None else Grade(rest.grade),
    )


class LevelNumbers:
    """The numbers that stand for the levels' ids, and back."""

    def __init__(self, ids: list[str]) -> None:
        self._ids = ids
        self._numbers = {id_: number for number, id_ in enumerate(ids)}
        self._for_ever: dict[int, HeldLevel] = {}

    def ids(self) -> list[str]:
        """The levels' ids, in the order of their numbers."""
        return list(self._ids)

    def renumbered(self, record: CardholderRecord, to: "LevelNumbers") -> CardholderRecord:
        """A record of these numbers in those of another list that has its levels."""
        held = tuple(
            to._numbers[self._ids[each]] if isinstance(each, int) else (to._numbers[self._ids[each[0]]], *each[1:])
            for each in record.levels
        )
        return CardholderRecord(record.id, record.kind, held, record.rest)

    def pack(self, item: CardholderItem) -> CardholderRecord:
        """The record of a sound item."""
        risk = item.risk
        rest = _CardholderRest(
            _when(item.valid_from),
            _when(item.valid_until),
            item.extended_time,
            None if risk is None else (risk.level, risk.reason, _when(risk.until)),
            item.anti_passback_exempt,
            item.escort_needed,
            item.can_escort,
            item.special_care,
            item.groups,
        )
        held = tuple(map(self._pack_held, item.levels))
        return CardholderRecord(item.id, _KIND_NUMBERS[item.kind], held, None if rest == _PLAIN_CARDHOLDER else rest)

    def unpack(self, record: CardholderRecord) -> Cardholder:
        """The cardholder of a record."""
        held, kind, rest = tuple(map(self._unpack_held, record.levels)), _KINDS[record.kind], record.rest
        if rest is None:
            return Cardholder(record.id, kind, held)
        return Cardholder(
            record.id,
            kind,
            held,
            rest.valid_from,
            rest.valid_until,
            rest.extended_time,
            None if rest.risk is None else Risk(*rest.risk),
            rest.anti_passback_exempt,
            rest.escort_needed,
            rest.can_escort,
            rest.special_care,
            rest.groups,
        )

    def _pack_held(self, item: HeldItem) -> _HeldRecord:
        number = self._numbers[item.level]
        if item.valid_from is None and item.valid_until is None:
            return number
        return number, _when(item.valid_from), _when(item.valid_until)

    def _unpack_held(self, record: _HeldRecord) -> HeldLevel:
        if not isinstance(record, int):
            return HeldLevel(self._ids[record[0]], record[1], record[2])
        held = self._for_ever.get(record)
        if held is None:
            held = self._for_ever[record] = HeldLevel(self._ids[record])
        return held


_PLAIN_CREDENTIAL = _CredentialRest(CredentialState.ACTIVE, None, None, None, None, None, None, False, None)
_PLAIN_CARDHOLDER = _CardholderRest(None, None, False, None, False, False, False, False, ())


def _when(text: str | None) -> datetime | None:
    return None if text is None else rfc3339(text)


def _pin(digits: str | UnsetType, key: str | UnsetType, credential_id: str, site_key: SiteKey) -> bytes | None:
    if digits is not UNSET:
        return site_key.pin_key(credential_id, digits)
    return None if key is UNSET else bytes.fromhex(key)
