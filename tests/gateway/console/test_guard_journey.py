"""A guard at the page, in a real browser."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway.console.users import Role
from gateway.domain.access import TraceStep
from gateway.domain.alarm import AlarmKind
from gateway.domain.events import AccessGranted, AccessTaken, DoorClosed, DoorOpened
from gateway.domain.signals import OpenRequested
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork
from tests.programs import require_program

SHOTS = os.environ.get("GATEHOUSE_CONSOLE_SHOTS", "")
"""A folder for pictures of the screens, for whoever changes how they look."""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    program = require_program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        yield page
        await browser.close()
    assert faults == []


async def sign_in(page: Page, site: SiteAtWork) -> None:
    site.users.add("wei", Role.SUPERVISOR, PASSWORD)
    await page.goto(site.url)
    await page.fill("input[name=user]", "wei")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("alarms-screen")).to_be_visible()


async def test_a_guard_sees_an_alarm_acts_on_it_and_opens_a_door(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await expect(page.locator(".office .online")).to_be_visible()

    await page.keyboard.press("2")
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard", camera="yard")
    await expect(page.locator(".popup")).to_contain_text("强行开门", timeout=1_000)
    await page.keyboard.press("1")
    line = page.locator(f".line[data-alarm='{alarm}']")
    await expect(line).to_be_visible()
    await line.click()
    await page.keyboard.press("a")
    await expect(line).to_contain_text("已确认")
    await expect(page.locator(".popup")).to_have_count(0)
    await page.click("#resolve")
    await page.click("dialog [data-code=other]")
    await expect(page.locator("dialog .fault")).to_contain_text("其他")
    await page.click("dialog [data-code=false_alarm]")
    await expect(line).to_contain_text("误报")

    await page.keyboard.press("2")
    await page.click("[data-door=north] button.primary")
    await page.click("dialog [data-code=delivery]")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("[data-door=north] .last")).to_contain_text("快递外卖")
    opens = [signal for signal in site.doors.signals if isinstance(signal, OpenRequested)]
    assert [(signal.door, signal.reason) for signal in opens] == [("north", "delivery")]


async def test_the_page_says_when_it_is_not_live_and_comes_back_without_a_hole(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await expect(page.locator("#not-live")).to_be_hidden()
    await site.doors.set_reachable(False)
    await expect(page.locator("#not-live")).to_be_visible(timeout=8_000)
    await expect(page.locator("#not-live")).to_contain_text("不是实时")
    await page.keyboard.press("3")
    await expect(page.locator("events-screen .event").first).to_be_visible()
    await site.doors.set_reachable(True)
    await expect(page.locator("#not-live")).to_be_hidden(timeout=8_000)

    await site.stop()
    await expect(page.locator("#not-live")).to_be_visible(timeout=10_000)
    await site.doors.record(*(DoorOpened(door="garage") for _ in range(3)))
    await site.start()
    await expect(page.locator("#not-live")).to_be_hidden(timeout=15_000)
    await expect(page.locator(".event.DoorOpened")).to_have_count(3)


async def test_an_alarm_takes_no_focus_from_who_is_typing(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await page.keyboard.press("3")
    await page.click("input[type=search]")
    await page.keyboard.type("dan")
    await site.doors.alarm(AlarmKind.PANIC, "panic")
    await expect(page.locator(".popup.p1")).to_be_visible()
    await page.keyboard.type("2a")
    assert await page.input_value("input[type=search]") == "dan2a"
    await expect(page.locator(".popup.p1")).to_be_visible()


async def test_every_screen_fits_both_sizes_in_both_languages(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    trace = tuple(
        TraceStep(check, True, subject)
        for check, subject in (("list", "7"), ("access_point", "north"), ("credential_known", "c-0001"))
    )
    who = {"credential": "c-0001", "cardholder": "p-0001"}
    granted = AccessGranted(
        access_point="north", door="north", reader="north-reader", list_version=7, trace=trace, **who
    )
    for _ in range(6):
        taken = AccessTaken(door="north", because="grant", **who)
        await site.doors.record(granted, DoorOpened(door="north"), taken, DoorClosed(door="north"))
    await site.doors.alarm(AlarmKind.DEVICE_LOST, "north-reader")
    await site.doors.alarm(AlarmKind.RUBBISH, "north-reader")
    await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard", camera="yard")
    await site.doors.alarm(AlarmKind.PANIC, "panic")
    for language in ("zh", "en"):
        for width, height in ((1440, 900), (1024, 768)):
            await page.set_viewport_size({"width": width, "height": height})
            for key, name in enumerate(("alarms", "doors", "events", "cameras", "system"), 1):
                await page.keyboard.press(str(key))
                if name == "events":
                    await page.click(".event.AccessGranted >> nth=0")
                    await expect(page.locator(".why li").first).to_be_visible()
                await expect(page.locator(f"{name}-screen")).to_be_visible()
                assert await page.evaluate("document.querySelector('header.top').offsetHeight") < 70
                assert await page.evaluate("document.documentElement.scrollWidth") <= width
                small = await page.evaluate(
                    "[...document.querySelectorAll('button, input, select')].filter(e => e.offsetHeight && "
                    "e.offsetHeight < 44).length"
                )
                assert small == 0
                if SHOTS:
                    await page.screenshot(path=str(Path(SHOTS) / f"{name}-{language}-{width}.png"))
        await page.click("#language")
        await page.evaluate("document.documentElement.dataset.theme = 'light'")
