"""What to do about a fault, in our own words: of TOML's syntax, of a value's type or bounds, of a misspelt name."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from config.model import (
    END_PATTERN,
    FLOOR_PATTERN,
    FORMAT_PATTERN,
    ID_PATTERN,
    ROOT_KEY_PATTERN,
    TIME_PATTERN,
    URL_PATTERN,
)
from drivers.registry import SECRET_PATTERN

_SECRETS = frozenset({"key", "passphrase", "password", "secret", "token"})
"""Keys whose value is a reference to a secret, and often the secret itself by mistake."""
_A_SECRET = "a secret stands here: write where it is, file:secrets/NAME or env:NAME"
_REMEDIES = {
    "missing": "is needed and missing",
    "string_type": 'write a text in quotes, such as "name"',
    "bool_type": "write true or false",
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number, such as 5",
    "float_type": "write a number, such as 5.0, without quotes",
    "finite_number": "write a finite number",
    "tuple_type": 'write a list, such as ["a", "b"]',
    "list_type": 'write a list, such as ["a", "b"]',
    "dict_type": "write a table of keys and values",
    "model_type": "write a table of keys and values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "too_short": "too few: {min_length} or more are needed here",
    "too_long": "too many: {max_length} at most are possible here",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "may have {max_length} characters at most",
    "literal_error": "choose {expected}",
    "value_error": "{error}",
}
_PATTERN_REMEDIES = {
    ID_PATTERN: "use up to 32 of a-z, 0-9, - and _",
    TIME_PATTERN: 'write a time of day as "HH:MM", from "00:00"',
    END_PATTERN: 'write a time of day as "HH:MM", up to "24:00"',
    FLOOR_PATTERN: "name a floor as the office's list does, in up to 16 characters without spaces",
    FORMAT_PATTERN: "name a card format as `gatehouse card decode` does, such as H10301",
    ROOT_KEY_PATTERN: "write all 64 hex digits (0-9, a-f) that stand in the office's office-root.pub",
    URL_PATTERN: "begin it with http:// or https://",
}
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_REFERS_TO = {
    "armed": "schedule",
    "broker": "broker",
    "device": "device",
    "door": "door",
    "doors": "door",
    "lift": "lift",
    "reader": "device",
    "readers": "device",
    "sees": "door",
}
"""Keys whose value is the id of a table of this name."""


def remedy_for(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    """What to do about one of pydantic's errors of `model`."""
    kind, context = item["type"], item.get("ctx", {})
    if _is_secret(item) and kind not in ("missing", "extra_forbidden"):
        return _A_SECRET
    if kind == "extra_forbidden":
        *way, key = item["loc"]
        return f"is unknown; {did_you_mean(str(key), _keys(_inner(model, way)))}"
    if kind == "string_pattern_mismatch":
        return _PATTERN_REMEDIES.get(context["pattern"], f"must match {context['pattern']}")
    if kind == "model_type":
        return f"{_REMEDIES[kind]}: {_form(_inner(model, item['loc']))}"
    words = _REMEDIES.get(kind, "has a form that is not understood here")
    return words.format_map({name: _plain(value) for name, value in context.items()})


def shown(item: Mapping[str, Any]) -> object:
    """The value of one of pydantic's errors as far as a person should see it: no secret, and no whole table."""
    value = item["input"]
    hidden = _is_secret(item) or item["type"] in ("missing", "extra_forbidden") or _holds_table(value)
    return None if hidden else value


def key_at_fault(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a fault across the keys of a table: the first key that its words name and the table has; else nothing."""
    table = item["input"]
    if item["type"] != "value_error" or not isinstance(table, dict):
        return ()
    words = re.findall(r"[a-z0-9_]+", str(item["ctx"]["error"]))
    return next(((word,) for word in words if word in table), ())


def syntax_fault(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, int | None]:
    """What is wrong with a text that is no TOML, and its line."""
    place = _PLACE.search(str(error))
    if place is None:
        return f"is no TOML: {error}", None
    line = int(place.group(1)) if place.group(1) else text.count("\n") + 1
    return f"is no TOML from here: {_PLACE.sub('', str(error))}", line


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of `known`, and all of them."""
    names = sorted(known)
    return f"{_nearest(word, names)}known here: {', '.join(names)}"


def misspelt(path: tuple[str, ...], value: object, named: Mapping[str, Iterable[str]]) -> str:
    """A hint where the key at `path` refers to a table by an id that is none, but near to one; else empty."""
    known = list(named.get(_REFERS_TO.get(path[-1], ""), ()))
    return _nearest(value, known) if isinstance(value, str) and value not in known else ""


def _is_secret(item: Mapping[str, Any]) -> bool:
    by_pattern = item["type"] == "string_pattern_mismatch" and item["ctx"]["pattern"] == SECRET_PATTERN
    return by_pattern or (bool(item["loc"]) and item["loc"][-1] in _SECRETS)


def _holds_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, (list, tuple)) and any(map(_holds_table, value)))


def _form(model: type[BaseModel]) -> str:
    """What must stand in a table of this model, as it is written."""
    parts = []
    for name, field in model.model_fields.items():
        if field.is_required():
            text = '"…"' if field.annotation is str else "…"
            parts.append(f"{field.alias or name} = {text}")
    return "{ " + ", ".join(parts) + " }"


def _plain(value: object) -> object:
    """A bound as a person writes it: 300, not 300.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(model: type[BaseModel], way: Iterable[str | int]) -> type[BaseModel]:
    """The model of the table that stands at `way` inside `model`."""
    for step in way:
        field = next((f for name, f in model.model_fields.items() if step in (name, f.alias)), None)
        found = None if field is None else _model_in(field.annotation)
        model = model if found is None else found  # a number steps into a list of the tables before it
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in `Model`, `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
