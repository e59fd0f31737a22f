"""The patrol at the page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from gateway.console.users import Role
from gateway.domain import events as ev
from gateway.domain.tour import TourStart
from tests.gateway.console.browser import go, shot, sign_in
from tests.gateway.console.doors_at_work import SITE, WATCHMAN
from tests.gateway.console.site_at_work import SiteAtWork


async def last_night(site: SiteAtWork) -> None:
    """A round with a late point and one that was missed, and one that nobody walked."""
    at = datetime.now(UTC) - timedelta(hours=8)
    who = {"credential": "c-0003", "cardholder": "p-0003"}
    names = {"round": "t-90", "tour": "night"}
    await site.doors.at(at, ev.TourStarted(**names, because="schedule", due_at=at))
    at += timedelta(minutes=4)
    await site.doors.at(at, ev.TourPointVisited(**names, reader="north-reader", timing="on_time", **who))
    at += timedelta(minutes=9)
    await site.doors.at(at, ev.TourPointMissed(**names, reader="pump-reader"))
    at += timedelta(minutes=3)
    await site.doors.at(
        at,
        ev.TourPointVisited(**names, reader="garage-reader", timing="late", **who),
        ev.TourLeftIncomplete(**names, because="points_missed", cardholder="p-0003", visited=2, missed=1),
    )
    missed = ev.TourMissed(round="t-91", tour="night", due_at=at)
    await site.doors.at(at, ev.TourStarted(round="t-91", tour="night", because="schedule", due_at=at), missed)


async def test_a_round_is_started_followed_point_by_point_and_ended(page: Page, site: SiteAtWork) -> None:
    await site.stop()
    site.tours = {"night": replace(SITE.tours["night"], starts=(TourStart(frozenset(range(7)), 23 * 60),))}
    await site.start()
    await last_night(site)
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "patrol")
    await expect(page.locator("[data-tour=night]")).to_contain_text("北门 → 泵房 → 车库门")
    await expect(page.locator("[data-round=t-90] .missed b")).to_have_text("泵房")
    await expect(page.locator("[data-round=t-91] .phase")).to_have_text("无人巡更")
    await page.click("[data-tour=night] button")
    await page.click("dialog button[type=submit]")
    mine = page.locator("[data-round=t-1]")
    await expect(mine.locator(".phase")).to_have_text("等待开始")
    await expect(page.locator("[data-tour=night] button")).to_be_disabled()
    await site.doors.show(WATCHMAN, "north-reader")
    await expect(mine.locator("[data-reader=north-reader]")).to_contain_text("准时")
    await expect(mine).to_contain_text("保安卡 0003")
    await site.doors.later(301)
    await expect(mine.locator("[data-reader=pump-reader]")).to_contain_text("逾期未到")
    await shot(page, "patrol")
    await page.click("#language")
    await expect(mine.locator(".phase")).to_have_text("under way")
    await expect(mine.locator("[data-reader=pump-reader]")).to_contain_text("overdue")
    await shot(page, "patrol-en")
    await mine.locator("button").click()
    await page.click("dialog [data-value=called_away]")
    await page.click("dialog button[type=submit]")
    await expect(mine.locator(".phase")).to_have_text("ended early")
    await go(page, "alarms")
    await expect(page.locator(".line.p3").first).to_contain_text("Patrol not as planned")
    await expect(page.locator(".line.p3").first).to_contain_text("Night patrol")
