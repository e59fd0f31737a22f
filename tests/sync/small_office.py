"""An office written from docs/protocol.md alone: it shares no code with the gateway or with our office.

A share `faulty` of its calls goes wrong on purpose, in one of many ways; `mischief` is what it does with its lists.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.sync import jcs
from tests.sync.small_lists import NOTHING, SmallLists

Mischief = Callable[[str, int, bytes, asyncio.StreamWriter], Awaitable[tuple[int, bytes] | None]]
"""(path, status, body, line) -> status and body to send; None: it has written itself, and the line is closed."""

ZEROS = "0" * 64
OPEN = 16
"""Challenges of a site that are open at a time."""
FAULTS = ("cut after", "cut before", "busy", "rubbish", "stale", "slow", "half an answer", "not modified", "forgetful")


class SmallOffice:
    """One site's office in memory."""

    def __init__(self, site: str, token: str, faulty: float = 0.0, seed: int = 0) -> None:
        self.site, self.token, self.faulty = site, token, faulty
        self.events: dict[str, dict[str, Any]] = {}
        self.streams: dict[str, list[tuple[str, str | None]]] = {}
        """Epoch -> (hash, event id) of 1, 2, 3 …"""
        self.parents: dict[str, str] = {}
        self.unsound = self.refused = 0
        self.lists = SmallLists(site)
        self.mischief: Mischief | None = None
        self.nonce = secrets.token_hex(16)
        """What its answers bring, and calls must be signed with; "": it brings none and asks for none."""
        self.fickle = False
        """Whether no nonce is ever good."""
        self.strangers: list[tuple[str, str]] = []
        """Calls that were not its device's, or not made now, and why."""
        self._key: str | None = None
        self._session = ""
        self._challenges: list[str] = []
        """Those that are open, the newest last."""
        self._chance = Random(seed)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve at the URL that comes."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                if not await self._answer(writer, method, target, headers, body):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the gateway, or the test, had enough
        finally:
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> bool:
        """False when the line is to be closed."""
        path, _, query = target.partition("?")
        path = path.removeprefix(f"/v1/sites/{self.site}/")
        down = path in ("answers", "keys") or path.startswith("list/")
        due = not down and self._chance.random() < self.faulty
        fault = self._chance.choice(FAULTS) if due else ""
        if fault == "cut before":
            return False
        if fault == "forgetful" or self.fickle:
            self.nonce = secrets.token_hex(16)
        if fault in ("busy", "rubbish", "stale", "not modified"):
            status, said = _wrong(fault)
        elif headers.get("authorization") != f"Bearer {self.token}":
            status, said = 401, _error("unauthorized")
        elif (method == "GET" or path == "challenge") and (code := self._stranger(target, headers)):
            self.strangers.append((path, code))
            status, said = 409 if code == "stale_nonce" else 403, _error(code)
        else:
            status, said = await self._told(method, path, query, body, headers.get("gatehouse-signature", ""))
        if fault == "cut after":
            return False
        if fault == "slow":
            await asyncio.sleep(0.3)
        raw = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
        if down and self.mischief is not None:
            changed = await self.mischief(path, status, raw, writer)
            if changed is None:
                return False
            status, raw = changed
        nonce = f"Gatehouse-Nonce: {self.nonce}\r\n" if self.nonce else ""
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n{nonce}Retry-After: 0\r\n\r\n"
        writer.write(head.encode())
        writer.write(raw[: len(raw) // 2] if fault == "half an answer" else raw)
        await writer.drain()
        return fault != "half an answer"

    def _stranger(self, target: str, headers: dict[str, str]) -> str:
        """Why a call without a body is refused; "" where the site's own device makes it now."""
        key, nonce = headers.get("gatehouse-device", ""), headers.get("gatehouse-nonce", "")
        call = target.removeprefix(f"/v1/sites/{self.site}/")
        if not self._is_signed(key, call, nonce, b"", headers.get("gatehouse-signature", "")):
            return "bad_signature"
        if self._key not in (None, key):
            return "other_device"
        if nonce != self.nonce:
            return "stale_nonce"
        self._key = key
        return ""

    async def _told(self, method: str, path: str, query: str, body: bytes, signature: str) -> tuple[int, Any]:
        if path == "answers":
            await asyncio.sleep(0.2)
            return NOTHING
        if path == "keys" or path.startswith("list/"):
            return await self.lists.answer(path, dict(parse_qsl(query)))
        return self._do(method, path, body, signature)

    def _do(self, method: str, path: str, body: bytes, signature: str) -> tuple[int, Any]:
        if path == "challenge":
            challenge = secrets.token_hex(16)
            self._challenges = [*self._challenges[1 - OPEN :], challenge]
            return 200, {"challenge": challenge}
        if method == "GET" and path.startswith("epochs/"):
            _, epoch, seq = path.split("/")
            return 200, {"hash": self._hash_at(epoch, int(seq))}
        said = json.loads(body)
        if path == "hello":
            return self._hello(said, body, signature)
        if path not in ("events", "gap", "copies"):
            return 404, _error("http")
        if said["session"] != self._session:
            return 409, _error("stale_session")
        if not self._is_signed(self._key or "", path, said["session"], body, signature):
            return 403, _error("bad_signature")
        result: tuple[int, Any] = {"events": self._events, "gap": self._gap, "copies": self._copies}[path](said)
        self.refused += result[0] != 200
        return result

    def _hello(self, said: dict[str, Any], body: bytes, signature: str) -> tuple[int, Any]:
        if not self._is_signed(said["device_key"], "hello", said["challenge"], body, signature):
            return 403, _error("bad_signature")
        if self._key not in (None, said["device_key"]):
            return 403, _error("other_device")
        if said["challenge"] not in self._challenges:
            return 409, _error("challenge")
        # With those from before it: a hello that is late on the line opens nothing.
        del self._challenges[: self._challenges.index(said["challenge"]) + 1]
        self._key, self._session = said["device_key"], secrets.token_hex(16)
        cursors = []
        for end in said["epochs"]:
            if end.get("parent"):
                self.parents[end["epoch"]] = end["parent"]["hash"]
            stream = self.streams.get(end["epoch"])
            if stream:
                known = self._hash_at(end["epoch"], end["seq"])
                cursor = {"epoch": end["epoch"], "through": len(stream), "hash": stream[-1][0], "known": known}
                cursors.append(cursor)
        return 200, {"session": self._session, "cursors": cursors}

    def _events(self, said: dict[str, Any]) -> tuple[int, Any]:
        epoch = said["epoch"]
        stream = self.streams.get(epoch, [])
        if said["events"][0]["seq"] > len(stream) + 1:
            return 409, _error("past_cursor", len(stream))
        head = stream[-1][0] if stream else self.parents.get(epoch, ZEROS)
        fresh = []
        for event in said["events"]:
            if event["seq"] <= len(stream):
                if self._hash_at(epoch, event["seq"]) != event["hash"]:
                    return 409, _error("diverged")
                continue
            if event["previous_hash"] != head:
                return 409, _error("diverged")
            head = event["hash"]
            fresh.append(event)
        for event in fresh:
            self._keep(epoch, event)
        stream = [*stream, *((event["hash"], event["event_id"]) for event in fresh)]
        self.streams[epoch] = stream
        return 200, {"epoch": epoch, "through": len(stream)}

    def _copies(self, said: dict[str, Any]) -> tuple[int, Any]:
        return 200, {"kept": sum(self._keep(said["epoch"], event) for event in said["events"])}

    def _gap(self, said: dict[str, Any]) -> tuple[int, Any]:
        stream = self.streams.setdefault(said["epoch"], [])
        if said["first"] > len(stream) + 1:
            return 409, _error("past_cursor", len(stream))
        missing = said["last"] - len(stream)
        stream += [("", None)] * (missing - 1) + [(said["hash"], None)] * (missing > 0)
        return 200, {"epoch": said["epoch"], "through": len(stream)}

    def _keep(self, epoch: str, event: dict[str, Any]) -> bool:
        self.unsound += not _is_sound(epoch, event)
        return self.events.setdefault(event["event_id"], event) is event

    def _hash_at(self, epoch: str, seq: int) -> str | None:
        stream = self.streams.get(epoch, [])
        return (stream[seq - 1][0] or None) if 0 < seq <= len(stream) else None

    def _is_signed(self, key: str, call: str, nonce: str, body: bytes, signature: str) -> bool:
        message = _framed("gatehouse/request/1", self.site, call, nonce, hashlib.sha256(body).hexdigest())
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def _error(code: str, through: int | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "text": "the small office says so", "through": through}}


def _wrong(fault: str) -> tuple[int, Any]:
    return {
        "busy": (503, _error("busy")),
        "rubbish": (200, b"\xff\x00<html>"),
        "stale": (409, _error("stale_session")),
        "not modified": (304, None),
    }[fault]


def _framed(*fields: object) -> bytes:
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (str(field).encode() for field in fields))


def _is_sound(epoch: str, event: dict[str, Any]) -> bool:
    """Layout 2 of the canonical bytes."""
    wall = datetime.fromisoformat(event["wall"]).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    wall_us = (wall.days * 86400 + wall.seconds) * 1_000_000 + wall.microseconds
    body = jcs.rendered(event["body"]).encode()
    subjects = event["subjects"]
    committed = bytes.fromhex(event["salt"]) + _framed(event["actor"], len(subjects), *subjects)
    committed += len(body).to_bytes(4, "big") + body
    envelope = _framed(
        *("gatehouse/event/2", epoch, event["seq"], event["event_id"], event["type"], event["version"], wall_us),
        *(event["clock_quality"], event["boot_id"], event["monotonic_us"], event["device"] or ""),
        *(event["commitment"], event["previous_hash"]),
    )
    found = (hashlib.sha256(committed).hexdigest(), hashlib.sha256(envelope).hexdigest())
    return found == (event["commitment"], event["hash"])
