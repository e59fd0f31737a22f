"""Sirens and lights: a guard has one work for a moment, or silences them."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gateway.console.asking import RequestId, ask_once
from gateway.console.desk import AnyDesk, Opener
from gateway.console.refusals import Refusal
from gateway.domain.signals import SirenSilenceRequested, SirenTestRequested

router = APIRouter()


class Once(BaseModel):
    """Something to do, once."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId


@router.post("/api/sirens/{siren}/test")
async def test_siren(siren: str, body: Once, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Have it work for some seconds; 409 while it calls for somebody, or its board is offline."""
    if siren not in desk.parts.site.outputs:
        raise Refusal(404, "siren_not_found")
    signal = SirenTestRequested(body.request_id, siren, desk.operator(session))
    return await ask_once(desk, body.request_id, ("siren_test", siren, session.user.name), signal)


@router.post("/api/sirens/silence")
async def silence(body: Once, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """End all of them; the alarms stay as they are."""
    signal = SirenSilenceRequested(body.request_id, desk.operator(session))
    return await ask_once(desk, body.request_id, ("siren_silence", session.user.name), signal)
