"""Signing in and out, and one's own password."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.console.desk import AnyDesk, AnySession, Desk, desk_of
from gateway.console.refusals import Refusal
from gateway.console.sessions import ABSOLUTE_S, COOKIE
from gateway.console.users import MAX_PASSWORD, User, UserRefused

router = APIRouter()
T = TypeVar("T")
_MAX_WAITING = 8
"""Sign-ins that wait for a password check: at 0.15 s each nobody waits for long."""

_Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD)]


class SignIn(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(strict=True, extra="forbid")
    user: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: _Text


class PasswordChange(BaseModel):
    """One's own password, old and new."""

    model_config = ConfigDict(strict=True, extra="forbid")
    current: _Text
    new: Annotated[str, StringConstraints(max_length=4 * MAX_PASSWORD)]


@router.post("/api/session")
async def sign_in(body: SignIn, request: Request, response: Response) -> dict[str, Any]:
    """Sign in; sets the session's cookie."""
    desk, address = desk_of(request), _address(request)
    user = await _checked(desk, body.user, body.password, address)
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
    await asyncio.to_thread(desk.sessions.end, request.cookies[COOKIE])
    response.delete_cookie(COOKIE, path="/")
    await desk.audit("signed_out", session.user.name, _address(request))
    return {}


@router.post("/api/session/password")
async def change_password(
    body: PasswordChange, desk: AnyDesk, session: AnySession, request: Request, response: Response
) -> dict[str, Any]:
    """Change one's own password; ends one's other sessions."""
    user = await _checked(desk, session.user.name, body.current, _address(request))
    if body.new == body.current:
        raise Refusal(422, "password_unchanged")
    try:
        await _off_loop(desk, lambda: desk.parts.users.set_password(user.name, body.new))
    except UserRefused as error:
        raise Refusal(422, error.code) from error
    changed = User(user.name, user.role, False)
    await _begin(desk, changed, request, response)
    await desk.audit("password_changed", user.name, _address(request))
    return _described(desk, changed)


async def _checked(desk: Desk, name: str, password: str, address: str) -> User:
    """The user, if the password is right and it is not too soon to try."""
    now_s = desk.parts.clock.now().monotonic_s
    wait_s = desk.limits.wait_s(name, address, now_s)
    if wait_s > 0 or desk.sign_ins_waiting >= _MAX_WAITING:
        raise Refusal(429, "too_many_tries", headers={"retry-after": str(int(wait_s) + 1)})
    desk.sign_ins_waiting += 1
    try:
        user = await _off_loop(desk, lambda: desk.parts.users.verify(name, password))
    finally:
        desk.sign_ins_waiting -= 1
    if user is None:
        blocked = desk.limits.failed(name, address, desk.parts.clock.now().monotonic_s)
        await desk.audit("sign_in_blocked" if blocked else "sign_in_failed", name[:64], address)
        raise Refusal(401, "wrong_password")
    desk.limits.succeeded(name, address)
    return user


async def _off_loop(desk: Desk, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(desk.passwords, work)


async def _begin(desk: Desk, user: User, request: Request, response: Response) -> None:
    token = await asyncio.to_thread(desk.sessions.start, user, _address(request))
    response.set_cookie(
        COOKIE,
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


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
