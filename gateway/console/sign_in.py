"""Checking who somebody is by their password, for signing in and wherever it is asked for again."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from gateway.console.desk import Desk
from gateway.console.refusals import Refusal
from gateway.console.users import User

T = TypeVar("T")
_MAX_WAITING = 8
"""Sign-ins that wait for a password check: at 0.15 s each nobody waits for long."""


async def checked_user(desk: Desk, name: str, password: str, address: str) -> User:
    """The user, if the password is right and it is not too soon to try; failures are audited.

    Refuses with 401 or 429.
    """
    now_s = desk.parts.clock.now().monotonic_s
    wait_s = desk.limits.wait_s(name, address, now_s)
    if wait_s > 0 or desk.sign_ins_waiting >= _MAX_WAITING:
        raise Refusal(429, "too_many_tries", headers={"retry-after": str(int(wait_s) + 1)})
    user = await checking(desk, lambda: desk.parts.users.verify(name, password))
    if user is None:
        blocked = desk.limits.failed(name, address, desk.parts.clock.now().monotonic_s)
        await desk.audit("sign_in_blocked" if blocked else "sign_in_failed", name[:64], address)
        raise Refusal(401, "wrong_password")
    desk.limits.succeeded(name, address)
    return user


async def checking(desk: Desk, work: Callable[[], T]) -> T:
    """Do what needs a password hashed, off the loop."""
    desk.sign_ins_waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(desk.passwords, work)
    finally:
        desk.sign_ins_waiting -= 1


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client is not None else ""
