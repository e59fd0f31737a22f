"""The gateway's calls to the office over HTTP: bounded in time and size, every failure one of ours."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TypeVar

import httpx2
import msgspec

from gateway.clock import Clock
from gateway.errors import OfficeRefusesBox, OfficeRejected, OfficeUnreachable
from sync import connect_faults, wire
from sync import list_wire as lw
from sync.device_key import DeviceKey

CALL_S = 20.0
"""A hello or a batch, all in all: the office's transaction takes milliseconds, a bad line some seconds."""
POLL_MARGIN_S = 10.0
LIST_S = 600.0
"""A list, all in all: 200 MB at 3 Mbit/s."""
_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)

_REMEDIES = {
    302: ": office.url must be the office's own address, it is not followed elsewhere",
    400: ": gateway and office must be of versions that understand each other",
    404: ": are office.url and site.id what the office knows?",
    413: ": something on the way takes smaller bodies than the office: raise its limit to 1 MiB",
    429: ": it is asked more slowly; if this stays, the office or what stands before it allows too little",
    503: ": the office is overloaded or being mended; it is tried again, look at the office if this stays",
}
"""What a person does about it, by status."""
_NONCE = re.compile("[0-9a-f]{32,128}")
"""What is told in a header goes back in one: nothing but a nonce."""
_SILENT = "it is tried again; does the office hang, or is the line very slow?"
_SUPERSEDED = ("unknown_list", "not_newest")

Answer = TypeVar("Answer")


class OfficeLacks(OfficeRejected):
    """404; `code` is the error's, "" where another server than an office says so."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        super().__init__(words)

    @property
    def superseded(self) -> bool:
        """Whether the office has another list by now, and its manifest is to be asked for again."""
        return self.code in _SUPERSEDED


@dataclass(frozen=True, slots=True)
class After:
    """What a gateway has: a list by (generation, version), the signatures that it came with, a key set."""

    generation: int = 0
    version: int = 0
    signatures: int = lw.NO_NEWS
    key_epoch: int = lw.NO_NEWS


class OfficeClient:
    """One site's line to its office.

    Every call raises OfficeUnreachable (retry later), OfficeRejected (nonsense), OfficeRefusesBox (token or key).
    """

    def __init__(
        self,
        url: str,
        site: str,
        token: str,
        key: DeviceKey,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`key` is the device's own; `transport` is another way to the office than a socket.

        `tls` says whose certificates count; None: those of the system's authorities.
        """
        self._site, self._key, self._clock = site, key, clock
        self._nonce = ""
        """The newest that the office has given; empty until then."""
        # No environment: a proxy set for a person's shell is not the gateway's way out.
        self._http = httpx2.AsyncClient(
            base_url=f"{url.rstrip('/')}/v1/sites/{site}/",
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", "User-Agent": "gatehouse"},
            timeout=_TIMEOUT,
            limits=httpx2.Limits(max_connections=6),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
            verify=True if tls is None else tls,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @property
    def device_key(self) -> str:
        """The public key, in hex, by which the office knows this box."""
        return self._key.public

    async def challenge(self) -> wire.Challenge:
        """What the next hello must hold and sign."""
        async with self._call("challenge", CALL_S, method="POST") as response:
            return _decode("challenge", await _body(response, wire.ANSWER_BYTES), wire.Challenge)

    async def hello(self, hello: wire.Hello) -> wire.Welcome | wire.Refusal:
        """Open a session."""
        return await self._post("hello", hello.challenge, hello, wire.Welcome)

    async def send(self, batch: wire.Batch) -> wire.Receipt | wire.Refusal:
        """Deliver events; a receipt means that they are committed."""
        return await self._post("events", batch.session, batch, wire.Receipt)

    async def send_copies(self, copies: wire.Copies) -> wire.Kept | wire.Refusal:
        """Deliver events ahead of their turn."""
        return await self._post("copies", copies.session, copies, wire.Kept)

    async def tell_gap(self, gap: wire.Gap) -> wire.Receipt | wire.Refusal:
        """Say that events are gone for ever; a receipt means that the office goes on behind them."""
        return await self._post("gap", gap.session, gap, wire.Receipt)

    async def hash_at(self, epoch: str, seq: int) -> str | None:
        """The office's hash of one event, None where it has none."""
        path = f"epochs/{epoch}/{seq}"
        async with self._call(path, CALL_S) as response:
            return _decode(path, await _body(response, wire.ANSWER_BYTES), wire.KnownHash).hash

    async def manifest(self, after: After, wait_s: float) -> lw.Manifest | None:
        """Wait up to `wait_s` for what is news after that; None when nothing is."""
        params = {"generation": str(after.generation), "after": str(after.version), "wait": f"{wait_s:g}"}
        params |= {"keys": str(after.key_epoch), "signatures": str(after.signatures)}
        return await self._get("list/manifest", lw.Manifest, wire.ANSWER_BYTES, wait_s + POLL_MARGIN_S, params)

    async def revocations(self, after: int, wait_s: float) -> lw.Revocations | None:
        """Wait up to `wait_s` for revocations whose sequence is above `after`; None when there are none."""
        params = {"after": str(after), "wait": f"{wait_s:g}"}
        return await self._get("list/revocations", lw.Revocations, wire.ANSWER_BYTES, wait_s + POLL_MARGIN_S, params)

    async def keys(self) -> lw.KeySet | None:
        """The key set in use; None where the office signs nothing."""
        try:
            return await self._get("keys", lw.KeySet, wire.ANSWER_BYTES)
        except OfficeLacks as error:
            if error.code != "unsigned":  # some other server in its place
                raise
            return None

    async def list(self, version: int) -> bytes:
        """The whole list."""
        async with self._call(f"list/{version}", LIST_S) as response:
            return await _body(response, wire.LIST_BYTES)

    async def changes(self, version: int, since: int) -> lw.Changes | None:
        """What is different from the list `since`; None where the office can't say."""
        path, limit = f"list/{version}/changes", lw.CHANGES_BYTES
        return await self._get_way(path, lw.Changes, limit, LIST_S, {"since": str(since)})

    async def digests(self, version: int) -> lw.Digests | None:
        """Of all buckets; None where the office has none."""
        return await self._get_way(f"list/{version}/digests", lw.Digests, wire.ANSWER_BYTES)

    async def buckets(self, version: int, numbers: Sequence[int]) -> lw.Buckets | None:
        """What some buckets hold; None where the office has none."""
        path = f"list/{version}/buckets/{','.join(map(str, numbers))}"
        return await self._get_way(path, lw.Buckets, lw.BUCKETS_BYTES, LIST_S)

    async def answers(self, after: int, wait_s: float) -> tuple[wire.Answer, ...]:
        """Wait up to `wait_s` for answers to who waits, numbered above `after`; none when there are none."""
        params = {"after": str(after), "wait": f"{wait_s:g}"}
        async with self._call("answers", wait_s + POLL_MARGIN_S, params) as response:
            if response.status_code == 204:
                return ()
            found = _decode("answers", await _body(response, wire.ANSWER_BYTES), wire.Answers).answers
        numbers = [after, *(answer.n for answer in found)]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise OfficeRejected(f"answers {numbers[1]} to {numbers[-1]} don't rise above {after}")
        return found

    async def _get_way(
        self,
        path: str,
        record: type[Answer],
        most: int,
        limit_s: float = CALL_S,
        params: dict[str, str] | None = None,
    ) -> Answer | None:
        """A way to a list that an office need not offer; None where it doesn't.

        Raises OfficeLacks where another list is the newest by now.
        """
        try:
            return await self._get(path, record, most, limit_s, params)
        except OfficeLacks as error:
            if error.superseded:
                raise
            return None

    async def _get(
        self,
        path: str,
        record: type[Answer],
        most: int,
        limit_s: float = CALL_S,
        params: dict[str, str] | None = None,
    ) -> Answer | None:
        """A record of at most so many bytes; None for 204."""
        async with self._call(path, limit_s, params) as response:
            if response.status_code == 204:
                return None
            body = await _body(response, most)
        if len(body) > wire.ANSWER_BYTES:
            return await asyncio.to_thread(_decode, path, body, record)
        return _decode(path, body, record)

    async def _post(self, path: str, nonce: str, record: msgspec.Struct, answer: type[Answer]) -> Answer | wire.Refusal:
        """A signed call. `nonce` is what binds it to this moment: the challenge, or the session."""
        content = msgspec.json.encode(record)
        signature = self._key.sign(wire.signed_bytes(self._site, path, nonce, content))
        headers = {"Content-Type": "application/json", wire.SIGNATURE: signature}
        request = self._request("POST", path, CALL_S, content=content, headers=headers)
        async with self._stream(request, path, CALL_S) as response:
            body = await _body(response, wire.ANSWER_BYTES)
            if response.status_code == 409:
                return _decode(path, body, wire.ErrorAnswer).error
            return _decode(path, body, answer)

    @asynccontextmanager
    async def _call(
        self, path: str, limit_s: float, params: dict[str, str] | None = None, *, method: str = "GET"
    ) -> AsyncIterator[httpx2.Response]:
        """A signed call without a body; made once more where the office wants a newer nonce, which it brings then."""
        for _ in range(2):
            request = self._request(method, path, limit_s, params=params)
            call = request.url.raw_path.removeprefix(self._http.base_url.raw_path).decode()
            signature = self._key.sign(wire.signed_bytes(self._site, call, self._nonce, b""))
            request.headers |= {wire.DEVICE: self._key.public, wire.SIGNATURE: signature}
            if self._nonce:
                request.headers[wire.NONCE] = self._nonce
            async with self._stream(request, path, limit_s) as response:
                if response.status_code != 409:
                    yield response
                    return
                await _body(response, wire.ANSWER_BYTES)  # so that the line can be used again
        raise OfficeRejected(f"{path}: HTTP 409 to what is signed with the office's newest nonce: mend the office")

    def _request(
        self,
        method: str,
        path: str,
        limit_s: float,
        *,
        content: bytes | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Request:
        timeout = httpx2.Timeout(10.0, connect=5.0, read=min(limit_s, wire.WAIT_S + POLL_MARGIN_S))
        return self._http.build_request(method, path, content=content, params=params, headers=headers, timeout=timeout)

    @asynccontextmanager
    async def _stream(self, request: httpx2.Request, path: str, limit_s: float) -> AsyncIterator[httpx2.Response]:
        """One exchange; the answer's status is one that the protocol knows."""
        try:
            async with (
                asyncio.timeout(limit_s),
                aclosing(await self._http.send(request, stream=True)) as response,
            ):
                given = response.headers.get(wire.NONCE, "")
                self._nonce = given if _NONCE.fullmatch(given) else self._nonce
                await self._judge(response)
                yield response
        except TimeoutError as error:
            raise OfficeUnreachable(f"no answer to {path} in {limit_s:.0f} s: {_SILENT}") from error
        except httpx2.TimeoutException as error:
            raise OfficeUnreachable(f"no answer to {path} in time ({type(error).__name__}): {_SILENT}") from error
        except httpx2.RemoteProtocolError as error:
            if "disconnected" in str(error) or "closed connection" in str(error):  # a line cut off is no nonsense
                raise OfficeUnreachable(f"{path}: the line was cut; it is tried again") from error
            raise OfficeRejected(f"{path}: {_short(str(error))}: is office.url an office?") from error
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            words = f"can't be reached: {_short(str(error)) or type(error).__name__}"
            raise OfficeUnreachable(f"{words}: {connect_faults.remedy(error)}") from error

    async def _judge(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status in (200, 204, 409):
            if response.headers.get("content-encoding", "identity") != "identity":
                raise OfficeRejected(
                    "an answer is compressed though nobody asked: switch that off in what stands before it"
                )
            return
        if status in (408, 429) or status >= 500:
            remedy = _REMEDIES.get(status, _REMEDIES[503])
            wait_s = self._retry_after_s(response.headers.get("retry-after"))
            wish = "" if wait_s is None else f"; not before the {wait_s:.0f} s that it asks for"
            raise OfficeUnreachable(f"HTTP {status}{remedy}{wish}", wait_s)
        said = (await _body(response, wire.ANSWER_BYTES)).decode(errors="replace")
        if status in (401, 403):
            raise _forbidden(status, said, self._key.public)
        words = f"HTTP {status}: {_short(said)}{_REMEDIES.get(status, '')}"
        raise OfficeLacks(_code(said), words) if status == 404 else OfficeRejected(words)

    def _retry_after_s(self, value: str | None) -> float | None:
        """RFC 9110, section 10.2.3: seconds, or a date."""
        if value is None:
            return None
        seconds = value.strip()
        if seconds.isascii() and seconds.isdigit():
            return float(seconds[:9])
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):  # a date of numbers that no clock has
            return None
        aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        return max(0.0, (aware - self._clock.now().wall).total_seconds())


async def _body(response: httpx2.Response, limit: int) -> bytes:
    """The whole body. Raises OfficeRejected as soon as it passes `limit` bytes."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            raise OfficeRejected(f"an answer is larger than {limit} bytes: is office.url an office?")
        parts.append(part)
    return b"".join(parts)


def _decode(path: str, body: bytes, record: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(body, type=record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = f"the answer to {path} makes no sense (is office.url an office?): {_short(str(error))}"
        raise OfficeRejected(words) from error


def _forbidden(status: int, said: str, key: str) -> OfficeRefusesBox:
    """Who is not let in, and what a person does about it."""
    refusals = {
        "other_device": (
            f"the office knows another device for this site, or this one (key {key[:16]}) for another; no list comes:"
            " if a box was replaced or moved, have it forget the old key (docs/office.md); else restore"
            " secrets/device-key"
        ),
        "lost_device": "the office has this box as lost: if it was found, set it up anew, without its old secrets",
        "bad_signature": (
            "the office can't verify this device's signature: is something on the way that changes requests?"
        ),
    }
    code = _code(said)
    if code in refusals:
        return OfficeRefusesBox(code, refusals[code])
    words = f"the office refuses the token (HTTP {status}): put the one that it gave into office.token's file"
    return OfficeRefusesBox("unauthorized", words)


def _code(said: str) -> str:
    """The code of an error that the office told, "" for anything else."""
    try:
        return msgspec.json.decode(said, type=wire.ErrorAnswer).error.code
    except (msgspec.DecodeError, RecursionError):
        return ""


def _short(text: str) -> str:
    """One line that fits a status."""
    return " ".join(text.split())[:160]
