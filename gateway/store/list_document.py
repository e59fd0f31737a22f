"""LIST.json as values: parsed whole, or refused with every fault by its path."""

from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel, Risk
from gateway.domain.credential import Credential, CredentialState, Grade, Identifier
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
from gateway.store.list_faults import sense_faults
from gateway.store.list_schema import list_schema
from gateway.store.list_structure import FAULT_BOUND, structure_faults
from gateway.store.list_times import minute_of_day, period_of_day, rfc3339, weekly_period

__all__ = ["ListDocument", "ListedCredential", "PinSource", "parse_list", "refuse", "rfc3339"]

LIST_BYTES_BOUND = 256 * 1024 * 1024
"""A million credentials are about 200 MB of JSON."""

PinSource = str | bytes | None
"""A PIN as the office sent it: its digits, or the 16 bytes of its keyed hash."""


@dataclass(frozen=True, slots=True)
class ListedCredential:
    """A credential and what it is looked up by: a plain identifier, or the 16 bytes of its keyed hash.

    `credential` carries no PIN; `pin` and `duress_pin` are what to hash into it.
    """

    credential: Credential
    identifier: Identifier | None
    key: bytes | None
    pin: PinSource = field(default=None, repr=False)
    duress_pin: PinSource = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ListDocument:
    """A whole, sound LIST.json. Mappings are by id. It still holds digits: it lives as long as it takes to compile."""

    site: str
    version: int
    issued_at: datetime
    zone: ZoneInfo
    schedules: dict[str, Schedule]
    access_points: dict[str, ListedAccessPoint]
    areas: dict[str, Area]
    levels: dict[str, AccessLevel]
    pass_keys: dict[str, PassKey]
    cardholders: dict[str, Cardholder]
    credentials: tuple[ListedCredential, ...] = field(repr=False)


def parse_list(source: bytes | dict[str, Any]) -> ListDocument:
    """Parse LIST.json. Raises ListInvalid with all its faults (at most `FAULT_BOUND`), each `path: what is wrong`."""
    raw = _decoded(source) if isinstance(source, bytes) else source
    refuse(structure_faults(raw, list_schema()))
    refuse(sense_faults(raw))
    return _build(raw)


def refuse(faults: Iterable[str]) -> None:
    """Raise ListInvalid with the faults, if there are any."""
    found = tuple(islice(faults, FAULT_BOUND))
    if found:
        raise ListInvalid(found)


def _decoded(source: bytes) -> Any:
    if len(source) > LIST_BYTES_BOUND:
        raise ListInvalid((f"$: is larger than {LIST_BYTES_BOUND} bytes",))
    try:
        return msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ListInvalid((f"$: is not JSON: {error}",)) from error


def _build(raw: dict[str, Any]) -> ListDocument:
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
        cardholders=_by_id(raw["cardholders"], _cardholder),
        credentials=tuple(map(_credential, raw["credentials"])),
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


def _cardholder(raw: dict[str, Any]) -> Cardholder:
    held = tuple(
        HeldLevel(h["level"], _when(h.get("valid_from")), _when(h.get("valid_until"))) for h in raw.get("levels", ())
    )
    risk = raw.get("risk")
    return Cardholder(
        raw["id"],
        CardholderKind(raw.get("kind", CardholderKind.RESIDENT)),
        held,
        _when(raw.get("valid_from")),
        _when(raw.get("valid_until")),
        raw.get("extended_time", False),
        None if risk is None else Risk(risk["level"], risk["reason"], _when(risk.get("until"))),
        raw.get("anti_passback_exempt", False),
        raw.get("escort_needed", False),
        raw.get("can_escort", False),
        raw.get("special_care", False),
        tuple(raw.get("groups", ())),
    )


def _credential(raw: dict[str, Any]) -> ListedCredential:
    grade = raw.get("grade")
    credential = Credential(
        raw["id"],
        raw["cardholder"],
        raw.get("label", ""),
        CredentialState(raw.get("state", CredentialState.ACTIVE)),
        _when(raw.get("valid_from")),
        _when(raw.get("valid_until")),
        raw.get("uses"),
        raw.get("uses_per_day"),
        duress=raw.get("duress", False),
        grade=None if grade is None else Grade(grade),
    )
    pins = _pin(raw, "pin"), _pin(raw, "duress_pin")
    if "key" in raw:
        return ListedCredential(credential, None, bytes.fromhex(raw["key"]), *pins)
    return ListedCredential(credential, Identifier(raw["format"], raw.get("facility_code"), raw["number"]), None, *pins)


def _pin(raw: dict[str, Any], name: str) -> PinSource:
    return bytes.fromhex(raw[f"{name}_key"]) if f"{name}_key" in raw else raw.get(name)
