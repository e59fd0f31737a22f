"""Which device speaks for a site, and the alarms about it: the side of people."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from sync.office import shown
from sync.office.description import UNKNOWN_SITE, described
from sync.office.desk import Desk
from sync.office.devices import is_key
from sync.office.lost_boxes import KNEW
from sync.office.requests import answer, read_record, refuse
from sync.office.shown import EnrolledKey

Number = Annotated[int, Path(ge=0, le=2**53 - 1)]
By = Annotated[str, Query(min_length=1, max_length=64)]

_WHOLE_KEY = (
    "a key is named by all its 64 digits (0-9, a-f), not by how it begins: who speaks for a site is never a guess."
    " GET summary shows them, in the detail of the alarm other_device"
)


class _NamedKey(msgspec.Struct, frozen=True):
    """An EnrolledKey that may be cut short, which is told in words."""

    key: str


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
        given = await read_record(request, _NamedKey)
        if not is_key(given.key):
            raise refuse(400, "invalid", _WHOLE_KEY)
        await desk.must_know(site)
        if not await desk.do(lambda ledger: ledger.enrol(site, given.key)):
            raise refuse(409, "lost_device", "this key was in a box that was lost: have the box make another")
        desk.judge_anew(site)
        return answer({"key": given.key})

    @routes.delete(
        "/device-key", **described("The next key that calls is enrolled", shown.Forgotten, refuses=UNKNOWN_SITE)
    )
    async def forget(site: str) -> Response:
        await desk.must_know(site)
        forgotten = await desk.do(lambda ledger: ledger.forget_device(site))
        desk.judge_anew(site)
        return answer({"forgotten": forgotten})

    @routes.post(
        "/box-lost",
        **described("The site's box was stolen or lost", shown.ReportedLost, refuses=UNKNOWN_SITE),
    )
    async def box_lost(site: str, by: By) -> Response:
        await desk.must_know(site)
        key, token = await desk.do(lambda ledger: ledger.report_lost(site, by))
        desk.judge_anew(site)
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
