"""LIST.json as values: parsed whole, or refused with every fault by its path."""

import json
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.domain.listed import (
    AccessLevel,
    AntiPassback,
    Area,
    Authentication,
    Grant,
    ListedAccessPoint,
    PassKey,
    PersonsOf,
    Setting,
)
from gateway.domain.schedule import DatedPlan, Schedule, SpecialPlan
from gateway.errors import ListInvalid
from gateway.store.list_faults import LONG_PARTS, document_faults, sense_faults
from gateway.store.list_identifiers import Fits, any_number
from gateway.store.list_items import CardholderItem, CredentialItem, Items
from gateway.store.list_schema import CARDHOLDERS_BOUND, CREDENTIALS_BOUND, list_schema
from gateway.store.list_soundness import are_sound_credentials, sound_cardholders
from gateway.store.list_structure import FAULT_BOUND, structure_faults
from gateway.store.list_times import minute_of_day, period_of_day, rfc3339, weekly_period

__all__ = ["ListDocument", "parse_list", "refuse", "rfc3339"]

LIST_BYTES_BOUND = 256 * 1024 * 1024
"""A million credentials are about 200 MB of JSON."""

_ITEM_KINDS: dict[str, Any] = {"cardholders": CardholderItem, "credentials": CredentialItem}


@dataclass(frozen=True, slots=True)
class ListDocument:
    """A whole, sound LIST.json. Mappings are by id.

    It still holds the office's text with its digits: it lives as long as it takes to compile, and is never printed.
    """

    site: str
    version: int
    issued_at: datetime
    zone: ZoneInfo
    schedules: dict[str, Schedule]
    access_points: dict[str, ListedAccessPoint]
    areas: dict[str, Area]
    levels: dict[str, AccessLevel]
    pass_keys: dict[str, PassKey]
    cardholders: Items[CardholderItem] = field(repr=False)
    credentials: Items[CredentialItem] = field(repr=False)
    rules: dict[str, bytes] = field(repr=False)
    """The office's text of each member that is no long part."""


def parse_list(source: bytes | dict[str, Any], fits: Fits = any_number) -> ListDocument:
    """Parse LIST.json; `fits` judges whether a card's number fits its format.

    Raises ListInvalid with all its faults (at most `FAULT_BOUND`), each `path: what is wrong`.
    """
    raw, texts = _opened(source if isinstance(source, bytes) else json.dumps(source).encode())
    if not _is_sound(raw, fits):
        refuse(document_faults(raw, fits))
        refuse(_type_faults(raw))
    return _build(raw, texts)


def refuse(faults: Iterable[str]) -> None:
    """Raise ListInvalid with the faults, if there are any."""
    found = tuple(islice(faults, FAULT_BOUND))
    if found:
        raise ListInvalid(found)


