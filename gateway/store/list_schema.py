"""The JSON Schema of LIST.json."""

from typing import Any

from gateway.domain.credential import NUMBER_MAX
from gateway.store.list_items import ID_PATTERN, NAME_PATTERN

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CREDENTIALS_BOUND, CARDHOLDERS_BOUND = 1_000_000, 500_000
"""A compound of 300,000 people holds about a million, and more isn't measured (tests/bench/access_bench.py)."""
PART_BOUND = 10_000
"""Schedules, access points, areas, levels: far more than any site has, and they are kept decoded in memory."""
PERSONS_BOUND = 5
"""Nobody brings more people to a door, and each one waits for the next."""
USES_BOUND = 1_000_000

_ID = {"type": "string", "pattern": ID_PATTERN}
_NAME = {"type": "string", "pattern": NAME_PATTERN}
_ID_OR_NULL = {**_ID, "type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_DATE = {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_LABEL = {"type": "string", "maxLength": 200}
_START = {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_END = {"type": "string", "pattern": r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_HASH = {"type": "string", "pattern": r"^[0-9a-f]{32}$"}
_PIN = {"type": "string", "pattern": r"^[0-9]{4,12}$"}
_FLAG = {"type": "boolean"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def _array(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": most}


def _count(most: int) -> dict[str, Any]:
    return {"type": ["integer", "null"], "minimum": 1, "maximum": most}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


_VALIDITY = {"valid_from": _TIME, "valid_until": _TIME}
_PERIOD = _object(
    {
        "days": {"type": "array", "items": _choice(*DAYS), "minItems": 1, "maxItems": 7},
        "start": _START,
        "end": _END,
    }
)
_SPECIAL_DAY = _object({"id": _ID, "dates": _array(_DATE, 1000)})
_SCHEDULE = _object(
    {"id": _ID, "periods": _array(_PERIOD, 200)},
    {
        "special_days": _array(
            _object({"special_day": _ID, "periods": _array(_object({"start": _START, "end": _END}), 50)}), 50
        ),
        "dated": _array(_object({"from": _DATE, "until": _DATE, "periods": _array(_PERIOD, 200)}), 50),
    },
)
_AUTHENTICATION = _choice(
    "card", "card_or_pin", "card_and_pin", "pin", "two_cards", "confirm", "unlocked", "first_card", "locked"
)
_ACCESS_POINT = _object(
    {"id": _ID},
    {
        "unlock_schedule": _ID_OR_NULL,
        "settings": _array(_object({"schedule": _ID, "authentication": _AUTHENTICATION}), 20),
        "area_from": _ID_OR_NULL,
        "area_to": _ID_OR_NULL,
        "persons": _array(
            _object({"group": _NAME}, {"count": {"type": "integer", "minimum": 1, "maximum": PERSONS_BOUND}}),
            PERSONS_BOUND,
        ),
    },
)
_AREA = _object(
    {"id": _ID},
    {
        "anti_passback": _choice("off", "soft", "hard"),
        "timed_minutes": _count(10_080),
        "max_occupancy": _count(1_000_000),
        "forgive_daily_at": {**_START, "type": ["string", "null"]},
    },
)
_LEVEL = _object(
    {
        "id": _ID,
        "grants": _array(_object({"access_point": _ID, "schedule": _ID}, {"floors": _array(_NAME, 200)}), PART_BOUND),
    },
    _VALIDITY,
)
_PASS_KEY = _object(
    {"id": _ID, "public_key": {"type": "string", "pattern": r"^[A-Za-z0-9+/]{43}=$"}},
    {"cardholder": _ID_OR_NULL, "levels": _array(_ID, 100)},
)
_RISK = {
    **_object({"level": {"type": "integer", "minimum": 1, "maximum": 3}, "reason": _LABEL}, {"until": _TIME}),
    "type": ["object", "null"],
}
_CARDHOLDER = _object(
    {"id": _ID},
    {
        "kind": _choice("resident", "family", "tenant", "staff", "visitor", "contractor"),
        "levels": _array(_object({"level": _ID}, _VALIDITY), 100),
        "extended_time": _FLAG,
        **_VALIDITY,
        "risk": _RISK,
        "anti_passback_exempt": _FLAG,
        "escort_needed": _FLAG,
        "can_escort": _FLAG,
        "special_care": _FLAG,
        "groups": _array(_NAME, 20),
    },
)
_CREDENTIAL = _object(
    {"id": _ID, "cardholder": _ID},
    {
        "format": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,32}$"},
        "facility_code": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**32 - 1},
        "number": {
            "type": ["integer", "string"],
            "minimum": 0,
            "maximum": NUMBER_MAX,
            "pattern": r"^[^\sa-z\x00-\x1f]{1,20}$",
        },
        "key": _HASH,
        "label": _LABEL,
        "state": _choice("active", "suspended", "lost", "expired"),
        **_VALIDITY,
        "uses": _count(USES_BOUND),
        "uses_per_day": _count(USES_BOUND),
        "pin": _PIN,
        "pin_key": _HASH,
        "duress_pin": _PIN,
        "duress_pin_key": _HASH,
        "duress": _FLAG,
        "grade": {"type": ["string", "null"], "enum": ["clonable", "secure", None]},
    },
)

_LIST = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Gatehouse access list",
    "description": "The office's list for one site. `end` of a period may be earlier than `start`: it then runs over "
    "midnight. A credential is named by format, facility_code and number, or by its keyed hash alone.",
    **_object(
        {
            "schema": {"type": "integer", "enum": [1]},
            "site": _ID,
            "version": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
            "issued_at": {"type": "string", "format": "date-time"},
            "zone": {"type": "string", "maxLength": 64},
            "schedules": _array(_SCHEDULE, PART_BOUND),
            "access_points": _array(_ACCESS_POINT, PART_BOUND),
            "levels": _array(_LEVEL, PART_BOUND),
            "cardholders": _array(_CARDHOLDER, CARDHOLDERS_BOUND),
            "credentials": _array(_CREDENTIAL, CREDENTIALS_BOUND),
        },
        {
            "special_days": _array(_SPECIAL_DAY, 1000),
            "areas": _array(_AREA, PART_BOUND),
            "pass_keys": _array(_PASS_KEY, 1000),
        },
    ),
}


def list_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of LIST.json."""
    return _LIST
