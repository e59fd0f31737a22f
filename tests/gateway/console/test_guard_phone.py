"""The page on a phone, and the page in the browser's language."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from gateway.domain.alarm import AlarmKind
from gateway.domain.events import DoorClosed
from tests.gateway.console.browser import PHONE, SCREENS, browser_page, go, shot, sign_in
from tests.gateway.console.doors_at_work import VISITOR, denied
from tests.gateway.console.site_at_work import SiteAtWork

OVERLAPS = """
() => {
  const kinds = "header.top b, header.top time, .count, .office, .tools button, nav button";
  const seen = [...document.querySelectorAll(kinds)]
    .filter(e => e.offsetHeight && !e.closest(".badge"));
  const boxes = seen.map(e => [e, e.getBoundingClientRect()]);
  return boxes.flatMap(([a, x]) => boxes.filter(([b, y]) => a !== b && !a.contains(b) && !b.contains(a) &&
    x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1)
    .map(([b]) => `${a.className || a.localName} over ${b.className || b.localName}`));
}
"""


async def fits(page: Page) -> None:
    """Nothing beside the screen, nothing over another, all that is pressed big enough for a finger."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert await page.evaluate(OVERLAPS) == []
    outside = "[...document.querySelectorAll('nav button')].filter(e => e.getBoundingClientRect().right > innerWidth)"
    assert await page.evaluate(f"{outside}.length") == 0
    small = "[...document.querySelectorAll('button, select')].filter(e => e.offsetHeight && e.offsetHeight < 44)"
    assert await page.evaluate(f"{small}.length") == 0


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
async def test_every_screen_fits_a_phone(site: SiteAtWork, locale: str) -> None:
    await site.doors.record(denied())
    async with browser_page(locale, PHONE) as page:
        await sign_in(page, site)
        await site.doors.alarm(AlarmKind.DEVICE_LOST, "north-board")
        await site.doors.show(VISITOR, "yard-reader")
        for kind in (AlarmKind.DOOR_FORCED, AlarmKind.DOOR_HELD, AlarmKind.PANIC):
            await site.doors.alarm(kind, "yard", **({} if kind is AlarmKind.PANIC else {"door": "yard"}))
        for name in SCREENS:
            await go(page, name)
            await fits(page)
            popups = await page.locator("#popups").bounding_box()
            assert popups is not None
            assert popups["height"] < PHONE[1] / 4
            await shot(page, f"phone-{name}-{locale}")
        await go(page, "doors")
        lefts = await page.locator("[data-door]").evaluate_all(
            "cards => cards.map(c => c.getBoundingClientRect().left)"
        )
        assert len(set(lefts)) == 1


async def test_an_alarm_and_an_event_take_the_phones_whole_width_and_give_it_back(site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", door="yard", camera="yard")
    await site.doors.record(denied())
    async with browser_page("zh-CN", PHONE) as page:
        await sign_in(page, site)
        await expect(page.locator(".pane h2")).to_be_hidden()
        await page.click(f"[data-alarm='{alarm}']")
        await expect(page.locator(".pane h2")).to_be_visible()
        await expect(page.locator(".list")).to_be_hidden()
        await fits(page)
        await shot(page, "phone-alarm")
        await page.click("button.back")
        await expect(page.locator(".list")).to_be_visible()
        await go(page, "events")
        await page.click(".event.AccessDenied")
        await expect(page.locator("#block-credential")).to_be_visible()
        await fits(page)
        await shot(page, "phone-event")
        await page.click("#let-in")
        await expect(page.locator("dialog")).to_be_visible()
        box = await page.locator("dialog").bounding_box()
        assert box is not None
        assert box["width"] <= PHONE[0]
        await page.keyboard.press("Escape")
        await page.click("button.back")
        await expect(page.locator("events-screen .list")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "title"), [("zh-TW", "登录"), ("en-US", "Sign in"), ("fr-FR", "登录"), ("zh-CN", "登录")]
)
async def test_the_sign_in_page_speaks_the_browsers_language(site: SiteAtWork, locale: str, title: str) -> None:
    async with browser_page(locale) as page:
        await page.goto(site.url)
        await expect(page.locator("h1")).to_have_text(title)


async def test_what_was_not_today_bears_its_date(page: Page, site: SiteAtWork) -> None:
    now = site.clock.now()
    before = replace(now, wall=now.wall - timedelta(days=2))
    await site.doors.at(before.wall, DoorClosed(door="north"))
    await site.doors.record(DoorClosed(door="yard"))
    await sign_in(page, site)
    await go(page, "events")
    times = page.locator(".event.DoorClosed time")
    await expect(times).to_have_count(2)
    day = before.wall.astimezone(site.doors.controller.site.zone)
    assert (await times.nth(1).inner_text()).startswith(f"{day:%m-%d} ")
    assert len(await times.nth(0).inner_text()) == len("00:00:00")
