"""The office's HTTP side of the protocol, and the administration of its lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.routing import APIRoute

from sync import wire
from sync.office import shown
from sync.office.callers import NonceTold, gateway_bearer, gateway_device
from sync.office.confirmation_routes import admin_confirmations, gateway_confirmations
from sync.office.description import UNKNOWN_SITE, Refusals, described, described_call
from sync.office.desk import Desk
from sync.office.device_routes import admin_devices
from sync.office.list_routes import admin_entries, admin_lists, gateway_lists
from sync.office.requests import At, Refused, answer, answer_refusals, bearer, decode, read_body, refuse, signature_of

EVENTS_PAGE = 1000
_SIGNATURE = ("bad_signature",)
_FORBIDDEN = (*_SIGNATURE, "other_device", "lost_device")
"""Who speaks is not who may: 403. Every other refusal is a conflict with what is known."""

_ADMINISTRATORS = ": it is the administrators' here, of --admin-token-file, else of secrets/admin-token in --data"


def create_app(desk: Desk, gateway_token: str, admin_token: str) -> FastAPI:
    """The application; `desk` is closed with it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # docs/openapi.json is where it is described
        generate_unique_id_function=_operation,
    )
    answer_refusals(app)
    app.add_middleware(NonceTold, desk=desk)
    with_token, by_device = Depends(gateway_bearer(desk, gateway_token)), Depends(gateway_device(desk))
    for routes in (gateway_confirmations(desk), gateway_lists(desk), gateway_calls(desk)):
        app.include_router(routes, dependencies=[with_token, by_device])
    app.include_router(gateway_deliveries(desk), dependencies=[with_token])
    parts = (admin_confirmations(desk), admin_devices(desk), admin_lists(desk), admin_routes(desk), admin_entries(desk))
    for routes in (*parts, admin_sites(desk), admin_nowhere()):
        app.include_router(routes, dependencies=[Depends(bearer(admin_token, _ADMINISTRATORS))])
    return app


def gateway_calls(desk: Desk) -> APIRouter:
    """What gateways ask about their events."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    @routes.post("/challenge", **described_call("What the next hello must hold", wire.Challenge))
    async def challenge(site: str) -> Response:
        return answer(await desk.do(lambda ledger: ledger.challenge(site)))

    @routes.get("/epochs/{epoch}/{seq}", **described_call("The hash of one event", wire.KnownHash))
    async def known_hash(site: str, epoch: str, seq: Annotated[int, Path(ge=0, le=2**53 - 1)]) -> Response:
        return answer(await desk.do(lambda ledger: ledger.hash_at(site, epoch, seq)))

    return routes


def gateway_deliveries(desk: Desk) -> APIRouter:
    """What gateways bring. Each is signed with its body, which the ledger verifies where it looks at the session."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    refuses: Refusals = {400: ("protocol",), 403: _FORBIDDEN, 409: ("challenge",), **UNKNOWN_SITE}

    @routes.post("/hello", **described("Opens a session", wire.Welcome, takes=wire.Hello, signed=True, refuses=refuses))
    async def hello(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        if decode(body, wire.Spoken).protocol != wire.PROTOCOL:
            raise refuse(400, "protocol", f"this office speaks protocol {wire.PROTOCOL}: bring both to one version")
        said: wire.Hello = decode(body, wire.Hello)
        await desk.must_know(site)
        return _result(await desk.do(lambda ledger: ledger.welcome(site, said, body, signature)))

    @routes.post(
        "/events",
        **described(
            "Delivers events: an answer means that they are committed",
            wire.Receipt,
            takes=wire.Batch,
            signed=True,
            refuses={403: _SIGNATURE, 409: ("stale_session", "past_cursor", "diverged", "gap_in_batch")},
        ),
    )
    async def events(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        batch: wire.Batch = decode(body, wire.Batch)
        return _result(await desk.do(lambda ledger: ledger.accept(site, batch, body, signature)))

    refuses = {403: _SIGNATURE, 409: ("stale_session",)}

    @routes.post(
        "/copies",
        **described("Alarms ahead of their turn", wire.Kept, takes=wire.Copies, signed=True, refuses=refuses),
    )
    async def copies(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        ahead: wire.Copies = decode(body, wire.Copies)
        return _result(await desk.do(lambda ledger: ledger.accept_copies(site, ahead, body, signature)))

    @routes.post(
        "/gap",
        **described(
            "Events that are gone for ever: the office goes on behind them",
            wire.Receipt,
            takes=wire.Gap,
            signed=True,
            refuses={403: _SIGNATURE, 409: ("stale_session", "past_cursor", "diverged", "gap_in_batch")},
        ),
    )
    async def gap(site: str, request: Request) -> Response:
        body, signature = await read_body(request, wire.REQUEST_BYTES), signature_of(request)
        told: wire.Gap = decode(body, wire.Gap)
        return _result(await desk.do(lambda ledger: ledger.accept_gap(site, told, body, signature)))

    return routes


def admin_routes(desk: Desk) -> APIRouter:
    """What people at the office, and their programs, call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.get("/events", **described("Events in order of arrival", shown.Arrived, refuses=UNKNOWN_SITE))
    async def events(
        site: str,
        after: At = 0,
        limit: Annotated[int, Query(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
    ) -> Response:
        await desk.must_know(site)
        found = await desk.do(lambda ledger: ledger.events(site, after, limit))
        return answer({"events": found, "next": found[-1]["n"] if found else after})

    @routes.get("/epochs/{epoch}/events", **described("One epoch in its order", shown.Stream, refuses=UNKNOWN_SITE))
    async def stream(
        site: str,
        epoch: str,
        after: At = 0,
        limit: Annotated[int, Query(ge=1, le=EVENTS_PAGE)] = EVENTS_PAGE,
    ) -> Response:
        await desk.must_know(site)
        found = await desk.do(lambda ledger: ledger.stream(site, epoch, after, limit))
        return answer({"events": found, "next": found[-1]["place"] if found else after})

    @routes.get("/summary", **described("How it stands with the site", shown.Summary, refuses=UNKNOWN_SITE))
    async def summary(site: str) -> Response:
        await desk.must_know(site)
        return answer(await desk.do(lambda ledger: ledger.summary(site)))

    return routes


def admin_sites(desk: Desk) -> APIRouter:
    """What there is to administer."""
    routes = APIRouter(prefix="/admin/v1")

    @routes.get("/sites", **described("The sites of this office", shown.Sites))
    async def sites() -> Response:
        return answer({"sites": await desk.do(lambda ledger: ledger.sites())})

    return routes


def admin_nowhere() -> APIRouter:
    """Where there is nothing to read: 404, also beside `POST /{part}`, for which a framework would say 405."""
    routes = APIRouter(prefix="/admin/v1")

    @routes.get("/{path:path}", include_in_schema=False)
    async def nowhere(path: str) -> Response:
        raise refuse(404, "unknown_path", f"there is nothing to read at {path[:100]!r}: see docs/protocol.md")

    return routes


def _operation(route: APIRoute) -> str:
    """Its name in the description: both sides have an `events`."""
    return f"{'admin' if route.path.startswith('/admin/') else 'gateway'}_{route.name}"


def _result(result: object) -> Response:
    if isinstance(result, wire.Refusal):
        raise Refused(403 if result.code in _FORBIDDEN else 409, result)
    return answer(result)
