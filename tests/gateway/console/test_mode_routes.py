"""Door modes, lockdown and life safety at the console's routes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.console.asking import End
from gateway.console.users import Role
from gateway.domain.door_mode import DoorMode
from gateway.domain.signals import LockdownReleaseRequested, OperatorActed
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork, until


def body(number: int = 1, **rest: Any) -> dict[str, Any]:
    return {"request_id": f"request-{number:04}", "reason": "drill", **rest}


async def test_a_guard_sets_a_mode_until_a_time_and_gives_it_back(site: SiteAtWork) -> None:
    path = "/api/doors/north/mode"
    async with await site.signed_in("lin", Role.GUARD) as client:
        answer = await client.post(path, json=body(1, mode="Unlocked", until={"minutes": 60}))
        assert answer.status_code == 200, answer.text
        assert site.doors.controller.doors.mode_of("north") is DoorMode.UNLOCKED

        async def shown() -> Any:
            doors = (await client.get("/api/doors")).json()["doors"]
            return next((door["journal"] or {}).get("override") for door in doors if door["id"] == "north")

        override = await until(shown)
        assert (override["mode"], override["actor"], override["reason"]) == ("Unlocked", "lin", "drill")
        left = datetime.fromisoformat(override["until"]) - datetime.now(UTC)
        assert timedelta(minutes=59) < left <= timedelta(minutes=60)
        assert (await client.post(path, json=body(2, mode=None))).status_code == 200
        assert site.doors.controller.doors.mode_of("north") is DoorMode.LOCKED
        nothing = await client.post(path, json=body(3, mode=None))
        assert nothing.status_code == 409
        assert nothing.json()["error"]["text"]["en"] == "There is no setting to give back"


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "Unlocked"},
        {"mode": None, "until": {"minutes": 5}},
        {"mode": "LockedDown", "until": {"minutes": 5}},
        {"mode": "Locked", "until": {"minutes": 1441}},
        {"mode": "Locked", "until": {"minutes": 5, "local_time": "18:00"}},
        {"mode": "Locked", "until": {"local_time": "24:00"}},
        {"mode": "Locked", "until": {"minutes": 5}, "reason": " "},
        {"mode": "Locked", "until": {"minutes": 5}, "reason": "x" * 201},
    ],
)
async def test_a_mode_without_a_sound_end_or_reason_is_refused(site: SiteAtWork, wrong: dict[str, Any]) -> None:
    async with await site.signed_in() as client:
        assert (await client.post("/api/doors/north/mode", json={**body(), **wrong})).status_code == 422
    assert site.doors.signals[1:] == []


def test_an_end_by_the_clock_is_the_next_time_that_the_sites_clocks_show_it() -> None:
    now = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    assert End(local_time="23:30").after(now, "Asia/Shanghai") == datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    assert End(local_time="07:00").after(now, "Asia/Shanghai") == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert End(local_time="23:00").after(now, "Asia/Shanghai") == now + timedelta(hours=24)
    put_back = datetime(2026, 10, 25, 0, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert End(local_time="00:00").after(put_back.astimezone(UTC), "Europe/Berlin") == put_back + timedelta(hours=23)


async def test_one_person_alone_releases_no_lockdown(site: SiteAtWork) -> None:
    site.users.add("lin", Role.GUARD, PASSWORD)
    site.users.add("tao", Role.TECHNICIAN, PASSWORD)
    site.users.add("new", Role.GUARD, PASSWORD, must_change=True)
    async with await site.signed_in() as client:
        assert (await client.post("/api/lockdown", json=body(1, group="gates"))).status_code == 200
        assert site.doors.controller.doors.mode_of("north") is DoorMode.LOCKED_DOWN
        assert site.doors.controller.doors.mode_of("yard") is DoorMode.LOCKED

        async def release(number: int, user: str, password: str = PASSWORD) -> tuple[int, str]:
            second = {"user": user, "password": password}
            asked = body(number, group="gates", second=second)
            answer = await client.post("/api/lockdown/release", json=asked)
            return answer.status_code, answer.json().get("error", {}).get("code", "")

        missing = await client.post("/api/lockdown/release", json=body(2, group="gates"))
        assert missing.status_code == 422
        assert missing.json()["error"]["code"] == "second_required"
        assert await release(3, "wei") == (422, "second_is_first")
        assert await release(4, "tao") == (403, "second_not_allowed")
        assert await release(5, "new") == (403, "second_not_allowed")
        assert await release(6, "lin", "wrong-wrong") == (401, "wrong_password")
        assert site.doors.controller.doors.mode_of("north") is DoorMode.LOCKED_DOWN
        assert await release(7, "lin") == (200, "")
    assert site.doors.controller.doors.mode_of("north") is DoorMode.LOCKED
    releases = [signal for signal in site.doors.signals if isinstance(signal, LockdownReleaseRequested)]
    assert [(r.operator.name, None if r.second is None else r.second.name) for r in releases] == [("wei", "lin")]
    audited = [signal for signal in site.doors.signals if isinstance(signal, OperatorActed)]
    assert ("sign_in_failed", "lin") in [(signal.action, signal.operator.name) for signal in audited]


async def test_guessing_the_second_persons_password_is_slowed_down(site: SiteAtWork) -> None:
    site.users.add("lin", Role.GUARD, PASSWORD)
    async with await site.signed_in() as client:
        codes = []
        for number in range(6):
            second = {"user": "lin", "password": "wrong-wrong"}
            asked = body(number, group=None, second=second)
            codes.append((await client.post("/api/lockdown/release", json=asked)).status_code)
    assert codes == [401] * 5 + [429]


async def test_a_life_safety_release_stands_above_a_lockdown_and_is_taken_back(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        assert (await client.post("/api/lockdown", json=body(1, group=None))).status_code == 200
        assert (await client.post("/api/lock-open", json=body(2, group=None))).status_code == 200
        assert site.doors.controller.doors.mode_of("yard") is DoorMode.LOCKED_OPEN

        async def layers() -> Any:
            doors = {door["id"]: door["journal"] for door in (await client.get("/api/doors")).json()["doors"]}
            found = doors["yard"] or {}
            return found if found.get("lock_opens") and found.get("lockdowns") else None

        found = await until(layers)
        assert list(found["lockdowns"]) == list(found["lock_opens"]) == [""]
        again = await client.post("/api/lock-open", json=body(3, group=None))
        assert again.status_code == 409
        assert (await client.post("/api/lock-open/release", json=body(4, group=None))).status_code == 200
        assert site.doors.controller.doors.mode_of("yard") is DoorMode.LOCKED_DOWN


async def test_unknown_doors_and_groups_and_a_technician_are_refused(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        mode = body(1, mode="Locked", until={"minutes": 5})
        assert (await client.post("/api/doors/nowhere/mode", json=mode)).status_code == 404
        assert (await client.post("/api/lockdown", json=body(2, group="nowhere"))).status_code == 404
    async with await site.signed_in("tao", Role.TECHNICIAN) as client:
        for path in ("/api/lockdown", "/api/lock-open", "/api/lock-open/release"):
            assert (await client.post(path, json=body(3, group=None))).status_code == 403


async def test_a_request_sent_twice_locks_down_once(site: SiteAtWork) -> None:
    async with await site.signed_in() as client:
        first = await client.post("/api/lockdown", json=body(1, group=None))
        again = await client.post("/api/lockdown", json=body(1, group=None))
        other = await client.post("/api/lockdown", json=body(1, group="gates"))
    assert first.json() == again.json()
    assert (first.status_code, other.status_code) == (200, 409)
    assert other.json()["error"]["code"] == "request_id_used"


async def test_the_modes_of_doors_are_told_again_after_a_restart_of_the_console(site: SiteAtWork) -> None:
    async with await site.signed_in() as client:
        assert (await client.post("/api/lockdown", json=body(1, group="gates"))).status_code == 200
    await site.stop()
    await site.start()
    async with await site.signed_in() as client:

        async def locked_down() -> Any:
            doors = {door["id"]: door["journal"] for door in (await client.get("/api/doors")).json()["doors"]}
            return (doors["north"] or {}).get("lockdowns")

        assert (await until(locked_down))["gates"]["actor"] == "wei"
