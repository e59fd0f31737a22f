"""Alarms: see, acknowledge, resolve with an outcome; and clear the fire release."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gateway.console.alarm_causes import causes
from gateway.console.asking import Note, RequestId, ask_once
from gateway.console.desk import AnyDesk, Desk, Opener, SignedIn, Supervisor
from gateway.console.patrol_routes import round_view
from gateway.console.projection import AlarmView, count_open
from gateway.console.refusals import Refusal
from gateway.console.sessions import Session
from gateway.domain.signals import AlarmAcknowledgeRequested, AlarmResolveRequested, FireResetRequested

router = APIRouter()


class Acknowledge(BaseModel):
    """Seen."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId


class Resolve(BaseModel):
    """How it ended. `other` wants a note."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId
    outcome: Literal["real", "false_alarm", "test", "technical", "other"]
    note: Note = ""


@router.get("/api/alarms")
async def alarms(
    desk: AnyDesk, session: SignedIn, state: Literal["open", "acknowledged", "resolved"] | None = None
) -> dict[str, Any]:
    """Alarms by priority and age; the ended ones last. `row` is the journal's row at which this was so."""
    projection = desk.feed.projection
    found = desk.sight.listed(projection, session.user.role)
    return {
        "row": projection.row,
        "counts": count_open(alarm for alarm in found if not desk.sight.is_quiet(alarm)),
        "forgotten": projection.forgotten,
        "alarms": [desk.alarm_view(alarm) for alarm in found if state is None or alarm.state == state],
    }


@router.get("/api/alarms/{alarm}")
async def alarm(alarm: str, desk: AnyDesk, session: SignedIn) -> dict[str, Any]:
    """One alarm with its events; `happened` are those that raised it, `rounds` a tour's that they tell of."""
    found = _found(desk, session, alarm)
    events = await desk.journal.ask(lambda journal: journal.search(subject=f"alarm:{alarm}", limit=100))
    happened = [event for event in await causes(desk.journal, found) if desk.may_read(event, session)]
    rounds = dict.fromkeys(str(event.body.get("round")) for event in happened)
    known = desk.feed.projection.tours.rounds
    return {
        **desk.alarm_view(found),
        "events": [desk.words.view(event) for event in events],
        "happened": [desk.words.view(event) for event in happened],
        "rounds": [round_view(desk, known[name]) for name in rounds if name in known],
    }


@router.post("/api/alarms/{alarm}/acknowledge")
async def acknowledge(alarm: str, body: Acknowledge, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Say that it was seen; 409 when it was already."""
    _found(desk, session, alarm)
    signal = AlarmAcknowledgeRequested(body.request_id, alarm, desk.operator(session))
    return await ask_once(desk, body.request_id, ("acknowledge", alarm, session.user.name), signal)


@router.post("/api/alarms/{alarm}/resolve")
async def resolve(alarm: str, body: Resolve, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """End it; 409 when it has ended."""
    _found(desk, session, alarm)
    note = body.note.strip()
    if body.outcome == "other" and not note:
        raise Refusal(422, "note_required")
    signal = AlarmResolveRequested(body.request_id, alarm, body.outcome, note, desk.operator(session))
    asked = ("resolve", alarm, session.user.name, body.outcome, note)
    return await ask_once(desk, body.request_id, asked, signal)


@router.post("/api/fire/reset")
async def reset_fire(body: Acknowledge, desk: AnyDesk, session: Supervisor) -> dict[str, Any]:
    """Clear the latched fire release, after the input has returned to normal."""
    signal = FireResetRequested(body.request_id, desk.operator(session))
    return await ask_once(desk, body.request_id, ("fire_reset", session.user.name), signal)


def _found(desk: Desk, session: Session, name: str) -> AlarmView:
    found = desk.feed.projection.find(name)
    if found is None or not desk.sight.may_know(found, session.user.role):
        raise Refusal(404, "alarm_not_found")
    return found
