"""Doors: how they stand, and opening one for a reason."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gateway.console.asking import Note, RequestId, ask_in_time
from gateway.console.desk import AnyDesk, Opener, SignedIn
from gateway.console.refusals import Refusal
from gateway.domain.signals import OpenRequested

router = APIRouter()


class Open(BaseModel):
    """Why a door is opened. `other` wants a note."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId
    reason: Literal["visitor", "delivery", "forgot_card", "emergency_service", "maintenance", "other"]
    note: Note = ""


@router.get("/api/doors")
async def doors(desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """Each door: what the journal says of it, and, marked as not recorded, how it stands now."""
    feed = desk.feed
    status = feed.status.get("doors", {}) if feed.live else {}
    recorded = desk.door_views()
    listed = []
    for door, names in desk.parts.site.doors.items():
        now = {"recorded": False, **status[door]} if door in status else None
        listed.append({"id": door, "name": dict(names), "journal": recorded.get(door), "now": now})
    return {"live": feed.live, "doors": listed, "waiting": desk.waiting_views(), "lost": feed.projection.views.lost}


@router.post("/api/doors/{door}/open")
async def open_door(door: str, body: Open, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Open a door once. 422 without a reason; the same request id again gets the same answer; void after 5 s."""
    if door not in desk.parts.site.doors:
        raise Refusal(404, "door_not_found")
    note = body.note.strip()
    if body.reason == "other" and not note:
        raise Refusal(422, "note_required")
    return await ask_in_time(
        desk,
        body.request_id,
        ("open", door, session.user.name, body.reason, note),
        lambda expires_at: OpenRequested(body.request_id, door, body.reason, desk.operator(session), expires_at, note),
    )
