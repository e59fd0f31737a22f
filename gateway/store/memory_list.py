"""A parsed list used as it is: for what-if decisions and tests."""

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from gateway.clock import random_bytes
from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.listed import AccessLevel, Area, ListedAccessPoint
from gateway.domain.schedule import Schedule
from gateway.store.list_document import ListDocument, refuse
from gateway.store.list_keys import SiteKey
from gateway.store.list_records import LevelNumbers, credential_records, unpack_credential
from gateway.store.passes import open_pass


class MemoryAccessList:
    """Implements `gateway.domain.listed.AccessList`. Holds no digits: without a site key it hashes under a random one.

    Credentials and PINs that the office gave by key are found only with the site key. Raises ListInvalid when two of
    them turn out to be alike.
    """

    fallback = False

    def __init__(self, document: ListDocument, site_key: bytes | None = None) -> None:
        self._site_key = SiteKey(random_bytes(32) if site_key is None else site_key)
        self._credentials: dict[str, Credential] = {}
        self._by_id: dict[str, Credential] = {}
        faults = []
        for number, (key, record) in enumerate(credential_records(document.credentials, self._site_key)):
            if key.hex() in self._credentials:
                faults.append(f"$.credentials[{number}]: is the same card as {self._credentials[key.hex()].id!r}")
            self._credentials[key.hex()] = self._by_id[record.id] = unpack_credential(record)
        refuse(faults)
        levels = LevelNumbers(list(document.levels))
        self._cardholders = {item.id: levels.unpack(levels.pack(item)) for item in document.cardholders.typed()}
        self._version, self._zone, self._issued_at = document.version, document.zone, document.issued_at
        self._schedules, self._access_points = document.schedules, document.access_points
        self._areas, self._levels = document.areas, document.levels
        self._pass_keys = document.pass_keys

    @classmethod
    def from_document(cls, document: ListDocument, site_key: bytes | None = None) -> "MemoryAccessList":
        """The list of a parsed document, which may be forgotten afterwards."""
        return cls(document, site_key)

    def standing_in(self) -> Self:
        """The same list, as the one before a damaged one."""
        before = copy(self)
        before.fallback = True
        return before

    @property
    def version(self) -> int:
        return self._version

    @property
    def generation(self) -> int:
        return 0

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    @property
    def issued_at(self) -> datetime:
        return self._issued_at

    def key(self, identifier: Identifier) -> str:
        return self._site_key.lookup_key(identifier).hex()

    def credential(self, key: str) -> Credential | None:
        return self._credentials.get(key)

    def credential_by_id(self, credential_id: str) -> Credential | None:
        """The credential of an id: a replay knows no more of it."""
        return self._by_id.get(credential_id)

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return self._site_key.pin_key(credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return open_pass(text, self._pass_keys.get)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        return self._cardholders.get(cardholder_id)

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
