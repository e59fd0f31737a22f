"""What an alarm is about, from the journal: who it was, what is wrong with a line, which points of which rounds."""

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.console.live import JournalDesk
from gateway.console.projection import AlarmView
from gateway.domain.alarm import AlarmKind
from gateway.domain.ports import RecordedEvent

CAUSES_MAX = 20
"""What a guard reads of one alarm; the newest. Everything else is under Events."""
_BEFORE = timedelta(seconds=5)
"""Cause and alarm are of one turn."""
_ATTEMPTS_BEFORE = timedelta(minutes=5)
"""Wrong attempts came before the last of them: five within a minute or two."""
_TOUR_EVENTS = ("TourPointOverdue", "TourPointMissed", "TourMissed")
_TYPES: dict[str, tuple[str, ...]] = {
    AlarmKind.DURESS: ("DuressUsed",),
    AlarmKind.RISK: ("RiskPassed",),
    AlarmKind.IMPOSSIBLE_TRAVEL: ("TravelImpossible",),
    AlarmKind.ANTIPASSBACK: ("AntipassbackViolated",),
    AlarmKind.WRONG_ATTEMPTS: ("AccessDenied",),
    AlarmKind.TOUR: _TOUR_EVENTS,
    AlarmKind.LIST_REJECTED: ("ListRejected",),
    AlarmKind.LIST_WAITING: ("ListHeld",),
    AlarmKind.HISTORY_FORKED: ("HistoryForked",),
    AlarmKind.FIRE_INPUT_FAULT: ("InputFaultChanged",),
    AlarmKind.INPUT_FAULT: ("InputFaultChanged",),
    AlarmKind.CONTACT_FAULT: ("DoorInputFaultChanged",),
    AlarmKind.REX_FAULT: ("DoorInputFaultChanged",),
}
"""The events that raise an alarm, by its kind; other kinds say themselves what happened."""
_SUBJECTS: dict[str, Callable[[AlarmView], str | None]] = {
    AlarmKind.DURESS: lambda alarm: f"access_point:{alarm.source}",
    AlarmKind.RISK: lambda alarm: f"cardholder:{alarm.source}",
    AlarmKind.IMPOSSIBLE_TRAVEL: lambda alarm: f"credential:{alarm.source}",
    AlarmKind.ANTIPASSBACK: lambda alarm: f"credential:{alarm.source}",
    AlarmKind.WRONG_ATTEMPTS: lambda alarm: None if alarm.door is None else f"door:{alarm.door}",
    AlarmKind.TOUR: lambda alarm: f"tour:{alarm.source}",
    AlarmKind.FIRE_INPUT_FAULT: lambda alarm: f"input:{alarm.source}",
    AlarmKind.INPUT_FAULT: lambda alarm: f"input:{alarm.source}",
    AlarmKind.CONTACT_FAULT: lambda alarm: f"door:{alarm.source}",
    AlarmKind.REX_FAULT: lambda alarm: f"door:{alarm.source}",
}
"""What they name, so that the journal finds them by its index."""
_PARTS: dict[str, str | None] = {
    AlarmKind.FIRE_INPUT_FAULT: None,
    AlarmKind.INPUT_FAULT: None,
    AlarmKind.CONTACT_FAULT: "contact",
    AlarmKind.REX_FAULT: "rex",
}
"""Alarms of a line at fault, and which of a door's two lines it is."""


async def causes(journal: JournalDesk, alarm: AlarmView) -> list[RecordedEvent]:
    """The events that raised an alarm and repeated it, newest first. Raises JournalUnavailable."""
    types = _TYPES.get(alarm.kind)
    if types is None:
        return []
    subject = _SUBJECTS.get(alarm.kind, _nothing)(alarm)
    before = _ATTEMPTS_BEFORE if alarm.kind == AlarmKind.WRONG_ATTEMPTS else _BEFORE
    since = datetime.fromisoformat(alarm.raised_at) - before
    until = None if alarm.resolved_at is None else datetime.fromisoformat(alarm.resolved_at)
    found = await journal.ask(
        lambda reader: reader.search(types=types, subject=subject, since=since, until=until, limit=CAUSES_MAX)
    )
    return [event for event in found if _belongs(event, alarm)]


def _nothing(_alarm: AlarmView) -> None:
    return None


def _belongs(event: RecordedEvent, alarm: AlarmView) -> bool:
    """Wrong attempts are of one reader or one card, faults of one line; the others are found by what they name."""
    if alarm.kind in _PARTS:
        return event.body.get("fault") is not None and event.body.get("part") == _PARTS[alarm.kind]
    if alarm.kind != AlarmKind.WRONG_ATTEMPTS:
        return True
    return alarm.source in (event.body.get("reader"), event.body.get("credential"))
