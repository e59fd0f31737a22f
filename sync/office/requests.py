"""Reading requests and writing answers: who may ask, how much is read, and errors as JSON."""

import asyncio
import hmac
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sync import wire

log = logging.getLogger(__name__)

Record = TypeVar("Record")

At: TypeAlias = Annotated[int, Query(ge=0, le=2**53 - 1)]
"""A number to go on from, that a ledger can keep."""
Wait: TypeAlias = Annotated[float, Query(ge=0, allow_inf_nan=False, description="At most so many seconds")]
"""How long an answer may take; no longer than `wire.WAIT_S`, whatever is asked for."""

BODY_S = 10.0
BODY_BYTES_PER_S = 50_000
"""A body may take 10 s, and a second more for each 50 kB that it may hold: a caller that only drips is let go."""


class Refused(Exception):
    """The office doesn't do it: status, code and words."""

    def __init__(self, status: int, refusal: wire.Refusal) -> None:
        self.status, self.refusal = status, refusal
        super().__init__(refusal.text)


def refuse(status: int, code: str, text: str, faults: tuple[str, ...] = ()) -> Refused:
    """To be raised."""
    return Refused(status, wire.Refusal(code, text[:2000], faults=faults or msgspec.UNSET))


def answer(record: object, status: int = 200) -> Response:
    """A record as JSON."""
    return Response(msgspec.json.encode(record), status, media_type="application/json")


def answer_refusals(app: FastAPI) -> None:
    """Every error of this application has the body that docs/protocol.md specifies."""

    @app.exception_handler(Refused)
    async def _refused(_request: Request, refused: Refused) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
        body = msgspec.to_builtins(wire.ErrorAnswer(refused.refusal))
        return JSONResponse(body, refused.status, headers)

    @app.exception_handler(sqlite3.Error)
    async def _no_ledger(_request: Request, error: sqlite3.Error) -> Response:
        log.error("the ledger: %s", error)
        return answer(wire.ErrorAnswer(wire.Refusal("ledger", "the ledger can't be used just now")), 503)

    @app.exception_handler(ClientDisconnect)
    async def _gone(_request: Request, _error: ClientDisconnect) -> Response:
        return answer(wire.ErrorAnswer(wire.Refusal("gone", "the caller went away before its body was here")), 400)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> Response:
        text = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()[:5])
        return answer(wire.ErrorAnswer(wire.Refusal("invalid", text[:2000])), 400)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        refused = answer(wire.ErrorAnswer(wire.Refusal("http", str(error.detail))), error.status_code)
        refused.headers.update(error.headers or {})  # 405 names what is allowed (RFC 9110, section 15.5.6)
        return refused


def bearer(token: str, where: str = "") -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets in who has the token; compared in constant time. `where` ends its refusal."""
    wanted = b"Bearer " + token.encode()

    async def check(request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, wanted):
            raise refuse(401, "unauthorized", f"the bearer token is missing or wrong{where}")

    return check


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises Refused: 413 before more than `limit` bytes are held, 408 where it doesn't come."""
    try:
        async with asyncio.timeout(BODY_S + limit / BODY_BYTES_PER_S):
            return await _read_body(request, limit)
    except TimeoutError as error:
        raise refuse(408, "too_slow", "the body did not come in time: is the line very slow?") from error


async def _read_body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    parts, size = [], 0
    if declared.isdigit() and int(declared) > limit:
        raise refuse(413, "too_large", f"at most {limit} bytes")
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise refuse(413, "too_large", f"at most {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def signature_of(request: Request) -> str:
    """The signature that came along; empty for none, which is signed by nobody."""
    return request.headers.get(wire.SIGNATURE, "")


async def read_record(request: Request, record: type[Record]) -> Record:
    """The body as a wire record. Raises Refused (400, 413)."""
    found: Record = decode(await read_body(request, wire.REQUEST_BYTES), record)
    return found


def decode(body: bytes, record: Any) -> Any:
    """JSON as a record. Raises Refused (400)."""
    try:
        return msgspec.json.decode(body, type=record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(400, "invalid", str(error)) from error
