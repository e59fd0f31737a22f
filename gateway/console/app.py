"""The console's web application, and serving it inside a process that has other things to end cleanly."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from gateway.console import (
    alarm_routes,
    auth_routes,
    camera_routes,
    door_routes,
    event_routes,
    list_routes,
    live_routes,
    mode_routes,
    patrol_routes,
    people_routes,
    siren_routes,
    system_routes,
)
from gateway.console.desk import Desk
from gateway.console.fences import Fences
from gateway.console.parts import ConsoleParts
from gateway.console.refusals import Refusal, answer_refusals
from gateway.errors import JournalUnavailable

STATIC = Path(__file__).parent / "static"
_ROOMS = (
    auth_routes,
    alarm_routes,
    door_routes,
    mode_routes,
    people_routes,
    patrol_routes,
    event_routes,
    camera_routes,
    system_routes,
    list_routes,
    siren_routes,
    live_routes,
)


def create_app(parts: ConsoleParts) -> FastAPI:
    """The application. Its lifespan runs the live feed; nothing is read or listened to before that."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk: Desk = app.state.desk
        follower = asyncio.create_task(desk.feed.run())
        try:
            await desk.feed.first_look()
            yield
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
            desk.close()

    app = FastAPI(title="Gatehouse", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk = Desk(parts)
    app.add_middleware(Fences)
    answer_refusals(app, desk.catalogue)
    for room in _ROOMS:
        app.include_router(room.router)

    @app.exception_handler(JournalUnavailable)
    async def _no_journal(_request: Request, _error: JournalUnavailable) -> JSONResponse:
        refusal = Refusal(503, "journal_unreadable")
        texts = {language: desk.catalogue.word(language, "error", refusal.code) for language in desk.catalogue.texts}
        return JSONResponse({"error": {"code": refusal.code, "text": texts}}, refusal.status)

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


class ConsoleServer(uvicorn.Server):
    """uvicorn without its signal handlers: they would raise the signal again before the caller's clean-up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


def console_server(parts: ConsoleParts, host: str, port: int) -> ConsoleServer:
    """A server, not started; `port` 0 lets the system choose (see `bound_port`)."""
    config = uvicorn.Config(
        create_app(parts),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
        limit_concurrency=256,
        ws_max_size=64 * 1024,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
    )
    return ConsoleServer(config)


def bound_port(server: uvicorn.Server) -> int:
    """The port that a started server listens on."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def serve_console(parts: ConsoleParts, host: str, port: int) -> None:
    """Serve until cancelled, then end within about two seconds."""
    server = console_server(parts, host, port)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
