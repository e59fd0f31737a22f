"""The alarms and doors as the journal tells them: a read model in memory, built event by event. No I/O, no time."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.ports import RecordedEvent

ALARM_EVENTS = (
    "AlarmRaised",
    "AlarmRepeated",
    "AlarmNormal",
    "AlarmAcknowledged",
    "AlarmResolved",
    "EvidenceStored",
)
_MAX_ENDED = 500
"""Resolved alarms stay in reach for a shift or two; older ones are found among the events."""
_MAX_OPEN = 10_000
"""300 alarms in 10 minutes for five hours with nobody there."""
_MAX_EVIDENCE = 20
"""A repeated cause keeps its newest pictures."""

_CONTACT = {"DoorOpened": "open", "DoorForcedOpen": "open", "DoorClosed": "closed"}


@dataclass(slots=True)
class AlarmView:
    """One alarm as a guard sees it. `row` is the last row that changed it."""

    alarm: str
    kind: str
    priority: int
    source: str
    door: str | None
    camera: str | None
    raised_at: str
    raised_row: int
    row: int
    last_at: str
    """When it last happened: raised, or repeated."""
    last_row: int
    active: bool = True
    count: int = 1
    acknowledged_by: str | None = None
    acknowledged_at: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None
    outcome: str | None = None
    note: str = ""
    evidence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """open, acknowledged or resolved."""
        if self.resolved_at is not None:
            return "resolved"
        return "open" if self.acknowledged_at is None else "acknowledged"


@dataclass(slots=True)
class DoorView:
    """What the journal last said of a door."""

    contact: str = "unknown"
    mode: str = ""
    last_row: int = 0
    last_at: str = ""


class Projection:
    """Feed it events in row order; a row that it has seen already changes nothing."""

    def __init__(self) -> None:
        self.row = 0
        self.alarms: OrderedDict[str, AlarmView] = OrderedDict()
        self.ended: OrderedDict[str, AlarmView] = OrderedDict()
        self.doors: dict[str, DoorView] = {}
        self.forgotten = 0
        """Open alarms that fell out of the bound; shown to the guard."""

    def apply(self, event: RecordedEvent) -> str | None:
        """Take one event in; the id of the alarm that it changed, if any."""
        if event.row_id <= self.row:
            return None
        self.row = event.row_id
        if not event.body:  # damaged; the journal's check names the row
            return None
        if event.type == "AlarmRaised":
            return self._raised(event)
        alarm = event.body.get("alarm") if event.type in ALARM_EVENTS else None
        if isinstance(alarm, str):
            return self._changed(alarm, event)
        door = event.body.get("door")
        if isinstance(door, str):
            self._door(door, event)
        return None

    def find(self, alarm: str) -> AlarmView | None:
        """An alarm, open or lately ended."""
        return self.alarms.get(alarm) or self.ended.get(alarm)

    def listed(self) -> list[AlarmView]:
        """Open alarms by priority, then the unacknowledged first, then by age; the newest ended ones after them."""
        order = sorted(self.alarms.values(), key=lambda a: (a.priority, a.acknowledged_at is not None, a.raised_row))
        return order + list(reversed(self.ended.values()))

    def counts(self) -> dict[str, int]:
        """Open alarms by priority, `1` to `4`."""
        found = {str(priority): 0 for priority in range(1, 5)}
        for alarm in self.alarms.values():
            found[str(alarm.priority)] = found.get(str(alarm.priority), 0) + 1
        return found

    def _raised(self, event: RecordedEvent) -> str:
        body = event.body
        alarm = AlarmView(
            alarm=body["alarm"],
            kind=body["kind"],
            priority=body["priority"],
            source=body["source"],
            door=body.get("door"),
            camera=body.get("camera"),
            raised_at=_at(event),
            raised_row=event.row_id,
            row=event.row_id,
            last_at=_at(event),
            last_row=event.row_id,
        )
        self.ended.pop(alarm.alarm, None)
        self.alarms[alarm.alarm] = alarm
        if len(self.alarms) > _MAX_OPEN:
            self.alarms.pop(max(self.alarms.values(), key=lambda a: (a.priority, -a.raised_row)).alarm)
            self.forgotten += 1
        return alarm.alarm

    def _changed(self, name: str, event: RecordedEvent) -> str | None:
        alarm, body = self.find(name), event.body
        if alarm is None:
            return None
        alarm.row = event.row_id
        if event.type == "AlarmRepeated":
            if not alarm.active:  # seen, gone, and back: it must be seen again
                alarm.acknowledged_by = alarm.acknowledged_at = None
            alarm.count, alarm.active = body["count"], True
            alarm.last_at, alarm.last_row = _at(event), event.row_id
        elif event.type == "AlarmNormal":
            alarm.active = False
        elif event.type == "AlarmAcknowledged":
            alarm.acknowledged_by, alarm.acknowledged_at = body["actor"], _at(event)
        elif event.type == "EvidenceStored":
            kept = {"event_id": event.event_id, "kind": body["kind"], "camera": body["camera"], "at": _at(event)}
            alarm.evidence = [*alarm.evidence, kept][-_MAX_EVIDENCE:]
        elif event.type == "AlarmResolved":
            self._resolved(alarm, event)
        return name

    def _resolved(self, alarm: AlarmView, event: RecordedEvent) -> None:
        alarm.resolved_by, alarm.resolved_at = event.body["actor"], _at(event)
        alarm.outcome, alarm.note, alarm.active = event.body["outcome"], event.body["note"], False
        self.alarms.pop(alarm.alarm, None)
        self.ended[alarm.alarm] = alarm
        while len(self.ended) > _MAX_ENDED:
            self.ended.popitem(last=False)

    def _door(self, name: str, event: RecordedEvent) -> None:
        door = self.doors.setdefault(name, DoorView())
        door.contact = _CONTACT.get(event.type, door.contact)
        if event.type == "DoorModeChanged":
            door.mode = event.body["mode"]
        door.last_row, door.last_at = event.row_id, _at(event)


def _at(event: RecordedEvent) -> str:
    return event.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
