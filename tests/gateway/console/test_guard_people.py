"""People and cards at the page."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from gateway.console.users import Role
from gateway.domain.access_request import DenialReason
from gateway.domain.credential import Grade
from gateway.domain.events import AccessTaken, AreaEntered, DoorOpened
from gateway.domain.register import Whereabouts
from tests.gateway.console.browser import browser_page, go, shot, sign_in
from tests.gateway.console.doors_at_work import denied
from tests.gateway.console.site_at_work import SiteAtWork


async def submit(page: Page) -> None:
    await page.click("dialog button[type=submit]")
    await expect(page.locator("dialog")).to_have_count(0)


async def test_a_card_is_blocked_from_its_event_and_the_block_is_lifted(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(denied())
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "events")
    await page.click(".event.AccessDenied")
    await page.click("#block-credential")
    await expect(page.locator("dialog h2")).to_have_text("禁用此卡：蓝卡 0001")
    await expect(page.locator("dialog form > .muted")).to_contain_text(
        "同一张卡若被其他读卡器按另一种格式读取，也仍可通行"
    )
    await page.click("dialog [data-value=lost_card]")
    await submit(page)
    await page.click("#block-cardholder")
    await expect(page.locator("dialog form > .muted")).to_have_count(0)
    await page.fill("dialog input[type=text]", "物业要求")
    await submit(page)
    await go(page, "people")
    lines = page.locator("#blocks li")
    await expect(lines).to_have_count(2)
    await expect(lines.nth(1)).to_contain_text("「蓝卡 0001」")
    await expect(lines.nth(1)).to_contain_text("卡丢失（lin，")
    await expect(lines.nth(0)).to_contain_text("「蓝卡 0001」的持卡人")
    await expect(lines.nth(0)).to_contain_text("物业要求")
    await lines.nth(1).locator("button").click()
    await page.click("dialog [data-value=found_again]")
    await submit(page)
    await expect(lines).to_have_count(1, timeout=8_000)


FITTING = {
    Grade.CLONABLE: ("禁用此卡…", "禁用此卡：蓝卡 0001", ["卡丢失", "卡被盗用"]),
    Grade.PIN: ("禁用此密码…", "禁用此密码：无标签的密码", ["密码泄露"]),
    Grade.PLATE: ("禁用此车牌…", "禁用此车牌：无标签的车牌", ["车牌被套用", "车辆已转让"]),
    Grade.PASS: ("禁用此通行证…", "禁用通行证 v-1", ["通行证被转给他人", "来访结束"]),
}
"""What is offered for each kind of thing shown: the button, the dialog's title, the reasons of its own."""
OF_ANYBODY = ["禁止此人进入", "公安要求"]


async def test_what_is_blocked_goes_by_what_was_shown_and_the_reasons_fit_it(page: Page, site: SiteAtWork) -> None:
    named = {Grade.CLONABLE: "c-0001", Grade.PASS: "pass:app/v-1"}
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "events")
    for number, (shown, (button, title, reasons)) in enumerate(FITTING.items(), 1):
        await site.doors.record(replace(denied(shown=shown), credential=named.get(shown, "c-0002")))
        await expect(page.locator(".event.AccessDenied")).to_have_count(number)
        await page.locator(".event.AccessDenied").first.click()
        await expect(page.locator("#block-credential")).to_have_text(button)
        await page.click("#block-credential")
        await expect(page.locator("dialog h2")).to_have_text(title)
        await expect(page.locator("dialog .chip")).to_have_text([*reasons, *OF_ANYBODY])
        await page.keyboard.press("Escape")
    await page.click("#block-cardholder")
    await expect(page.locator("dialog .chip")).to_have_text(["已搬离", "已离职", *OF_ANYBODY])
    await page.keyboard.press("Escape")
    await page.click("#block-credential")
    await page.click("dialog [data-value=visit_over]")
    await submit(page)
    await expect(page.locator("#lift-credential")).to_have_text("解除此通行证的禁用…")
    await page.click("#lift-credential")
    await expect(page.locator("dialog .chip")).to_have_text(["已查清", "误操作"])


async def test_an_event_that_does_not_say_what_was_shown_calls_it_a_credential(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(AccessTaken(door="north", because="grant", credential="c-0001", cardholder="p-0001"))
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "events")
    await page.click(".event.AccessTaken")
    await expect(page.locator("#block-credential")).to_have_text("禁用此凭证…")
    await page.click("#block-credential")
    await expect(page.locator("dialog h2")).to_have_text("禁用此凭证：蓝卡 0001")
    await expect(page.locator("dialog .chip")).to_have_text(["丢失", "被冒用", *OF_ANYBODY])


