"""An access list as a replay asks it: by the ids that events keep, as well as by keyed hashes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.domain.access_record import ID_KEY
from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.listed import AccessLevel, AccessList, Area, ListedAccessPoint
from gateway.domain.schedule import Schedule


class ListById(AccessList, Protocol):
    """A list that also finds a credential by its id."""

    def credential_by_id(self, credential_id: str) -> Credential | None: ...


class RecalledList:
    """Implements `gateway.domain.listed.AccessList` over a list that finds credentials by id."""

    def __init__(self, access_list: ListById) -> None:
        self._list = access_list

    @property
    def version(self) -> int:
        return self._list.version

    @property
    def generation(self) -> int:
        return self._list.generation

    @property
    def zone(self) -> ZoneInfo:
        return self._list.zone

    @property
    def issued_at(self) -> datetime:
        return self._list.issued_at

    @property
    def fallback(self) -> bool:
        return self._list.fallback

    def credential(self, key: str) -> Credential | None:
        """By `id:ID`, or by a keyed hash."""
        if key.startswith(ID_KEY):
            return self._list.credential_by_id(key.removeprefix(ID_KEY))
        return self._list.credential(key)

    def key(self, identifier: Identifier) -> str:
        return self._list.key(identifier)

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return self._list.pin_key(credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return self._list.open_pass(text)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        return self._list.cardholder(cardholder_id)

    def level(self, level_id: str) -> AccessLevel | None:
        return self._list.level(level_id)

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self._list.schedule(schedule_id)

    def access_point(self, access_point_id: str) -> ListedAccessPoint | None:
        return self._list.access_point(access_point_id)

    def area(self, area_id: str) -> Area | None:
        return self._list.area(area_id)

    def areas(self) -> Iterable[Area]:
        return self._list.areas()
