"""Who speaks for a site: the device's key, its enrolment, and that nothing recorded on the way is of use again."""

import re
import stat
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.domain.signals import LinkState
from gateway.errors import AuthenticationFailed, ConfigError, OfficeRejected
from sync import wire
from sync.device_key import DeviceKey, load_device_key
from sync.office_client import After
from sync.uplink import make_batch
from tests.sync.site import KEY, SITE, TOKEN, Gateway, Office, a_client, a_list, say_hello, until

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_the_key_is_made_once_for_its_user_alone_and_kept(tmp_path: Path) -> None:
    key = load_device_key(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets" / "device-key").stat().st_mode) == 0o600
    assert load_device_key(tmp_path / "secrets").public == key.public
    assert len(list((tmp_path / "secrets").iterdir())) == 1
    (tmp_path / "secrets" / "device-key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="32 bytes"):
        load_device_key(tmp_path / "secrets")


def test_the_documents_signatures_hold() -> None:
    """RFC 8032's first test key signs what docs/protocol.md prints."""
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"```json golden-signature\n(.*?)```", text, re.DOTALL)
    for golden in (msgspec.json.decode(block) for block in blocks):
        message = wire.signed_bytes(golden["site"], golden["call"], golden["nonce"], golden["body"].encode())
        assert message.hex() == golden["signed"]
        key = DeviceKey(bytes.fromhex(golden["seed"]))
        assert (key.public, key.sign(message)) == (golden["key"], golden["signature"])
    golden, bodiless = map(msgspec.json.decode, blocks)
    assert (bodiless["call"], bodiless["body"]) == ("list/13/changes?since=12", "")
    hello = msgspec.json.decode(golden["body"], type=wire.Hello)
    assert (hello.list_generation, hello.list_version) == (1, 12)
    earlier = golden["body"].replace(',"list_generation":1', "").encode()
    assert msgspec.json.decode(earlier, type=wire.Hello).list_generation == 0, "an earlier release says none"


async def test_the_first_key_is_enrolled_and_shown_and_another_is_refused_with_an_alarm(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        assert (await office.summary())["device_key"] is None
        own, thief = a_client(office.url), a_client(office.url, key=DeviceKey(b"t" * 32))
        assert isinstance(await say_hello(own), wire.Welcome)
        enrolled = (await office.summary())["device_key"]
        assert (enrolled["key"], enrolled["how"]) == (own.device_key, "first use")
        for _ in range(2):
            with pytest.raises(AuthenticationFailed, match="another device"):
                await say_hello(thief)
        (alarm,) = (await office.summary())["alarms"]
        assert (alarm["kind"], alarm["priority"], alarm["count"]) == ("other_device", 2, 1)
        assert set(alarm["text"]) == {"zh-CN", "en"}
        assert isinstance(await say_hello(own), wire.Welcome)
        await office.admin("DELETE", f"alarms/{alarm['n']}?by=Lin")
        assert (await office.summary())["alarms"] == []
        await own.close()
        await thief.close()


async def test_a_box_that_was_replaced_speaks_after_the_office_forgot_or_named_its_key(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        old, new = a_client(office.url), a_client(office.url, key=DeviceKey(b"n" * 32))
        assert isinstance(await say_hello(old), wire.Welcome)
        await office.admin("DELETE", "device-key")
        assert isinstance(await say_hello(new), wire.Welcome)
        await office.admin("PUT", "device-key", {"key": old.device_key})
        with pytest.raises(AuthenticationFailed):
            await say_hello(new)
        assert isinstance(await say_hello(old), wire.Welcome)
        assert (await office.summary())["device_key"]["how"] == "administrator"
        await old.close()
        await new.close()


async def test_a_key_is_named_by_all_its_digits(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        for key in (KEY.public[:16], KEY.public.upper(), KEY.public + "0", ""):
            answer = await office.ask("PUT", f"/admin/v1/sites/{SITE}/device-key", {"key": key})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
            for words in ("all its 64 digits", "other_device", "summary"):
                assert words in answer.json()["error"]["text"]
        assert (await office.summary())["device_key"] is None


@pytest.mark.parametrize("way", ["forgotten", "another named"])
async def test_a_box_whose_key_speaks_no_more_is_sent_to_say_hello(tmp_path: Path, way: str) -> None:
    """Its hello is refused by name; what it sent before would only hear of a wrong signature."""
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(1)
        client = a_client(office.url)
        welcome = await say_hello(client)
        assert isinstance(welcome, wire.Welcome)
        if way == "forgotten":
            await office.admin("DELETE", "device-key")
        else:
            await office.admin("PUT", "device-key", {"key": DeviceKey(b"n" * 32).public})
        refused = await client.send(make_batch(welcome.session, gate.reader.after(0, 1)))
        assert isinstance(refused, wire.Refusal)
        assert refused.code == "stale_session"
        await client.close()
        gate.journal.close()


async def test_a_gateway_with_another_key_is_told_offline_with_what_to_do(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        first = a_client(office.url)
        await say_hello(first)
        await first.close()
        async with Gateway(tmp_path / "gate", office.url, key=DeviceKey(b"t" * 32)) as gate:
            await gate.record(2)
            await until(lambda: "forget the old key" in str(gate.doors.status.get("last_error")))
            assert gate.doors.status["office"] == LinkState.OFFLINE
            assert gate.doors.status["refusal"] == "other_device"
            assert (await office.summary())["events"] == 0


async def test_a_box_that_was_stolen_hears_and_says_nothing_any_more(tmp_path: Path) -> None:
    async with Office(tmp_path / "office", "--site", "other") as office:
        await office.admin("PUT", "list", a_list())
        stolen = a_client(office.url)
        assert isinstance(await say_hello(stolen), wire.Welcome)
        lost = await office.admin("POST", "box-lost?by=Lin")
        assert lost["key"] == stolen.device_key
        assert {each["what"] for each in lost["change"]} >= {"gateways_token", "card_numbers", "pins"}
        assert all(set(each["text"]) == {"zh-CN", "en"} for each in lost["change"])
        await office.kill()
        await office.start()
        for speak in (say_hello(stolen), stolen.list(1), stolen.manifest(After(), 0), stolen.revocations(0, 0)):
            with pytest.raises(AuthenticationFailed, match="refuses the token"):
                await speak
        for token in (TOKEN, lost["token"]):
            again = await office.ask("POST", f"/admin/v1/sites/{SITE}/box-lost?by=thief", None, token)
            assert again.status_code == 401, "a thief is given no other token"
        with_old_key = a_client(office.url, lost["token"])
        with pytest.raises(AuthenticationFailed, match="as lost"):
            await say_hello(with_old_key)
        said = {alarm["kind"]: (alarm["priority"], alarm["count"]) for alarm in (await office.summary())["alarms"]}
        assert said == {"box_lost": (2, 1), "lost_box_speaks": (1, 1)}
        fresh = a_client(office.url, lost["token"], DeviceKey(b"n" * 32))
        assert isinstance(await say_hello(fresh), wire.Welcome)
        assert await fresh.list(1)
        summary = await office.summary()
        assert (summary["device_key"]["key"], summary["lost_boxes"][0]["by"]) == (fresh.device_key, "Lin")
        again = await office.ask("PUT", f"/admin/v1/sites/{SITE}/device-key", {"key": stolen.device_key})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "lost_device")
        assert (await office.ask("POST", "/v1/sites/other/challenge", key=DeviceKey(b"o" * 32))).status_code == 200, (
            "its gateway is another's"
        )
        for client in (stolen, with_old_key, fresh):
            await client.close()


async def _call(office: Office, call: str, body: bytes, signature: str | None) -> Any:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({wire.SIGNATURE: signature} if signature is not None else {})
        answer = await http.post(f"{office.url}/v1/sites/{SITE}/{call}", content=body, headers=headers)
        return answer.status_code, (answer.json().get("error") or {}).get("code")


async def test_a_recorded_hello_opens_no_session_a_second_time(tmp_path: Path) -> None:
    key = DeviceKey(b"d" * 32)
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        challenge = (await client.challenge()).challenge
        body = msgspec.json.encode(wire.Hello(1, "test", "boot", key.public, challenge, (), 0))
        signature = key.sign(wire.signed_bytes(SITE, "hello", challenge, body))
        assert await _call(office, "hello", body, signature) == (200, None)
        assert await _call(office, "hello", body, signature) == (409, "challenge")
        invented = body.replace(challenge.encode(), b"0" * 32)
        signed = key.sign(wire.signed_bytes(SITE, "hello", "0" * 32, invented))
        assert await _call(office, "hello", invented, signed) == (409, "challenge")
        await client.close()


async def test_a_hello_that_its_key_did_not_sign_opens_nothing_and_uses_up_no_challenge(tmp_path: Path) -> None:
    key, thief = DeviceKey(b"d" * 32), DeviceKey(b"t" * 32)
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        challenge = (await client.challenge()).challenge
        body = msgspec.json.encode(wire.Hello(1, "test", "boot", key.public, challenge, (), 0))
        good = key.sign(wire.signed_bytes(SITE, "hello", challenge, body))
        for wrong in (
            None,
            "0" * 128,
            thief.sign(wire.signed_bytes(SITE, "hello", challenge, body)),
            key.sign(wire.signed_bytes("other", "hello", challenge, body)),
            key.sign(wire.signed_bytes(SITE, "events", challenge, body)),
            key.sign(wire.signed_bytes(SITE, "hello", "0" * 32, body)),
            key.sign(wire.signed_bytes(SITE, "hello", challenge, body + b" ")),
        ):
            assert await _call(office, "hello", body, wrong) == (403, "bad_signature"), wrong
        assert (await office.summary())["last_hello_at"] is None
        assert await _call(office, "hello", body, good) == (200, None)
        await client.close()


async def test_of_a_sites_open_challenges_only_the_newest_sixteen_are_good(tmp_path: Path) -> None:
    key = DeviceKey(b"d" * 32)
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        challenges = [(await client.challenge()).challenge for _ in range(17)]
        for challenge, said in ((challenges[0], (409, "challenge")), (challenges[1], (200, None))):
            body = msgspec.json.encode(wire.Hello(1, "test", "boot", key.public, challenge, (), 0))
            signature = key.sign(wire.signed_bytes(SITE, "hello", challenge, body))
            assert await _call(office, "hello", body, signature) == said
        await client.close()


async def test_a_hello_that_was_late_on_the_line_opens_nothing(tmp_path: Path) -> None:
    key = DeviceKey(b"d" * 32)
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        late = (await client.challenge()).challenge
        await say_hello(client, start_id="second")
        body = msgspec.json.encode(wire.Hello(1, "test", "boot", key.public, late, (), 0, start_id="first"))
        signature = key.sign(wire.signed_bytes(SITE, "hello", late, body))
        assert await _call(office, "hello", body, signature) == (409, "challenge")
        await client.close()


async def test_what_is_unsigned_changed_or_of_another_session_moves_nothing(tmp_path: Path) -> None:
    key = DeviceKey(b"d" * 32)
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(2)
        client = a_client(office.url)
        welcome = await say_hello(client)
        assert isinstance(welcome, wire.Welcome)
        batch = make_batch(welcome.session, gate.reader.after(0, 2))
        body = msgspec.json.encode(batch)
        good = key.sign(wire.signed_bytes(SITE, "events", batch.session, body))
        for wrong in (
            None,
            "",
            "zz",
            "0" * 128,
            ("1" if good[0] == "0" else "0") + good[1:],
            DeviceKey(b"t" * 32).sign(wire.signed_bytes(SITE, "events", batch.session, body)),
            key.sign(wire.signed_bytes("other", "events", batch.session, body)),
            key.sign(wire.signed_bytes(SITE, "hello", batch.session, body)),
            key.sign(wire.signed_bytes(SITE, "events", "0" * 32, body)),
            key.sign(wire.signed_bytes(SITE, "events", batch.session, body + b" ")),
        ):
            assert await _call(office, "events", body, wrong) == (403, "bad_signature"), wrong
        assert (await office.summary())["events"] == 0
        await say_hello(client)
        assert await _call(office, "events", body, good) == (409, "stale_session")
        await client.close()
        gate.journal.close()


async def test_two_copies_on_one_machine_are_told_as_a_clone(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        for start in ("one", "two", "two"):  # sync was killed, and started again
            await say_hello(client, start_id=start)
        assert (await office.summary())["alarms"] == []
        await say_hello(client, start_id="one")
        (alarm,) = (await office.summary())["alarms"]
        assert (alarm["kind"], alarm["detail"]) == ("clone", "the boxes started as two and one")
        await client.close()


async def test_a_box_whose_start_speaks_again_after_another_is_told_as_a_clone(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        for boot in ("first", "first", "second"):  # a box that started again
            await say_hello(client, boot)
        assert (await office.summary())["alarms"] == []
        await say_hello(client, "first")
        (alarm,) = (await office.summary())["alarms"]
        assert (alarm["kind"], alarm["priority"]) == ("clone", 2)
        await client.close()


async def test_a_key_with_a_line_end_behind_it_is_no_other_writing_of_it(tmp_path: Path) -> None:
    """A box that was lost would be another one by it, and one that somebody names so would never be let in."""
    async with Office(tmp_path / "office") as office:
        client = a_client(office.url)
        hello = wire.Hello(1, "test", "boot", f"{KEY.public}\n", (await client.challenge()).challenge, (), 0)
        with pytest.raises(OfficeRejected, match="device_key"):
            await client.hello(hello)
        await client.close()
        named = await office.ask("PUT", f"/admin/v1/sites/{SITE}/device-key", {"key": f"{KEY.public}\n"})
        assert (named.status_code, named.json()["error"]["code"]) == (400, "invalid")
        site = await office.ask("PUT", "/admin/v1/sites/yard%0A/list?new_site=true", a_list())
        assert (site.status_code, site.json()["error"]["code"]) == (400, "invalid")
