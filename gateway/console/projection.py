"""The alarms and doors as the journal tells them: a read model in memory, built event by event. No I/O, no time."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.console.door_views import LINK_EVENTS, MODE_EVENTS, DoorViews, at_text
from gateway.console.tour_views import TOUR_EVENTS, TourViews
from gateway.domain.alarm import EACH_TIME_ANEW, AlarmKind
from gateway.domain.ports import RecordedEvent

ALARM_EVENTS = (
    "AlarmRaised",
    "AlarmRepeated",
    "AlarmNormal",
    "AlarmAcknowledged",
    "AlarmResolved",
    "EvidenceStored",
)
LASTING_EVENTS = (*ALARM_EVENTS, *MODE_EVENTS, *LINK_EVENTS, *TOUR_EVENTS)
"""What they say may be true long after them."""
_MAX_ENDED = 500
"""Resolved alarms stay in reach for a shift or two; older ones are found among the events."""
_MAX_OPEN = 10_000
"""300 alarms in 10 minutes for five hours with nobody there."""
_MAX_EVIDENCE = 20
"""A repeated cause keeps its newest pictures."""
_MAX_OCCURRENCES = 50
"""More than the newest pictures can show."""
_MAX_DURESS = 10_000
"""Of thirty days; each costs some bytes."""
_BEFORE = timedelta(seconds=5)
"""A clip that was begun late still shows what it was begun for."""
_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file that was kept. Several events may name it; `event_id` is the newest of them."""

    event_id: str
    kind: str
    camera: str
    path: str
    started_at: str
    ended_at: str

    def shows(self, at: str) -> bool:
        """Was it being recorded at this time?"""
        begun, over = datetime.fromisoformat(self.started_at), datetime.fromisoformat(self.ended_at)
        after = _BEFORE if self.kind == "snapshot" else _AFTER
        return begun - _BEFORE <= datetime.fromisoformat(at) <= over + after


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
    occurrences: list[str] = field(default_factory=list)
    """When it happened, the newest last."""
    evidence: list[Evidence] = field(default_factory=list)
    """The newest last."""

    @property
    def state(self) -> str:
        """open, acknowledged or resolved."""
        if self.resolved_at is not None:
            return "resolved"
        return "open" if self.acknowledged_at is None else "acknowledged"


class Projection:
    """Feed it events in row order; a row that it has seen already changes nothing."""

    def __init__(self) -> None:
        self.row = 0
        self.alarms: OrderedDict[str, AlarmView] = OrderedDict()
        self.ended: OrderedDict[str, AlarmView] = OrderedDict()
        self.duress: OrderedDict[str, str | None] = OrderedDict()
        """The doors of duress alarms, remembered longer than the alarms."""
        self.views = DoorViews()
        self.tours = TourViews()
        self.forgotten = 0
        """Open alarms that fell out of the bound; shown to the guard."""

    def apply(self, event: RecordedEvent) -> None:
        """Take one event in."""
        if event.row_id <= self.row:
            return
        self.row = event.row_id
        if not event.body:  # damaged; the journal's check names the row
            return
        if event.type == "AlarmRaised":
            self._raised(event)
            return
        alarm = event.body.get("alarm") if event.type in ALARM_EVENTS else None
        if isinstance(alarm, str):
            self._changed(alarm, event)
            return
        self.views.apply(event)
        self.tours.apply(event)

    def find(self, alarm: str) -> AlarmView | None:
        """An alarm, open or lately ended."""
        return self.alarms.get(alarm) or self.ended.get(alarm)

    def listed(self) -> list[AlarmView]:
        """Open alarms, then the newest ended ones.

        The open ones by priority, then the active ones first, then the unacknowledged, then by age.
        """
        order = sorted(
            self.alarms.values(), key=lambda a: (a.priority, not a.active, a.acknowledged_at is not None, a.raised_row)
        )
        return order + list(reversed(self.ended.values()))

    def _raised(self, event: RecordedEvent) -> None:
        body = event.body
        alarm = AlarmView(
            alarm=body["alarm"],
            kind=body["kind"],
            priority=body["priority"],
            source=body["source"],
            door=body.get("door"),
            camera=body.get("camera"),
            raised_at=at_text(event),
            raised_row=event.row_id,
            row=event.row_id,
            last_at=at_text(event),
            last_row=event.row_id,
            occurrences=[at_text(event)],
        )
        if alarm.kind == AlarmKind.DURESS:
            self.duress[alarm.alarm] = alarm.door
            while len(self.duress) > _MAX_DURESS:
                self.duress.popitem(last=False)
        self.ended.pop(alarm.alarm, None)
        self.alarms[alarm.alarm] = alarm
        if len(self.alarms) > _MAX_OPEN:
            self.alarms.pop(max(self.alarms.values(), key=lambda a: (a.priority, -a.raised_row)).alarm)
            self.forgotten += 1

    def _changed(self, name: str, event: RecordedEvent) -> None:
        alarm, body = self.find(name), event.body
        if alarm is None:
            return
        alarm.row = event.row_id
        if event.type == "AlarmRepeated":
            if not alarm.active or alarm.kind in EACH_TIME_ANEW:  # seen, gone, and back: it must be seen again
                alarm.acknowledged_by = alarm.acknowledged_at = None
            alarm.count, alarm.active = body["count"], True
            alarm.last_at, alarm.last_row = at_text(event), event.row_id
            alarm.occurrences = [*alarm.occurrences, alarm.last_at][-_MAX_OCCURRENCES:]
        elif event.type == "AlarmNormal":
            alarm.active = False
        elif event.type == "AlarmAcknowledged":
            alarm.acknowledged_by, alarm.acknowledged_at = body["actor"], at_text(event)
        elif event.type == "EvidenceStored":
            _keep(alarm, event)
        elif event.type == "AlarmResolved":
            self._resolved(alarm, event)

    def _resolved(self, alarm: AlarmView, event: RecordedEvent) -> None:
        alarm.resolved_by, alarm.resolved_at = event.body["actor"], at_text(event)
        alarm.outcome, alarm.note, alarm.active = event.body["outcome"], event.body["note"], False
        self.alarms.pop(alarm.alarm, None)
        self.ended[alarm.alarm] = alarm
        while len(self.ended) > _MAX_ENDED:
            self.ended.popitem(last=False)


def count_open(alarms: Iterable[AlarmView]) -> dict[str, int]:
    """Open alarms by priority, `1` to `4`."""
    found = {str(priority): 0 for priority in range(1, 5)}
    for alarm in alarms:
        if alarm.state != "resolved":
            found[str(alarm.priority)] = found.get(str(alarm.priority), 0) + 1
    return found


def _keep(alarm: AlarmView, event: RecordedEvent) -> None:
    """One entry a file, however many events name it; by when it begins."""
    body = event.body
    kept = Evidence(event.event_id, body["kind"], body["camera"], body["path"], body["started_at"], body["ended_at"])
    others = [other for other in alarm.evidence if other.path != kept.path]
    alarm.evidence = sorted([*others, kept], key=lambda e: datetime.fromisoformat(e.started_at))[-_MAX_EVIDENCE:]
