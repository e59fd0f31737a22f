"""Which device speaks for a site, and the alarms about it: the side of people."""

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from sync.office import shown
from sync.office.description import UNKNOWN_SITE, described
from sync.office.desk import Desk
from sync.office.lost_boxes import KNEW
from sync.office.requests import answer, bearer, read_record, refuse
from sync.office.shown import EnrolledKey

Number = Annotated[int, Path(ge=0, le=2**53 - 1)]
LOST_TOLD_EVERY_S = 60.0
"""A thief's box tries again and again; each time is a transaction of the ledger's."""
By = Annotated[str, Query(min_length=1, max_length=64)]


def gateway_bearer(desk: Desk, token: str) -> Callable[[Request], Awaitable[None]]:
    """As `bearer`; a site whose box was lost has a token of its own, and the one that the box knew lets nobody in."""
    of_all = bearer(token)
    told: dict[str, float] = {}

    async def check(request: Request) -> None:
        site = str(request.path_params["site"])
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        own = await desk.do(lambda ledger: ledger.lost.has_token(site, given))
        if own is None:
            await of_all(request)
        elif not own:
            now_s = asyncio.get_running_loop().time()
            if compare_digest(given.encode(), token.encode()) and now_s >= told.get(site, now_s):
                told[site] = now_s + LOST_TOLD_EVERY_S
                where = request.client.host if request.client is not None else "?"
                await desk.do(lambda ledger: ledger.note_lost_token(site, where))
            raise refuse(401, "unauthorized", "the bearer token is missing or wrong")

    return check


def admin_devices(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.put(
        "/device-key",
        **described(
            "Names the site's device",
            EnrolledKey,
            takes=EnrolledKey,
            refuses={**UNKNOWN_SITE, 409: ("lost_device",)},
        ),
    )
    async def enrol(site: str, request: Request) -> Response:
        given = await read_record(request, EnrolledKey)
        await desk.must_know(site)
        if not await desk.do(lambda ledger: ledger.enrol(site, given.key)):
            raise refuse(409, "lost_device", "this key was in a box that was lost: have the box make another")
        return answer({"key": given.key})

    @routes.delete(
        "/device-key", **described("The next hello's key is enrolled", shown.Forgotten, refuses=UNKNOWN_SITE)
    )
    async def forget(site: str) -> Response:
        await desk.must_know(site)
        return answer({"forgotten": await desk.do(lambda ledger: ledger.forget_device(site))})

    @routes.post(
        "/box-lost",
        **described("The site's box was stolen or lost", shown.ReportedLost, refuses=UNKNOWN_SITE),
    )
    async def box_lost(site: str, by: By) -> Response:
        await desk.must_know(site)
        key, token = await desk.do(lambda ledger: ledger.report_lost(site, by))
        change = tuple(shown.Knew(what, text) for what, text in KNEW.items())
        return answer(shown.ReportedLost(key, token, change))

    @routes.delete(
        "/alarms/{number}",
        **described("Somebody has seen to it", shown.Ended, refuses={404: ("unknown_site", "unknown_alarm")}),
    )
    async def end_alarm(site: str, number: Number, by: By) -> Response:
        await desk.must_know(site)
        if not await desk.do(lambda ledger: ledger.end_alarm(site, number, by)):
            raise refuse(404, "unknown_alarm", "no alarm with this number is open")
        return answer({"ended": number})

    return routes
