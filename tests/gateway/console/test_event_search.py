"""Search, why and export over every type of event, also where an event leaves open what it may."""

import csv
from typing import get_args

import pytest
from playwright.async_api import Page, expect

from gateway.console.parts import LANGUAGES
from gateway.domain import events as ev
from gateway.domain.signals import OperatorActed
from tests.gateway.console.browser import go, shot, sign_in
from tests.gateway.console.doors_at_work import denied
from tests.gateway.console.recorded import sample
from tests.gateway.console.site_at_work import SiteAtWork

TYPES = get_args(ev.Event)


@pytest.mark.parametrize("bare", [False, True], ids=["full", "bare"])
async def test_every_event_is_searched_explained_and_exported(site: SiteAtWork, bare: bool) -> None:
    await site.doors.record(*(sample(kind, bare=bare) for kind in TYPES))
    async with await site.signed_in() as client:
        answer = await client.get("/api/events", params={"limit": 500, "text": "nobody says this"})
        assert (answer.status_code, answer.json()["events"]) == (200, [])
        listed = (await client.get("/api/events", params={"limit": 500})).json()["events"]
        assert {each["type"] for each in listed} >= {kind.__name__ for kind in TYPES}
        for each in listed:
            assert (await client.get(f"/api/events/{each['id']}")).status_code == 200, each["type"]
            said = (*each["text"].values(), each["actor"], each["card"], each["technical"])
            assert not [text for text in said if not isinstance(text, str) or "None" in text], each["type"]
        for language in LANGUAGES:
            query = {"language": language, "text": "", "before": listed[0]["row"] + 1}
            table = list(csv.reader((await client.get("/api/events.csv", params=query)).text.splitlines()))
            assert len(table) == len(listed) + 1
            assert not [row for row in table if "None" in row]
            query["text"] = "nobody says this"
            assert len((await client.get("/api/events.csv", params=query)).text.splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"text": "wang"}, ""),
        ({"types": "DoorOpened,DoorClosed", "door": "yard"}, "types=DoorOpened,DoorClosed door:yard"),
    ],
)
async def test_an_export_is_audited_with_what_was_asked_for(site: SiteAtWork, query: dict[str, str], told: str) -> None:
    async with await site.signed_in() as client:
        assert (await client.get("/api/events.csv", params=query)).status_code == 200
    acted = [each for each in site.doors.signals if isinstance(each, OperatorActed)]
    assert [each.detail for each in acted if each.action == "events_exported"] == [told]


async def test_a_search_that_fails_leaves_nothing_that_reads_as_found(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(denied(), ev.DoorOpened(door="yard"))
    await sign_in(page, site)
    await go(page, "events")
    found, box = page.locator("events-screen .list .event"), page.locator("events-screen input[type=search]")
    await expect(page.locator(".event.DoorOpened")).to_be_visible()
    await site.stop()
    await box.fill("蓝卡")
    await expect(page.locator("events-screen .failed")).to_contain_text("搜索失败")
    await expect(found).to_have_count(0)
    await shot(page, "search-failed")
    await site.start()
    await page.click("events-screen .failed button")
    await expect(found).to_have_count(1)
    await expect(found).to_have_class("event AccessDenied")
