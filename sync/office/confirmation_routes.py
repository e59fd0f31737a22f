"""Who waits for the office's yes, and the office's answers: the side of people and that of gateways."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from sync import wire
from sync.office.desk import Desk
from sync.office.requests import Refused, answer, read_record

_STATUS = {"too_long": 400, "nobody_waits": 404}
"""Every other refusal is a conflict with what is known."""


def gateway_confirmations(desk: Desk) -> APIRouter:
    """What a gateway calls while somebody waits."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    @routes.get("/answers")
    async def answers(site: str, after: Annotated[int, Query(ge=0)] = 0, wait: float = wire.WAIT_S) -> Response:
        await desk.must_know(site)
        found = await desk.wait_for(lambda ledger: ledger.answers(site, after), wait)
        return Response(status_code=204) if found is None else answer(found)

    return routes


def admin_confirmations(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.get("/waiting")
    async def waiting(site: str) -> Response:
        await desk.must_know(site)
        return answer({"waiting": await desk.do(lambda ledger: ledger.waiting(site))})

    @routes.post("/answers")
    async def give(site: str, request: Request) -> Response:
        given = await read_record(request, wire.GivenAnswer)
        await desk.must_know(site)
        outcome = await desk.do(lambda ledger: ledger.give_answer(site, given))
        if isinstance(outcome, wire.Refusal):
            raise Refused(_STATUS.get(outcome.code, 409), outcome)
        desk.wake()
        return answer({"answer_id": given.answer_id, "outcome": outcome})

    return routes
