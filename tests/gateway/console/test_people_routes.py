"""Waiting requests, blocks, local grants and the muster list at the console's routes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.console.users import Role
from gateway.domain.credential import Grade
from gateway.domain.events import AccessDenied, AreaEntered, DoorOpened, PersonErased
from gateway.domain.register import Whereabouts
from gateway.domain.signals import BlockRequested, LocalGrantRequested, OperatorActed
from tests.gateway.console.doors_at_work import BLUE, VISITOR, denied
from tests.gateway.console.site_at_work import SiteAtWork, until


def body(number: int = 1, **rest: Any) -> dict[str, Any]:
    return {"request_id": f"request-{number:04}", "reason": "lost_card", **rest}


async def event_id(site: SiteAtWork, kind: str) -> str:
    return site.doors.reader.search(types=(kind,))[0].event_id


async def test_who_waits_for_a_yes_is_told_until_somebody_answers(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        await site.doors.show(VISITOR, "yard-reader")

        async def waiting() -> Any:
            return (await client.get("/api/doors")).json()["waiting"]

        found = (await until(waiting))[0]
        assert (found["wants"], found["camera"], found["place"]["en"]) == ("confirmation", "yard", "Yard door")
        assert (found["card"]["zh-CN"], found["kind"]["zh-CN"]) == ("无标签的卡", "访客")
        assert "p-0002" not in str(found)
        path = f"/api/requests/{found['request']}/answer"
        assert (await client.post(path, json={"request_id": "answer-01", "allow": True})).status_code == 200

        async def nobody() -> bool:
            return not await waiting()

        await until(nobody)
        late = await client.post(path, json={"request_id": "answer-02", "allow": False})
        assert late.json()["error"]["code"] == "RequestGone"
    granted = site.doors.reader.search(types=("AccessGranted",))[0].body
    assert granted["request"] == found["request"]


async def test_who_waited_in_vain_is_told_no_more(site: SiteAtWork) -> None:
    await site.doors.show(BLUE, "garage-reader")
    async with await site.signed_in() as client:

        async def waiting() -> Any:
            return (await client.get("/api/doors")).json()["waiting"]

        assert (await until(waiting))[0]["wants"] == "person"
        await site.doors.later(60)

        async def nobody() -> bool:
            return not await waiting()

        await until(nobody)
    assert site.doors.reader.search(types=("AccessDenied",))[0].body["reason"] == "SecondCredentialMissing"


async def test_a_card_and_a_person_are_blocked_from_an_event_and_the_block_is_lifted(site: SiteAtWork) -> None:
    await site.doors.record(denied())
    path = f"/api/events/{await event_id(site, 'AccessDenied')}/block"
    async with await site.signed_in("lin", Role.GUARD) as client:
        assert (await client.post(path, json=body(1, of="credential"))).status_code == 200
        assert (await client.post(path, json=body(2, of="cardholder"))).status_code == 200
        await site.doors.show(BLUE, "north-reader")
        assert site.doors.reader.search(types=("AccessDenied",))[0].body["reason"] == "BlockedLocally"

        async def blocks() -> Any:
            found = (await client.get("/api/people")).json()["blocks"]
            return found if len(found) == 2 else None

        found = await until(blocks)
        assert [block["of"]["zh-CN"] for block in found] == ["「蓝卡 0001」的持卡人", "「蓝卡 0001」"]
        assert {(block["actor"], block["reason"], block["post"]) for block in found} == {
            ("lin", "lost_card", "gate-house")
        }
        lift = body(3, subject=found[1]["subject"], blocked=False)
        assert (await client.post("/api/blocks", json=lift)).status_code == 200
        again = await client.post("/api/blocks", json={**lift, "request_id": "request-0004"})
        assert again.json()["error"]["code"] == "NotBlocked"
        assert (await client.post("/api/blocks", json=body(5, subject="door:north", blocked=True))).status_code == 422
    blocked = [signal.subject for signal in site.doors.signals if isinstance(signal, BlockRequested) and signal.blocked]
    assert blocked == ["credential:c-0001", "cardholder:p-0001"]


async def test_a_card_is_found_by_its_label_then_blocked_let_in_and_freed_without_an_event(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:

        async def found() -> Any:
            return (await client.get("/api/people/find", params={"text": "蓝卡"})).json()["found"]

        (card,) = await found()
        assert (card["card"]["en"], card["blocks"]) == ("蓝卡 0001", [])
        for number, subject in enumerate(("credential:c-0001", "cardholder:p-0001")):
            block = body(number, subject=subject, blocked=True)
            assert (await client.post("/api/blocks", json=block)).status_code == 200

        async def blocked() -> Any:
            (each,) = await found()
            return each["blocks"] if len(each["blocks"]) == 2 else None

        assert [block["of"]["zh-CN"] for block in await until(blocked)] == ["「蓝卡 0001」", "「蓝卡 0001」的持卡人"]
        let_in = body(3, credential="c-0001", access_points=["north"], until={"minutes": 5})
        assert (await client.post("/api/local-grants", json=let_in)).status_code == 200
        assert (await client.get("/api/people/find?text=x")).status_code == 422, "one character finds too much"
    async with await site.signed_in("tan", Role.TECHNICIAN) as technician:
        assert (await technician.get("/api/people/find?text=蓝卡")).status_code == 403
    (grant,) = [signal for signal in site.doors.signals if isinstance(signal, LocalGrantRequested)]
    assert (grant.credential, grant.access_points) == ("c-0001", ("north",))


async def test_the_muster_list_marks_who_is_blocked(site: SiteAtWork) -> None:
    await inside(site)
    async with await site.signed_in("lin", Role.GUARD) as client:
        await client.post("/api/blocks", json=body(1, subject="cardholder:p-0001", blocked=True))

        async def marked() -> Any:
            areas = (await client.get("/api/people")).json()["areas"]
            people = [person for area in areas for person in area["people"] if person["blocks"]]
            return people or None

        (person,) = await until(marked)
    assert [block["subject"] for block in person["blocks"]] == ["cardholder:p-0001"]


async def test_an_event_says_who_of_it_is_blocked_and_lifts_that(site: SiteAtWork) -> None:
    await site.doors.record(denied())
    path = f"/api/events/{await event_id(site, 'AccessDenied')}"
    async with await site.signed_in("lin", Role.GUARD) as client:

        async def blocked() -> Any:
            return (await client.get(path)).json()["blocked"]

        assert await blocked() == []
        assert (await client.post(f"{path}/block", json=body(1, of="cardholder"))).status_code == 200
        assert await until(blocked) == ["cardholder"]
        not_blocked = await client.post(f"{path}/block", json=body(2, of="credential", blocked=False))
        assert not_blocked.json()["error"]["code"] == "NotBlocked"
        assert (await client.post(f"{path}/block", json=body(3, of="cardholder", blocked=False))).status_code == 200

        async def free() -> bool:
            return not await blocked()

        await until(free)
        assert "p-0001" not in str((await client.get(path)).json())


async def test_an_event_says_what_was_shown_where_a_decision_has_kept_it(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:

        async def shown(kind: str) -> Any:
            return (await client.get(f"/api/events/{await event_id(site, kind)}")).json()["shown"]

        await site.doors.show(BLUE, "north-reader")
        assert await shown("AccessGranted") == "card", "a known card keeps no more than its id"
        await site.doors.show(BLUE, "garage-reader")
        assert await shown("AccessRequested") == "credential"
        await site.doors.later(60)
        assert await shown("AccessDenied") == "credential", "who gave up waiting"
        await site.doors.record(denied(shown=Grade.PLATE))
        assert await shown("AccessDenied") == "plate"


async def test_an_event_about_nobody_blocks_nobody(site: SiteAtWork) -> None:
    await site.doors.record(DoorOpened(door="north"))
    path = f"/api/events/{await event_id(site, 'DoorOpened')}"
    async with await site.signed_in() as client:
        assert (await client.get(path)).json()["names"] == []
        assert (await client.post(f"{path}/block", json=body(1, of="credential"))).status_code == 422
        let_in = body(2, access_points=["north"], until={"minutes": 5})
        assert (await client.post(f"{path}/let-in", json=let_in)).status_code == 422


async def test_a_card_is_let_in_for_a_while_and_that_is_ended(site: SiteAtWork) -> None:
    await site.doors.record(denied())
    path = f"/api/events/{await event_id(site, 'AccessDenied')}/let-in"
    async with await site.signed_in("lin", Role.GUARD) as client:
        event = (await client.get(path.removesuffix("/let-in"))).json()
        assert (event["names"], event["access_point"]) == (["credential", "cardholder"], "north")
        none: dict[str, Any] = {"access_points": [], "until": {"minutes": 5}}
        too_long: dict[str, Any] = {"access_points": ["north"], "until": {"minutes": 1441}}
        for wrong in (none, too_long):
            asked = body(1, **wrong)
            assert (await client.post(path, json=asked)).status_code == 422
        nowhere = body(2, access_points=["nowhere"], until={"minutes": 5})
        assert (await client.post(path, json=nowhere)).json()["error"]["code"] == "AccessPointUnknown"
        right = body(3, access_points=["north", "yard"], until={"minutes": 90})
        assert (await client.post(path, json=right)).status_code == 200

        async def grants() -> Any:
            return (await client.get("/api/people")).json()["local_grants"]

        grant = (await until(grants))[0]
        assert (grant["card"]["en"], grant["actor"]) == ("蓝卡 0001", "lin")
        assert grant["access_points"]["en"] == ["North gate", "Yard door"]
        end = body(4, credential=grant["credential"])
        assert (await client.post("/api/local-grants/end", json=end)).status_code == 200

        async def ended() -> bool:
            return not await grants()

        await until(ended)
    given = [signal for signal in site.doors.signals if isinstance(signal, LocalGrantRequested)]
    assert [signal.credential for signal in given] == ["c-0001"] * 3


async def inside(site: SiteAtWork) -> None:
    at = datetime.now(UTC) - timedelta(minutes=20)
    where = {
        "p-0001": Whereabouts("garage", at, "garage", "c-0001"),
        "p-0002": Whereabouts("garage", at - timedelta(hours=1), "garage", "c-0002", special_care=True),
        "p-0003": Whereabouts(None, at, "north", "c-0003"),
    }
    who = {"cardholder": "p-0001", "credential": "c-0001"}
    entered = AreaEntered(access_point="garage", area_from=None, area_to="garage", because="taken", **who)
    await site.doors.remember(*(("whereabouts", name, value) for name, value in where.items()), then=entered)


async def test_the_muster_list_says_who_is_where_since_when_and_who_needs_care(site: SiteAtWork) -> None:
    await inside(site)
    async with await site.signed_in("lin", Role.GUARD) as client:

        async def areas() -> Any:
            found = {area["id"]: area for area in (await client.get("/api/people")).json()["areas"]}
            return found if found["garage"]["count"] == 2 else None

        found = await until(areas)
        assert (found["garage"]["max"], found["garage"]["name"]["en"]) == (2, "the car park")
        assert (found["garden"]["count"], found["garden"]["name"]["zh-CN"]) == (0, "区域 garden")
        people = found["garage"]["people"]
        assert [(p["card"]["en"], p["special_care"]) for p in people] == [
            ("a card without a label", True),
            ("蓝卡 0001", False),
        ]
        table = await client.get("/api/people.csv", params={"language": "zh-CN"})
        lines = table.text.removeprefix("\ufeff").splitlines()
        at = r"20\d\d-\d\d-\d\d \d\d:\d\d"
        assert re.fullmatch(f"演示花园在场人员名单：lin 于 {at}（Asia/Shanghai）导出", lines[0])
        assert lines[1] == "区域,卡,身份,何时起,需要照顾,最近通过"
        assert re.fullmatch(f"地下车库,无标签的卡,访客,{at},需要照顾,车库门", lines[2])
        assert len(lines) == 4
    audited = [signal.action for signal in site.doors.signals if isinstance(signal, OperatorActed)]
    assert "muster_exported" in audited


async def test_one_is_forgiven_or_all(site: SiteAtWork) -> None:
    await inside(site)
    async with await site.signed_in("lin", Role.GUARD) as client:
        one = body(1, cardholder="p-0001")
        assert (await client.post("/api/forgive", json=one)).status_code == 200
        whereabouts = site.doors.controller.register.whereabouts
        assert [name for name, where in whereabouts.items() if where.forgiven] == ["p-0001"]
        unknown = await client.post("/api/forgive", json=body(2, cardholder="p-9999"))
        assert unknown.json()["error"]["code"] == "SubjectUnknown"
        assert (await client.post("/api/forgive", json=body(3, cardholder=None))).status_code == 200
        assert all(where.forgiven for where in whereabouts.values())


async def test_a_pass_of_the_longest_name_is_blocked_and_that_is_lifted(site: SiteAtWork) -> None:
    subject = f"credential:pass:{'k' * 64}/{'v' * 64}"
    async with await site.signed_in("lin", Role.GUARD) as client:
        for number, blocked in ((1, True), (2, False)):
            asked = body(number, subject=subject, blocked=blocked)
            assert (await client.post("/api/blocks", json=asked)).status_code == 200
            assert (subject in site.doors.controller.register.blocks) == blocked


async def test_a_technician_is_told_of_no_people(site: SiteAtWork) -> None:
    async with await site.signed_in("tao", Role.TECHNICIAN) as client:
        for path in ("/api/people", "/api/people.csv"):
            assert (await client.get(path)).status_code == 403
        answer = {"request_id": "answer-01", "allow": True}
        assert (await client.post("/api/requests/r-1/answer", json=answer)).status_code == 403


async def test_a_denial_for_a_block_names_whom_the_guard_blocked(site: SiteAtWork) -> None:
    await site.doors.record(denied())
    path = f"/api/events/{await event_id(site, 'AccessDenied')}/block"
    async with await site.signed_in() as client:
        assert (await client.post(path, json=body(1, of="credential"))).status_code == 200
        await site.doors.show(BLUE, "north-reader")
        event = (await client.get(f"/api/events/{await event_id(site, AccessDenied.__name__)}")).json()
    assert event["why"][-1]["text"]["en"] == "Blocked by a guard: “蓝卡 0001”"
    assert event["text"]["zh-CN"] == "蓝卡 0001 被拒绝通过北门：已被值班员禁用"


async def test_nobody_is_blocked_from_the_event_of_their_erasure(site: SiteAtWork) -> None:
    by = {"reason": "asked for it", "actor": "lin", "post": "command line", "request_id": "e-1"}
    await site.doors.record(PersonErased(cardholder="p-0001", credentials=("c-0001",), **by))
    path = f"/api/events/{await event_id(site, 'PersonErased')}"
    async with await site.signed_in() as client:
        assert (await client.get(path)).json()["names"] == []
        answer = await client.post(f"{path}/block", json=body(of="cardholder"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "nobody_in_event")
    assert not [each for each in site.doors.signals if isinstance(each, BlockRequested)]
