"""Which device speaks for a site, and the alarms about it: the side of people."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from sync.office import shown
from sync.office.description import UNKNOWN_SITE, described
from sync.office.desk import Desk
from sync.office.requests import answer, read_record, refuse
from sync.office.shown import EnrolledKey

Number = Annotated[int, Path(ge=0, le=2**53 - 1)]


def admin_devices(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.put(
        "/device-key",
        **described("Names the site's device", EnrolledKey, takes=EnrolledKey, refuses=UNKNOWN_SITE),
    )
    async def enrol(site: str, request: Request) -> Response:
        given = await read_record(request, EnrolledKey)
        await desk.must_know(site)
        await desk.do(lambda ledger: ledger.enrol(site, given.key))
        return answer({"key": given.key})

    @routes.delete(
        "/device-key", **described("The next hello's key is enrolled", shown.Forgotten, refuses=UNKNOWN_SITE)
    )
    async def forget(site: str) -> Response:
        await desk.must_know(site)
        return answer({"forgotten": await desk.do(lambda ledger: ledger.forget_device(site))})

    @routes.delete(
        "/alarms/{number}",
        **described("Somebody has seen to it", shown.Ended, refuses={404: ("unknown_site", "unknown_alarm")}),
    )
    async def end_alarm(site: str, number: Number, by: Annotated[str, Query(min_length=1, max_length=64)]) -> Response:
        await desk.must_know(site)
        if not await desk.do(lambda ledger: ledger.end_alarm(site, number, by)):
            raise refuse(404, "unknown_alarm", "no alarm with this number is open")
        return answer({"ended": number})

    return routes
