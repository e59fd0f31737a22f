"""Events as the journal tells them, without a journal."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from gateway.domain.events import Event
from gateway.domain.ports import RecordedEvent

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""A Monday noon in Shanghai."""
_rows = count(1)


def recorded(event: Event, seconds: float = 0.0) -> RecordedEvent:
    """An event so many seconds after `START`, in the next row."""
    row, body = next(_rows), msgspec.to_builtins(asdict(event))
    name, version = type(event).__name__, event.version
    plain = ("", 0, "", None, (), body, "", "", "", "")
    return RecordedEvent(
        row, f"event-{row}", "", row, name, version, START + timedelta(seconds=seconds), "synchronised", *plain
    )
