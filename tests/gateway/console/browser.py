"""A real browser at the page."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from gateway.console.users import Role
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork
from tests.programs import require_program

SHOTS = os.environ.get("GATEHOUSE_CONSOLE_SHOTS", "")
"""A folder for pictures of the screens, for whoever changes how they look."""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
DESK, PHONE = (1440, 900), (390, 844)
SCREENS = ("alarms", "doors", "events", "people", "patrol", "cameras", "system")


@asynccontextmanager
async def browser_page(locale: str = "zh-CN", size: tuple[int, int] = DESK) -> AsyncIterator[Page]:
    """A page of its own; what its scripts throw, and what the content policy forbids, fails the test."""
    program = require_program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale)
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        yield page
        await browser.close()
    assert faults == []


async def shot(page: Page, name: str) -> None:
    """Keep a picture, if somebody wants pictures."""
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


async def sign_in(page: Page, site: SiteAtWork, name: str = "wei", role: Role = Role.SUPERVISOR) -> None:
    """Sign in at the page, and wait until it is live."""
    if site.users.find(name) is None:
        site.users.add(name, role, PASSWORD)
    await page.goto(site.url)
    await page.fill("input[name=user]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("alarms-screen")).to_be_visible()
    await expect(page.locator(".office .online")).to_be_visible()


async def go(page: Page, screen: str) -> None:
    """To a screen, by its button."""
    await page.click(f"[data-screen={screen}]")
    await expect(page.locator(f"{screen}-screen")).to_be_visible()
