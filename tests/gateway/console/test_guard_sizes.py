"""Every screen at the sizes of a post's displays and of a phone, in both languages."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.domain.alarm import AlarmKind
from tests.gateway.console.browser import PHONE, SCREENS, browser_page, go, shot, sign_in
from tests.gateway.console.doors_at_work import VISITOR, denied
from tests.gateway.console.site_at_work import SiteAtWork

SIZES = ((1920, 1080), (1366, 768), (1024, 768), PHONE)
BEYOND_THE_SIDE = """
() => [...document.querySelectorAll("*")].filter(e => e.offsetHeight && e.scrollWidth > e.clientWidth + 1 &&
  (e === document.documentElement || e === document.body || /auto|scroll/.test(getComputedStyle(e).overflowX)))
  .map(e => `${e.localName}.${e.className}: ${e.scrollWidth} of ${e.clientWidth} px`)
"""
"""The body only hides what is beyond its side: nobody could even scroll to it."""
SQUEEZED = """
() => [...document.querySelectorAll("system-screen :is(b, dt, .lamp, .fault, .muted)")].filter(e => e.offsetHeight)
  .filter(e => {
    const range = document.createRange();
    range.selectNodeContents(e);
    const lines = new Set([...range.getClientRects()].map(r => Math.round(r.top))).size;
    return lines > (e.textContent.length < 8 ? 1 : e.matches(".muted") ? 3 : 2);
  }).map(e => e.textContent)
"""
"""A word on more than one line, a name on more than two, a sentence on more than three."""

STANDING = """
() => ["system-screen > article", "system-screen > .note"]
  .map(e => document.querySelector(e).getBoundingClientRect().toJSON())
"""
"""Asked at once: the screen is drawn anew every second."""


def many_devices(site: SiteAtWork) -> None:
    """As many as a compound has, under their ids, and some that count much; a siren that calls."""
    counted = {"polls": 481_234, "output_polls": 12_128, "commands": 1_207, "connects": 31, "damaged": 4}
    for name in ("north-scanner", "garage-reader", "yard-barrier-board", "broker:local", "south-gate-turnstile-reader"):
        site.doors.devices[name] = {"state": "online", "counters": dict(counted)}
    site.doors.devices["yard"] = {"state": "offline", "counters": {}}
    site.doors.sirens = ["siren"]


async def fits(page: Page, size: tuple[int, int]) -> None:
    assert await page.evaluate(BEYOND_THE_SIDE) == [], size
    assert await page.evaluate(SQUEEZED) == [], size


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
async def test_no_screen_scrolls_sideways(site: SiteAtWork, locale: str) -> None:
    many_devices(site)
    await site.doors.record(denied())
    await site.doors.alarm(AlarmKind.DEVICE_LOST, "north-board")
    async with browser_page(locale) as page:
        await sign_in(page, site)
        await site.doors.show(VISITOR, "yard-reader")
        for kind in (AlarmKind.DOOR_FORCED, AlarmKind.DOOR_HELD, AlarmKind.PANIC):
            where: dict[str, Any] = {} if kind is AlarmKind.PANIC else {"door": "yard"}
            await site.doors.alarm(kind, "yard", **where)
        for name in SCREENS:
            await go(page, name)
            for width, height in SIZES:
                await page.set_viewport_size({"width": width, "height": height})
                await fits(page, (width, height))
                await shot(page, f"{width}-{name}-{locale}")


async def test_where_there_is_room_the_devices_stand_beside_the_rest(page: Page, site: SiteAtWork) -> None:
    many_devices(site)
    await sign_in(page, site)
    await go(page, "system")
    await expect(page.locator("system-screen > article")).to_contain_text("south-gate")
    for width, height in SIZES[:-1]:
        await page.set_viewport_size({"width": width, "height": height})
        devices, note = await page.evaluate(STANDING)
        assert devices["left"] > width / 2, "beside the rest"
        assert devices["right"] > width - 40, "to the page's edge"
        assert note["width"] > width - 60, "below all"


async def test_what_is_not_live_is_not_called_live(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "system")
    await expect(page.locator("system-screen > .note")).to_contain_text("实时")
    await page.locator("#silence-sirens").focus()
    await site.doors.set_reachable(False)
    await expect(page.locator("#not-live")).to_be_visible(timeout=8_000)
    await expect(page.locator("system-screen > .note")).to_have_count(0)
    await expect(page.locator("system-screen .online")).to_have_count(0)
    await site.doors.set_reachable(True)
    await expect(page.locator("system-screen > .note")).to_be_visible(timeout=8_000)
