"""The office process by itself: what it refuses, and that what it answered survives a kill."""

import asyncio
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from sync.office import requests
from sync.office.__main__ import listen_at, main
from sync.office.app import create_app
from sync.office.desk import Desk
from sync.office.tokens import read_tokens
from tests.sync.site import ADMIN_TOKEN, KEY, SITE, TOKEN, Office, a_list, signed_by

SIGNED = {"device_key": "0" * 64, "challenge": "0" * 32}


async def test_every_call_needs_the_token(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        for token in ("-", "x" * 32, TOKEN + "x", TOKEN[:-1], ADMIN_TOKEN + "x"):
            for method, path in (
                ("POST", f"/v1/sites/{SITE}/hello"),
                ("GET", f"/v1/sites/{SITE}/list/manifest"),
                ("GET", f"/admin/v1/sites/{SITE}/list"),
                ("PUT", f"/admin/v1/sites/{SITE}/list"),
            ):
                answer = await office.ask(method, path, None if method == "GET" else {}, token)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_a_gateways_token_administers_nothing_and_the_administrators_speaks_for_no_gateway(
    tmp_path: Path,
) -> None:
    own = tmp_path / "own"
    own.write_text("another-token-for-administrators")
    own.chmod(0o600)
    for folder, extra, admin in (("a", (), ADMIN_TOKEN), ("b", ("--admin-token-file", str(own)), own.read_text())):
        async with Office(tmp_path / folder, *extra) as office:
            path = f"/admin/v1/sites/{SITE}"
            for method, call in (("PUT", "/list"), ("GET", "/summary"), ("POST", "/box-lost?by=x")):
                refused = await office.ask(method, path + call, a_list(), TOKEN)
                assert refused.status_code == 401
                assert "secrets/admin-token" in refused.json()["error"]["text"]
            assert (await office.ask("PUT", path + "/list", a_list(), admin)).status_code == 200
            assert (await office.ask("POST", f"/v1/sites/{SITE}/challenge", None, admin)).status_code == 401


def test_an_office_makes_the_administrators_token_once_and_for_its_own_eyes(tmp_path: Path) -> None:
    gateways = _token(tmp_path / "token", TOKEN)
    first = read_tokens(tmp_path / "office", gateways, None)
    assert first[0] == TOKEN
    assert len(first[1]) >= 32
    assert read_tokens(tmp_path / "office", gateways, None) == first
    assert stat.S_IMODE((tmp_path / "office" / "secrets" / "admin-token").stat().st_mode) == 0o600


@pytest.mark.parametrize("named", [True, False])
def test_an_office_does_not_start_where_gateways_and_administrators_have_one_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: bool
) -> None:
    gateways, data = _token(tmp_path / "token", TOKEN), tmp_path / "d"
    admin = _token(tmp_path / "admin" if named else data / "secrets" / "admin-token", TOKEN + "\n")
    words = ["--data", str(data), "--port", "0", "--token-file", str(gateways)]
    assert main([*words, *(("--admin-token-file", str(admin)) if named else ())]) == 2
    said = capsys.readouterr().err
    assert str(admin) in said
    assert "the same token" in said


