"""Door modes: a guard's setting, lockdown and its release by two people, the life-safety release."""

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from gateway.console.asking import Asked, End, ask_in_time
from gateway.console.desk import AnyDesk, Desk, Opener
from gateway.console.refusals import Refusal
from gateway.console.sessions import Session
from gateway.console.sign_in import address_of, checked_user
from gateway.console.users import MAX_PASSWORD, Role
from gateway.domain.signals import (
    DoorModeRequested,
    LockdownReleaseRequested,
    LockdownRequested,
    LockOpenReleaseRequested,
    LockOpenRequested,
    Operator,
)

router = APIRouter()


class Mode(Asked):
    """A door's mode until an end; without a mode it is given back to its schedule."""

    mode: Literal["Locked", "Unlocked", "Blocked"] | None
    until: End | None = None


class Group(Asked):
    """A door group, or all doors (None)."""

    group: str | None


class Second(BaseModel):
    """The second person, by their own password."""

    model_config = ConfigDict(strict=True, extra="forbid")
    user: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD)]


class Release(Group):
    """The release of a lockdown."""

    second: Second


_GroupSignal: TypeAlias = type[LockdownRequested] | type[LockOpenRequested] | type[LockOpenReleaseRequested]


@router.post("/api/doors/{door}/mode")
async def set_mode(door: str, body: Mode, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Set a door's mode until a time at most 24 h away, or give it back."""
    if door not in desk.parts.site.doors:
        raise Refusal(404, "door_not_found")
    if (body.mode is None) != (body.until is None):
        raise Refusal(422, "end_required")
    now = desk.parts.clock.now().wall
    until = None if body.until is None else body.until.after(now, desk.parts.site.zone)
    operator = desk.operator(session)
    return await ask_in_time(
        desk,
        body.request_id,
        ("mode", door, operator.name, str(body.mode), str(body.until), body.reason),
        lambda expires_at: DoorModeRequested(
            body.request_id, door, body.mode, body.reason, operator, expires_at, until
        ),
    )


@router.post("/api/lockdown")
async def lock_down(body: Group, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Refuse entry at a group of doors, or at all."""
    return await _for_group(desk, session, "lockdown", body, LockdownRequested)


@router.post("/api/lockdown/release")
async def release_lockdown(body: Release, desk: AnyDesk, session: Opener, request: Request) -> dict[str, Any]:
    """Release a lockdown: two people, each with a password of their own."""
    _known(desk, body.group)
    second = await second_of(desk, session, body.second, address_of(request))
    operator = desk.operator(session)
    return await ask_in_time(
        desk,
        body.request_id,
        ("lockdown_release", operator.name, str(body.group), body.reason, second.name),
        lambda expires_at: LockdownReleaseRequested(
            body.request_id, body.group, body.reason, operator, second, expires_at
        ),
    )


@router.post("/api/lock-open")
async def lock_open(body: Group, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """The life-safety release: a group of doors, or all, stand released until that is taken back."""
    return await _for_group(desk, session, "lock_open", body, LockOpenRequested)


@router.post("/api/lock-open/release")
async def release_lock_open(body: Group, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Take a life-safety release back."""
    return await _for_group(desk, session, "lock_open_release", body, LockOpenReleaseRequested)


async def _for_group(desk: Desk, session: Session, what: str, body: Group, signal: _GroupSignal) -> dict[str, Any]:
    _known(desk, body.group)
    operator = desk.operator(session)
    return await ask_in_time(
        desk,
        body.request_id,
        (what, operator.name, str(body.group), body.reason),
        lambda expires_at: signal(body.request_id, body.group, body.reason, operator, expires_at),
    )


def _known(desk: Desk, group: str | None) -> None:
    if group is not None and group not in desk.parts.site.group_doors:
        raise Refusal(404, "group_not_found")


async def second_of(desk: Desk, session: Session, second: Second, address: str) -> Operator:
    """Somebody else who may act on doors and has chosen their own password."""
    if second.user == session.user.name:
        raise Refusal(422, "second_is_first")
    user = await checked_user(desk, second.user, second.password, address)
    if user.name == session.user.name:
        raise Refusal(422, "second_is_first")
    if user.must_change or user.role is Role.TECHNICIAN:
        raise Refusal(403, "second_not_allowed")
    return Operator(user.name, desk.parts.post)
