"""What two lists hold differently, read off their sorted indexes: what is alike to the byte is not decoded.

A whole list that takes the place of another mostly holds the same people and cards.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import msgspec

from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_file import Index, Records, matched
from gateway.store.list_records import CardholderRecord, CredentialRecord, unpack_credential

_T = TypeVar("_T", CardholderRecord, CredentialRecord)


def differing_credentials(
    old: CompiledAccessList, new: CompiledAccessList
) -> Iterator[tuple[Credential | None, Credential | None, bool]]:
    """Every credential that may open otherwise: before, afterwards, and whether it is still the same card."""
    changed = old.changed_credentials.keys() | new.changed_credentials.keys()
    if old.base_digest != new.base_digest:
        for id_, before, after in _differing(_credentials(old), _credentials(new), alike=True):
            if id_ not in changed and not _opens_alike(before, after):
                same_card = before is not None and after is not None and before.card == after.card
                yield _credential(before), _credential(after), same_card
    for id_ in changed:
        yield old.credential_by_id(id_), new.credential_by_id(id_), old.card_of(id_) == new.card_of(id_)


def differing_cardholders(
    old: CompiledAccessList, new: CompiledAccessList, *, everyone: bool
) -> Iterator[tuple[Cardholder | None, Cardholder | None]]:
    """Every cardholder that may be different, before and afterwards; `everyone`: also who is the same."""
    changed = old.changed_cardholders.keys() | new.changed_cardholders.keys()
    if old.base_digest != new.base_digest or everyone:
        # A record has its levels by their numbers.
        alike = not everyone and old.base_levels.ids() == new.base_levels.ids()
        for id_, before, after in _differing(_cardholders(old), _cardholders(new), alike=alike):
            if id_ not in changed:
                yield _cardholder(before, old), _cardholder(after, new)
    for id_ in changed:
        yield old.cardholder(id_), new.cardholder(id_)


class _Found(NamedTuple, Generic[_T]):
    """A record, and the second half of its look-up key: it tells an id that was given another card."""

    record: _T
    card: int


@dataclass(frozen=True, slots=True)
class _Table(Generic[_T]):
    """Records of a mapped list by the hashes of their ids. Cardholders have no cards."""

    by_id: Index
    records: Records
    cards: memoryview | None
    decode: Callable[[memoryview], _T]

    def text(self, number: int) -> tuple[int, bytes]:
        """All that the list says of an entry."""
        return 0 if self.cards is None else self.cards[number], self.records[number].tobytes()

    def found(self, number: int) -> _Found[_T]:
        """An entry."""
        return _Found(self.decode(self.records[number]), 0 if self.cards is None else self.cards[number])

    def found_by_id(self, numbers: list[int]) -> dict[str, _Found[_T]]:
        """Entries whose ids have one hash."""
        return {each.record.id: each for each in map(self.found, numbers)}


def _credentials(opened: CompiledAccessList) -> _Table[CredentialRecord]:
    sections = opened.sections
    return _Table(
        Index(sections["id_hashes"], sections["id_numbers"]),
        Records(sections["credential_offsets"], sections["credentials"]),
        sections["key_rests"].cast("Q"),
        msgspec.msgpack.Decoder(CredentialRecord).decode,
    )


def _cardholders(opened: CompiledAccessList) -> _Table[CardholderRecord]:
    sections = opened.sections
    return _Table(
        Index(sections["holder_hashes"], sections["holder_numbers"]),
        Records(sections["cardholder_offsets"], sections["cardholders"]),
        None,
        msgspec.msgpack.Decoder(CardholderRecord).decode,
    )


def _differing(
    old: _Table[_T], new: _Table[_T], *, alike: bool
) -> Iterator[tuple[str, _Found[_T] | None, _Found[_T] | None]]:
    """Id, entry before, entry afterwards. `alike`: equal records mean the same in both lists."""
    for here, there in matched(old.by_id, new.by_id):
        if len(here) == len(there) == 1:
            if alike and old.text(here[0]) == new.text(there[0]):
                continue
            one, other = old.found(here[0]), new.found(there[0])
            if one.record.id == other.record.id:
                yield one.record.id, one, other
                continue
        before, after = old.found_by_id(here), new.found_by_id(there)
        for id_ in before.keys() | after.keys():
            yield id_, before.get(id_), after.get(id_)


def _opens_alike(before: _Found[CredentialRecord] | None, after: _Found[CredentialRecord] | None) -> bool:
    """Whether two records say the same but for the label."""
    if before is None or after is None or before.card != after.card:
        return False
    return before.record.cardholder == after.record.cardholder and before.record.rest == after.record.rest


def _credential(found: _Found[CredentialRecord] | None) -> Credential | None:
    return None if found is None else unpack_credential(found.record)


def _cardholder(found: _Found[CardholderRecord] | None, opened: CompiledAccessList) -> Cardholder | None:
    return None if found is None else opened.base_levels.unpack(found.record)