def _opened(source: bytes) -> tuple[Any, dict[str, bytes]]:
    """The document, its long parts as `Items` where they are arrays; and the text of each of its other members."""
    if len(source) > LIST_BYTES_BOUND:
        raise ListInvalid((f"$: is larger than {LIST_BYTES_BOUND} bytes",))
    try:
        return _decoded(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ListInvalid((f"$: is not JSON: {error}",)) from error


def _decoded(source: bytes) -> tuple[Any, dict[str, bytes]]:
    try:
        texts = msgspec.json.decode(source, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return msgspec.json.decode(source), {}
    rules = {name: bytes(text) for name, text in texts.items() if name not in LONG_PARTS}
    return {name: _part(name, text) for name, text in texts.items()}, rules


def _part(name: str, text: msgspec.Raw) -> Any:
    if name in LONG_PARTS:
        with suppress(msgspec.ValidationError):
            return Items(msgspec.json.decode(text, type=list[msgspec.Raw]), _ITEM_KINDS[name])
    return msgspec.json.decode(text)


def _is_sound(raw: Any, fits: Fits) -> bool:
    """Yes at once, or maybe not."""
    if not isinstance(raw, dict) or not all(isinstance(raw.get(part), Items) for part in LONG_PARTS):
        return False
    cardholders, credentials = raw["cardholders"], raw["credentials"]
    if len(cardholders) > CARDHOLDERS_BOUND or len(credentials) > CREDENTIALS_BOUND:
        return False
    short: dict[str, Any] = {**raw, **{part: [] for part in LONG_PARTS}}
    if any(structure_faults(short, list_schema())):
        return False
    ids = sound_cardholders(cardholders, {level["id"] for level in raw["levels"]})
    return ids is not None and not any(sense_faults(short, ids)) and are_sound_credentials(credentials, ids, fits)


def _type_faults(raw: dict[str, Any]) -> Iterator[str]:
    """Whatever else keeps an item from being taken: none is known, and what is compiled must not stumble."""
    for part in LONG_PARTS:
        try:
            deque(raw[part].typed(), maxlen=0)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"$.{part}: {error}"


def _build(raw: dict[str, Any], texts: dict[str, bytes]) -> ListDocument:
    dates = {day["id"]: frozenset(map(date.fromisoformat, day["dates"])) for day in raw.get("special_days", ())}
    return ListDocument(
        site=raw["site"],
        version=raw["version"],
        issued_at=rfc3339(raw["issued_at"]),
        zone=ZoneInfo(raw["zone"]),
        schedules=_by_id(raw["schedules"], lambda item: _schedule(item, dates)),
        access_points=_by_id(raw["access_points"], _access_point),
        areas=_by_id(raw.get("areas", ()), _area),
        levels=_by_id(raw["levels"], _level),
        pass_keys=_by_id(raw.get("pass_keys", ()), _pass_key),
        cardholders=raw["cardholders"],
        credentials=raw["credentials"],
        rules=texts,
    )


def _by_id(items: Iterable[dict[str, Any]], make: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    return {item["id"]: make(item) for item in items}


def _schedule(raw: dict[str, Any], dates: dict[str, frozenset[date]]) -> Schedule:
    special = tuple(
        SpecialPlan(plan["special_day"], dates[plan["special_day"]], tuple(map(period_of_day, plan["periods"])))
        for plan in raw.get("special_days", ())
    )
    dated = tuple(
        DatedPlan(
            date.fromisoformat(plan["from"]),
            date.fromisoformat(plan["until"]),
            tuple(map(weekly_period, plan["periods"])),
        )
        for plan in raw.get("dated", ())
    )
    return Schedule(raw["id"], tuple(map(weekly_period, raw["periods"])), special, dated)


def _access_point(raw: dict[str, Any]) -> ListedAccessPoint:
    return ListedAccessPoint(
        raw["id"],
        raw.get("unlock_schedule"),
        tuple(Setting(each["schedule"], Authentication(each["authentication"])) for each in raw.get("settings", ())),
        raw.get("area_from"),
        raw.get("area_to"),
        tuple(PersonsOf(each["group"], each.get("count", 1)) for each in raw.get("persons", ())),
    )


def _area(raw: dict[str, Any]) -> Area:
    forgive = raw.get("forgive_daily_at")
    return Area(
        raw["id"],
        AntiPassback(raw.get("anti_passback", AntiPassback.OFF)),
        raw.get("timed_minutes"),
        raw.get("max_occupancy"),
        None if forgive is None else minute_of_day(forgive),
    )


def _level(raw: dict[str, Any]) -> AccessLevel:
    grants = tuple(Grant(g["access_point"], g["schedule"], tuple(g.get("floors", ()))) for g in raw["grants"])
    return AccessLevel(raw["id"], grants, _when(raw.get("valid_from")), _when(raw.get("valid_until")))


def _pass_key(raw: dict[str, Any]) -> PassKey:
    return PassKey(raw["id"], b64decode(raw["public_key"]), raw.get("cardholder"), tuple(raw.get("levels", ())))


def _when(text: str | None) -> datetime | None:
    return None if text is None else rfc3339(text)
