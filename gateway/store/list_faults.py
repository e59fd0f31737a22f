"""What the schema of LIST.json can't say: times, the zone, duplicates, dangling references, periods that overlap."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.domain.credential import PLATE_FORMAT, is_pin_format
from gateway.store.list_schema import PERSONS_BOUND
from gateway.store.list_times import date_faults, day_faults, time_faults, validity_faults, week_faults

PIN_DIGITS = range(4, 13)
"""`PIN4` to `PIN12`: shorter ones are guessed, longer ones nobody types."""

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

Ids = dict[str, set[str]]


def sense_faults(raw: dict[str, Any], cardholders: set[str] | None = None) -> Iterator[str]:
    """One line for each fault of a document that the schema lets pass.

    With the ids of its `cardholders` it asks neither them nor the credentials: they have been judged already.
    """
    yield from time_faults(raw["issued_at"], "$.issued_at")
    try:
        ZoneInfo(raw["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"$.zone: {raw['zone']!r} is no IANA time zone, such as Asia/Shanghai"
    parts = [part for part in _PARTS if cardholders is None or part not in LONG_PARTS]
    ids: Ids = {} if cardholders is None else {"cardholders": cardholders}
    for part in parts:
        seen: set[str] = set()
        ids[part] = seen
        for index, item in enumerate(raw.get(part, ())):
            if item["id"] in seen:
                yield f"$.{part}[{index}].id: {item['id']!r} is there twice"
            seen.add(item["id"])
    dates = {day["id"]: set(day["dates"]) for day in raw.get("special_days", ())}
    for part in parts:
        faults = _FAULTS.get(part, _no_faults)
        for index, item in enumerate(raw.get(part, ())):
            yield from faults(item, ids, f"$.{part}[{index}]")
    for index, schedule in enumerate(raw["schedules"]):
        yield from _special_faults(schedule.get("special_days", ()), dates, f"$.schedules[{index}].special_days")
    if cardholders is None:
        yield from _likeness_faults(raw["credentials"])


def _no_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    return iter(())


def _dangling(ids: Ids, part: str, id_: str | None, path: str) -> Iterator[str]:
    if id_ is not None and id_ not in ids[part]:
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


def _credential_faults(item: dict[str, Any], ids: Ids, path: str) -> Iterator[str]:
    yield from _dangling(ids, "cardholders", item["cardholder"], f"{path}.cardholder")
    yield from validity_faults(item, path)
    plain = [name for name in ("format", "facility_code", "number") if name in item]
    if "key" in item and plain:
        yield f"{path}: has both a key and {', '.join(plain)}"
    elif "key" not in item and not {"format", "number"} <= set(plain):
        yield f"{path}: needs format and number, or a key"
    elif "key" not in item:
        yield from _identifier_faults(item, path)
    for name in ("pin", "duress_pin"):
        if name in item and f"{name}_key" in item:
            yield f"{path}: has both {name} and {name}_key"
    for pin, duress in (("pin", "duress_pin"), ("pin_key", "duress_pin_key")):
        if duress in item and item[duress] == item.get(pin):
            yield f"{path}.{duress}: is the same as {pin}"


def _identifier_faults(item: dict[str, Any], path: str) -> Iterator[str]:
    fault = identifier_fault(item["format"], item.get("facility_code"), item["number"])
    if fault is not None:
        yield path + fault


def identifier_fault(name: str, facility_code: int | None, number: int | str) -> str | None:
    """What is wrong with a credential's identifier, as `.field: words`. Digits are never repeated in a fault."""
    digits = int(name[3:]) if is_pin_format(name) else None
    if isinstance(number, str):
        if name != PLATE_FORMAT:
            return ".number: must be integer; only a plate's is text"
        if number != number.upper():
            return ".number: a plate's is in capitals"
    elif name == PLATE_FORMAT:
        return ".number: must be string; a plate's is its text"
    elif digits is not None and digits not in PIN_DIGITS:
        return f".format: {name} is none of PIN{PIN_DIGITS[0]} to PIN{PIN_DIGITS[-1]}"
    elif digits is not None and number >= 10**digits:
        return f".number: has more digits than {name}"
    if facility_code is not None and (name == PLATE_FORMAT or digits is not None):
        return f".facility_code: {name} has none"
    return None


def _likeness_faults(credentials: list[dict[str, Any]]) -> Iterator[str]:
    seen: dict[object, int] = {}
    for index, raw in enumerate(credentials):
        named: object = raw.get("key") or (raw.get("format"), raw.get("facility_code"), raw.get("number"))
        if named in seen and named != (None, None, None):
            yield f"$.credentials[{index}]: is the same card as $.credentials[{seen[named]}]"
        seen.setdefault(named, index)


_FAULTS: dict[str, Callable[[dict[str, Any], Ids, str], Iterator[str]]] = {
    "special_days": _special_day_faults,
    "schedules": _schedule_faults,
    "access_points": _access_point_faults,
    "levels": _level_faults,
    "pass_keys": _pass_key_faults,
    "cardholders": _cardholder_faults,
    "credentials": _credential_faults,
}
