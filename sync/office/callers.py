"""Who calls for a site: by its token, its device's key, and now. No call of a gateway is open to the token alone."""

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync import wire
from sync.office.desk import Desk
from sync.office.devices import is_key, is_signed
from sync.office.requests import Refused, bearer, refuse, signature_of

GATEWAYS = "/v1/"
"""What every path of theirs begins with."""
LOST_TOLD_EVERY_S = 60.0
"""A thief's box tries again and again; each time is a transaction of the ledger's."""


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


def gateway_device(desk: Desk) -> Callable[[Request], Awaitable[None]]:
    """A dependency of every call without a body: it is signed by the site's own device, now.

    What is signed is the path and the query as they came, so that a signature opens nothing else.
    """

    async def check(request: Request) -> None:
        site, key = str(request.path_params["site"]), request.headers.get(wire.DEVICE, "")
        call, nonce = _call_of(request), request.headers.get(wire.NONCE, "")
        if not is_key(key) or not is_signed(key, signature_of(request), wire.signed_bytes(site, call, nonce, b"")):
            raise refuse(403, "bad_signature", f"it is not signed by the key that {wire.DEVICE} names")
        if not desk.nonces.is_fresh(nonce, asyncio.get_running_loop().time()):
            raise refuse(409, "stale_nonce", f"sign it with the {wire.NONCE} that this answer brings")
        refusal = await desk.do(lambda ledger: ledger.admit_device(site, key, call.partition("?")[0]))
        if refusal is not None:
            raise Refused(404 if refusal.code == "unknown_site" else 403, refusal)

    return check


class NonceTold:
    """Has every answer to a gateway bring the newest nonce, a refusal too."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                nonce = self._desk.nonces.newest(asyncio.get_running_loop().time())
                message["headers"] = [*message["headers"], (wire.NONCE.lower().encode(), nonce.encode())]
            await send(message)

        is_gateways = scope["type"] == "http" and scope["path"].startswith(GATEWAYS)
        await self._app(scope, receive, tell if is_gateways else send)


def _call_of(request: Request) -> str:
    """What is behind `/v1/sites/{site}/`, to the byte."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    call: bytes = path.split(b"/", 4)[-1] + (b"?" + query if query else b"")
    return call.decode("latin-1")