async def test_the_denial_of_a_blocked_card_offers_to_lift_the_block(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(denied(DenialReason.BLOCKED_LOCALLY))
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "events")
    await page.click(".event.AccessDenied")
    await page.click("#block-credential")
    await page.click("dialog [data-value=lost_card]")
    await submit(page)
    await expect(page.locator("#lift-credential")).to_have_text("解除此卡的禁用…")
    await expect(page.locator("#block-credential")).to_have_count(0)
    await expect(page.locator("#block-cardholder")).to_be_visible()
    await page.click("#lift-credential")
    await expect(page.locator("dialog h2")).to_have_text("解除禁用：蓝卡 0001")
    await page.click("dialog [data-value=found_again]")
    await submit(page)
    await expect(page.locator("#block-credential")).to_be_visible()


async def test_a_card_is_let_in_for_a_while_and_that_is_ended(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(denied())
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "events")
    await page.click(".event.AccessDenied")
    await page.click("#let-in")
    await expect(page.locator("dialog [data-value=north]")).to_have_attribute("aria-pressed", "true")
    await page.click("dialog [data-value=yard]")
    await page.click("dialog [data-value=office_closed]")
    await submit(page)
    await go(page, "people")
    line = page.locator("#local-grants li")
    await expect(line).to_contain_text("北门、内院门")
    await expect(line).to_contain_text("中心下班（lin）")
    await line.locator("button").click()
    await page.click("dialog [data-value=cleared_up]")
    await submit(page)
    await expect(line).to_have_count(0, timeout=8_000)


async def test_an_event_that_names_no_card_offers_nothing_about_one(page: Page, site: SiteAtWork) -> None:
    await site.doors.record(DoorOpened(door="north"))
    await sign_in(page, site)
    await go(page, "events")
    await page.click(".event.DoorOpened")
    await expect(page.locator(".pane h2")).to_be_visible()
    await expect(page.locator(".about-card")).to_have_count(0)
    # Row and number are the same: said once.
    await expect(page.locator("dl.facts dd").last).to_have_text(re.compile(r"^#\d+$"))


async def test_the_muster_list_follows_and_prints_by_itself(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "people")
    await expect(page.locator("[data-area=garage] .count")).to_have_text("0 / 2")
    at = datetime.now(UTC) - timedelta(hours=3)
    who = {"cardholder": "p-0001", "credential": "c-0001"}
    entered = AreaEntered(access_point="garage", area_from=None, area_to="garage", because="taken", **who)
    await site.doors.remember(
        ("whereabouts", "p-0001", Whereabouts("garage", at, "garage", "c-0001")),
        ("whereabouts", "p-0002", Whereabouts("garage", at, "garage", "c-0002", special_care=True)),
        then=entered,
    )
    garage = page.locator("[data-area=garage]")
    await expect(garage.locator(".count")).to_have_text("2 / 2 · 已满", timeout=8_000)
    await expect(garage.locator("li.care")).to_contain_text("需要照顾")
    await expect(garage.locator("li").nth(0)).to_contain_text("业主")
    await shot(page, "people")
    await page.emulate_media(media="print")
    for hidden in ("nav", "header.top", ".in-force", ".people button"):
        await expect(page.locator(hidden).first).to_be_hidden()
    await expect(garage.locator("li").first).to_be_visible()
    await shot(page, "people-print")
    await page.emulate_media(media="screen")
    await garage.locator("li").nth(0).locator("button").first.click()
    await page.click("dialog [data-value=wrong_record]")
    await submit(page)
    await expect(garage.locator("li").nth(0)).to_contain_text("反潜回已解除", timeout=8_000)


async def test_a_technician_has_no_people_screen(site: SiteAtWork) -> None:
    async with browser_page() as page:
        await sign_in(page, site, "tao", Role.TECHNICIAN)
        await expect(page.locator("[data-screen=people]")).to_have_count(0)
        await go(page, "doors")
        await expect(page.locator("button.act")).to_have_count(0)
        await page.keyboard.press("5")
        await expect(page.locator("system-screen")).to_be_visible()


async def test_a_card_that_was_never_shown_is_found_by_its_label_blocked_and_freed(
    page: Page, site: SiteAtWork
) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "people")
    await page.fill("#find-card", "蓝卡")
    found = page.locator("#found li")
    await expect(found.locator("b")).to_have_text("蓝卡 0001")
    await found.get_by_text("禁用此凭证…").click()
    await page.click("dialog [data-value=lost]")
    await submit(page)
    await expect(found.locator(".blocked-mark")).to_be_visible()
    await expect(page.locator("#blocks li b")).to_have_text("「蓝卡 0001」")
    await found.get_by_text("解除此凭证的禁用…").click()
    await page.click("dialog [data-value=found_again]")
    await submit(page)
    await expect(found.locator(".blocked-mark")).to_have_count(0)
