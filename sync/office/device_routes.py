"""Which device speaks for a site, and the alarms about it: the side of people."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from sync import wire
from sync.office.desk import Desk
from sync.office.requests import answer, read_record, refuse


class EnrolledKey(msgspec.Struct, frozen=True):
    """The key that a site's device must have."""

    key: wire.PublicKey


def admin_devices(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.put("/device-key")
    async def enrol(site: str, request: Request) -> Response:
        given = await read_record(request, EnrolledKey)
        await desk.must_know(site)
        await desk.do(lambda ledger: ledger.enrol(site, given.key))
        return answer({"key": given.key})

    @routes.delete("/device-key")
    async def forget(site: str) -> Response:
        await desk.must_know(site)
        return answer({"forgotten": await desk.do(lambda ledger: ledger.forget_device(site))})

    @routes.delete("/alarms/{number}")
    async def end_alarm(site: str, number: int, by: Annotated[str, Query(min_length=1, max_length=64)]) -> Response:
        await desk.must_know(site)
        if not await desk.do(lambda ledger: ledger.end_alarm(site, number, by)):
            raise refuse(404, "unknown_alarm", "no alarm with this number is open")
        return answer({"ended": number})

    return routes
