"""The office's list that waits: a supervisor says yes to it, or two people do."""

from typing import Any

from fastapi import APIRouter, Request

from gateway.console.asking import Asked, ask_once
from gateway.console.desk import AnyDesk, Opener
from gateway.console.mode_routes import Second, second_of
from gateway.console.refusals import Refusal
from gateway.console.sign_in import address_of
from gateway.console.users import Role
from gateway.domain.signals import ListConfirmRequested

router = APIRouter()


class Confirm(Asked):
    """A yes; the second person, by their own password, unless a supervisor says it."""

    second: Second | None = None


@router.post("/api/lists/{version}/confirm")
async def confirm(version: int, body: Confirm, desk: AnyDesk, session: Opener, request: Request) -> dict[str, Any]:
    """Put the list that waits in force; 409 when it isn't waiting any more."""
    if body.second is None and session.user.role is not Role.SUPERVISOR:
        raise Refusal(403, "supervisor_or_second")
    second = None if body.second is None else await second_of(desk, session, body.second, address_of(request))
    operator = desk.operator(session)
    signal = ListConfirmRequested(body.request_id, version, body.reason, operator, second)
    asked = ("list_confirm", operator.name, str(version), body.reason, "" if second is None else second.name)
    return await ask_once(desk, body.request_id, asked, signal)
