"""What every request must pass and every answer carries: origin, size, and the headers that keep a page to itself."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

CSRF_HEADER = "x-gatehouse-console"
"""A form of another site can't set it, and a script of another site may not."""
_MAX_BODY = 64 * 1024
"""The largest thing that a person sends is a note of a thousand characters."""
_READING = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


class Fences:
    """ASGI middleware. Refuses before anything is read; adds its headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or refuse with 403, 411 or 413."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            refused = WebSocketClose(4403) if not _same_origin(headers) else None
            await (refused or self._app)(scope, receive, send)
            return
        status = _refusal_status(scope["method"], headers)
        answer = self._app if status is None else JSONResponse({"error": {"code": "fenced"}}, status)
        await answer(scope, receive, _with_headers(send))


def _refusal_status(method: str, headers: Headers) -> int | None:
    if method in _READING:
        return None
    if headers.get(CSRF_HEADER) != "1" or not _same_origin(headers):
        return 403
    length = headers.get("content-length")
    if length is None:
        return 411 if "transfer-encoding" in headers else None
    return 413 if not length.isdigit() or int(length) > _MAX_BODY else None


def _same_origin(headers: Headers) -> bool:
    """Every browser sends Origin with a WebSocket and with whatever changes something."""
    origin, host = headers.get("origin"), headers.get("host")
    return origin is not None and host is not None and urlsplit(origin).netloc.lower() == host.lower()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
