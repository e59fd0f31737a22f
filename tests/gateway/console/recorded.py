"""Events as the journal tells them, without a journal."""

from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from gateway.domain.events import Event
from gateway.domain.ports import RecordedEvent

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""A Monday noon in Shanghai."""
_rows = count(1)
_WORDS: dict[str, Any] = {
    "access_point": "north-in",
    "area": "garage",
    "area_from": None,
    "area_to": "garage",
    "because": "grant",
    "before": "north-out",
    "camera": "yard",
    "cardholder": "p-7",
    "credential": "c-7",
    "door": "north",
    "group": "gates",
    "kind": "device_lost",
    "mode": "Blocked",
    "outcome": "done",
    "process": "sync",
    "purpose": "fire",
    "reason": "drill",
    "request": "open",
    "subject": "north",
    "wants": "confirmation",
    "zone": "yard",
}


def recorded(event: Event, seconds: float = 0.0) -> RecordedEvent:
    """An event so many seconds after `START`, in the next row."""
    row, body = next(_rows), msgspec.to_builtins(asdict(event))
    name, version = type(event).__name__, event.version
    plain = ("", 0, "", None, (), body, "", "", "", "")
    return RecordedEvent(
        row, f"event-{row}", "", row, name, version, START + timedelta(seconds=seconds), "synchronised", *plain
    )


def sample(kind: type[Any], *, bare: bool = False) -> Event:
    """An event of this type with something in every field; `bare`: with nothing in each that may be left open."""
    left_open = {field.name for field in fields(kind) if bare and "None" in str(field.type)}
    filled = {field.name: _value(field.name, str(field.type)) for field in fields(kind)}
    return kind(**{name: None if name in left_open else value for name, value in filled.items()})  # type: ignore[no-any-return]


def _value(name: str, kind: str) -> Any:
    if name in _WORDS:
        return _WORDS[name]
    if kind.startswith(("datetime", "<class 'datetime")):
        return datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    if "dict" in kind:
        return {}
    if "tuple" in kind:
        return ()
    if "bool" in kind:
        return True
    return 3 if "int" in kind or "float" in kind else "x-7"
