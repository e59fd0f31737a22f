"""No call of a gateway is open to the token alone: each is signed by the site's own device, now, and for that call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from gateway.clock import SystemClock
from gateway.errors import AuthenticationFailed, JournalUnavailable
from gateway.store.journal_reader import SqliteJournalReader
from sync import wire
from sync.device_key import DeviceKey
from sync.office.alarms import SOURCES
from sync.office.app import create_app
from sync.office.desk import Desk
from sync.office.nonces import NONCE_S, Nonces
from sync.office_client import After, OfficeClient
from tests.sync.site import (
    ADMIN_TOKEN,
    KEY,
    SITE,
    TOKEN,
    Gateway,
    Office,
    a_client,
    a_list,
    say_hello,
    signed_by,
    until,
)

OTHER = "other"
SITES = "/v1/sites/{site}/"
OTHERS_KEY, STRANGER = DeviceKey(b"o" * 32), DeviceKey(b"s" * 32)
FILLED = {"version": "1", "numbers": "0,1023", "epoch": "0" * 32, "seq": "1"}
QUERY = {"list/manifest": "?after=0&wait=0", "list/revocations": "?after=0&wait=0", "answers": "?after=0&wait=0"}
QUERY |= {"list/{version}/changes": "?since=0"}
EVENT: dict[str, Any] = {
    "event_id": "01939f3c-7d00-7abc-8def-0123456789ab",
    **dict.fromkeys(("seq", "version", "monotonic_us"), 1),
    **dict.fromkeys(("type", "clock_quality", "boot_id", "actor"), "x"),
    **dict.fromkeys(("commitment", "previous_hash", "hash"), "0" * 64),
    "wall": "2026-11-23T08:00:00Z",
    "device": None,
    "subjects": [],
    "body": {},
    "salt": "",
}
_BROUGHT: dict[str, Any] = {"epoch": "0" * 32, "events": [EVENT]}
BODIES: dict[str, dict[str, Any]] = {
    "hello": {"protocol": 1, "software": "", "boot_id": "", "challenge": "0" * 32, "epochs": [], "list_version": 0}
    | {"device_key": KEY.public},
    "events": _BROUGHT,
    "copies": _BROUGHT,
    "gap": {"epoch": "0" * 32, "first": 1, "last": 1, "hash": "0" * 64, "previous_hash": None},
}


@dataclass
class Asked:
    """The office's application, asked without a socket."""

    app: FastAPI
    desk: Desk
    http: httpx2.AsyncClient

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, token: str = TOKEN, body: Any = None
    ) -> tuple[int, str]:
        """Status, and the code of a refusal."""
        sent = {"Authorization": f"Bearer {token}"} | (headers or {})
        answer = await self.http.request(method, path, headers=sent, json=body)
        code = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
        return answer.status_code, str(code)

    async def by(self, key: DeviceKey, call: "Call", site: str = SITE, token: str = TOKEN) -> tuple[int, str]:
        """A call that this key has signed as it should be."""
        path = call.path(site)
        return await self.ask(call.method, path, signed_by(key, path, await self.nonce()), token)

    async def nonce(self) -> str:
        return str((await self.http.get("/v1/")).headers[wire.NONCE])

    async def admin(self, method: str, call: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        answer = await self.http.request(method, f"/admin/v1/sites/{SITE}/{call}", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def alarms(self) -> list[tuple[str, int]]:
        return sorted((each["kind"], each["count"]) for each in (await self.admin("GET", "summary"))["alarms"])

    def client(self, key: DeviceKey = KEY) -> OfficeClient:
        transport = httpx2.ASGITransport(self.app)
        return OfficeClient("http://office", SITE, TOKEN, key, SystemClock(), transport)

    def calls(self) -> list["Call"]:
        """Every call of a gateway that has no body."""
        return [Call(method, name) for method, name in _gateways_calls(self.app) if name not in BODIES]


@dataclass(frozen=True)
class Call:
    """`name` is the route's path behind the site's."""

    method: str
    name: str

    def path(self, site: str = SITE) -> str:
        return f"/v1/sites/{site}/{self.name.format(**FILLED)}{QUERY.get(self.name, '')}"


def _gateways_calls(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path behind the site's, of each route that is no administrator's."""
    routes = {str(route.path): route.methods or set() for route in iter_route_contexts(app.routes)}
    paths = [path for path in routes if not path.startswith("/admin/v1/")]
    assert len(paths) >= 10 + len(BODIES)
    assert all(path.startswith(SITES) for path in paths)
    return [(method, path.removeprefix(SITES)) for path in paths for method in routes[path]]


@asynccontextmanager
async def an_office(folder: Path) -> AsyncIterator[Asked]:
    """An office of two sites, of which one has a list."""
    desk = Desk(folder / "office.db")
    for site in (SITE, OTHER):
        await desk.do(lambda ledger, site=site: ledger.add_site(site))  # type: ignore[misc]
    app = create_app(desk, TOKEN, ADMIN_TOKEN)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://office") as http:
        asked = Asked(app, desk, http)
        await asked.admin("PUT", "list", a_list())
        yield asked
    desk.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Asked]:
    async with an_office(tmp_path) as asked:
        yield asked


async def test_the_token_alone_opens_no_call_that_the_office_has(office: Asked) -> None:
    client = office.client()
    welcome = await say_hello(client)
    assert isinstance(welcome, wire.Welcome)
    for method, name in _gateways_calls(office.app):
        body = BODIES[name] | {"session": welcome.session} if name in BODIES else None
        said = await office.ask(method, Call(method, name).path(), body=body)
        assert said == (403, "bad_signature"), name
    await client.close()


async def test_each_call_is_its_own_devices_and_another_sites_with_the_same_token_gets_nothing(office: Asked) -> None:
    call = Call("GET", "list/{version}")
    assert await office.by(OTHERS_KEY, Call("GET", "list/manifest"), OTHER) == (204, "")
    for each in office.calls():
        assert await office.by(OTHERS_KEY, each) == (403, "other_device"), "it is not the first of another site"
    assert (await office.admin("GET", "summary"))["device_key"] is None
    for each in office.calls():
        status, code = await office.by(KEY, each)
        assert status in (200, 204) or code in ("too_old", "unsigned"), (each, status, code)
        assert await office.by(OTHERS_KEY, each) == (403, "other_device"), each
        assert await office.by(STRANGER, each) == (403, "other_device"), each
    assert await office.by(KEY, call, OTHER) == (403, "other_device")
    assert await office.alarms() == [("other_device", 1), ("other_device", 1)], "by device, not by call"


async def test_a_recorded_signature_opens_no_other_call(office: Asked) -> None:
    nonce = await office.nonce()
    paths = [(each.method, path) for each in office.calls() for path in (each.path(), each.path(OTHER))]
    paths += [("GET", f"/v1/sites/{SITE}/list/{more}") for more in ("manifest?after=1&wait=0", "2", "1?since=0")]
    await office.by(KEY, Call("GET", "keys"))
    for _, recorded in paths:
        headers = signed_by(KEY, recorded, nonce)
        for method, path in paths:
            if path != recorded:
                assert (await office.ask(method, path, headers))[0] in (403, 404), (recorded, path)
    assert await office.alarms() == []


async def test_what_is_not_wholly_signed_is_refused_and_enrols_nobody(office: Asked) -> None:
    path, nonce = f"/v1/sites/{SITE}/list/1", await office.nonce()
    good = signed_by(KEY, path, nonce)
    signature = good[wire.SIGNATURE]
    for wrong in (
        {name: value for name, value in good.items() if name != wire.SIGNATURE},
        {name: value for name, value in good.items() if name != wire.DEVICE},
        {name: value for name, value in good.items() if name != wire.NONCE},
        good | {wire.SIGNATURE: ("1" if signature[0] == "0" else "0") + signature[1:]},
        good | {wire.SIGNATURE: "zz"},
        good | {wire.DEVICE: STRANGER.public},
        good | {wire.DEVICE: KEY.public.upper()},
        good | {wire.DEVICE: KEY.public[:62]},
        good | {wire.NONCE: "0" * 32},
    ):
        assert await office.ask("GET", path, wrong) == (403, "bad_signature"), wrong
    elsewhere = "/v1/sites/nowhere/list/1"
    assert await office.ask("GET", elsewhere, signed_by(KEY, elsewhere, nonce)) == (404, "unknown_site")
    assert (await office.admin("GET", "summary"))["device_key"] is None
    assert await office.ask("GET", path, good) == (200, "")


async def test_a_list_comes_to_the_first_key_before_any_hello_and_to_no_other(office: Asked) -> None:
    own, stranger = office.client(), office.client(STRANGER)
    assert await own.list(1)
    enrolled = (await office.admin("GET", "summary"))["device_key"]
    assert (enrolled["key"], enrolled["how"]) == (KEY.public, "first use")
    assert isinstance(await say_hello(own), wire.Welcome)
    for _ in range(20):
        assert await office.by(STRANGER, Call("GET", "list/manifest")) == (403, "other_device")
    assert await office.alarms() == [("other_device", 1)], "it asks again and again, and is told once a minute"
    await office.admin("DELETE", "device-key")
    assert await stranger.list(1)
    assert await office.by(KEY, Call("GET", "list/{version}")) == (403, "other_device")
    await office.admin("PUT", "device-key", {"key": KEY.public})
    assert await own.list(1)
    for client in (own, stranger):
        await client.close()


async def test_a_box_that_moves_to_another_site_speaks_there_once_its_key_is_forgotten_or_named(office: Asked) -> None:
    client = office.client()
    assert (await office.by(KEY, Call("GET", "list/manifest"), OTHER))[0] == 204
    uninvited = wire.Hello(1, "test", "boot", KEY.public, "0" * 32, (), 0)
    for speak in (say_hello(client), client.hello(uninvited), client.list(1)):
        with pytest.raises(AuthenticationFailed, match="replaced or moved"):
            await speak
    await office.admin("PUT", "device-key", {"key": KEY.public})
    assert isinstance(await say_hello(client), wire.Welcome)
    assert await client.list(1)
    for site in (SITE, OTHER):
        await office.desk.do(lambda ledger, site=site: ledger.forget_device(site))  # type: ignore[misc]
    assert isinstance(await say_hello(client), wire.Welcome)
    assert (await office.admin("GET", "summary"))["device_key"]["how"] == "first use"
    await client.close()


async def test_whoever_makes_up_any_number_of_keys_hides_no_other_alarm(office: Asked) -> None:
    await office.by(KEY, Call("GET", "keys"))
    for number in range(SOURCES + 5):
        assert (await office.by(DeviceKey(bytes([number]) * 32), Call("GET", "keys")))[0] == 403
    alarms = (await office.admin("GET", "summary"))["alarms"]
    assert len({each["source"] for each in alarms}) == len(alarms) == SOURCES + 1
    assert alarms[0]["source"] == "others"


async def test_a_gateway_signs_what_is_behind_the_site_wherever_the_office_stands(office: Asked) -> None:
    """A server in front serves it below a path of its own."""

    class InFront(httpx2.ASGITransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            target = request.url.raw_path.removeprefix(b"/gates/office")
            behind = httpx2.URL("http://office", raw_path=target)
            return await super().handle_async_request(
                httpx2.Request(request.method, behind, headers=request.headers, stream=request.stream)
            )

    client = OfficeClient("https://town.example/gates/office/", SITE, TOKEN, KEY, SystemClock(), InFront(office.app))
    assert await client.list(1)
    assert await client.buckets(1, [0, 1023]) is not None
    await client.close()


async def test_a_lost_boxs_key_opens_nothing_anywhere_and_a_call_that_waits_is_let_go(office: Asked) -> None:
    client = office.client()
    waits = asyncio.create_task(client.answers(0, 25))
    async with asyncio.timeout(5):
        while (await office.admin("GET", "summary"))["device_key"] is None:
            await asyncio.sleep(0.01)
    lost = await office.admin("POST", "box-lost?by=Lin")
    async with asyncio.timeout(5):
        assert await waits == ()
    for each in office.calls():
        assert await office.by(KEY, each) == (401, "unauthorized")
        assert await office.by(KEY, each, token=lost["token"]) == (403, "lost_device")
        assert await office.by(KEY, each, OTHER) == (403, "lost_device"), "with the token that it knew"
    assert ("lost_box_speaks", 1) in await office.alarms()
    assert await office.by(STRANGER, Call("GET", "list/{version}"), token=lost["token"]) == (200, "")
    await client.close()


async def test_a_call_that_was_recorded_is_of_no_use_once_its_nonce_is_old(office: Asked) -> None:
    path = f"/v1/sites/{SITE}/list/1"
    recorded = signed_by(KEY, path, await office.nonce())
    client = office.client()
    for _ in range(2):
        assert await office.ask("GET", path, recorded) == (200, "")
        assert await client.list(1)
    office.desk.nonces = Nonces()
    for wrong in (recorded, signed_by(KEY, path, ""), signed_by(KEY, path, "0" * 32)):
        assert await office.ask("GET", path, wrong) == (409, "stale_nonce")
    assert await client.list(1), "its own next call is made with the nonce that the refusal brings"
    await client.close()


def test_a_nonce_is_good_for_one_to_two_minutes_of_one_start_of_the_office() -> None:
    ours = Nonces()
    for begun_s in (0.0, 59.9, 60.0, 1e6):
        nonce = ours.newest(begun_s)
        assert ours.is_fresh(nonce, begun_s + NONCE_S)
        assert not ours.is_fresh(nonce, begun_s + 2 * NONCE_S)
        assert not Nonces().is_fresh(nonce, begun_s)
    assert not ours.is_fresh("", 0.0)
    assert wire.WAIT_S < NONCE_S, "an answer's nonce serves the next call"


async def test_an_office_that_has_started_again_costs_a_gateway_one_call_more_and_no_failure(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        await office.admin("PUT", "list", a_list())
        client = a_client(office.url)
        for _ in range(2):
            assert await client.manifest(After(), 0) is not None
            await office.kill()
            await office.start()
        assert await client.list(1)
        await client.close()


async def test_lists_and_revocations_come_to_a_site_whose_journal_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_reader: SqliteJournalReader) -> None:
        raise JournalUnavailable("the disk")

    monkeypatch.setattr(SqliteJournalReader, "epochs", unreadable)
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await office.admin("PUT", "list", a_list())
        await until(lambda: gate.lists.version_in_force() == 1, 5)
        await office.admin("POST", "revocations", {"credentials": ["c-1"]})
        await until(lambda: gate.lists.version_in_force() == 2, 5)
        summary = await office.summary()
        assert (summary["last_hello_at"], summary["device_key"]["key"]) == (None, KEY.public)


async def test_a_box_that_was_replaced_gets_its_list_once_the_old_key_is_forgotten_and_its_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in ("uplink", "downlink", "revocations"):
        monkeypatch.setattr(f"sync.{module}.AUTHENTICATION_RETRY_S", 0.1)
    async with Office(tmp_path / "office") as office:
        await office.admin("PUT", "list", a_list())
        old = a_client(office.url)
        assert await old.list(1)
        await old.close()
        async with Gateway(tmp_path / "gate", office.url, key=STRANGER) as gate:
            await until(lambda: "forget the old key (docs/office.md)" in caplog.text)
            assert STRANGER.public[:16] in caplog.text
            assert gate.lists.version_in_force() == 0
            (alarm,) = (await office.summary())["alarms"]
            assert (alarm["kind"], STRANGER.public in alarm["detail"]) == ("other_device", True)
            await office.admin("DELETE", "device-key")
            await until(lambda: gate.lists.version_in_force() == 1)
