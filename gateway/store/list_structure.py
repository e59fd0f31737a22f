"""A walk that finds every place where a JSON document breaks a schema. Knows the keywords of `list_schema` only."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from gateway.store.list_items import Items

FAULT_BOUND = 1000
"""Faults of one document at most: more help nobody, and a list can be 100 MB of rubbish."""

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, Items),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def structure_faults(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """One line for each place where `value` breaks the schema."""
    if not _has_type(value, schema["type"]):
        wanted = schema["type"] if isinstance(schema["type"], str) else " or ".join(schema["type"])
        yield f"{path}: must be {wanted}, is {_told(value, path)}"
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, (list, Items)):
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


def _array_faults(value: list[Any] | Items[Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) > schema["maxItems"]:
        yield f"{path}: holds {len(value)} items, at most {schema['maxItems']} are supported"
        return
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: is empty"
    for index, held in enumerate(value):
        yield from structure_faults(held, schema["items"], f"{path}[{index}]")


def _scalar_faults(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: must be one of {', '.join(str(each) for each in schema['enum'])}, is {_told(value, path)}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: must be {schema['minimum']} to {schema['maximum']}, is {_told(value, path)}"
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{path}: is longer than {schema['maxLength']} characters"
        if "pattern" in schema and not _pattern(schema["pattern"]).match(value):
            yield f"{path}: must match {schema['pattern']}, is {_told(value, path)}"


_SECRET = frozenset({"pin", "pin_key", "duress_pin", "duress_pin_key", "key", "number", "facility_code"})
"""What a fault, which goes to the log and the journal, must not repeat: digits of cards and PINs, and their keys."""


def _told(value: Any, path: str) -> str:
    if path.rpartition(".")[2] not in _SECRET:
        return _short(value)
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    names = {"int": "a number", "float": "a number", "bool": "true or false", "NoneType": "null", "list": "an array"}
    return names.get(type(value).__name__, "an object")


def _has_type(value: Any, wanted: str | list[str]) -> bool:
    names = (wanted,) if isinstance(wanted, str) else wanted
    return any(isinstance(value, _TYPES[name]) and (type(value) is not bool or name == "boolean") for name in names)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("$", r"\Z"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
