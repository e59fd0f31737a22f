"""The access list that decides: compiled to one file with keys instead of digits, mapped, and replaced whole."""

import struct
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.listed import AccessLevel, Area, ListedAccessPoint, PassKey
from gateway.domain.schedule import Schedule
from gateway.errors import ListInvalid
from gateway.store.list_changes import SUFFIX, Changes, base_name, read_changes
from gateway.store.list_compiler import About, CompiledFile, compile_list, level_numbers
from gateway.store.list_document import ListDocument, parse_list
from gateway.store.list_file import Index, Records, id_hash, map_sections
from gateway.store.list_keys import KEY_BYTES, SiteKey, lookup_key
from gateway.store.list_records import CardholderRecord, CredentialRecord, unpack_credential
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

_T = TypeVar("_T")
_HALVES = struct.Struct(">QQ")
"""A look-up key, as the index and what lies beside it have it."""


def open_list(
    path: Path, site_key: bytes, fallback: bool = False, beside: "CompiledAccessList | None" = None
) -> "CompiledAccessList":
    """Map a compiled list, with what has changed since. `fallback`: it stands in for a newer one.

    What is mapped already in `beside` is shared. Raises ListInvalid when it is truncated, damaged, of another site key
    or of another format.
    """
    if path.suffix != SUFFIX:
        return _open_whole(path, site_key, fallback)
    changes, digest = read_changes(path)
    if beside is not None and beside.base_digest == changes.base_digest:
        base = beside
    else:
        base = _open_whole(path.with_name(base_name(path)), site_key, fallback)
    if base.base_digest != changes.base_digest:
        raise ListInvalid((f"{path.name}: is about another list than {base_name(path)}",))
    return base.changed(changes, digest, fallback)


def _open_whole(path: Path, site_key: bytes, fallback: bool) -> "CompiledAccessList":
    sections, digest = map_sections(path)
    opened = CompiledAccessList(sections, site_key, digest, fallback)
    if not opened.key_matches:
        raise ListInvalid((f"{path.name}: was compiled with another site key",))
    return opened


class _ById(Generic[_T]):
    """A short part of the list. Each of its values is decoded when it is first asked for, so that opening is quick."""

    def __init__(self, section: memoryview, kind: type[_T]) -> None:
        self._texts = msgspec.msgpack.decode(section, type=dict[str, msgspec.Raw])
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._decoded: dict[str, _T] = {}

    def get(self, id_: str) -> _T | None:
        found = self._decoded.get(id_)
        if found is None and id_ in self._texts:
            found = self._decoded[id_] = self._decode(self._texts[id_])
        return found

    def values(self) -> Iterator[_T]:
        return (value for value in map(self.get, self._texts) if value is not None)


