"""Lists down from an office that somebody else wrote from docs/protocol.md, honest and not.

Whatever it does wrong, the list in force stays, an alarm is raised, and the log says what to do.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.domain.signals import LinkChanged, LinkState, ListReady, ListRefused, OfficeRevoked
from gateway.store.list_folder import current_list
from sync import list_wire as lw
from sync import office_client, wire
from tests.sync.site import SITE, TOKEN, Gateway, a_list, until
from tests.sync.small_office import Mischief, SmallOffice

NEW = {"id": "c-9", "cardholder": "p-1", "format": "EM4100", "number": 900}


@asynccontextmanager
async def a_site(folder: Path) -> AsyncIterator[tuple[SmallOffice, Gateway]]:
    """The small office, and a gateway that has version 1 of its list in force."""
    office = SmallOffice(SITE, TOKEN)
    office.lists.put(a_list())
    root = office.lists.root.public_key().public_bytes_raw().hex()
    async with office.listening() as url, Gateway(folder, url, root=root) as gate:
        await _in_force(gate, 1)
        yield office, gate


async def _in_force(gate: Gateway, version: int, timeout_s: float = 15.0) -> None:
    await until(lambda: gate.lists.version_in_force() == version, timeout_s, f"version {version} is in force")


async def test_a_list_comes_down_whole_then_as_one_card_and_at_once(tmp_path: Path) -> None:
    async with a_site(tmp_path) as (office, gate):
        assert gate.doors.heard(ListReady)[0].credentials == 2
        office.lists.put_credential(NEW)
        await _in_force(gate, 2, 1.0)
        office.lists.take_out("c-9")
        await _in_force(gate, 3, 1.0)
        await until(lambda: gate.doors.heard(OfficeRevoked))
        assert gate.doors.heard(OfficeRevoked)[0].revoked[0].credential == "c-9"
        office.lists.put(a_list(zone="Asia/Urumqi"))
        await _in_force(gate, 4, 1.0)
        assert gate.doors.heard(ListRefused) == []


async def test_a_change_that_is_not_remembered_comes_as_buckets(tmp_path: Path) -> None:
    asked: list[str] = []

    async def forgetful(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        asked.append(path)
        return (404, _refusal("too_old")) if path.endswith("/changes") else (status, raw)

    async with a_site(tmp_path) as (office, gate):
        office.mischief = forgetful
        office.lists.put_credential(NEW)
        await _in_force(gate, 2)
        assert any(path.startswith("list/2/buckets/") for path in asked)
        assert "list/2" not in asked


async def test_wrong_digests_of_buckets_lead_to_the_whole_list(tmp_path: Path) -> None:
    async def wrong(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        if path.endswith("/changes"):
            return 404, _refusal("too_old")
        return status, raw.replace(b'"buckets": "', b'"buckets": "0', 1)[:-3] + b'"}' if "/digests" in path else raw

    async with a_site(tmp_path) as (office, gate):
        office.mischief = wrong
        office.lists.put_credential(NEW)
        await _in_force(gate, 2)


@pytest.mark.parametrize("missing", [("/changes", "/digests"), ("/changes", "/buckets/"), ("/digests",)])
@pytest.mark.parametrize(
    "words", [b'{"error":{"code":"not_offered","text":"I have no such way"}}', b"<h1>Not Found</h1>"]
)
async def test_an_office_without_the_other_ways_gets_its_list_across_whole(
    tmp_path: Path, missing: tuple[str, ...], words: bytes
) -> None:
    async def plain(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        return (404, words) if any(way in path for way in missing) else (status, raw)

    async with a_site(tmp_path) as (office, gate):
        office.mischief = plain
        office.lists.put_credential(NEW)
        await _in_force(gate, 2)
        assert gate.doors.heard(ListRefused) == []


@pytest.mark.parametrize("way", ["/changes", "/digests"])
async def test_a_list_that_is_not_the_newest_any_more_is_not_fetched_whole(tmp_path: Path, way: str) -> None:
    asked: list[str] = []

    async def newer(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        asked.append(path)
        if path == f"list/2{way}":
            return 404, _refusal("not_newest")
        return (404, _refusal("too_old")) if path == "list/2/changes" else (status, raw)

    async with a_site(tmp_path) as (office, gate):
        office.mischief = newer
        office.lists.put_credential(NEW)
        await until(lambda: asked.count(f"list/2{way}") > 1, 30, "the same list is offered and withheld again")
        assert "list/2" not in asked
        again = asked.index("list/manifest", asked.index(f"list/2{way}"))
        assert again < asked.index(f"list/2{way}", asked.index(f"list/2{way}") + 1), "the manifest is asked for first"
        office.lists.put_credential({**NEW, "id": "c-10", "number": 901})
        await _in_force(gate, 3, 40)


async def test_an_office_that_has_not_got_its_newest_list_is_told_and_not_asked_at_once_again(tmp_path: Path) -> None:
    async def lacking(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        return (404, _refusal("not_newest")) if path.startswith("list/2") else (status, raw)

    async with a_site(tmp_path) as (office, gate):
        office.mischief = lacking
        office.lists.put_credential(NEW)
        await until(lambda: "mend the office" in str(gate.doors.status.get("last_error")), 30, "it is told")


async def test_another_cause_of_the_same_outage_is_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = [(404, b"nothing here")]

    async def lacking(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        return said[0] if path.startswith("list/2") else (status, raw)

    async with a_site(tmp_path) as (office, _):
        office.mischief = lacking
        office.lists.put_credential(NEW)
        await until(lambda: "HTTP 404: nothing here" in caplog.text, 30, "the first cause is told")
        said[0] = (400, b"of no use")
        await until(lambda: "HTTP 400: of no use" in caplog.text, 30, "the second cause is told")
        told = [r.message for r in caplog.records if r.levelno >= logging.WARNING and "HTTP 404: nothing" in r.message]
        assert len(told) == 1, "each once"


def _refusal(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "text": "not any more"}}).encode()


def telling(manifest: Callable[[SmallOffice], dict[str, Any]]) -> Callable[[SmallOffice], Mischief]:
    """Whatever is asked about manifests, this one is told."""

    def by(office: SmallOffice) -> Mischief:
        told = json.dumps(manifest(office)).encode()

        async def mischief(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
            return (200, told) if path == "list/manifest" else (status, raw)

        return mischief

    return by


def _by_a_stranger(office: SmallOffice) -> dict[str, Any]:
    ours, office.lists.keys = office.lists.keys, [Ed25519PrivateKey.generate()]
    forged = office.lists.manifest(version=2)
    office.lists.keys = ours
    return forged


def _unsigned(office: SmallOffice) -> dict[str, Any]:
    return office.lists.manifest(version=2) | {"signatures": []}


def spoiling(change: Callable[[bytes], bytes]) -> Callable[[SmallOffice], Mischief]:
    """Only the whole list is to be had, and it comes changed."""

    async def mischief(path: str, status: int, raw: bytes, _: asyncio.StreamWriter) -> tuple[int, bytes]:
        if path.endswith("/changes"):
            return 404, _refusal("too_old")
        if path.endswith("/digests"):
            return 404, _refusal("not_offered")
        return status, change(raw) if path == "list/2" else raw

    return lambda _: mischief


REFUSED = {
    "an older version": (
        telling(lambda office: office.lists.manifest(version=1, generation=0, root="0" * 64)),
        "begins a generation",
    ),
    "another site's": (telling(lambda office: office.lists.manifest(site="other", version=2)), "of this site?"),
    "signed by a stranger": (telling(_by_a_stranger), "a key of its key set"),
    "signed by nobody": (telling(_unsigned), "with --keys"),
    "of another root": (
        telling(lambda office: office.lists.manifest(version=2, root="0" * 64)),
        "cuts or changes answers",
    ),
    "torn": (spoiling(lambda raw: raw[: len(raw) // 2]), "cuts or changes answers"),
    "with one bit flipped": (spoiling(lambda raw: raw.replace(b"900", b"901")), "cuts or changes answers"),
    "with a byte flipped that makes no sense": (
        spoiling(lambda raw: raw.replace(b'"EM4100"', b'"EM410\xff"')),
        "cuts or changes answers",
    ),
    "with a word changed into none": (spoiling(lambda raw: raw.replace(b"p-1", b"p-x")), "cuts or changes answers"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_list_that_is_not_what_it_should_be_is_refused_with_an_alarm_and_a_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    make, remedy = REFUSED[name]
    async with a_site(tmp_path) as (office, gate):
        old = current_list(gate.data / "lists")
        with caplog.at_level(logging.ERROR):
            office.mischief = make(office)
            office.lists.put_credential(NEW)
            await until(lambda: gate.doors.heard(ListRefused), what="it is told to the doors")
        assert "the old one stays" in caplog.text
        assert remedy in caplog.text
        assert current_list(gate.data / "lists") == old
        assert len(gate.doors.heard(ListRefused)) == 1
        office.mischief = None
        await _in_force(gate, 2, 40)


async def test_a_list_without_sense_leaves_the_old_one_and_is_told_once_with_all_faults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "WAIT_S", 1.0)  # so soon the office is asked again, and found busy
    nowhere = [{"id": f"p-{n}", "levels": [{"level": "nowhere"}]} for n in range(60)]
    async with a_site(tmp_path) as (office, gate):
        old = current_list(gate.data / "lists")
        with caplog.at_level(logging.ERROR):
            office.lists.put(a_list(cardholders=nowhere, credentials=[]))
            await until(lambda: gate.doors.heard(ListRefused))
        assert "is refused, the old one stays; faults: 60, the first:" in caplog.text
        assert "mend the list at the office" in caplog.text
        refused = gate.doors.heard(ListRefused)[0]
        assert (refused.version, len(refused.faults), refused.faults[-1]) == (2, 50, "and 11 more")
        assert current_list(gate.data / "lists") == old
        office.mischief = busy
        await until(lambda: gate.doors.status.get("office") == "offline", 40)
        office.mischief = None
        await until(lambda: gate.doors.status.get("office") == "online", 40)
        office.lists.put(a_list())
        await _in_force(gate, 3)
        assert len(gate.doors.heard(ListRefused)) == 1


async def endless(_path: str, _status: int, _raw: bytes, line: asyncio.StreamWriter) -> None:
    line.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        line.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await line.drain()


async def dripping(_path: str, _status: int, raw: bytes, line: asyncio.StreamWriter) -> None:
    line.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(raw))
    for byte in raw:
        line.write(bytes([byte]))
        await line.drain()
        await asyncio.sleep(0.05)


async def hanging(_path: str, _status: int, _raw: bytes, line: asyncio.StreamWriter) -> None:
    line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    await line.drain()
    await asyncio.sleep(3600)


async def cutting(_path: str, _status: int, raw: bytes, line: asyncio.StreamWriter) -> None:
    line.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw[: len(raw) // 2])


async def rubbish(*_: object) -> tuple[int, bytes]:
    return 200, b"\xff\x00<html>Welcome"


async def busy(*_: object) -> tuple[int, bytes]:
    return 429, b""


async def being_mended(*_: object) -> tuple[int, bytes]:
    return 503, b""


FAULTS: dict[str, tuple[Callable[..., Awaitable[tuple[int, bytes] | None]], str]] = {
    "without an end": (endless, "larger than 200000 bytes: is office.url an office?"),
    "byte by byte": (dripping, "in 1 s: it is tried again; does the office hang"),
    "that never come": (hanging, "in 1 s: it is tried again; does the office hang"),
    "cut off": (cutting, "it is tried again"),
    "that are rubbish": (rubbish, "is office.url an office?"),
    "429": (busy, "asked more slowly"),
    "503": (being_mended, "overloaded or being mended"),
}


@pytest.mark.parametrize("way", ["list/2/changes", "list/2"])
@pytest.mark.parametrize("name", FAULTS)
async def test_answers_that_are_none_leave_the_list_in_force_with_an_alarm_and_a_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    fault, remedy = FAULTS[name]
    monkeypatch.setattr(office_client, "LIST_S", 1.0)
    monkeypatch.setattr(wire, "LIST_BYTES", 200_000)
    monkeypatch.setattr(lw, "CHANGES_BYTES", 200_000)
    tries = 0

    async def mischief(path: str, status: int, raw: bytes, line: asyncio.StreamWriter) -> tuple[int, bytes] | None:
        nonlocal tries
        if path == way:
            tries += 1
            return await fault(path, status, raw, line)
        if path.endswith("/changes"):
            return 404, _refusal("too_old")
        return (404, _refusal("not_offered")) if path.endswith("/digests") else (status, raw)

    async with a_site(tmp_path) as (office, gate):
        await until(lambda: gate.doors.status.get("office") == "online")
        with caplog.at_level(logging.WARNING):
            office.mischief = mischief
            office.lists.put_credential(NEW)
            await until(lambda: tries >= 2, 30, "it is tried again")
        assert gate.doors.heard(LinkChanged)[-1].state is LinkState.OFFLINE
        if fault is rubbish and way == "list/2":  # any body could be a list: it doesn't come to its root
            remedy = "cuts or changes answers"
        assert remedy in caplog.text
        assert gate.lists.version_in_force() == 1
        office.mischief = None
        await _in_force(gate, 2, 40)


async def test_retry_after_is_obeyed_by_the_downlink_too(tmp_path: Path) -> None:
    times: list[float] = []

    async def mended_in_a_second(path: str, _s: int, _r: bytes, line: asyncio.StreamWriter) -> None:
        if path == "list/manifest":
            times.append(asyncio.get_running_loop().time())
        line.write(b"HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")

    async with a_site(tmp_path) as (office, gate):
        office.mischief = mended_in_a_second
        office.lists.put_credential(NEW)
        await until(lambda: len(times) >= 3)
        assert min(later - sooner for sooner, later in pairwise(times)) >= 1.0
        assert gate.lists.version_in_force() == 1
