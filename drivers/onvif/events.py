"""A camera's own events: the notification as a value, and an end for states that stick. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from drivers.contracts import CameraEvent

ITEMS_MOST = 32
TEXT_MOST = 256
"""Names and values are short; a longer one is cut."""
STUCK_S = 300.0
"""A `true` that nobody repeated or took back for so long is taken back: cameras lose the `false` in a reconnect."""
STATES_MOST = 256

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})


def to_event(notification: Any) -> CameraEvent | None:
    """A NotificationMessage as zeep parsed it; None when it has no topic or no message. ONVIF Core, 9.5.2."""
    topic = getattr(getattr(notification, "Topic", None), "_value_1", None)
    message = getattr(getattr(notification, "Message", None), "_value_1", None)
    if not isinstance(topic, str) or message is None:
        return None
    at = getattr(message, "UtcTime", None)
    if not isinstance(at, datetime):
        at = None
    elif at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return CameraEvent(topic.strip()[:TEXT_MOST], _items(message, "Source"), _items(message, "Data"), at)


def _items(message: Any, part: str) -> dict[str, str]:
    found = getattr(getattr(message, part, None), "SimpleItem", None) or []
    pairs = ((getattr(item, "Name", None), getattr(item, "Value", None)) for item in found[:ITEMS_MOST])
    return {str(name)[:TEXT_MOST]: str(value)[:TEXT_MOST] for name, value in pairs if name is not None}


@dataclass(frozen=True, slots=True)
class _Held:
    event: CameraEvent
    item: str
    since_s: float


class StuckStates:
    """Remembers which boolean states are true, and takes back those that stick."""

    def __init__(self, stuck_s: float = STUCK_S) -> None:
        self._stuck_s = stuck_s
        self._held: dict[tuple[str, tuple[tuple[str, str], ...], str], _Held] = {}

    def note(self, event: CameraEvent, now_s: float) -> None:
        """An event came."""
        for item, value in event.data.items():
            key = (event.topic, tuple(sorted(event.source.items())), item)
            if value.lower() in _TRUE and (key in self._held or len(self._held) < STATES_MOST):
                self._held[key] = _Held(event, item, now_s)
            elif value.lower() in _FALSE:
                self._held.pop(key, None)

    def take_back(self, now_s: float) -> list[CameraEvent]:
        """Made-up `false` events for what has stuck for too long; `at` is None, for no camera said them."""
        stuck = {key: held for key, held in self._held.items() if now_s - held.since_s >= self._stuck_s}
        for key in stuck:
            del self._held[key]
        return [replace(held.event, data={held.item: "false"}, at=None) for held in stuck.values()]