class CompiledAccessList:
    """A compiled list in memory; implements `gateway.domain.listed.AccessList`. Made by `open_list`."""

    def __init__(self, sections: dict[str, memoryview], site_key: bytes, digest: str, fallback: bool = False) -> None:
        self._about = msgspec.msgpack.decode(sections["about"], type=About)
        self._site_key, self.digest, self._fallback = SiteKey(site_key), digest, fallback
        self.base_digest, self.sections = digest, sections
        self.changes: Changes | None = None
        self._zone = ZoneInfo(self._about.zone)
        self.base_levels = level_numbers(sections["levels"])
        self._take_short_parts(sections)
        self._by_key = Index(sections["key_hashes"], sections["key_numbers"])
        self._key_rests = sections["key_rests"].cast("Q")
        self._by_id = Index(sections["id_hashes"], sections["id_numbers"])
        self._credentials = Records(sections["credential_offsets"], sections["credentials"])
        self._holders_by_id = Index(sections["holder_hashes"], sections["holder_numbers"])
        self._cardholders = Records(sections["cardholder_offsets"], sections["cardholders"])
        self._decode_credential = msgspec.msgpack.Decoder(CredentialRecord).decode
        self._decode_cardholder = msgspec.msgpack.Decoder(CardholderRecord).decode
        self._changed_by_key: dict[bytes, Credential] = {}
        self._changed: dict[str, Credential | None] = {}
        self._changed_holders: dict[str, Cardholder | None] = {}

    def changed(self, changes: Changes, digest: str, fallback: bool = False) -> "CompiledAccessList":
        """The same list with these changes, whatever changes it had: the mapped file is shared."""
        fresh = copy(self)
        fresh._take_changes(changes, digest, fallback)
        return fresh

    def _take_changes(self, changes: Changes, digest: str, fallback: bool) -> None:
        self.changes, self.digest, self._fallback = changes, digest, fallback
        self._about, self._zone = changes.about, ZoneInfo(changes.about.zone)
        if changes.short:
            self._take_short_parts({name: memoryview(text) for name, text in changes.short.items()})
        elif self._has_own_short_parts:
            self._take_short_parts(self.sections)
        self._changed_by_key, self._changed, self._changed_holders = {}, {}, {}
        for id_, put in changes.credentials.items():
            found = unpack_credential(self._decode_credential(put.record)) if put.record else None
            self._changed[id_] = found
            if found is not None:
                self._changed_by_key[put.key] = found
        for id_, holder in changes.cardholders.items():
            record = self._decode_cardholder(holder.record) if holder.record else None
            self._changed_holders[id_] = None if record is None else self.level_numbers.unpack(record)

    def _take_short_parts(self, sections: dict[str, memoryview]) -> None:
        self._has_own_short_parts = sections is not self.sections
        self._schedules = _ById(sections["schedules"], Schedule)
        self._access_points = _ById(sections["access_points"], ListedAccessPoint)
        self._areas = _ById(sections["areas"], Area)
        self._levels = _ById(sections["levels"], AccessLevel)
        self._pass_keys = _ById(sections["pass_keys"], PassKey)
        self.rules_section = sections["rules"]
        own = self._has_own_short_parts
        self.level_numbers = level_numbers(sections["levels"]) if own else self.base_levels

    @property
    def site(self) -> str:
        return self._about.site

    @property
    def generation(self) -> int:
        return self._about.generation

    @property
    def version(self) -> int:
        return self._about.version

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    @property
    def issued_at(self) -> datetime:
        return self._about.issued_at

    @property
    def fallback(self) -> bool:
        return self._fallback

    @property
    def credentials(self) -> int:
        """How many credentials it holds."""
        return len(self._credentials) if self.changes is None else self.changes.credential_count

    @property
    def cardholders(self) -> int:
        """How many cardholders it holds."""
        return len(self._cardholders) if self.changes is None else self.changes.cardholder_count

    @property
    def key_matches(self) -> bool:
        """Whether it was compiled with this site key."""
        return compare_digest(self._about.key_check, self._site_key.check())

    def key(self, identifier: Identifier) -> str:
        return self._site_key.lookup_key(identifier).hex()

    def credential(self, key: str) -> Credential | None:
        whole = _key_of(key)
        return None if whole is None else self.credential_of(whole)

    def credential_of(self, key: bytes) -> Credential | None:
        """The credential of a look-up key of `KEY_BYTES` bytes."""
        changed = self._changed_by_key.get(key)
        if changed is not None:
            return changed
        first, rest = _HALVES.unpack(key)
        for number in self._by_key.numbers(first):
            if self._key_rests[number] == rest:
                found = self._credential(number)
                return None if found.id in self._changed else found
        return None

    def credential_by_id(self, credential_id: str) -> Credential | None:
        """The credential of an id: a replay knows no more of it."""
        if credential_id in self._changed:
            return self._changed[credential_id]
        number = self._number(credential_id)
        return None if number is None else self._credential(number)

    def card_of(self, credential_id: str) -> int | None:
        """The second half of a credential's look-up key: tells whether an id has been given another card."""
        if credential_id in self._changed:
            put = None if self.changes is None else self.changes.credentials.get(credential_id)
            return _HALVES.unpack(put.key)[1] if put is not None and put.record else None
        number = self._number(credential_id)
        return None if number is None else self._key_rests[number]

    def each_credential(self) -> Iterator[Credential]:
        """Every credential: in the office's order, what was changed last."""
        unchanged = map(self._credential, range(len(self._credentials)))
        yield from (found for found in unchanged if found.id not in self._changed)
        yield from (found for found in self._changed.values() if found is not None)

    def each_cardholder(self) -> Iterator[Cardholder]:
        """Every cardholder, as `each_credential`."""
        for number in range(len(self._cardholders)):
            record = self._decode_cardholder(self._cardholders[number])
            if record.id not in self._changed_holders:
                yield self.base_levels.unpack(record)
        yield from (found for found in self._changed_holders.values() if found is not None)

    def held_under(self, id_hash_: int) -> Iterator[Credential]:
        """The unchanged credentials whose ids have this hash."""
        for number in self._by_id.numbers(id_hash_):
            found = self._credential(number)
            if found.id not in self._changed:
                yield found

    @property
    def changed_credentials(self) -> dict[str, Credential | None]:
        """What was put since the file was compiled, by id; None: taken out."""
        return self._changed

    @property
    def changed_cardholders(self) -> dict[str, Cardholder | None]:
        """What was put since the file was compiled, by id; None: taken out."""
        return self._changed_holders

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return self._site_key.pin_key(credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return open_pass(text, self._pass_keys.get)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        if cardholder_id in self._changed_holders:
            return self._changed_holders[cardholder_id]
        for number in self._holders_by_id.numbers(id_hash(cardholder_id)):
            record = self._decode_cardholder(self._cardholders[number])
            if record.id == cardholder_id:
                found: Cardholder = self.base_levels.unpack(record)
                return found
        return None

    def levels(self) -> Iterator[AccessLevel]:
        """Every level of the list."""
        return self._levels.values()

    def pass_keys(self) -> Iterator[PassKey]:
        """Every key that signs passes."""
        return self._pass_keys.values()

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

    def _credential(self, number: int) -> Credential:
        return unpack_credential(self._decode_credential(self._credentials[number]))

    def _number(self, credential_id: str) -> int | None:
        for number in self._by_id.numbers(id_hash(credential_id)):
            if self._decode_credential(self._credentials[number]).id == credential_id:
                return number
        return None


def _key_of(key: str) -> bytes | None:
    """A look-up key as bytes; None for what is none."""
    try:
        content = bytes.fromhex(key)
    except ValueError:
        return None
    return content if len(content) == KEY_BYTES else None
