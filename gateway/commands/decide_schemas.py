"""The JSON Schemas of what goes into `gatehouse decide` and of what comes out."""

import json
from typing import Any

from gateway.commands.decide_requests import (
    ACCESS_POINTS_MAX,
    EXAMPLE,
    IDENTIFIERS_MAX,
    PASS_CHARACTERS_MAX,
    PIN_PATTERN,
    REFUSALS,
    SECOND_MAX,
    SUBJECT_PATTERN,
    ListStanding,
)
from gateway.domain.access import CHECKS
from gateway.domain.access_request import DenialReason, Want
from gateway.domain.credential import NUMBER_MAX, PLATE_FORMAT, Grade
from gateway.domain.door_mode import DoorMode
from gateway.domain.moment import ClockQuality
from gateway.domain.shown import PLATE_CHARACTERS_MAX

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_TEXTS = {"type": "array", "items": _TEXT}
_TIME = {"type": "string", "format": "date-time"}
_FLAG = {"type": ["boolean", "null"]}
_WAYS_TO_SHOW = {"identifier": "object", "identifiers": "array", "pass": "string"}


def request_schema() -> dict[str, Any]:
    """A line: a request, or with `--stateful` also what a guard does."""
    return {
        "$schema": _DIALECT,
        "title": "Gatehouse decide request",
        "description": "One a line. Of several identifiers, the first that the list knows decides. "
        "`list`: fallback is the list before a damaged one, none is no list: the degraded mode decides. "
        "What a guard does (forgive, block, local_grant) is for --stateful.",
        "type": "object",
        "oneOf": [_request(), *_acts()],
        "examples": [json.loads(EXAMPLE)],
    }


def answer_schema() -> dict[str, Any]:
    """An answer to a request; to what a guard did, `{"done": true}` or why not."""
    step = _object({"check": _choice(*(check.name for check in CHECKS), "way_out"), "passed": {"type": "boolean"}})
    step["properties"]["subject"] = _TEXT
    step["required"].append("subject")
    answer = _object(
        {
            "decision": _choice("granted", "denied"),
            "reason": {"type": ["string", "null"], "enum": [None, *(reason.value for reason in DenialReason)]},
            "trace": {"type": "array", "items": step},
            "list_version": {"type": ["integer", "null"]},
        },
        {
            "credential": _TEXT,
            "cardholder": _TEXT,
            "accompanied": _TEXTS,
            "floors": _TEXTS,
            "duress": {"type": "boolean", "enum": [True]},
            "reported": _TEXT_OR_NULL,
            "wants": _choice(*(want.value for want in Want)),
        },
    )
    return {
        "$schema": _DIALECT,
        "title": "Gatehouse decide answer",
        "description": "`accompanied`: who was shown after the first. `reported`: the area (null is outside) where "
        "soft anti-passback believes the cardholder to be. `wants`: what is missing; the decision is denied then. "
        "`list_version` is null where no list decided. `refused`: a guard named a `subject` that is not known.",
        "type": "object",
        "oneOf": [
            answer,
            _object({"done": {"type": "boolean", "enum": [True]}}),
            _object({"done": {"type": "boolean", "enum": [False]}, "refused": _choice(*REFUSALS), "subject": _TEXT}),
        ],
    }


def _request() -> dict[str, Any]:
    further = _shown({})
    door = _object(
        {},
        {
            "mode": _choice_or_null(*DoorMode),
            "interlocked_by": _TEXT_OR_NULL,
            "inside": {"type": ["integer", "null"], "minimum": 0},
        },
    )
    return _shown(
        {"access_point": _TEXT, "time": _TIME},
        {
            "pin": {"type": ["string", "null"], "pattern": PIN_PATTERN},
            "second": {
                "oneOf": [further, {"type": "array", "items": further, "maxItems": SECOND_MAX}, {"type": "null"}],
            },
            "confirmed": _FLAG,
            "door": {**door, "type": ["object", "null"]},
            "clock": _choice_or_null(*ClockQuality),
            "list": _choice_or_null(*ListStanding),
            "locked_out": _FLAG,
            "taken": _FLAG,
        },
    )


def _acts() -> list[dict[str, Any]]:
    blocking = {"time": _TIME, "block": {"type": "string", "pattern": SUBJECT_PATTERN}, "blocked": {"type": "boolean"}}
    letting_in = {"time": _TIME, "local_grant": _TEXT, "until": {"type": ["string", "null"], "format": "date-time"}}
    return [
        _object({"time": _TIME, "forgive": _TEXT_OR_NULL}),
        _object(blocking),
        _object(letting_in, {"access_points": {**_TEXTS, "maxItems": ACCESS_POINTS_MAX}}),
    ]


def _shown(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object that shows something in exactly one of the three ways."""
    identifier = {"oneOf": [_number(), _plate()]}
    ways = {
        "identifier": {"oneOf": [*identifier["oneOf"], {"type": "null"}]},
        "identifiers": {
            "type": ["array", "null"],
            "items": identifier,
            "minItems": 1,
            "maxItems": IDENTIFIERS_MAX,
        },
        "pass": {"type": ["string", "null"], "maxLength": PASS_CHARACTERS_MAX},
        "grade": _choice_or_null(*Grade),
    }
    return {
        **_object(required, {**ways, **(optional or {})}),
        "oneOf": [{"required": [way], "properties": {way: {"type": held}}} for way, held in _WAYS_TO_SHOW.items()],
    }


def _number() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
    return _object({"format": {"type": "string", "not": {"const": PLATE_FORMAT}}, "number": number}, _facility())


def _plate() -> dict[str, Any]:
    number = {"type": "string", "minLength": 1, "maxLength": PLATE_CHARACTERS_MAX}
    return _object({"format": {"type": "string", "const": PLATE_FORMAT}, "number": number}, _facility())


def _facility() -> dict[str, Any]:
    return {"facility_code": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**32 - 1}}


def _choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _choice_or_null(*values: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "enum": [None, *(str(value) for value in values)]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }
