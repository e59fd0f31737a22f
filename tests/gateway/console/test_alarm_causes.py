"""What an alarm is about: the people, and the rounds and points of a tour."""

from typing import Any

from playwright.async_api import Page, expect

from gateway.console.users import Role
from gateway.domain import events as ev
from gateway.domain.access_request import DenialReason
from gateway.domain.alarm import AlarmKind
from gateway.domain.events import Event
from tests.gateway.console.browser import go, sign_in
from tests.gateway.console.doors_at_work import denied
from tests.gateway.console.site_at_work import SiteAtWork, until

WHO = {"credential": "c-0001", "cardholder": "p-0001"}


async def told(client: Any, alarm: str) -> Any:
    """An alarm, once the page can find it."""

    async def found() -> Any:
        answer = await client.get(f"/api/alarms/{alarm}")
        return answer.json() if answer.status_code == 200 else None

    return await until(found)


async def raised(site: SiteAtWork, event: Event, kind: AlarmKind, source: str) -> str:
    await site.doors.record(event)
    return await site.doors.alarm(kind, source, door="north")


async def test_an_alarm_of_a_person_names_their_card_and_its_event(site: SiteAtWork) -> None:
    duress = ev.DuressUsed(access_point="north", door="north", **WHO)
    risk = ev.RiskPassed(access_point="north", level=2, reason="watch", **WHO)
    travel = ev.TravelImpossible(access_point="north", before="yard", metres=900.0, seconds=5.0, **WHO)
    passback = ev.AntipassbackViolated(access_point="north", area="garage", **WHO)
    alarms = {
        await raised(site, duress, AlarmKind.DURESS, "north"): "DuressUsed",
        await raised(site, risk, AlarmKind.RISK, "p-0001"): "RiskPassed",
        await raised(site, travel, AlarmKind.IMPOSSIBLE_TRAVEL, "c-0001"): "TravelImpossible",
        await raised(site, passback, AlarmKind.ANTIPASSBACK, "c-0001"): "AntipassbackViolated",
    }
    async with await site.signed_in("lin", Role.GUARD) as client:
        for alarm, kind in alarms.items():
            (event,) = (await told(client, alarm))["happened"]
            assert (event["type"], event["card"]) == (kind, "蓝卡 0001")
            assert (await client.get(f"/api/events/{event['id']}")).status_code == 200


async def test_wrong_attempts_are_those_of_the_alarms_own_reader(site: SiteAtWork) -> None:
    await site.doors.record(*(denied(DenialReason.INVALID_PIN) for _ in range(5)))
    reader = denied().reader
    alarm = await site.doors.alarm(AlarmKind.WRONG_ATTEMPTS, reader, door="north")
    other = await site.doors.alarm(AlarmKind.WRONG_ATTEMPTS, "another", door="north")
    async with await site.signed_in() as client:
        assert len((await told(client, alarm))["happened"]) == 5
        assert (await told(client, other))["happened"] == []


async def test_an_alarm_of_a_line_at_fault_says_whether_it_is_cut_or_shorted(page: Page, site: SiteAtWork) -> None:
    fire = {"input": "fire", "purpose": "fire"}
    await site.doors.record(ev.InputFaultChanged(**fire, fault="open_circuit"))
    cut = await site.doors.alarm(AlarmKind.FIRE_INPUT_FAULT, "fire")
    await site.doors.record(ev.InputFaultChanged(**fire, fault=None))
    for part, fault, kind in (
        ("contact", "short", AlarmKind.CONTACT_FAULT),
        ("rex", "open_circuit", AlarmKind.REX_FAULT),
    ):
        await site.doors.record(ev.DoorInputFaultChanged(door="north", part=part, fault=fault))
        alarm = await site.doors.alarm(kind, "north", door="north")
        async with await site.signed_in() as client:
            (event,) = (await told(client, alarm))["happened"]
        assert ("cut" if fault == "open_circuit" else "shorted") in event["text"]["en"]
    await sign_in(page, site, "lin", Role.GUARD)
    await page.click(f"[data-alarm={cut}]")
    await expect(page.locator(".about .event")).to_have_count(1)
    await expect(page.locator(".about .event")).to_contain_text("断路")


async def test_a_patrol_alarm_names_each_round_its_points_and_who_walks(site: SiteAtWork) -> None:
    for number in (1, 2):
        names = {"round": f"t-{number}", "tour": "night"}
        await site.doors.record(
            ev.TourStarted(**names, because="card", due_at=None),
            ev.TourPointVisited(**names, reader="north-reader", timing="on_time", **WHO),
            ev.TourPointMissed(**names, reader="pump-reader"),
        )
        alarm = await site.doors.alarm(AlarmKind.TOUR, "night")
    async with await site.signed_in("lin", Role.GUARD) as client:
        found = await told(client, alarm)
    assert sorted(each["round"] for each in found["rounds"]) == ["t-1", "t-2"]
    first = found["rounds"][0]
    assert (first["name"]["en"], first["card"]["en"]) == ("Night patrol", "蓝卡 0001")
    states = {point["name"]["en"]: point["state"] for point in first["points"]}
    assert states == {"North gate": "on_time", "Pump room": "missed", "Garage door": "pending"}


async def test_from_an_alarm_a_guard_goes_to_its_event_or_to_the_patrol(page: Page, site: SiteAtWork) -> None:
    await raised(site, ev.RiskPassed(access_point="north", level=2, reason="watch", **WHO), AlarmKind.RISK, "p-0001")
    names = {"round": "t-1", "tour": "night"}
    await site.doors.record(ev.TourStarted(**names, because="card", due_at=None))
    await site.doors.record(ev.TourPointMissed(**names, reader="pump-reader"))
    tour = await site.doors.alarm(AlarmKind.TOUR, "night")
    await sign_in(page, site, "lin", Role.GUARD)
    await page.click(f"[data-alarm={tour}]")
    await expect(page.locator(".about-round li")).to_contain_text("泵房")
    await expect(page.locator(".pane")).not_to_contain_text("摄像机")
    await page.click("#show-patrol")
    await expect(page.locator("patrol-screen")).to_be_visible()
    await go(page, "alarms")
    await page.click(".line.p2")
    await page.click(".about .event")
    await expect(page.locator("events-screen .pane h2")).to_contain_text("蓝卡 0001")
    await expect(page.locator("#block-credential")).to_be_visible()


async def test_a_list_refused_is_told_with_its_faults(site: SiteAtWork) -> None:
    faults = tuple(f"$.levels[{n}]: no schedule 'x'" for n in range(14))
    await site.doors.record(ev.ListRejected(list_version=2, faults=faults))
    alarm = await site.doors.alarm(AlarmKind.LIST_REJECTED, "office")
    async with await site.signed_in() as client:
        (event,) = (await told(client, alarm))["happened"]
        table = (await client.get("/api/events.csv?types=ListRejected")).text
    assert event["technical"].split("\n") == list(faults)
    assert "; ".join(faults) in table


async def test_a_list_that_waits_is_told_with_its_version_and_how_many_it_concerns(
    page: Page, site: SiteAtWork
) -> None:
    counts = {"removed": 81, "granted": 0, "all_doors": 20, "unlocked": 0}
    for version in (8, 9):
        await site.doors.record(ev.ListHeld(list_version=version, **counts))
        alarm = await site.doors.alarm(AlarmKind.LIST_WAITING, "office")
    await sign_in(page, site, "lin", Role.GUARD)
    await page.click(f"[data-alarm={alarm}]")
    await expect(page.locator(".about .event")).to_have_count(2)
    await expect(page.locator(".about .event").first).to_contain_text("第 9 版等待二次确认：81 项失去通行权")
    await expect(page.locator("#confirm-list")).to_have_count(0)
    site.doors.list_held = {"version": 9, **counts}  # the status comes after the alarm
    await expect(page.locator("#confirm-list")).to_be_visible()
    await expect(page.locator(f"[data-alarm={alarm}]")).to_contain_text("第 9 版：81 项失去通行权、20 人将可通行所有门")
    await expect(page.locator(f"[data-alarm={alarm}]")).not_to_contain_text("获得通行权")
    await page.click("#confirm-list")
    own = page.locator("dialog input[type=text]").first
    await expect(own).to_have_attribute("placeholder", "请写明原因（最多 200 字）")


async def test_a_forked_history_says_what_it_may_mean_and_whom_to_call(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(ev.HistoryForked(parent="e" * 32, parent_seq=7, parent_hash="0" * 64, moved=3))
    alarm = await site.doors.alarm(AlarmKind.HISTORY_FORKED, "journal")
    await sign_in(page, site, "lin", Role.GUARD)
    await page.click(f"[data-alarm={alarm}]")
    await expect(page.locator(".about p")).to_contain_text("第二台设备以同一身份运行")
    await expect(page.locator(".about p")).to_contain_text("请联系中心")
    await expect(page.locator(".about .event")).to_contain_text("3 条事件重新编号")
