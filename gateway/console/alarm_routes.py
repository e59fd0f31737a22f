"""Alarms: see, acknowledge, resolve with an outcome; and clear the fire release."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.console.desk import AnyDesk, Desk, Opener, SignedIn, Supervisor
from gateway.console.refusals import Refusal
from gateway.domain.ports import Reply
from gateway.domain.signals import AlarmAcknowledgeRequested, AlarmResolveRequested, FireResetRequested, Signal

router = APIRouter()

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-]{8,64}$")]
Note = Annotated[str, StringConstraints(max_length=1000)]


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
    desk: AnyDesk, _session: SignedIn, state: Literal["open", "acknowledged", "resolved"] | None = None
) -> dict[str, Any]:
    """Alarms by priority and age; the ended ones last. `row` is the journal's row at which this was so."""
    projection = desk.feed.projection
    listed = [alarm for alarm in projection.listed() if state is None or alarm.state == state]
    return {
        "row": projection.row,
        "counts": projection.counts(),
        "forgotten": projection.forgotten,
        "alarms": [desk.words.alarm_view(alarm) for alarm in listed],
    }


@router.get("/api/alarms/{alarm}")
async def alarm(alarm: str, desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """One alarm with its events."""
    found = desk.feed.projection.find(alarm)
    if found is None:
        raise Refusal(404, "alarm_not_found")
    events = await desk.journal.ask(lambda journal: journal.search(subject=f"alarm:{alarm}", limit=100))
    return {**desk.words.alarm_view(found), "events": [desk.words.view(event) for event in events]}


@router.post("/api/alarms/{alarm}/acknowledge")
async def acknowledge(alarm: str, body: Acknowledge, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Say that it was seen; 409 when it was already."""
    found = desk.feed.projection.find(alarm)
    if found is None:
        raise Refusal(404, "alarm_not_found")
    signal = AlarmAcknowledgeRequested(body.request_id, alarm, desk.operator(session))
    return _answer(await _once(desk, body.request_id, signal, ("acknowledge", alarm, session.user.name)))


@router.post("/api/alarms/{alarm}/resolve")
async def resolve(alarm: str, body: Resolve, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """End it; 409 when it has ended."""
    if desk.feed.projection.find(alarm) is None:
        raise Refusal(404, "alarm_not_found")
    if body.outcome == "other" and not body.note.strip():
        raise Refusal(422, "note_required")
    signal = AlarmResolveRequested(body.request_id, alarm, body.outcome, body.note.strip(), desk.operator(session))
    asked = ("resolve", alarm, session.user.name, body.outcome, body.note)
    return _answer(await _once(desk, body.request_id, signal, asked))


@router.post("/api/fire/reset")
async def reset_fire(body: Acknowledge, desk: AnyDesk, session: Supervisor) -> dict[str, Any]:
    """Clear the latched fire release, after the input has returned to normal."""
    signal = FireResetRequested(body.request_id, desk.operator(session))
    return _answer(await _once(desk, body.request_id, signal, ("fire_reset", session.user.name)))


async def _once(desk: Desk, request_id: str, signal: Signal, signature: tuple[str, ...]) -> Reply:
    """Send it once; a client that asks again with the same id gets the same reply."""
    entry = desk.asked(request_id, signature)
    async with entry.lock:
        if entry.reply is None:
            entry.reply = await desk.send(signal)
        return entry.reply


def _answer(reply: Reply) -> dict[str, Any]:
    if not reply.accepted:
        raise Refusal(409, reply.reason or "Refused", area="refusal")
    return {"row": reply.row_id}
