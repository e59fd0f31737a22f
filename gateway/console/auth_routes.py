"""Signing in and out, and one's own password."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.console.desk import AnyDesk, AnySession, Desk, cookie_of, desk_of
from gateway.console.refusals import Refusal
from gateway.console.sessions import ABSOLUTE_S
from gateway.console.sign_in import address_of, checked_user, checking
from gateway.console.users import MAX_PASSWORD, User, UserRefused

router = APIRouter()

_Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD)]


class SignIn(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(strict=True, extra="forbid")
    user: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: _Text


class PasswordChange(BaseModel):
    """One's own password, old and new. Who has just signed in with a one-time password isn't asked for it again."""

    model_config = ConfigDict(strict=True, extra="forbid")
    current: _Text | None = None
    new: Annotated[str, StringConstraints(max_length=4 * MAX_PASSWORD)]


@router.post("/api/session")
async def sign_in(body: SignIn, request: Request, response: Response) -> dict[str, Any]:
    """Sign in; sets the session's cookie."""
    desk, address = desk_of(request), address_of(request)
    user = await checked_user(desk, body.user, body.password, address)
    await _begin(desk, user, request, response)
    await desk.audit("signed_in", user.name, address)
    return _described(desk, user)


@router.get("/api/session")
async def session(desk: AnyDesk, session: AnySession) -> dict[str, Any]:
    """Who is signed in."""
    return _described(desk, session.user)


@router.delete("/api/session")
async def sign_out(desk: AnyDesk, session: AnySession, request: Request, response: Response) -> dict[str, Any]:
    """Sign out."""
    await asyncio.to_thread(desk.sessions.end, request.cookies[cookie_of(request)])
    response.delete_cookie(cookie_of(request), path="/")
    await desk.audit("signed_out", session.user.name, address_of(request))
    return {}


@router.post("/api/session/password")
async def change_password(
    body: PasswordChange, desk: AnyDesk, session: AnySession, request: Request, response: Response
) -> dict[str, Any]:
    """Change one's own password; ends one's other sessions."""
    user, users = session.user, desk.parts.users
    if body.current is not None:
        user = await checked_user(desk, user.name, body.current, address_of(request))
        unchanged = body.new == body.current
    elif user.must_change:
        unchanged = await checking(desk, lambda: users.verify(user.name, body.new)) is not None
    else:
        raise Refusal(422, "current_required")
    if unchanged:
        raise Refusal(422, "password_unchanged")
    try:
        await checking(desk, lambda: users.set_password(user.name, body.new))
    except UserRefused as error:
        raise Refusal(422, error.code) from error
    changed = User(user.name, user.role, False)
    await _begin(desk, changed, request, response)
    await desk.audit("password_changed", user.name, address_of(request))
    return _described(desk, changed)


async def _begin(desk: Desk, user: User, request: Request, response: Response) -> None:
    token = await asyncio.to_thread(desk.sessions.start, user, address_of(request))
    if token is None:
        await desk.audit("one_time_refused", user.name, address_of(request))
        raise Refusal(403, "one_time_used")
    response.set_cookie(
        cookie_of(request),
        token,
        max_age=int(ABSOLUTE_S),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _described(desk: Desk, user: User) -> dict[str, Any]:
    return {
        "user": user.name,
        "role": user.role.value,
        "must_change": user.must_change,
        "post": desk.parts.post,
    }
