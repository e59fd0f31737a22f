"""Draws docs/events.md from the events' classes: `python -m tests.gateway.commands.events_page` writes it anew."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from gateway.commands.event_catalogue import WORDS, Words, added_since, event_schema, told
from gateway.console.messages import Catalogue
from gateway.domain import (
    events_access,
    events_alarm,
    events_device,
    events_door,
    events_gateway,
    events_journal,
    events_list,
    events_tour,
)
from gateway.domain.alarm import PRIORITY, AlarmKind
from gateway.domain.events import Event
from gateway.domain.trace import TraceStep
from gateway.store.erasure import _REFUSED, NAMING, SOURCES, can_be_erased
from gateway.store.records import SUBJECT_FIELDS

PAGE = Path(__file__).parents[3] / "docs" / "events.md"
GROUPS: dict[str, tuple[ModuleType, Any]] = {
    "Access": (events_access, events_access.AccessEvent),
    "Doors": (events_door, events_door.DoorEvent),
    "Alarms": (events_alarm, events_alarm.AlarmEvent),
    "Lists": (events_list, events_list.ListEvent),
    "Journal": (events_journal, events_journal.JournalEvent),
    "Devices": (events_device, events_device.DeviceEvent),
    "Tours": (events_tour, events_tour.TourEvent),
    "Gateway": (events_gateway, events_gateway.GatewayEvent),
}
_HEAD = """# Events: what a gateway tells its office

This page is drawn from the classes in `gateway/domain/events_*.py`; don't edit it, run
`python -m tests.gateway.commands.events_page`. `gatehouse schema events` prints the same as JSON Schema.

[protocol.md](protocol.md#events-up) tells how events come. Here is what they say: `type` and `version`, the fields of
`body`, and `subjects`, the ids by which an event is found.

- A `body` has every field; one that may be null is null where there is nothing to say. A time is RFC 3339 in UTC.
- A later release may bring types, versions, fields and codes that are not here. Keep what you don't know.
- An event of an earlier version may leave out the fields that are marked *since 2*, and has all others.
- Ids of cardholders, credentials, access points and areas are the list's; those of doors, devices, readers, cameras,
  inputs, outputs, lifts and tours are the site config's; `request`, `alarm`, `observation`, `round` and `command_id`
  are the gateway's own. A `request_id` is given by whoever asks.
- `actor` and `second` are members of staff by their names at the console, `post` is where they sit; `post` is `office`
  where the office spoke. Beside the body, the record's own `actor` is `operator:NAME@POST`, `cardholder:ID` or
  `gateway`.
- A reason that a guard gives is text: a code of the console's own choice, or words.

## Who is named, and erasing them

The gateway puts no name, no card's digits and no plate into an event: people and cards stand there by their ids. (What
a guard writes as a reason or a note is the guard's.) The last column has the fields by which an event can name them; a
step of `trace` and `circumstances` may hold the same ids. PersonErased says whose events an office should empty too, of
salt, body, actor and subjects; it stays itself. An event is theirs if

- its `subjects` have a `cardholder:ID` or `credential:ID` of the ids that PersonErased names; but where its
  `cardholder` is somebody else, its own `credential` doesn't count: the card was that person's then;
- or it is an AlarmRaised whose `source` is one of those ids, its `kind` being {sources};
- or it is a RequestRefused whose `subject` is one of them, with its kind before it, or (`request` being {refused})
  without.

A type whose last column is empty names nobody, and is never erased.
"""
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}
_TABLE = "| type, version | tells | fields of its body | subjects | names people or cards by |\n|---|---|---|---|---|"


def page() -> str:
    """The whole of docs/events.md."""
    sources, refused = (", ".join(f"`{code}`" for code in codes) for codes in (SOURCES, _REFUSED))
    bodies = event_schema()["$defs"]
    parts = [_HEAD.format(sources=sources, refused=refused)]
    for title, (module, union) in GROUPS.items():
        about = (module.__doc__ or "").strip().split("\n")[0]
        rows = [_row(cls, bodies[f"{cls.__name__}-{cls.version}"]) for cls in get_args(union)]
        parts.append("\n".join([f"## {title}", "", about, "", _TABLE, *rows, ""]))
    step = bodies["AccessDenied-2"]["properties"]["trace"]["items"]
    steps = [f"- {field}" for field in _fields("TraceStep", step)]
    parts.append("\n".join(["## A step of `trace`", "", told(TraceStep), "", *steps, ""]))
    parts.append("## Codes\n\nIn the words of the console, where it has some.\n")
    lists = list(dict.fromkeys(WORDS.values()))
    parts += [_codes(words, lists[:at]) for at, words in enumerate(lists)]
    return "\n".join(parts)


def _row(cls: type[Event], body: dict[str, Any]) -> str:
    name = cls.__name__
    subjects = dict.fromkeys(f"`{kind}:`" if kind else f"`{field}`" for field, kind in SUBJECT_FIELDS[cls].items())
    naming = [f"`{field}`" for field in body["properties"] if field in NAMING] if can_be_erased(name) else []
    if name == "PersonErased":
        naming = ["`cardholder`", "`credentials`; never erased"]
    fields = "<br>".join(_fields(name, body, added_since(cls)))
    return f"| **{name}** {cls.version} | {told(cls)} | {fields} | {' '.join(subjects)} | {', '.join(naming)} |"


def _fields(of: str, body: dict[str, Any], added: tuple[str, ...] = ()) -> list[str]:
    return [
        f"`{name}` {_type(shape)}{_link(WORDS.get((of, name)))}{', *since 2*' if name in added else ''}"
        for name, shape in body["properties"].items()
    ]


def _type(shape: dict[str, Any]) -> str:
    said = shape["type"]
    if isinstance(said, list):
        return f"{_type({**shape, 'type': said[0]})} or null"
    if said == "array":
        items = shape["items"]
        of = "[steps](#a-step-of-trace)" if items["type"] == "object" else _type(items)
        return f"pair of {of}" if shape.get("maxItems") == 2 else f"list of {of}"
    return "time" if shape.get("format") == "date-time" else _TYPES[said]


def _link(words: Words | None) -> str:
    return "" if words is None else f", [codes]({_anchor(words)})"


def _anchor(words: Words) -> str:
    return "#" + re.sub("[^a-z -]", "", words.title.lower()).replace(" ", "-")


def _codes(words: Words, before: list[Words]) -> str:
    """The codes of a list; those of the longest one before it that is a part of it only by its name."""
    texts = Catalogue().texts["en"]
    if not words.area:
        return f"### {words.title}\n\n{', '.join(f'`{code}`' for code in words.codes)}\n"
    parts = [each for each in before if each.area == words.area and set(each.codes) < set(words.codes)]
    part = max(parts, key=lambda each: len(each.codes), default=None)
    also = [] if part is None else [f"Those of [{part.title}]({_anchor(part)}), and:", ""]
    fresh = [code for code in words.codes if part is None or code not in part.codes]
    rows = [f"| `{code}` | {_priority(words, code)}{texts[f'{words.area}.{code}']} |" for code in fresh]
    return "\n".join([f"### {words.title}", "", *also, "| code | means |", "|---|---|", *rows, ""])


def _priority(words: Words, code: str) -> str:
    return f"P{PRIORITY[AlarmKind(code)]}: " if words.area == "alarm" else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
