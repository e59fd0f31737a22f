"""What `gatehouse schema` prints is what `gatehouse decide` takes and gives."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.commands.decide import decide_lines, schema
from gateway.commands.decide_requests import parse_line
from gateway.errors import ConfigError
from tests.gateway.commands.lists import NOON, a_compound, card

_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Is it valid (JSON Schema 2020-12, the keywords that these schemas use)?"""
    return not any(_misfits(value, schema))


def _misfits(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    for keyword, said in schema.items():
        if not _KEYWORDS[keyword](value, said, schema):
            yield keyword


def _has_type(value: Any, said: str | list[str]) -> bool:
    names = [said] if isinstance(said, str) else said
    if value is None or isinstance(value, bool):
        return ("null" if value is None else "boolean") in names
    return any(name != "null" and isinstance(value, _TYPES[name]) for name in names)


def _matches(value: str, pattern: str) -> bool:
    return re.search(pattern.replace("$", r"\Z"), value) is not None


_KEYWORDS: dict[str, Any] = {
    "$schema": lambda *_: True,
    "title": lambda *_: True,
    "description": lambda *_: True,
    "examples": lambda *_: True,
    "format": lambda *_: True,
    "type": lambda value, said, _: _has_type(value, said),
    "enum": lambda value, said, _: value in said,
    "const": lambda value, said, _: value == said,
    "not": lambda value, said, _: not fits(value, said),
    "oneOf": lambda value, said, _: sum(fits(value, one) for one in said) == 1,
    "required": lambda value, said, _: not isinstance(value, dict) or set(said) <= set(value),
    "properties": lambda value, said, _: (
        not isinstance(value, dict) or all(fits(value[name], said[name]) for name in said if name in value)
    ),
    "additionalProperties": lambda value, said, schema: (
        said or not isinstance(value, dict) or set(value) <= set(schema["properties"])
    ),
    "items": lambda value, said, _: not isinstance(value, list) or all(fits(each, said) for each in value),
    "minItems": lambda value, said, _: not isinstance(value, list) or len(value) >= said,
    "maxItems": lambda value, said, _: not isinstance(value, list) or len(value) <= said,
    "minLength": lambda value, said, _: not isinstance(value, str) or len(value) >= said,
    "maxLength": lambda value, said, _: not isinstance(value, str) or len(value) <= said,
    "pattern": lambda value, said, _: not isinstance(value, str) or _matches(value, said),
    "minimum": lambda value, said, _: not isinstance(value, int) or value >= said,
    "maximum": lambda value, said, _: not isinstance(value, int) or value <= said,
}

_CARDS = st.sampled_from([card(1), card(99), {"format": "PIN4", "number": 77}])
_PLATES = st.sampled_from([{"format": "PLATE", "number": "京A12345"}, {"format": "PLATE", "number": 5}])
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", 0, -1, 2**128, True, [], {}, {"format": "H10301", "number": "7"}, {"format": "H10301"}, "Locked"]
)
_IDENTIFIERS = _CARDS | _PLATES
_SHOWN = st.fixed_dictionaries(
    {},
    optional={
        "identifier": _IDENTIFIERS | _ODD,
        "identifiers": st.lists(_IDENTIFIERS, max_size=2) | _ODD,
        "pass": st.sampled_from(["GHP1.a.b", None]) | _ODD,
        "grade": st.sampled_from(["clonable", "secure", None]) | _ODD,
    },
)
_ONE_SHOWN = st.fixed_dictionaries({"identifier": _IDENTIFIERS})
_DOORS = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["Locked", "Blocked", None]) | _ODD,
        "interlocked_by": st.sampled_from(["inner", None]) | _ODD,
        "inside": st.sampled_from([0, 3, None]) | _ODD,
        "ajar": _ODD,
    },
)
_FLAGS = st.sampled_from([True, False, None]) | _ODD
_MORE = {
    "pin": st.sampled_from(["4321", "12a", None]) | _ODD,
    "second": _ONE_SHOWN | _SHOWN | st.lists(_ONE_SHOWN, max_size=5) | _ODD,
    "confirmed": _FLAGS,
    "door": _DOORS | _ODD,
    "clock": st.sampled_from(["suspect", "late", None]) | _ODD,
    "list": st.sampled_from(["in_force", "fallback", "none", "gone", None]) | _ODD,
    "locked_out": _FLAGS,
    "taken": _FLAGS,
    "typo": _ODD,
}
_PLACES = st.sampled_from(["vault", "depot", "north", "office", "moon"])
_REQUESTS = st.builds(
    lambda shown, place, more: {**shown, "access_point": place, "time": NOON, **more},
    _ONE_SHOWN | _SHOWN,
    _PLACES | _ODD,
    st.lists(st.sampled_from(sorted(_MORE)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: _MORE[name] for name in names})
    ),
)
_ACTS = st.sampled_from(
    [
        {"time": NOON, "forgive": None},
        {"time": NOON, "forgive": "nobody"},
        {"time": NOON, "forgive": "p-1"},
        {"time": NOON, "forgive": 7},
        {"time": NOON, "block": "credential:c-1", "blocked": True},
        {"time": NOON, "block": "cardholder:", "blocked": True},
        {"time": NOON, "block": "c-1", "blocked": False},
        {"time": NOON, "block": "cardholder:p-1"},
        {"time": NOON, "local_grant": "c-5", "access_points": ["yard"], "until": "2026-11-23T13:00:00+08:00"},
        {"time": NOON, "local_grant": "c-5", "until": None},
        {"time": NOON, "local_grant": "c-5"},
        {"time": NOON, "local_grant": "c-5", "until": None, "access_points": "yard"},
    ]
)


@settings(max_examples=600, deadline=None)
@given(_REQUESTS | _ACTS)
def test_a_line_is_taken_exactly_where_the_schema_takes_it(line: dict[str, Any]) -> None:
    taken = True
    try:
        parse_line(json.dumps(line), 1)
    except ConfigError:
        taken = False
    assert taken == fits(line, schema("decide-request"))


def test_every_answer_fits_the_printed_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "decide-answer"]) == 0
    printed = json.loads(capsys.readouterr().out)
    lines: list[dict[str, Any]] = []
    for point in (each["id"] for each in a_compound()["access_points"]):
        for number in (1, 2, 3, 5, 6, 9, 99):
            asked = {"identifier": card(number), "access_point": point, "time": NOON}
            lines += [asked, {**asked, "pin": "4322", "confirmed": True}, {**asked, "door": {"mode": "LockedDown"}}]
    lines += [
        {"identifier": card(1), "second": {"identifier": card(2)}, "access_point": "depot", "time": NOON},
        {"time": NOON, "forgive": None},
        {"time": NOON, "forgive": "nobody"},
        {"identifier": card(1), "access_point": "moon", "time": NOON},
        {"identifier": card(1), "access_point": "north", "time": NOON, "list": "none"},
        {"identifier": card(1), "access_point": "north", "time": NOON, "list": "fallback"},
    ]
    (tmp_path / "LIST.json").write_text(json.dumps(a_compound()))
    (tmp_path / "day.jsonl").write_text("\n".join(map(json.dumps, lines)))
    answers = list(decide_lines(tmp_path / "LIST.json", str(tmp_path / "day.jsonl"), stateful=True))
    assert [answer for answer in answers if not fits(answer, printed)] == []
    told = {name for answer in answers for name in answer}
    assert told == {name for one in printed["oneOf"] for name in one["properties"]}
    assert not fits({**answers[0], "more": 1}, printed)


def test_its_own_example_fits_the_request_schema() -> None:
    printed = schema("decide-request")
    assert all(fits(example, printed) for example in printed["examples"])


@pytest.mark.parametrize("name", ["access-list", "decide-request", "decide-answer"])
def test_schemas_are_printed_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == schema(name)
    assert schema(name)["type"] == "object"


def test_the_manuals_examples_are_lines_that_fit_the_schemas() -> None:
    section = Path("docs/access.md").read_text(encoding="utf-8").split("\n## Trying it out\n")[1]
    blocks = re.findall(r"```json\n(.*?)```", section, flags=re.DOTALL)
    requests, answers, acts, _ = [[json.loads(line) for line in block.splitlines()] for block in blocks]
    for line in (*requests, *acts):
        parse_line(json.dumps(line), 1)
        assert fits(line, schema("decide-request"))
    assert all(fits(answer, schema("decide-answer")) for answer in answers)
