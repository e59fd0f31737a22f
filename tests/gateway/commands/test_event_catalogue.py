"""`gatehouse schema events` and docs/events.md tell every event as it is recorded."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import jsonschema
import pytest

from gateway.commands.event_catalogue import WORDS, added_since, event_schema, versions_of
from gateway.console.messages import Catalogue
from gateway.domain.events import Event
from gateway.domain.trace import TraceStep
from gateway.store.records import EVENT_TYPES, event_from_record, to_record_body
from tests.gateway.commands.events_page import GROUPS, PAGE, page

ROOT = Path(__file__).parents[3]
SCHEMA = event_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES: dict[Any, Any] = {
    str: "x",
    int: 7,
    float: 2.5,
    bool: True,
    datetime: datetime(2026, 11, 23, 8, tzinfo=UTC),
    tuple[str, ...]: ("x", "y"),
    tuple[TraceStep, ...]: (TraceStep("list", True, "7"), TraceStep("way_out", False)),
    tuple[tuple[int, int], ...]: ((1, 4), (6, 6)),
    dict[str, Any]: {"any": ["thing"]},
    dict[str, int]: {"debug": 3},
}


def examples_of(cls: type[Event]) -> Iterator[Event]:
    """One with something in every field, one with null wherever that may be, and one with each code."""
    full: dict[str, Any] = {}
    for each in fields(cls):
        words = WORDS.get((cls.__name__, each.name))
        hint = next(one for one in get_args(each.type) if one is not NoneType) if may_be_null(each.type) else each.type
        full[each.name] = words.codes[0] if words and hint is str else EXAMPLES[hint]
    yield cls(**full)
    yield cls(**full | {each.name: None for each in fields(cls) if may_be_null(each.type)})
    for (name, field), words in WORDS.items():
        if name == cls.__name__ and isinstance(full[field], str):
            yield from (cls(**full | {field: code}) for code in words.codes)


def may_be_null(hint: Any) -> bool:
    return NoneType in get_args(hint)


def test_the_page_is_what_the_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.gateway.commands.events_page"


def test_the_pages_groups_have_every_type_once() -> None:
    shown = [cls for _, union in GROUPS.values() for cls in get_args(union)]
    assert sorted(cls.__name__ for cls in shown) == sorted(EVENT_TYPES)


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("cls", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_what_is_recorded_fits_the_schema_and_nothing_less_does(cls: type[Event]) -> None:
    bodies = [to_record_body(example) for example in examples_of(cls)]
    schema = jsonschema.Draft202012Validator(SCHEMA["$defs"][f"{cls.__name__}-{cls.version}"])
    for body in bodies:
        assert schema.is_valid(body), body
    for name, value in bodies[0].items():
        assert not schema.is_valid({key: each for key, each in bodies[0].items() if key != name})
        assert not schema.is_valid({**bodies[0], name: [value]})
    assert schema.is_valid({**bodies[0], "of_a_later_release": 1})


def test_an_earlier_version_with_only_what_it_must_have_is_read() -> None:
    earlier = [(cls, version) for cls in EVENT_TYPES.values() for version in versions_of(cls) if version < cls.version]
    assert earlier
    for cls, version in earlier:
        body = to_record_body(next(examples_of(cls)))
        least = {name: value for name, value in body.items() if name not in added_since(cls)}
        assert least != body
        assert VALIDATOR.is_valid({"type": cls.__name__, "version": version, "body": least})
        assert not VALIDATOR.is_valid({"type": cls.__name__, "version": cls.version, "body": least})
        assert isinstance(event_from_record(cls.__name__, version, least), cls)


def test_an_event_fits_only_as_its_own_type_and_version_or_erased() -> None:
    opened = {"type": "DoorOpened", "version": 1, "body": {"door": "north"}}
    assert VALIDATOR.is_valid(opened)
    assert VALIDATOR.is_valid({**opened, "body": {}})
    assert not VALIDATOR.is_valid({**opened, "body": {"group": "north"}})
    assert not VALIDATOR.is_valid({**opened, "type": "OpenedByGuard"})
    assert not VALIDATOR.is_valid({**opened, "version": 2})


def test_the_protocols_own_example_fits() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert VALIDATOR.is_valid(json.loads(text.split("```json golden\n")[1].split("```")[0]))


def test_no_code_is_told_that_nobody_says() -> None:
    rooms = (ROOT / "gateway", ROOT / "analytics")
    here = ROOT / "gateway" / "commands" / "event_catalogue.py"
    text = "".join(path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py") if path != here)
    told = {code for words in WORDS.values() for code in words.codes if not isinstance(code, StrEnum)}
    classes = set(WORDS["JournalGap", "classes"].codes)  # the names of an enum that counts
    assert [code for code in sorted(told - classes) if f'"{code}"' not in text] == []


@pytest.mark.parametrize("field", ["request", "action"])
def test_every_code_that_the_console_has_a_word_for_is_told(field: str) -> None:
    (words,) = (words for words in WORDS.values() if words.area == field)
    known = {key.partition(".")[2] for key in Catalogue().texts["en"] if key.startswith(f"{field}.")}
    assert set(words.codes) == known
