"""LIST.json as values: parsed whole, or refused with every fault by its path."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.domain.access import AccessLevel, ListedAccessPoint
from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel
from gateway.domain.credential import Credential, CredentialState, Identifier
from gateway.domain.schedule import Period, Schedule
from gateway.errors import ListInvalid
from gateway.store.list_schema import DAYS, FAULT_BOUND, list_schema, structure_faults

LIST_BYTES_BOUND = 256 * 1024 * 1024
"""A million credentials are about 200 MB of JSON."""

_DAY_MINUTES = 1440
_WEEK_MINUTES = 7 * _DAY_MINUTES


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential and what it is looked up by: a plain identifier, or the 16 bytes of its keyed hash."""

    credential: Credential
    identifier: Identifier | None
    key: bytes | None


@dataclass(frozen=True, slots=True)
class ListDocument:
    """A whole, sound LIST.json. Mappings are by id."""

    site: str
    version: int
    issued_at: datetime
    zone: ZoneInfo
    schedules: dict[str, Schedule]
    access_points: dict[str, ListedAccessPoint]
    levels: dict[str, AccessLevel]
    cardholders: dict[str, Cardholder]
    credentials: tuple[ListedCredential, ...]


def parse_list(source: bytes | dict[str, Any]) -> ListDocument:
    """Parse LIST.json. Raises ListInvalid with all its faults (at most `FAULT_BOUND`), each `path: what is wrong`."""
    raw = _decoded(source) if isinstance(source, bytes) else source
    refuse(structure_faults(raw, list_schema()))
    refuse(_sense_faults(raw))
    return _build(raw)


def refuse(faults: Iterable[str]) -> None:
    """Raise ListInvalid with the faults, if there are any."""
    found = tuple(islice(faults, FAULT_BOUND))
    if found:
        raise ListInvalid(found)


