"""`gatehouse decide` and `gatehouse schema`: what would be decided, and the shapes of what goes in and out."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import msgspec

from gateway.domain.access import Decision, DenialReason, decide
from gateway.domain.credential import Identifier
from gateway.domain.moment import Moment
from gateway.errors import ConfigError, ListInvalid
from gateway.store.access_list import MemoryAccessList, list_schema, parse_list
from gateway.store.list_document import rfc3339

LINE_CHARS = 64 * 1024
"""One request at most: hundreds of identifiers; a reader gives a handful."""
IDENTIFIERS = 64
_EXAMPLE = (
    '{"identifier": {"format": "H10301", "facility_code": 123, "number": 4567}, "access_point": "north", '
    '"time": "2026-11-23T08:00:00+08:00"}'
)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

NUMBER_MAX = 2**64 - 1


class _Identifier(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    number: Annotated[int, msgspec.Meta(ge=0)]
    facility_code: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    access_point: str
    time: str
    identifier: _Identifier | None = None
    identifiers: Annotated[list[_Identifier], msgspec.Meta(min_length=1, max_length=IDENTIFIERS)] | None = None


class ListFaulty(ConfigError):
    """LIST.json can't be used; `faults` holds one ConfigError for each place."""

    def __init__(self, path: Path, faults: tuple[str, ...]) -> None:
        self.faults = tuple(ConfigError("--list", str(path), fault) for fault in faults)
        super().__init__("--list", str(path), "; ".join(faults[:20]))


def decide_lines(list_path: Path, requests: str) -> Iterator[dict[str, Any]]:
    """An answer for each line of the file `requests` (`-`: standard input); empty lines are skipped.

    Raises ConfigError with the line's number for a line that is no request, and for a list with faults.
    """
    access_list = MemoryAccessList.from_document(_document(list_path))
    with _opened(requests) as lines:
        for number, line in _numbered(lines, requests):
            yield answer(line, number, access_list)


def answer(line: str, number: int, access_list: MemoryAccessList) -> dict[str, Any]:
    """The answer to one line. Raises ConfigError."""
    request, moment = _request(line, number)
    given = request.identifiers or ([request.identifier] if request.identifier is not None else [])
    if any(one.number > NUMBER_MAX for one in given):
        raise ConfigError("number", line.strip()[:120], f"a card's number is at most {NUMBER_MAX}", number)
    identifiers = [Identifier(one.format, one.facility_code, one.number) for one in given]
    return _told(decide(identifiers, request.access_point, moment, access_list))


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `access-list`, `decide-request` or `decide-answer`."""
    return {"access-list": list_schema, "decide-request": _request_schema, "decide-answer": _answer_schema}[name]()


def _document(path: Path) -> Any:
    try:
        return parse_list(path.read_bytes())
    except OSError as error:
        raise ConfigError("--list", str(path), f"can't be read: {error.strerror}") from error
    except ListInvalid as error:
        raise ListFaulty(path, error.faults) from error


@contextmanager
def _opened(requests: str) -> Iterator[TextIO]:
    if requests == "-":
        yield sys.stdin
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(requests).open(encoding="utf-8"))
        except OSError as error:
            raise ConfigError("--requests", requests, f"can't be read: {error.strerror}") from error
        yield file


def _numbered(lines: TextIO, requests: str) -> Iterator[tuple[int, str]]:
    number = 0
    while True:
        number += 1
        try:
            line = lines.readline(LINE_CHARS + 1)
        except (UnicodeDecodeError, OSError) as error:
            raise ConfigError("--requests", requests, f"can't be read as UTF-8 text: {error}", number) from error
        if not line:
            return
        if len(line) > LINE_CHARS:
            raise ConfigError("request", line[:80], f"is longer than {LINE_CHARS} characters", number)
        if line.strip():
            yield number, line


def _request(line: str, number: int) -> tuple[_Request, Moment]:
    shown = line.strip()[:120]
    try:
        request = msgspec.json.decode(line, type=_Request)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError("request", shown, f"{error}; write one request a line, such as {_EXAMPLE}", number) from error
    if (request.identifier is None) == (request.identifiers is None):
        raise ConfigError("request", shown, "give either identifier or identifiers", number)
    return request, Moment(_time(request.time, number), 0.0, "what-if")


def _time(text: str, number: int) -> datetime:
    try:
        return rfc3339(text)
    except ValueError as error:
        remedy = "write RFC 3339 with an offset, such as 2026-11-23T08:00:00+08:00"
        raise ConfigError("time", text[:80], remedy, number) from error


def _told(decision: Decision) -> dict[str, Any]:
    told: dict[str, Any] = {
        "decision": "granted" if decision.granted else "denied",
        "reason": None if decision.reason is None else decision.reason.value,
        "trace": [{"check": s.check, "passed": s.passed, "subject": s.subject} for s in decision.trace],
        "list_version": decision.list_version,
    }
    if decision.credential is not None:
        told["credential"] = decision.credential.id
    if decision.cardholder is not None:
        told["cardholder"] = decision.cardholder.id
    return told


def _request_schema() -> dict[str, Any]:
    identifier = _object(
        {"format": {"type": "string"}, "number": {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}},
        {"facility_code": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**32 - 1}},
    )
    return {
        "$schema": _DIALECT,
        "title": "Gatehouse decide request",
        "description": "One a line. Of several identifiers, the first that the list knows decides.",
        **_object(
            {"access_point": {"type": "string"}, "time": {"type": "string", "format": "date-time"}},
            {
                "identifier": identifier,
                "identifiers": {"type": "array", "items": identifier, "minItems": 1, "maxItems": IDENTIFIERS},
            },
        ),
        "oneOf": [{"required": ["identifier"]}, {"required": ["identifiers"]}],
        "examples": [json.loads(_EXAMPLE)],
    }


def _answer_schema() -> dict[str, Any]:
    step = _object({"check": {"type": "string"}, "passed": {"type": "boolean"}, "subject": {"type": "string"}})
    return {
        "$schema": _DIALECT,
        "title": "Gatehouse decide answer",
        **_object(
            {
                "decision": {"type": "string", "enum": ["granted", "denied"]},
                "reason": {"type": ["string", "null"], "enum": [None, *(reason.value for reason in DenialReason)]},
                "trace": {"type": "array", "items": step},
                "list_version": {"type": "integer"},
            },
            {"credential": {"type": "string"}, "cardholder": {"type": "string"}},
        ),
    }


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }
