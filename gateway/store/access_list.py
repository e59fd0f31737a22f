"""The access list that decides: compiled to one file with keys instead of digits, mapped, and replaced whole."""

from collections.abc import Iterable, Iterator
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
_HALF = 2**64 - 1


def open_list(path: Path, site_key: bytes, fallback: bool = False) -> "CompiledAccessList":
    """Map a compiled list. `fallback`: it stands in for the newer one that should be in force.

    Raises ListInvalid when it is truncated, damaged, of another site key or of another format.
    """
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
        self._zone = ZoneInfo(self._about.zone)
        self._schedules = _ById(sections["schedules"], Schedule)
        self._access_points = _ById(sections["access_points"], ListedAccessPoint)
        self._areas = _ById(sections["areas"], Area)
        self._levels = _ById(sections["levels"], AccessLevel)
        self._pass_keys = _ById(sections["pass_keys"], PassKey)
        self._level_numbers = level_numbers(sections["levels"])
        self._by_key = Index(sections["key_hashes"], sections["key_numbers"])
        self._key_rests = sections["key_rests"].cast("Q")
        self._by_id = Index(sections["id_hashes"], sections["id_numbers"])
        self._credentials = Records(sections["credential_offsets"], sections["credentials"])
        self._holders_by_id = Index(sections["holder_hashes"], sections["holder_numbers"])
        self._cardholders = Records(sections["cardholder_offsets"], sections["cardholders"])
        self._decode_credential = msgspec.msgpack.Decoder(CredentialRecord).decode
        self._decode_cardholder = msgspec.msgpack.Decoder(CardholderRecord).decode

    @property
    def site(self) -> str:
        return self._about.site

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
        return len(self._credentials)

    @property
    def key_matches(self) -> bool:
        """Whether it was compiled with this site key."""
        return compare_digest(self._about.key_check, self._site_key.check())

    def key(self, identifier: Identifier) -> str:
        return self._site_key.lookup_key(identifier).hex()

    def credential(self, key: str) -> Credential | None:
        whole = _number_of(key)
        if whole is None:
            return None
        rest = whole & _HALF
        for number in self._by_key.numbers(whole >> 64):
            if self._key_rests[number] == rest:
                return self._credential(number)
        return None

    def credential_by_id(self, credential_id: str) -> Credential | None:
        """The credential of an id: a replay knows no more of it."""
        for number in self._by_id.numbers(id_hash(credential_id)):
            found = self._credential(number)
            if found.id == credential_id:
                return found
        return None

    def each_credential(self) -> Iterator[Credential]:
        """Every credential, in the office's order."""
        return map(self._credential, range(len(self._credentials)))

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return self._site_key.pin_key(credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return open_pass(text, self._pass_keys.get)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        for number in self._holders_by_id.numbers(id_hash(cardholder_id)):
            record = self._decode_cardholder(self._cardholders[number])
            if record.id == cardholder_id:
                return self._level_numbers.unpack(record)
        return None

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


def _number_of(key: str) -> int | None:
    """A key as a number; None for what is none."""
    try:
        content = bytes.fromhex(key)
    except ValueError:
        return None
    return int.from_bytes(content, "big") if len(content) == KEY_BYTES else None