def rfc3339(text: str) -> datetime:
    """The aware time of an RFC 3339 text with offset. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if "T" not in text.upper() or moment.tzinfo is None:
        raise ValueError("needs a date, T, a time and an offset or Z")
    return moment


def _decoded(source: bytes) -> Any:
    if len(source) > LIST_BYTES_BOUND:
        raise ListInvalid((f"$: is larger than {LIST_BYTES_BOUND} bytes",))
    try:
        return msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ListInvalid((f"$: is not JSON: {error}",)) from error


def _sense_faults(raw: dict[str, Any]) -> Iterator[str]:
    """What the schema can't say: times, the zone, duplicates, dangling references."""
    yield from _time_faults(raw["issued_at"], "$.issued_at")
    try:
        ZoneInfo(raw["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"$.zone: {raw['zone']!r} is no IANA time zone, such as Asia/Shanghai"
    ids = {}
    for part in ("schedules", "access_points", "levels", "cardholders", "credentials"):
        seen: set[str] = set()
        ids[part] = seen
        for index, item in enumerate(raw[part]):
            if item["id"] in seen:
                yield f"$.{part}[{index}].id: {item['id']!r} is there twice"
            seen.add(item["id"])
    for index, schedule in enumerate(raw["schedules"]):
        yield from _period_faults(schedule["periods"], f"$.schedules[{index}].periods")
    yield from _reference_faults(raw, ids)
    yield from _credential_faults(raw["credentials"], ids["cardholders"])


def _time_faults(text: str | None, path: str) -> Iterator[str]:
    if text is not None:
        try:
            rfc3339(text)
        except ValueError:
            yield f"{path}: {text[:40]!r} is no RFC 3339 time with offset"


def _validity_faults(item: dict[str, Any], path: str) -> Iterator[str]:
    """`valid_from` before `valid_until`, both times."""
    start, end = item.get("valid_from"), item.get("valid_until")
    faults = [*_time_faults(start, f"{path}.valid_from"), *_time_faults(end, f"{path}.valid_until")]
    yield from faults
    if not faults and start is not None and end is not None and rfc3339(end) <= rfc3339(start):
        yield f"{path}.valid_until: ends before it starts"


def _period_faults(periods: list[dict[str, Any]], path: str) -> Iterator[str]:
    spans = []
    for index, raw in enumerate(periods):
        if raw["start"] == raw["end"]:
            yield f"{path}[{index}]: is empty; the whole day is 00:00 to 24:00"
            continue
        if len(set(raw["days"])) != len(raw["days"]):
            yield f"{path}[{index}].days: names a day twice"
        period = _period(raw)
        spans += [
            (day * _DAY_MINUTES + period.start_minute, day * _DAY_MINUTES + period.end_minute, index)
            for day in period.days
        ]
    spans.sort()
    if spans:  # Sunday night runs into the week's first period
        start, end, index = spans[0]
        spans.append((start + _WEEK_MINUTES, end + _WEEK_MINUTES, index))
    told = set()
    for (_, end, first), (start, _, second) in pairwise(spans):
        if start < end and (first, second) not in told:
            told.add((first, second))
            yield f"{path}[{second}]: overlaps {path}[{first}]"


def _reference_faults(raw: dict[str, Any], ids: dict[str, set[str]]) -> Iterator[str]:
    for index, point in enumerate(raw["access_points"]):
        unlock = point.get("unlock_schedule")
        if unlock is not None and unlock not in ids["schedules"]:
            yield f"$.access_points[{index}].unlock_schedule: no schedule {unlock!r}"
    for index, level in enumerate(raw["levels"]):
        for number, grant in enumerate(level["grants"]):
            where = f"$.levels[{index}].grants[{number}]"
            if grant["access_point"] not in ids["access_points"]:
                yield f"{where}.access_point: no access point {grant['access_point']!r}"
            if grant["schedule"] not in ids["schedules"]:
                yield f"{where}.schedule: no schedule {grant['schedule']!r}"
    for index, cardholder in enumerate(raw["cardholders"]):
        yield from _validity_faults(cardholder, f"$.cardholders[{index}]")
        for number, held in enumerate(cardholder.get("levels", ())):
            where = f"$.cardholders[{index}].levels[{number}]"
            if held["level"] not in ids["levels"]:
                yield f"{where}.level: no level {held['level']!r}"
            yield from _validity_faults(held, where)


def _credential_faults(credentials: list[dict[str, Any]], cardholders: set[str]) -> Iterator[str]:
    seen: dict[object, int] = {}
    for index, raw in enumerate(credentials):
        path = f"$.credentials[{index}]"
        if raw["cardholder"] not in cardholders:
            yield f"{path}.cardholder: no cardholder {raw['cardholder']!r}"
        yield from _validity_faults(raw, path)
        plain = [name for name in ("format", "facility_code", "number") if name in raw]
        if "key" in raw and plain:
            yield f"{path}: has both a key and {', '.join(plain)}"
        elif "key" not in raw and not {"format", "number"} <= set(plain):
            yield f"{path}: needs format and number, or a key"
        else:
            named: object = raw.get("key") or (raw["format"], raw.get("facility_code"), raw["number"])
            if named in seen:
                yield f"{path}: is the same card as $.credentials[{seen[named]}]"
            seen.setdefault(named, index)


def _build(raw: dict[str, Any]) -> ListDocument:
    return ListDocument(
        site=raw["site"],
        version=raw["version"],
        issued_at=rfc3339(raw["issued_at"]),
        zone=ZoneInfo(raw["zone"]),
        schedules=_by_id(raw["schedules"], lambda s: Schedule(s["id"], tuple(map(_period, s["periods"])))),
        access_points=_by_id(raw["access_points"], lambda p: ListedAccessPoint(p["id"], p.get("unlock_schedule"))),
        levels=_by_id(
            raw["levels"],
            lambda v: AccessLevel(v["id"], tuple((g["access_point"], g["schedule"]) for g in v["grants"])),
        ),
        cardholders=_by_id(raw["cardholders"], _cardholder),
        credentials=tuple(map(_credential, raw["credentials"])),
    )


def _by_id(items: list[dict[str, Any]], make: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    return {item["id"]: make(item) for item in items}


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _period(raw: dict[str, Any]) -> Period:
    start, end = _minutes(raw["start"]), _minutes(raw["end"])
    over_midnight = _DAY_MINUTES if end < start else 0
    return Period(frozenset(map(DAYS.index, raw["days"])), start, end + over_midnight)


def _when(text: str | None) -> datetime | None:
    return None if text is None else rfc3339(text)


def _cardholder(raw: dict[str, Any]) -> Cardholder:
    held = tuple(
        HeldLevel(h["level"], _when(h.get("valid_from")), _when(h.get("valid_until"))) for h in raw.get("levels", ())
    )
    kind = CardholderKind(raw.get("kind", CardholderKind.RESIDENT))
    span = (_when(raw.get("valid_from")), _when(raw.get("valid_until")))
    return Cardholder(raw["id"], kind, held, *span, raw.get("extended_time", False))


def _credential(raw: dict[str, Any]) -> ListedCredential:
    credential = Credential(
        raw["id"],
        raw["cardholder"],
        raw.get("label", ""),
        CredentialState(raw.get("state", CredentialState.ACTIVE)),
        _when(raw.get("valid_from")),
        _when(raw.get("valid_until")),
    )
    if "key" in raw:
        return ListedCredential(credential, None, bytes.fromhex(raw["key"]))
    return ListedCredential(credential, Identifier(raw["format"], raw.get("facility_code"), raw["number"]), None)
