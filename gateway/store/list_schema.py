"""The JSON Schema of LIST.json, and a walk that finds every place where a document breaks it."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

FAULT_BOUND = 1000
"""Faults of one document at most: more help nobody, and a list can be 100 MB of rubbish."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_ID = {"type": "string", "pattern": r"^[^\s\x00-\x1f]{1,64}$"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_LABEL = {"type": "string", "maxLength": 200}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def _array(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": most}


_VALIDITY = {"valid_from": _TIME, "valid_until": _TIME}
_PERIOD = _object(
    {
        "days": {"type": "array", "items": {"type": "string", "enum": list(DAYS)}, "minItems": 1, "maxItems": 7},
        "start": {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"},
        "end": {"type": "string", "pattern": r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"},
    }
)
_CREDENTIAL = _object(
    {"id": _ID, "cardholder": _ID},
    {
        "format": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,32}$"},
        "facility_code": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**32 - 1},
        "number": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        "key": {"type": "string", "pattern": r"^[0-9a-f]{32}$"},
        "label": _LABEL,
        "state": {"type": "string", "enum": ["active", "suspended", "lost", "expired"]},
        **_VALIDITY,
    },
)
_CARDHOLDER = _object(
    {"id": _ID},
    {
        "kind": {"type": "string", "enum": ["resident", "family", "tenant", "staff", "visitor", "contractor"]},
        "levels": _array(_object({"level": _ID}, _VALIDITY), 100),
        "extended_time": {"type": "boolean"},
        **_VALIDITY,
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
            "schedules": _array(_object({"id": _ID, "periods": _array(_PERIOD, 200)}), 10_000),
            "access_points": _array(
                _object({"id": _ID}, {"unlock_schedule": {"type": ["string", "null"], "maxLength": 64}}), 10_000
            ),
            "levels": _array(
                _object({"id": _ID, "grants": _array(_object({"access_point": _ID, "schedule": _ID}), 10_000)}), 10_000
            ),
            "cardholders": _array(_CARDHOLDER, 500_000),
            "credentials": _array(_CREDENTIAL, 1_000_000),
        },
        {"special_days": _array({}, 0), "areas": _array({}, 0)},
    ),
}

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def list_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of LIST.json."""
    return _LIST


def structure_faults(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """One line for each place where `value` breaks the schema. Knows the keywords used in this module."""
    if not schema:
        return
    if not _has_type(value, schema["type"]):
        wanted = schema["type"] if isinstance(schema["type"], str) else " or ".join(schema["type"])
        yield f"{path}: must be {wanted}, is {_short(value)}"
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _array_faults(value, schema, path)
    elif value is not None:
        yield from _scalar_faults(value, schema, path)


def _object_faults(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    properties = schema["properties"]
    for name in schema["required"]:
        if name not in value:
            yield f"{path}.{name}: is missing"
    for name, held in value.items():
        if name in properties:
            yield from structure_faults(held, properties[name], f"{path}.{name}")
        else:
            yield f"{path}.{str(name)[:40]}: unknown key; known are {', '.join(properties)}"


def _array_faults(value: list[Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) > schema["maxItems"]:
        yield f"{path}: holds {len(value)} items, at most {schema['maxItems']} are supported"
        return
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: is empty"
    for index, held in enumerate(value):
        yield from structure_faults(held, schema["items"], f"{path}[{index}]")


def _scalar_faults(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: must be one of {', '.join(map(str, schema['enum']))}, is {_short(value)}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: must be {schema['minimum']} to {schema['maximum']}, is {value}"
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{path}: is longer than {schema['maxLength']} characters"
        if "pattern" in schema and not _pattern(schema["pattern"]).match(value):
            yield f"{path}: must match {schema['pattern']}, is {_short(value)}"


def _has_type(value: Any, wanted: str | list[str]) -> bool:
    names = (wanted,) if isinstance(wanted, str) else wanted
    return any(isinstance(value, _TYPES[name]) and (type(value) is not bool or name == "boolean") for name in names)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("$", r"\Z"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
