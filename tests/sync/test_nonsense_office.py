"""An office that answers rubbish, hangs, floods or is overloaded: the gateway counts, tells once, and goes on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.domain.signals import HistoryDiverged, LinkChanged, LinkState
from gateway.errors import OfficeRejected, OfficeUnreachable
from sync import office_client, uplink, wire
from sync.backoff import Backoff
from sync.office_client import After
from tests.sync.site import Gateway, a_client, until

Respond = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
HELLO = wire.Hello(1, "test", "boot", "0" * 64, "0" * 32, (), 0)


@asynccontextmanager
async def an_office(respond: Respond) -> AsyncIterator[str]:
    """A bare TCP server: `respond(request line, writer)` writes whatever it likes; then the line is closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            for line in head.lower().split("\r\n"):
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.split(":")[1]))
            await respond(head.split("\r\n", 1)[0], writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the gateway had enough
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(body: bytes, status: str = "200 OK", *headers: str) -> Respond:
    """The same answer to everything."""

    async def respond(_line: str, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    return respond


async def flood(_line: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
    for _ in range(64):
        writer.write(b"[" * 65536)
        await writer.drain()


async def no_http(_line: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff\xfe SSH-2.0-OpenSSH\r\n" * 100)


async def hang(_line: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(3600)


RUBBISH = {
    "no http": no_http,
    "a flood": flood,
    "no json": saying(b"<html>Welcome to the hotel</html>"),
    "an array": saying(b"[]"),
    "null": saying(b"null"),
    "wrong types": saying(b'{"session": 7, "cursors": "none", "epoch": [], "through": "12"}'),
    "a negative cursor": saying(json.dumps({"session": "5" * 32, "cursors": [{"through": -1}]}).encode()),
    "deep json": saying(b'{"session":' + b"[" * 100_000),
    "a redirect": saying(b"", "302 Found", "Location: http://127.0.0.1:1/"),
    "not found": saying(b"nothing here", "404 Not Found"),
    "compressed": saying(b"\x1f\x8b\x08\x00rubbish", "200 OK", "Content-Encoding: gzip"),
    "conflict without a reason": saying(b"{}", "409 Conflict"),
    "no utf-8": saying(b'{"session": "\xff\xfe"}'),
}


@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_rubbish_is_rejected_and_never_raises_anything_else(rubbish: str) -> None:
    async with an_office(RUBBISH[rubbish]) as url:
        client = a_client(url)
        lists = (client.manifest(After(), 0), client.revocations(0, 0), client.keys())
        for call in (client.hello(HELLO), *lists, client.answers(0, 0)):
            with pytest.raises((OfficeRejected, OfficeUnreachable)):
                await call
        for way in (client.changes(2, 1), client.digests(2), client.buckets(2, [0])):
            if rubbish == "not found":
                assert await way is None, "an office need not have it: the whole list tells whether it is one"
                continue
            with pytest.raises((OfficeRejected, OfficeUnreachable)):
                await way
        if rubbish in ("not found", "compressed"):
            with pytest.raises(OfficeRejected):
                await client.list(2)
        with pytest.raises(OfficeRejected):
            await client.hello(HELLO)
        await client.close()


async def test_the_gateway_counts_nonsense_tells_the_loss_once_and_keeps_its_events(tmp_path: Path) -> None:
    async with an_office(saying(b"[]")) as url, Gateway(tmp_path, url) as gate:
        await gate.record(3)
        await until(lambda: int(gate.doors.status.get("nonsense", 0)) >= 4)
        assert [signal.state for signal in gate.doors.heard(LinkChanged)] == [LinkState.OFFLINE]
        assert "makes no sense" in str(gate.doors.status["last_error"])
        assert len(gate.event_ids()) == 3


@pytest.mark.parametrize(
    ("through", "of"), [(0, None), (99, None), (2**60, None), (-5, None), ("3", None), (None, None), (3, "f" * 32)]
)
async def test_a_receipt_that_cannot_be_true_moves_no_cursor(tmp_path: Path, through: object, of: str | None) -> None:
    epoch = ""

    async def respond(line: str, writer: asyncio.StreamWriter) -> None:
        if "/hello" in line:
            body: dict[str, object] = {"session": "5" * 32, "cursors": []}
        elif "/challenge" in line:
            body = {"challenge": "c" * 32}
        elif "/events" in line:
            body = {"epoch": of or epoch, "through": through}
        else:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await asyncio.sleep(0.1)
            return
        await saying(json.dumps(body).encode())(line, writer)

    async with an_office(respond) as url:
        gate = Gateway(tmp_path, url)
        await gate.record(3)
        epoch = gate.reader.after(0, 1)[0].epoch
        async with gate:
            await until(lambda: int(gate.doors.status.get("nonsense", 0)) >= 2 and "queue" in gate.doors.status)
            assert gate.doors.status["queue"] == 3


async def test_an_office_that_parts_from_every_history_does_not_have_the_journal_numbered_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uplink, "FORK_AGAIN_S", 1000.0)
    hellos: list[str] = []

    async def respond(line: str, writer: asyncio.StreamWriter) -> None:
        if "/challenge" in line:
            body: dict[str, Any] = {"challenge": "c" * 32}
        elif "/hello" in line:
            epoch = gate.reader.epochs()[-1].epoch
            hellos.append(epoch)
            body = {"session": "5" * 32, "cursors": [{"epoch": epoch, "through": 2, "hash": "e" * 64}]}
        else:
            body = {"hash": None}
        await saying(json.dumps(body).encode())(line, writer)

    async with an_office(respond) as url:
        gate = Gateway(tmp_path, url)
        await gate.record(3)
        async with gate:
            await until(lambda: "its history is another again" in caplog.text)
            await until(lambda: len(hellos) >= 4, 30)
            assert len(gate.doors.heard(HistoryDiverged)) == 1
            assert len(set(hellos)) == 2


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
async def test_retry_after_is_obeyed(tmp_path: Path, status: str) -> None:
    hellos: list[float] = []

    async def respond(line: str, writer: asyncio.StreamWriter) -> None:
        if "/challenge" in line:  # what a hello begins with
            hellos.append(time.monotonic())
        await saying(b"", status, "Retry-After: 2")(line, writer)

    async with an_office(respond) as url, Gateway(tmp_path, url):
        await until(lambda: len(hellos) >= 2)
        assert hellos[1] - hellos[0] >= 2.0


@pytest.mark.parametrize(
    "when",
    [
        "\xb2",
        "9" * 5000,
        "-3",
        "soon",
        "Mon, 01 Jan 2027 00:00:00 +99999999999999999999",
        "99999999999999999999 Jan 2027 00:00:00 GMT",
        "Mon, 01 Jan 2027 99999999999999999999:00:00 GMT",
    ],
)
async def test_a_retry_after_that_makes_no_sense_is_no_crash(when: str) -> None:
    async with an_office(saying(b"", "503 Service Unavailable", f"Retry-After: {when}")) as url:
        client = a_client(url)
        with pytest.raises(OfficeUnreachable, match="HTTP 503"):
            await client.hello(HELLO)
        await client.close()


async def test_an_office_that_hangs_is_given_up_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_client, "CALL_S", 0.3)
    async with an_office(hang) as url:
        client = a_client(url)
        with pytest.raises(OfficeUnreachable, match="no answer"):
            await client.hello(HELLO)
        await client.close()


@pytest.mark.parametrize("numbers", [(5,), (4, 6), (7, 7), (9, 8)])
async def test_answers_whose_numbers_do_not_rise_are_rejected(numbers: tuple[int, ...]) -> None:
    event_id = "01939f3c-7d00-7abc-8def-0123456789ab"
    answers = [wire.Answer(n, f"answer-{n}", event_id, True, "Lin", 10.0) for n in numbers]
    async with an_office(saying(msgspec.json.encode(wire.Answers(tuple(answers))))) as url:
        client = a_client(url)
        with pytest.raises(OfficeRejected, match="don't rise above 5"):
            await client.answers(5, 0)
        await client.close()


def test_pauses_grow_are_spread_and_stay_below_their_bound() -> None:
    pauses = []
    for _ in range(200):
        backoff = Backoff(0.5, 20.0)
        pauses.append([backoff.next_s() for _ in range(12)])
    assert all(0 <= pause <= min(20.0, 0.5 * 2**n) for row in pauses for n, pause in enumerate(row))
    assert len({round(row[-1], 3) for row in pauses}) > 150
    assert sum(row[-1] for row in pauses) / 200 > 5
    assert 3600 <= Backoff().next_s(10**9) <= 3601


OTHER_DEVICE = b'{"error": {"code": "other_device", "text": ""}}'


@pytest.mark.parametrize(
    ("status", "body", "remedy"),
    [
        ("200 OK", b"<html>", "is office.url an office?"),
        ("302 Found", b"", "office.url must be"),
        ("400 Bad Request", b"", "versions that understand each other"),
        ("401 Unauthorized", b"", "office.token's file"),
        ("403 Forbidden", OTHER_DEVICE, "forget the old key"),
        ("403 Forbidden", OTHER_DEVICE.replace(b"other_device", b"bad_signature"), "on the way that changes requests"),
        ("404 Not Found", b"", "office.url and site.id"),
        ("413 Content Too Large", b"", "raise its limit"),
    ],
)
async def test_what_the_office_says_is_told_with_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: str, body: bytes, remedy: str
) -> None:
    async with an_office(saying(body, status)) as url, Gateway(tmp_path, url) as gate:
        await until(lambda: remedy in str(gate.doors.status.get("last_error")))
        assert remedy in caplog.text
