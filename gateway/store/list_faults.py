"""What the schema of LIST.json can't say: times, the zone, duplicates, dangling references, periods that overlap."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.store.list_identifiers import Fits, any_number, identifier_fault
from gateway.store.list_items import ID_PATTERN, Items
from gateway.store.list_schema import PERSONS_BOUND, list_schema
from gateway.store.list_structure import structure_faults
from gateway.store.list_times import date_faults, day_faults, time_faults, validity_faults, week_faults

_PARTS = {
    "special_days": "special day",
    "schedules": "schedule",
    "areas": "area",
    "access_points": "access point",
    "levels": "level",
    "pass_keys": "pass key",
    "cardholders": "cardholder",
    "credentials": "credential",
}
LONG_PARTS = ("cardholders", "credentials")
"""Judged by `list_soundness` first, which is fast and says only yes or no."""

_WEAK_KEYS = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Points of small order, without their sign bit: under them anybody signs. All zeros is a likely placeholder."""

_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))

Ids = dict[str, set[str] | None]
"""The ids of each part; None where one can't be read, and any reference might mean that one."""


@dataclass(frozen=True, slots=True)
class Slips:
    """Where the schema is broken: parts that are no arrays that can be walked, and items by part and index."""

    parts: frozenset[str] = frozenset()
    items: dict[str, set[int]] = field(default_factory=dict)

    def sound(self, raw: dict[str, Any], part: str) -> Iterator[tuple[str, Any]]:
        """Path and value of each item of a part that the schema lets pass."""
        items = () if part in self.parts else raw.get(part, ())
        broken = self.items.get(part, ())
        return ((f"$.{part}[{index}]", item) for index, item in enumerate(items) if index not in broken)


NO_SLIPS = Slips()


def document_faults(raw: Any, fits: Fits = any_number) -> Iterator[str]:
    """One line for each fault of a document: where it breaks the schema, then what all else means wrongly."""
    schema = list_schema()
    if not isinstance(raw, dict):
        yield from structure_faults(raw, schema)
        return
    kinds = {part: schema["properties"][part] for part in _PARTS if part in raw}
    walked = {part: raw[part] for part, kind in kinds.items() if _can_be_walked(raw[part], kind["maxItems"])}
    yield from structure_faults({**raw, **{part: [] for part in walked}}, schema)
    slips = Slips(frozenset(kinds.keys() - walked.keys()), {part: set() for part in walked})
    for part, items in walked.items():
        for index, item in enumerate(items):
            for fault in structure_faults(item, kinds[part]["items"], f"$.{part}[{index}]"):
                slips.items[part].add(index)
                yield fault
    yield from sense_faults(raw, slips=slips, fits=fits)


def _can_be_walked(value: Any, most: int) -> bool:
    return isinstance(value, (list, Items)) and len(value) <= most


def sense_faults(
    raw: dict[str, Any], cardholders: set[str] | None = None, *, slips: Slips = NO_SLIPS, fits: Fits = any_number
) -> Iterator[str]:
    """One line for each fault of a document that the schema lets pass, but for its `slips`.

    With the ids of its `cardholders` it asks neither them nor the credentials: they have been judged already.
    """
    yield from _head_faults(raw)
    parts = [part for part in _PARTS if cardholders is None or part not in LONG_PARTS]
    ids: Ids = {} if cardholders is None else {"cardholders": cardholders}
    for part in parts:
        yield from _id_faults(raw, part, slips, ids)
    dates = {day["id"]: set(day["dates"]) for _, day in slips.sound(raw, "special_days")}
    for part in parts:
        faults = partial(_credential_faults, fits=fits) if part == "credentials" else _FAULTS.get(part, _no_faults)
        for path, item in slips.sound(raw, part):
            yield from faults(item, ids, path)
    for path, schedule in slips.sound(raw, "schedules"):
        yield from _special_faults(schedule.get("special_days", ()), dates, f"{path}.special_days")
    if cardholders is None:
        yield from _likeness_faults(slips.sound(raw, "credentials"))


def _head_faults(raw: dict[str, Any]) -> Iterator[str]:
    """Of what stands beside the parts, as far as it is text."""
    issued_at, zone = raw.get("issued_at"), raw.get("zone")
    if isinstance(issued_at, str):
        yield from time_faults(issued_at, "$.issued_at")
    if isinstance(zone, str):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"$.zone: {zone[:64]!r} is no IANA time zone, such as Asia/Shanghai"


def _id_faults(raw: dict[str, Any], part: str, slips: Slips, ids: Ids) -> Iterator[str]:
    """Ids that are there twice; `ids` gets those of the part. An item with a slip still has its id."""
    seen: set[str] = set()
    ids[part] = None if part in slips.parts else seen
    for index, item in enumerate(() if part in slips.parts else raw.get(part, ())):
        id_ = item.get("id") if isinstance(item, dict) else None
        if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
            ids[part] = None
        elif id_ in seen:
            yield f"$.{part}[{index}].id: {id_!r} is there twice"
        else:
            seen.add(id_)


def _no_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    return iter(())


def _dangling(ids: Ids, part: str, id_: str | None, path: str) -> Iterator[str]:
    known = ids[part]
    if id_ is not None and known is not None and id_ not in known:
        yield f"{path}: no {_PARTS[part]} {id_!r}"


def _special_day_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    for number, text in enumerate(item["dates"]):
        yield from date_faults(text, f"{path}.dates[{number}]")
    if len(set(item["dates"])) != len(item["dates"]):
        yield f"{path}.dates: names a date twice"


