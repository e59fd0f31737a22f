"""Sirens at the page: tested, seen while they call, and silenced."""

from playwright.async_api import Page, expect

from gateway.console.users import Role
from gateway.domain.signals import SirenSilenceRequested, SirenTestRequested
from tests.gateway.console.browser import go, sign_in
from tests.gateway.console.site_at_work import SiteAtWork


async def test_a_guard_tests_a_siren_and_silences_all(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "system")
    await page.click("#sirens button[data-siren=siren]")
    await page.click("#silence-sirens")
    await go(page, "events")
    await expect(page.locator(".event.SirenTested")).to_contain_text("lin 测试了警号")
    await expect(page.locator(".event.SirensSilenced")).to_contain_text("lin 关停了警号")
    asked = [type(s) for s in site.doors.signals if isinstance(s, (SirenTestRequested, SirenSilenceRequested))]
    assert asked == [SirenTestRequested, SirenSilenceRequested]


async def test_a_technician_sees_them_and_works_none(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "tech", Role.TECHNICIAN)
    await go(page, "system")
    await expect(page.locator("#sirens li")).to_contain_text("警号")
    await expect(page.locator("#sirens button")).to_have_count(0)
