import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import websockets

from gateway.console.users import MIN_PASSWORD, Role, UserRefused, first_run_password
from gateway.domain.access_request import DenialReason
from gateway.domain.alarm import AlarmKind
from gateway.domain.events import DoorClosed, DoorOpened, EvidenceStored, RubbishReceived
from gateway.domain.signals import OpenRequested, OperatorActed
from gateway.domain.trace import TraceStep
from tests.gateway.console.doors_at_work import denied
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork, until


async def test_nothing_is_told_without_signing_in(site: SiteAtWork) -> None:
    async with site.client() as client:
        for path in ("/api/alarms", "/api/doors", "/api/events", "/api/events.csv", "/api/system", "/api/site"):
            assert (await client.get(path)).status_code == 401


async def test_every_answer_carries_the_headers(site: SiteAtWork) -> None:
    async with site.client() as client:
        for path in ("/", "/static/main.js", "/api/alarms"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe-inline" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


async def test_a_post_of_another_origin_or_without_the_header_is_refused(site: SiteAtWork) -> None:
    body = {"user": "wei", "password": PASSWORD}
    async with site.client() as client:
        assert (
            await client.post("/api/session", json=body, headers={"origin": "http://evil.example"})
        ).status_code == 403
        client.headers.pop("x-gatehouse-console")
        assert (await client.post("/api/session", json=body)).status_code == 403
        client.headers["x-gatehouse-console"] = "1"
        assert (await client.post("/api/session", content=b"x" * 70_000)).status_code == 413


async def test_the_cookie_is_kept_from_scripts_and_other_sites(site: SiteAtWork) -> None:
    site.users.add("wei", Role.GUARD, PASSWORD)
    async with site.client() as client:
        answer = await client.post("/api/session", json={"user": "wei", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert b"gatehouse" not in answer.content


async def test_two_consoles_on_one_host_end_no_session_of_each_other(site: SiteAtWork, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = SiteAtWork(tmp_path / "other")
    await other.start()
    for each in (site, other):
        each.users.add("wei", Role.GUARD, PASSWORD)
    # A browser's jar: it knows hosts and no ports.
    async with site.client() as browser:
        for each in (site, other):
            own = {"origin": each.url}
            body = {"user": "wei", "password": PASSWORD}
            assert (await browser.post(f"{each.url}/api/session", json=body, headers=own)).status_code == 200
        for each in (site, other):
            assert (await browser.get(f"{each.url}/api/alarms")).status_code == 200
        assert (await browser.delete(f"{other.url}/api/session", headers={"origin": other.url})).status_code == 200
        assert (await browser.get(f"{site.url}/api/alarms")).status_code == 200
        assert (await browser.get(f"{other.url}/api/alarms")).status_code == 401
    await other.close()


async def test_guessing_is_slowed_down_and_recorded(site: SiteAtWork) -> None:
    site.users.add("wei", Role.GUARD, PASSWORD)
    async with site.client() as client:
        codes = []
        for _ in range(6):
            answer = await client.post("/api/session", json={"user": "wei", "password": "wrong-wrong"})
            codes.append(answer.status_code)
        right = await client.post("/api/session", json={"user": "wei", "password": PASSWORD})
    assert codes == [401] * 5 + [429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) >= 1
    actions = [signal.action for signal in site.doors.signals if isinstance(signal, OperatorActed)]
    assert actions == ["sign_in_failed"] * 4 + ["sign_in_blocked"]


async def test_the_first_password_is_good_for_nothing_but_changing_it(site: SiteAtWork) -> None:
    password = first_run_password(site.users)
    assert password is not None
    assert first_run_password(site.users) is None
    async with site.client() as client:
        answer = await client.post("/api/session", json={"user": "admin", "password": password})
        assert answer.json()["must_change"] is True
        assert (await client.get("/api/alarms")).status_code == 403
        short = await client.post("/api/session/password", json={"current": password, "new": "x" * (MIN_PASSWORD - 1)})
        assert short.status_code == 422
        assert short.json()["error"]["text"]["zh-CN"] == "密码至少 10 个字符"
        new = await client.post("/api/session/password", json={"current": password, "new": PASSWORD})
        assert new.status_code == 200
        assert (await client.get("/api/alarms")).status_code == 200
    with pytest.raises(UserRefused, match="last_supervisor"):
        site.users.remove("admin")


async def test_signing_out_ends_the_session(site: SiteAtWork) -> None:
    client = await site.signed_in()
    token = client.cookies[site.cookie]
    assert (await client.delete("/api/session")).status_code == 200
    client.cookies.set(site.cookie, token)
    assert (await client.get("/api/alarms")).status_code == 401
    await client.aclose()


async def test_an_open_without_a_reason_does_not_exist(site: SiteAtWork) -> None:
    async with await site.signed_in() as client:
        for body in ({}, {"reason": ""}, {"reason": "because"}, {"reason": "other", "note": " "}):
            answer = await client.post("/api/doors/north/open", json={"request_id": "0123456789abcdef", **body})
            assert answer.status_code == 422
    assert [signal for signal in site.doors.signals if isinstance(signal, OpenRequested)] == []


async def test_a_click_sent_twice_opens_once(site: SiteAtWork) -> None:
    body = {"request_id": "0123456789abcdef", "reason": "visitor"}
    async with await site.signed_in() as client:
        answers = await asyncio.gather(*(client.post("/api/doors/north/open", json=body) for _ in range(3)))
        other = await client.post("/api/doors/yard/open", json=body)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert other.status_code == 409
    opens = [signal for signal in site.doors.signals if isinstance(signal, OpenRequested)]
    assert [(signal.door, signal.reason, signal.operator.name) for signal in opens] == [("north", "visitor", "wei")]
    assert (opens[0].expires_at - datetime.now(UTC)).total_seconds() <= 5


async def test_a_technician_opens_no_door_and_a_guard_exports_nothing(site: SiteAtWork) -> None:
    async with await site.signed_in("tao", Role.TECHNICIAN) as client:
        body = {"request_id": "0123456789abcdef", "reason": "visitor"}
        assert (await client.post("/api/doors/north/open", json=body)).status_code == 403
    async with await site.signed_in("lin", Role.GUARD) as client:
        assert (await client.get("/api/events.csv")).status_code == 403
        assert (await client.post("/api/fire/reset", json={"request_id": "0123456789abcdef"})).status_code == 403


async def test_without_the_doors_process_nothing_is_promised(site: SiteAtWork) -> None:
    async with await site.signed_in() as client:
        await site.doors.set_reachable(False)
        body = {"request_id": "0123456789abcdef", "reason": "visitor"}
        assert (await client.post("/api/doors/north/open", json=body)).status_code == 503
        assert (await client.get("/api/events")).json()["events"]


async def test_an_alarm_is_acknowledged_and_resolved_once(site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard", camera="yard")
    async with await site.signed_in() as client:

        async def state() -> str:
            listed = (await client.get("/api/alarms")).json()["alarms"]
            return str(listed[0]["state"]) if listed else ""

        async def is_state(wanted: str) -> None:
            async def question() -> bool:
                return await state() == wanted

            await until(question)

        await is_state("open")
        path = f"/api/alarms/{alarm}"
        assert (await client.post(f"{path}/acknowledge", json={"request_id": "ack-00000001"})).status_code == 200
        again = await client.post(f"{path}/acknowledge", json={"request_id": "ack-00000002"})
        assert again.status_code == 409
        assert again.json()["error"]["text"]["en"] == "The alarm was acknowledged already"
        await is_state("acknowledged")
        wrong = {"request_id": "res-00000001", "outcome": "whatever"}
        assert (await client.post(f"{path}/resolve", json=wrong)).status_code == 422
        right = {"request_id": "res-00000002", "outcome": "false_alarm", "note": "风"}
        assert (await client.post(f"{path}/resolve", json=right)).status_code == 200
        await is_state("resolved")
        late = {"request_id": "res-00000003", "outcome": "real"}
        assert (await client.post(f"{path}/resolve", json=late)).status_code == 409


async def test_why_is_told_from_the_recorded_trace_and_search_finds_labels(site: SiteAtWork) -> None:
    trace = (TraceStep("list", True, "7"), TraceStep("credential_state", False, "lost"))
    await site.doors.record(
        denied(DenialReason.CREDENTIAL_LOST, *trace),
        DoorOpened(door="yard"),
    )
    async with await site.signed_in() as client:
        found = (await client.get("/api/events", params={"card": "蓝卡"})).json()["events"]
        assert [event["text"]["en"] for event in found] == ["蓝卡 0001 was denied at North gate: reported lost"]
        assert (await client.get("/api/events", params={"text": "北门"})).json()["events"] == found
        assert (await client.get("/api/events", params={"door": "yard"})).json()["events"][0]["type"] == "DoorOpened"
        event = (await client.get(f"/api/events/{found[0]['id']}")).json()
        assert [step["text"]["zh-CN"] for step in event["why"]] == ["名单有效（第 7 版）", "凭证不可用：挂失"]
        assert "p-0001" not in json.dumps(event)
        table = await client.get("/api/events.csv", params={"language": "en"})
        assert "reported lost" in table.text


async def test_paging_by_cursor_meets_every_event_once(site: SiteAtWork) -> None:
    await site.doors.record(*(DoorOpened(door="north") for _ in range(45)))
    async with await site.signed_in() as client:
        rows, before = [], None
        while True:
            query: dict[str, str | int] = {"limit": 10, "types": "DoorOpened"}
            query |= {} if before is None else {"before": before}
            page = (await client.get("/api/events", params=query)).json()
            rows += [event["row"] for event in page["events"]]
            before = page["before"]
            if before is None:
                break
    assert len(rows) == 45
    assert rows == sorted(set(rows), reverse=True)


async def test_evidence_is_served_with_ranges_and_only_from_inside(site: SiteAtWork) -> None:
    folder = site.folder / "evidence" / "yard"
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(bytes(range(100)))
    (site.folder / "secret.mp4").write_bytes(b"secret")
    (folder / "link.mp4").symlink_to(site.folder / "secret.mp4")
    paths = (
        "evidence/yard/a.mp4",
        "secret.mp4",
        "evidence/../secret.mp4",
        "evidence/yard/link.mp4",
        "/etc/passwd",
        "users.db",
    )
    now = datetime.now(UTC)
    await site.doors.record(
        *(
            EvidenceStored(
                observation="o", camera="yard", alarm=None, kind="clip", path=path, sha256="", size_bytes=1,
                started_at=now, ended_at=now,
            )
            for path in paths
        )
    )  # fmt: skip
    ids = [event.event_id for event in site.doors.reader.after(0, 100) if event.type == "EvidenceStored"]
    async with await site.signed_in() as client:
        part = await client.get(f"/api/evidence/{ids[0]}", headers={"range": "bytes=10-19"})
        assert part.status_code == 206
        assert part.content == bytes(range(10, 20))
        for event_id in ids[1:]:
            assert (await client.get(f"/api/evidence/{event_id}")).status_code == 404
        for path in (
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2f..%2fclock.py",
            "/api/evidence/..%2f..%2fsecret.mp4",
        ):
            assert (await client.get(path)).status_code == 404


async def test_the_live_feed_has_no_hole_and_no_double_over_a_dead_server(site: SiteAtWork) -> None:
    client = await site.signed_in()
    cookie = {"Cookie": f"{site.cookie}={client.cookies[site.cookie]}", "Origin": site.url}
    await client.aclose()
    rows: list[int] = []
    cursor = 0

    async def take(wanted: int) -> None:
        nonlocal cursor
        url = f"ws://127.0.0.1:{site.port}/ws/live?after={cursor}"
        async with asyncio.timeout(10), websockets.connect(url, additional_headers=cookie) as socket:
            while cursor < wanted:
                message = json.loads(await socket.recv())
                if message["type"] == "events":
                    assert message["after"] == cursor
                    rows.extend(event["row"] for event in message["events"])
                    cursor = message["cursor"]
                if message["type"] == "status":
                    assert message["recorded"] is False

    await take(await site.doors.record(*(DoorOpened(door="north") for _ in range(250))))
    await site.stop()
    await site.doors.record(*(DoorClosed(door="north") for _ in range(30)))
    await site.start()
    await take(await site.doors.record(DoorOpened(door="yard")))
    everything = [event.row_id for event in site.doors.reader.after(0, 1000)]
    assert rows == everything[: len(rows)]
    assert len(rows) >= 282


async def test_a_console_that_starts_says_nothing_of_alarms_before_it_has_read_the_journal(site: SiteAtWork) -> None:
    client = await site.signed_in()
    await site.doors.alarm(AlarmKind.TAMPER, "north-reader")
    await site.stop()
    site.journal_answers.clear()
    starting = asyncio.ensure_future(site.start())
    await asyncio.wait({starting}, timeout=0.3)
    assert not starting.done()
    site.journal_answers.set()
    await starting
    async with client:
        assert [alarm["kind"] for alarm in (await client.get("/api/alarms")).json()["alarms"]] == ["tamper"]


async def test_a_socket_without_session_or_of_another_origin_is_refused(site: SiteAtWork) -> None:
    client = await site.signed_in()
    cookie = f"{site.cookie}={client.cookies[site.cookie]}"
    await client.aclose()
    for headers in ({"Origin": site.url}, {"Origin": "http://evil.example", "Cookie": cookie}, {"Cookie": cookie}):
        for path in ("/ws/live", "/ws/camera/yard"):
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(f"ws://127.0.0.1:{site.port}{path}", additional_headers=headers)


async def test_a_standing_alarm_is_not_resolved_while_it_lasts(site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.INSECURE_LINK, "relay")
    body = {"request_id": "0123456789abcdef", "outcome": "technical"}
    async with await site.signed_in() as client:

        async def listed() -> bool:
            return (await client.get(f"/api/alarms/{alarm}")).status_code == 200

        await until(listed)
        answer = await client.post(f"/api/alarms/{alarm}/resolve", json=body)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "StillActive"
    assert answer.json()["error"]["text"]["en"].startswith("The cause is still there")


async def test_a_repeat_is_counted_and_dated_and_programs_words_stay_out_of_the_sentence(site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard")
    await site.doors.normal(AlarmKind.DOOR_FORCED, "yard")
    await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard")
    await site.doors.record(RubbishReceived(device="north-reader", count=1, reason="wrong checksum"))
    async with await site.signed_in() as client:

        async def repeated() -> dict[str, object] | None:
            found = (await client.get(f"/api/alarms/{alarm}")).json()
            return found if found.get("count") == 2 else None

        found = await until(repeated)
        events = (await client.get("/api/events?types=AlarmRepeated,RubbishReceived")).json()["events"]
    assert found["last_row"] > found["raised_row"]
    assert found["last_at"] >= found["raised_at"]
    assert [event["text"]["en"] for event in events] == [
        "North reader: 1 invalid transmission",
        "Alarm again (P2, 2 times now): Door forced, Yard door",
    ]
    assert [event["technical"] for event in events] == ["wrong checksum", ""]