def _token(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/sites/demo/hello", [], 400, "invalid"),
        ("POST", "/v1/sites/demo/hello", {"protocol": "1"}, 400, "invalid"),
        (
            "POST",
            "/v1/sites/demo/hello",
            {"protocol": 9, "software": "", "boot_id": "", "epochs": [], "list_version": 0, **SIGNED},
            400,
            "protocol",
        ),
        (
            "POST",
            "/v1/sites/elsewhere/hello",
            {"protocol": 1, "software": "", "boot_id": "", "epochs": [], "list_version": 0, **SIGNED},
            404,
            "unknown_site",
        ),
        ("POST", "/v1/sites/demo/events", {"session": "5" * 32, "epoch": "0" * 32, "events": []}, 400, "invalid"),
        ("POST", "/v1/sites/demo/events", {"text": "x" * 2_000_000}, 413, "too_large"),
        ("GET", "/v1/sites/demo/list/manifest?after=-1", None, 400, "invalid"),
        ("GET", "/v1/sites/demo/list/manifest?after=many", None, 400, "invalid"),
        ("GET", "/v1/sites/demo/list/7", None, 404, "unknown_list"),
        ("GET", "/nowhere", None, 404, "http"),
        ("PUT", "/admin/v1/sites/demo/list", {"schema": 1, "site": "other"}, 400, "unsound"),
        ("PUT", "/admin/v1/sites/demo/list", "text", 400, "unsound"),
        ("POST", "/admin/v1/sites/demo/cardholders", {"kind": "resident"}, 404, "unknown_list"),
        ("POST", "/admin/v1/sites/demo/cardholders", {"id": "p-1"}, 404, "unknown_list"),
        ("POST", "/admin/v1/sites/demo/levels", {"id": "x"}, 404, "unknown_part"),
        ("GET", "/admin/v1/sites/demo/levels", None, 404, "unknown_path"),
        ("GET", "/admin/v1/nowhere", None, 404, "unknown_path"),
    ],
)
async def test_wrong_requests_get_clear_json_errors(
    office: Office, method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = await office.ask(method, path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["text"]


@pytest.fixture
async def office(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with Office(tmp_path) as running:
        yield running


async def test_a_list_makes_no_site_unless_that_is_said(office: Office) -> None:
    async def sites() -> list[Any]:
        return [each["site"] for each in (await office.ask("GET", "/admin/v1/sites")).json()["sites"]]

    slip, put = a_list(site="demo2"), "/admin/v1/sites/demo2/list"
    refused = await office.ask("PUT", put, slip)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_site")
    assert "?new_site=true" in refused.json()["error"]["text"]
    assert (await office.ask("PUT", put + "?new_site=true", {"site": "demo2"})).status_code == 400
    assert await sites() == [SITE]
    assert (await office.ask("PUT", put + "?new_site=true", slip)).json() == {"version": 1}
    assert await sites() == [SITE, "demo2"]
    assert (await office.ask("PUT", put, slip)).status_code == 200
    await office.admin("PUT", "list?new_site=true", a_list())


async def test_whoever_puts_a_file_with_a_number_of_its_own_is_told_the_offices(tmp_path: Path) -> None:
    first = tmp_path / "LIST.json"
    first.write_bytes(msgspec.json.encode(a_list(7)))
    async with Office(tmp_path / "office", "--list", str(first)) as office:
        document = await office.admin("GET", "list")
        assert document["version"] == 7, "--list keeps the file's"
        assert await office.admin("PUT", "list", document) == {"version": 8}, "made from the newest"
        assert await office.admin("PUT", "list", a_list(9)) == {"version": 9}, "the number that it gets"
        ahead = await office.admin("PUT", "list", a_list(40))
        assert ahead == {
            "version": 10,
            "hint": "the office gives the numbers: this list is 10, not 40 as the file says",
        }
        older = await office.admin("PUT", "list", document)
        assert older["version"] == 11
        assert "not 7 as the file says; the one before was 10: if the file was made from an older" in older["hint"]
        assert await office.admin("PUT", "list", a_list() | {"version": "x"}) == {"version": 12}


async def test_a_list_that_was_answered_survives_a_kill(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        for number in range(5):
            entry = {"id": f"c-{number}", "cardholder": "p-1", "format": "X", "number": number}
            if number == 0:
                await office.admin("PUT", "list", a_list())
            version = (await office.admin("POST", "credentials", entry))["version"]
            await office.kill()
            await office.start()
            kept = await office.admin("GET", "list")
            assert kept["version"] == version
            assert entry in kept["credentials"]


async def test_who_revokes_one_entry_of_a_card_is_told_of_the_others_that_its_holder_has_under_its_label(
    office: Office,
) -> None:
    blue = {"cardholder": "p-1", "number": 0x7B11D7, "label": "蓝卡 0005"}
    read_as_em, read_as_wiegand = {"id": "c-5", "format": "EM4100"}, {"id": "c-5w", "format": "H10301", "number": 4567}
    others = [
        {**blue, "id": "c-6", "format": "UID32", "label": "白卡 0005"},
        {**blue, "id": "c-7", "format": "UID32", "number": 7, "state": "lost"},
        {**blue, "id": "c-8", "format": "UID32", "number": 8, "cardholder": "p-2"},
    ]
    wiegand = {**blue, **read_as_wiegand, "facility_code": 123}
    await office.admin("PUT", "list", a_list(credentials=[{**blue, **read_as_em}, wiegand, *others]))
    hint = (await office.admin("POST", "revocations", {"credentials": ["c-5"]}))["hint"]
    assert hint.startswith("cardholder 'p-1' still has, labelled '蓝卡 0005' as 'c-5' is, active: c-5w. ")
    assert "hint" not in await office.admin("POST", "credentials", {**blue, **read_as_em})
    assert "active: c-5. " in (await office.admin("DELETE", "credentials/c-5w"))["hint"]
    assert "hint" not in await office.admin("POST", "credentials", wiegand)
    assert "active: c-5. " in (await office.admin("POST", "credentials", {**wiegand, "state": "lost"}))["hint"]
    assert "hint" not in await office.admin("POST", "credentials", wiegand)
    assert "hint" not in await office.admin("POST", "revocations", {"credentials": ["c-5", "c-5w"]})
    await office.admin("PUT", "list?give_back=true", a_list(credentials=[{**blue, **read_as_em}, wiegand, *others]))
    assert "hint" not in await office.admin("DELETE", "cardholders/p-1"), "all that somebody holds goes along"


async def test_what_the_office_remembers_is_its_users_alone(tmp_path: Path) -> None:
    (tmp_path / "office.db").touch(0o644)
    async with Office(tmp_path) as office:
        await office.admin("PUT", "list", a_list())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("office.db*")}
    assert set(modes) >= {"office.db", "office.db-wal"}
    assert set(modes.values()) == {0o600}


async def test_sigterm_ends_it_at_once_though_a_gateway_waits_for_a_list(tmp_path: Path) -> None:
    path = f"/v1/sites/{SITE}/list/manifest?after=0&wait=25"
    async with Office(tmp_path) as office, httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        assert office.process is not None
        headers = {"Authorization": f"Bearer {TOKEN}"} | signed_by(KEY, path, await office.nonce())
        waiting = asyncio.create_task(http.get(office.url + path, headers=headers))
        while (await office.summary())["device_key"] is None:  # its call is there as soon as its key is enrolled
            await asyncio.sleep(0)
        office.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await office.process.wait() == 0
            try:
                assert (await waiting).status_code == 204
            except httpx2.HTTPError:
                pytest.fail("the waiting gateway was cut off")


def test_wrong_input_is_exit_2_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "token"
    token.write_text("short")
    base = ["--data", str(tmp_path / "d"), "--port", "0", "--token-file", str(token)]
    assert main(base) == 2
    token.write_text(TOKEN)
    token.chmod(0o644)
    assert main(base) == 2
    token.chmod(0o600)
    assert main([*base, "--site", "../x"]) == 2
    assert main([*base, "--list", str(token)]) == 2
    assert main([*base, "--site", SITE, "--list", str(token)]) == 2
    said = capsys.readouterr().err
    assert "chmod 600" in said
    assert "16 characters" in said


async def test_a_second_office_is_told_in_one_line_what_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = _token(tmp_path / "gateways-token", TOKEN)
    async with Office(tmp_path / "first") as office:
        assert office.process is not None
        words = ["--token-file", str(token), "--port", str(office.port), "--site", SITE]
        assert await asyncio.to_thread(main, [*words, "--data", str(tmp_path / "first")]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        whose = f"an office runs on it, process {office.process.pid}: stop that one first"
        assert said == f"error: --data {tmp_path / 'first'}: {whose}"
        assert await asyncio.to_thread(main, [*words, "--data", str(tmp_path / "second")]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith(f"error: 127.0.0.1:{office.port} can't be listened at: another program listens there")
        assert not (tmp_path / "second" / "secrets").exists(), "nothing was made"


async def test_an_answer_waits_for_no_acknowledgement_of_its_head() -> None:
    accepted: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(writer.get_extra_info("socket"))

    (listener,) = listen_at("127.0.0.1", 0)
    async with await asyncio.start_server(serve, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        connection = await accepted
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        (("--port", "99999"), "up to 65535"),
        (("--host", "192.0.2.1", "--port", "0"), "no such address"),  # RFC 5737: nobody's
    ],
)
def test_a_place_where_no_office_can_listen_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: tuple[str, ...], remedy: str
) -> None:
    token = _token(tmp_path / "token", TOKEN)
    assert main(["--data", str(tmp_path / "d"), "--token-file", str(token), *place]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert remedy in said


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"protocol": 1, "software": "\xff"}', b"[" * 100_000, b"", b"null"])
async def test_a_body_that_is_no_utf8_or_no_json_is_400(office: Office, body: bytes) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        for call in ("hello", "events"):
            answer = await http.post(
                f"{office.url}/v1/sites/{SITE}/{call}", content=body, headers={"Authorization": f"Bearer {TOKEN}"}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


async def test_a_body_that_only_drips_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_S", 0.05)
    monkeypatch.setattr(requests, "BODY_BYTES_PER_S", 1e12)
    desk = Desk(tmp_path / "office.db")
    app = create_app(desk, TOKEN, ADMIN_TOKEN)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {TOKEN}".encode())]
    path = f"/v1/sites/{SITE}/events"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert b"too_slow" in sent[1]["body"]
    desk.close()
