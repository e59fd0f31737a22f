"""What a page asks to be done: the parts of its requests, and sending each once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.console.desk import Desk
from gateway.console.refusals import Refusal
from gateway.domain.access_requests import NAME_CHARACTERS_MAX
from gateway.domain.ports import Reply
from gateway.domain.signals import Signal

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-]{8,64}$")]
Note = Annotated[str, StringConstraints(max_length=1000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""A code of the catalogue's `reason.*`, or a person's own words."""
OtherId = Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARACTERS_MAX)]
DAY = timedelta(hours=24)
"""What a guard sets or allows lasts for a shift; what is to last longer is the office's list."""


class Asked(BaseModel):
    """Something to do, and why."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId
    reason: Reason


class End(BaseModel):
    """When something is over: after so many minutes, or when the site's clocks next show `local_time`."""

    model_config = ConfigDict(strict=True, extra="forbid")
    minutes: int | None = Field(default=None, ge=1, le=24 * 60)
    local_time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None

    @model_validator(mode="after")
    def _one(self) -> "End":
        if (self.minutes is None) == (self.local_time is None):
            raise ValueError("either minutes or local_time")
        return self

    def after(self, now: datetime, zone: str) -> datetime:
        """The time, at most 24 h after `now`."""
        if self.local_time is None:
            return now + timedelta(minutes=self.minutes or 0)
        local = now.astimezone(ZoneInfo(zone))
        hour, minute = map(int, self.local_time.split(":"))
        found = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if found <= local:
            found += timedelta(days=1)
        # The day on which clocks are put back has 25 hours.
        return min(found.astimezone(now.tzinfo), now + DAY)


async def ask_once(desk: Desk, request_id: str, signature: tuple[str, ...], signal: Signal) -> dict[str, Any]:
    """Send a signal once; the same request id again gets the same answer.

    Refuses with 409 what the doors process refuses, with 503 while nobody answers.
    """
    entry = desk.asked(request_id, signature)
    async with entry.lock:
        if entry.reply is None:
            entry.reply = await desk.send(signal)
    return _answer(entry.reply)


async def ask_in_time(
    desk: Desk, request_id: str, signature: tuple[str, ...], signal: Callable[[datetime], Signal]
) -> dict[str, Any]:
    """`ask_once` for what moves a door: `signal(expires_at)`. Refuses with 410 once its five seconds are over."""
    entry = desk.asked(request_id, signature)
    async with entry.lock:
        if entry.reply is None:
            if desk.parts.clock.now().wall >= entry.expires_at:
                raise Refusal(410, "request_expired")
            entry.reply = await desk.send(signal(entry.expires_at))
    return _answer(entry.reply)


def _answer(reply: Reply) -> dict[str, Any]:
    if not reply.accepted:
        raise Refusal(409, reply.reason or "Refused", area="refusal")
    return {"row": reply.row_id}
