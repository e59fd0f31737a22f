"""Who waits for the office's yes, and the office's answers: the side of people and that of gateways."""

from fastapi import APIRouter, Request, Response

from sync import wire
from sync.office import shown
from sync.office.description import UNKNOWN_SITE, described, described_call
from sync.office.desk import Desk
from sync.office.requests import At, Refused, Wait, answer, read_record

_STATUS = {"too_long": 400, "nobody_waits": 404}
"""Every other refusal is a conflict with what is known."""


def gateway_confirmations(desk: Desk) -> APIRouter:
    """What a gateway calls while somebody waits."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    @routes.get(
        "/answers",
        **described_call("Waits for answers to who waits", wire.Answers, nothing="The time is over"),
    )
    async def answers(site: str, after: At = 0, wait: Wait = wire.WAIT_S) -> Response:
        found = await desk.wait_for(site, lambda ledger: ledger.answers(site, after), wait)
        return Response(status_code=204) if found is None else answer(found)

    return routes


def admin_confirmations(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.get("/waiting", **described("Who waits for a yes", shown.Waiting, refuses=UNKNOWN_SITE))
    async def waiting(site: str) -> Response:
        await desk.must_know(site)
        return answer({"waiting": await desk.do(lambda ledger: ledger.waiting(site))})

    @routes.post(
        "/answers",
        **described(
            "Yes or no to one who waits",
            shown.Outcome,
            takes=wire.GivenAnswer,
            refuses={
                400: ("too_long",),
                404: ("unknown_site", "nobody_waits"),
                409: ("expired", "answered", "answer_used"),
            },
        ),
    )
    async def give(site: str, request: Request) -> Response:
        given = await read_record(request, wire.GivenAnswer)
        await desk.must_know(site)
        outcome = await desk.do(lambda ledger: ledger.give_answer(site, given))
        if isinstance(outcome, wire.Refusal):
            raise Refused(_STATUS.get(outcome.code, 409), outcome)
        desk.wake()
        return answer({"answer_id": given.answer_id, "outcome": outcome})

    return routes