def _schedule_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    yield from week_faults(item["periods"], f"{path}.periods")
    for number, plan in enumerate(item.get("special_days", ())):
        yield from _dangling(ids, "special_days", plan["special_day"], f"{path}.special_days[{number}].special_day")
    spans = []
    for number, plan in enumerate(item.get("dated", ())):
        where = f"{path}.dated[{number}]"
        faults = [*date_faults(plan["from"], f"{where}.from"), *date_faults(plan["until"], f"{where}.until")]
        yield from faults
        yield from week_faults(plan["periods"], f"{where}.periods")
        if not faults and plan["until"] < plan["from"]:
            yield f"{where}.until: ends before it starts"
        elif not faults:
            spans.append((plan["from"], plan["until"], where))
    spans.sort()
    for (_, until, first), (start, _, second) in pairwise(spans):
        if start <= until:
            yield f"{second}: overlaps {first}"


def _special_faults(plans: list[dict[str, Any]], dates: dict[str, set[str]], path: str) -> Iterator[str]:
    """Dates that two of a schedule's groups hold, and the periods of each."""
    owner: dict[str, str] = {}
    for number, plan in enumerate(plans):
        group = plan["special_day"]
        where = f"{path}[{number}]"
        shared = next((text for text in sorted(dates.get(group, ())) if text in owner), None)
        if shared is not None:
            yield f"{where}.special_day: {shared} is in {owner[shared]!r} as well"
        owner |= dict.fromkeys(dates.get(group, ()), group)
        yield from day_faults(plan["periods"], _has_neighbours(dates.get(group, set())), f"{where}.periods")


def _has_neighbours(texts: set[str]) -> bool:
    """Are two of the dates consecutive? What is no date has been told already."""
    days = set()
    for text in texts:
        if not any(date_faults(text, "")):
            days.add(date.fromisoformat(text))
    return any(day + timedelta(days=1) in days for day in days if day < date.max)


def _access_point_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    yield from _dangling(ids, "schedules", item.get("unlock_schedule"), f"{path}.unlock_schedule")
    for number, setting in enumerate(item.get("settings", ())):
        yield from _dangling(ids, "schedules", setting["schedule"], f"{path}.settings[{number}].schedule")
    for name in ("area_from", "area_to"):
        yield from _dangling(ids, "areas", item.get(name), f"{path}.{name}")
    persons = sum(each.get("count", 1) for each in item.get("persons", ()))
    if persons > PERSONS_BOUND:
        yield f"{path}.persons: adds up to {persons} people, at most {PERSONS_BOUND} are waited for"


def _level_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    yield from validity_faults(item, path)
    for number, grant in enumerate(item["grants"]):
        where = f"{path}.grants[{number}]"
        yield from _dangling(ids, "access_points", grant["access_point"], f"{where}.access_point")
        yield from _dangling(ids, "schedules", grant["schedule"], f"{where}.schedule")


def _pass_key_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    key = b64decode(item["public_key"])
    if key[:31] + bytes([key[31] & 0x7F]) in _WEAK_KEYS:
        yield f"{path}.public_key: is no key; anybody could sign under it"
    yield from _dangling(ids, "cardholders", item.get("cardholder"), f"{path}.cardholder")
    for number, level in enumerate(item.get("levels", ())):
        yield from _dangling(ids, "levels", level, f"{path}.levels[{number}]")


def _cardholder_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    yield from validity_faults(item, path)
    for number, held in enumerate(item.get("levels", ())):
        where = f"{path}.levels[{number}]"
        yield from _dangling(ids, "levels", held["level"], f"{where}.level")
        yield from validity_faults(held, where)
    risk = item.get("risk")
    if risk is not None:
        yield from time_faults(risk.get("until"), f"{path}.risk.until")


def _credential_faults(item: dict[str, Any], ids: Ids, path: str, fits: Fits) -> Iterator[str]:
    yield from _dangling(ids, "cardholders", item["cardholder"], f"{path}.cardholder")
    yield from validity_faults(item, path)
    plain = [name for name in ("format", "facility_code", "number") if name in item]
    if "key" in item and plain:
        yield f"{path}: has both a key and {', '.join(plain)}"
    elif "key" not in item and not {"format", "number"} <= set(plain):
        yield f"{path}: needs format and number, or a key"
    elif "key" not in item:
        fault = identifier_fault(item["format"], item.get("facility_code"), item["number"], fits)
        if fault is not None:  # in changes of a list the path counts the changes: the id says which it is
            where, _, words = fault.partition(": ")
            yield f"{path}{where}: of {item['id']!r}: {words}"
    for name in ("pin", "duress_pin"):
        if name in item and f"{name}_key" in item:
            yield f"{path}: has both {name} and {name}_key"
    for pin, duress in (("pin", "duress_pin"), ("pin_key", "duress_pin_key")):
        if duress in item and item[duress] == item.get(pin):
            yield f"{path}.{duress}: is the same as {pin}"


def _likeness_faults(credentials: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    seen: dict[object, str] = {}
    for path, raw in credentials:
        named: object = raw.get("key") or (raw.get("format"), raw.get("facility_code"), raw.get("number"))
        if named in seen and named != (None, None, None):
            yield f"{path}: is the same card as {seen[named]}"
        seen.setdefault(named, path)


_FAULTS: dict[str, Callable[[dict[str, Any], Ids, str], Iterator[str]]] = {
    "special_days": _special_day_faults,
    "schedules": _schedule_faults,
    "access_points": _access_point_faults,
    "levels": _level_faults,
    "pass_keys": _pass_key_faults,
    "cardholders": _cardholder_faults,
}
