"""The office's HTTP side of the protocol, and the administration of its lists."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response

from sync import wire
from sync.office.confirmation_routes import admin_confirmations, gateway_confirmations
from sync.office.desk import Desk
from sync.office.device_routes import admin_devices
from sync.office.ledger import Ledger
from sync.office.lists import item_faults, remove, shape_faults, upsert
from sync.office.requests import Refused, answer, answer_refusals, bearer, decode, read_body, refuse, signature_of

EVENTS_PAGE = 1000


def create_app(desk: Desk, gateway_token: str, admin_token: str) -> FastAPI:
    """The application; `desk` is closed with it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(title="Gatehouse office", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    answer_refusals(app)
    for routes in (gateway_confirmations(desk), gateway_routes(desk)):
        app.include_router(routes, dependencies=[Depends(bearer(gateway_token))])
    for routes in (admin_confirmations(desk), admin_devices(desk), admin_routes(desk), admin_nowhere()):
        app.include_router(routes, dependencies=[Depends(bearer(admin_token))])
    return app


def gateway_routes(desk: Desk) -> APIRouter:
    """What gateways call."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    @routes.post("/challenge")
    async def challenge(site: str) -> Response:
        await desk.must_know(site)
        return answer(await desk.do(lambda ledger: ledger.challenge(site)))

    @routes.post("/hello")
    async def hello(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        if decode(body, wire.Spoken).protocol != wire.PROTOCOL:
            raise refuse(400, "protocol", f"this office speaks protocol {wire.PROTOCOL}: bring both to one version")
        said: wire.Hello = decode(body, wire.Hello)
        await desk.must_know(site)
        return _result(await desk.do(lambda ledger: ledger.welcome(site, said, body, signature)))

    @routes.post("/events")
    async def events(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        batch: wire.Batch = decode(body, wire.Batch)
        return _result(await desk.do(lambda ledger: ledger.accept(site, batch, body, signature)))

    @routes.post("/copies")
    async def copies(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        ahead: wire.Copies = decode(body, wire.Copies)
        return _result(await desk.do(lambda ledger: ledger.accept_copies(site, ahead, body, signature)))

    @routes.post("/gap")
    async def gap(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        told: wire.Gap = decode(body, wire.Gap)
        return _result(await desk.do(lambda ledger: ledger.accept_gap(site, told, body, signature)))

    @routes.get("/epochs/{epoch}/{seq}")
    async def known_hash(site: str, epoch: str, seq: Annotated[int, Path(ge=0, le=2**53 - 1)]) -> Response:
        await desk.must_know(site)
        return answer(await desk.do(lambda ledger: ledger.hash_at(site, epoch, seq)))

    @routes.get("/list/manifest")
    async def manifest(site: str, after: Annotated[int, Query(ge=0)] = 0, wait: float = wire.WAIT_S) -> Response:
        await desk.must_know(site)
        found = await desk.wait_for(lambda ledger: ledger.manifest(site, after), wait)
        return Response(status_code=204) if found is None else answer(found)

    @routes.get("/list/{version}")
    async def one_list(site: str, version: int) -> Response:
        return await _list(desk, site, version)

    return routes


def admin_routes(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.get("/list")
    async def get_list(site: str) -> Response:
        return await _list(desk, site, None)

    @routes.put("/list")
    async def put_list(site: str, request: Request) -> Response:
        body = await read_body(request, wire.LIST_BYTES)
        document = await desk.do(lambda _: decode(body, Any))
        if faults := shape_faults(document, site):
            raise refuse(400, "invalid", "; ".join(faults))
        decode(b'"' + site.encode() + b'"', wire.Site)
        return await _changed(desk, lambda ledger: ledger.put_list(site, document))

    @routes.post("/{part}")
    async def put_entries(site: str, part: str, request: Request) -> Response:
        _editable(part)
        given = decode(await read_body(request, wire.REQUEST_BYTES), Any)
        items = given if isinstance(given, list) else [given]
        if faults := item_faults(items, "$"):
            raise refuse(400, "invalid", "; ".join(faults[:20]))
        return await _changed(desk, lambda ledger: _edit(ledger, site, lambda old: upsert(old, part, items)))

    @routes.delete("/{part}/{id_}")
    async def delete_entry(site: str, part: str, id_: str) -> Response:
        _editable(part)
        return await _changed(desk, lambda ledger: _edit(ledger, site, lambda old: remove(old, part, id_)))

    @routes.get("/events")
    async def events(
        site: str,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
    ) -> Response:
        await desk.must_know(site)
        found = await desk.do(lambda ledger: ledger.events(site, after, limit))
        return answer({"events": found, "next": found[-1]["n"] if found else after})

    @routes.get("/epochs/{epoch}/events")
    async def stream(
        site: str,
        epoch: str,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
    ) -> Response:
        await desk.must_know(site)
        found = await desk.do(lambda ledger: ledger.stream(site, epoch, after, limit))
        return answer({"events": found, "next": found[-1]["place"] if found else after})

    @routes.get("/summary")
    async def summary(site: str) -> Response:
        await desk.must_know(site)
        return answer(await desk.do(lambda ledger: ledger.summary(site)))

    return routes


def admin_nowhere() -> APIRouter:
    """Where there is nothing to read: 404, also beside `POST /{part}`, for which a framework would say 405."""
    routes = APIRouter(prefix="/admin/v1")

    @routes.get("/{path:path}")
    async def nowhere(path: str) -> Response:
        raise refuse(404, "unknown_path", f"there is nothing to read at {path[:100]!r}: see docs/protocol.md")

    return routes


_FORBIDDEN = ("bad_signature", "other_device")
"""Who speaks is not who may: 403. Every other refusal is a conflict with what is known."""


def _result(result: object) -> Response:
    if isinstance(result, wire.Refusal):
        raise Refused(403 if result.code in _FORBIDDEN else 409, result)
    return answer(result)


async def _list(desk: Desk, site: str, version: int | None) -> Response:
    raw = await desk.do(lambda ledger: ledger.list_bytes(site, version))
    if raw is None:
        raise refuse(404, "unknown_list", f"there is no such list for {site!r}")
    return Response(raw, media_type="application/json")


async def _changed(desk: Desk, work: Callable[[Ledger], int]) -> Response:
    version = await desk.do(work)
    desk.wake()
    return answer({"version": version})


def _editable(part: str) -> None:
    if part not in ("cardholders", "credentials"):
        raise refuse(404, "unknown_part", "cardholders and credentials are edited one by one; the rest with PUT list")


def _edit(ledger: Ledger, site: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> int:
    raw = ledger.list_bytes(site)
    if raw is None:
        raise refuse(404, "unknown_list", f"{site!r} has no list yet: PUT one first")
    changed = change(decode(raw, dict[str, Any]))
    if changed is None:
        raise refuse(404, "unknown_entry", "there is no entry with this id")
    return ledger.put_list(site, changed)
