"""Doors at the page: modes, lockdown, who waits for a yes, and boards that are away."""

import re

from playwright.async_api import Page, expect

from gateway.console.users import Role
from gateway.domain.alarm import AlarmKind
from gateway.domain.door_mode import DoorMode
from gateway.domain.signals import AccessConfirmRequested, DoorModeRequested, LinkState, LockdownReleaseRequested
from tests.gateway.console.browser import SCREENS, go, shot, sign_in
from tests.gateway.console.doors_at_work import BLUE, VISITOR
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork


async def submit(page: Page) -> None:
    await page.click("dialog button[type=submit]")


async def test_who_waits_for_a_yes_stands_above_every_screen_until_answered(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await site.doors.show(VISITOR, "yard-reader")
    for name in SCREENS:
        await go(page, name)
        await expect(page.locator("#waiting .waiting")).to_contain_text("无标签的卡 · 访客 · 请求放行")
    await expect(page.locator("#waiting live-picture")).to_have_attribute("camera", "yard")
    await shot(page, "waiting")
    await page.click("#waiting .no")
    await expect(page.locator("#waiting .waiting")).to_have_count(0)
    answers = [signal for signal in site.doors.signals if isinstance(signal, AccessConfirmRequested)]
    assert [(answer.allow, answer.operator.name) for answer in answers] == [(False, "lin")]
    await go(page, "events")
    await expect(page.locator(".event.AccessDenied")).to_contain_text("值班员不同意")


async def test_an_answer_that_comes_too_late_is_said_on_the_card(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await site.doors.show(VISITOR, "yard-reader")
    await expect(page.locator("#waiting .waiting")).to_be_visible()
    site.doors.controller.entry.state.waiting.clear()
    await page.click("#waiting .yes")
    await expect(page.locator("#waiting .fault")).to_have_text("已有人答复，或等待已结束")


async def test_who_waits_for_something_else_is_said_at_the_door_alone(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    await site.doors.show(BLUE, "garage-reader")
    await expect(page.locator("[data-door=garage] .waits")).to_contain_text("等待第二人刷卡")
    await expect(page.locator("#waiting .waiting")).to_have_count(0)
    await site.doors.later(60)
    await expect(page.locator("[data-door=garage] .waits")).to_have_count(0)


async def test_a_mode_is_set_with_a_reason_until_a_time_and_given_back(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "doors")
    north = page.locator("[data-door=north]")
    await north.locator("button.mode").click()
    await submit(page)
    await expect(page.locator("dialog .fault")).to_have_text("请选择：模式")
    await page.click("dialog [data-value=Blocked]")
    await page.click("dialog [data-value=shift]")
    await submit(page)
    await expect(page.locator("dialog .fault")).to_have_text("请选择结束时间")
    await page.fill("dialog input[type=time]", "18:30")
    await submit(page)
    await expect(page.locator("dialog .fault")).to_have_text("请写明原因")
    await page.fill("dialog input[type=text]", "修门锁")
    await submit(page)
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(north.locator("dd").last).to_have_text("禁止进入")
    await expect(north.locator(".notes .set")).to_have_text(
        re.compile(r"^禁止进入，到 (\d\d-\d\d )?18:30：修门锁（lin，")
    )
    await expect(north.locator("button.open")).to_be_disabled()
    await expect(north.locator(".why-not")).to_have_text("门已禁止进入，先改变模式")
    await north.locator("button.mode").click()
    await page.click("#give-back")
    await page.click("dialog [data-value=repair_done]")
    await submit(page)
    await expect(north.locator("dd").last).to_have_text("上锁")
    await expect(north.locator(".notes .set")).to_have_count(0)
    asked = [signal for signal in site.doors.signals if isinstance(signal, DoorModeRequested)]
    assert [(signal.mode, signal.reason) for signal in asked] == [("Blocked", "修门锁"), (None, "repair_done")]


async def test_a_lockdown_is_said_on_every_screen_and_released_by_two(page: Page, site: SiteAtWork) -> None:
    site.users.add("lin", Role.GUARD, PASSWORD)
    await sign_in(page, site)
    await go(page, "doors")
    await page.click("#ask-lockdown")
    await page.click("dialog [data-value=gates]")
    await page.click("dialog [data-value=intruder]")
    await submit(page)
    for name in SCREENS:
        await go(page, name)
        await expect(page.locator("#lockdown")).to_contain_text("外围门：有人闯入（wei，")
    await go(page, "doors")
    await expect(page.locator("[data-door=north] dd").last).to_have_text("封锁")
    await expect(page.locator("[data-door=yard] dd").last).to_have_text("上锁")
    await expect(page.locator("[data-door=north] button.open")).to_be_disabled()
    await shot(page, "lockdown")
    await page.click("#lockdown button")
    await expect(page.locator("dialog [data-value=gates]")).to_have_attribute("aria-pressed", "true")
    await page.click("dialog [data-value=over]")
    fields = page.locator("dialog label input")
    await fields.nth(0).fill("wei")
    await fields.nth(1).fill(PASSWORD)
    await submit(page)
    await expect(page.locator("dialog .fault")).to_have_text("第二人必须是另一位值班员")
    await fields.nth(0).fill("lin")
    await fields.nth(1).fill("wrong-wrong")
    await submit(page)
    await expect(page.locator("dialog .fault")).to_have_text("用户名或密码不正确")
    assert site.doors.controller.doors.mode_of("north") is DoorMode.LOCKED_DOWN
    await fields.nth(1).fill(PASSWORD)
    await submit(page)
    await expect(page.locator("#lockdown")).to_be_hidden()
    released = [signal for signal in site.doors.signals if isinstance(signal, LockdownReleaseRequested)]
    assert [(signal.group, signal.second and signal.second.name) for signal in released] == [("gates", "lin")]


async def test_a_life_safety_release_is_said_on_every_screen_and_taken_back(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "doors")
    await page.click("#ask-lock-open")
    await page.click("dialog [data-value=rescue]")
    await submit(page)
    await expect(page.locator("#lock-open")).to_contain_text("全部门：救人（lin，")
    await expect(page.locator("[data-door=yard] dd").last).to_have_text("生命安全释放")
    await page.click("#lock-open button")
    await page.click("dialog [data-value=over]")
    await submit(page)
    await expect(page.locator("#lock-open")).to_be_hidden()


async def test_a_release_is_taken_back_with_a_word_of_the_doors_that_fire_still_holds(
    page: Page, site: SiteAtWork
) -> None:
    await sign_in(page, site, "lin", Role.GUARD)
    await go(page, "doors")
    await page.click("#ask-lock-open")
    await page.click("dialog [data-value=rescue]")
    await submit(page)
    await page.click("#lock-open button")
    await expect(page.locator("dialog h2")).to_have_text("收回生命安全释放：门重新上锁")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await site.doors.set_fire(latched=True, active=True)
    await expect(page.locator("#fire")).to_be_visible()
    await page.click("#lock-open button")
    await expect(page.locator("dialog h2")).to_have_text("收回生命安全释放：消防仍使北门保持释放")
    await expect(page.locator("dialog button[type=submit]")).to_have_text("收回，消防释放的门仍保持打开")


async def test_a_door_whose_board_is_away_is_unknown_and_cant_be_opened(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    north, garage = page.locator("[data-door=north]"), page.locator("[data-door=garage]")
    await expect(north.locator("dd").first).to_have_text("关闭")
    # Nobody has seen a door closed that has no contact.
    await expect(garage.locator(".phase")).to_have_text("上锁")
    await site.doors.link("north-board", LinkState.OFFLINE)
    await expect(north.locator(".away")).to_have_text(re.compile(r"^控制板离线（\d\d:\d\d 起）：设备 north-board$"))
    await expect(north.locator(".phase")).to_have_text("未知")
    assert await north.locator("dd").all_inner_texts() == ["未知", "未知", "上锁"]
    await expect(north.locator("button.open")).to_be_disabled()
    await expect(north.locator(".why-not")).to_have_text("控制板离线，无法开门")
    await expect(garage.locator("button.open")).to_be_enabled()
    await shot(page, "board-offline")
    await site.doors.link("north-board", LinkState.ONLINE)
    await expect(north.locator("button.open")).to_be_enabled()
    await expect(north.locator(".away")).to_have_count(0)


async def test_the_system_says_that_its_keys_lie_in_files(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "system")
    await expect(page.locator("system-screen")).to_contain_text("密钥未封存")


async def test_an_office_that_refuses_this_box_is_no_broken_line(page: Page, site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.OFFICE_LOST, "office")
    await sign_in(page, site)
    site.doors.sync = {"state": "online", "office": "offline", "refusal": None}
    await site.doors.tell()
    line, pane = page.locator(f"[data-alarm={alarm}]"), page.locator(".pane .facts")
    await line.click()
    await expect(page.locator(".office")).to_contain_text("中心 离线")
    await expect(line).not_to_contain_text("拒绝本机")
    site.doors.sync["refusal"] = "lost_device"
    await site.doors.tell()
    await expect(page.locator(".office")).to_contain_text("中心 拒绝本机")
    await expect(line).to_contain_text("拒绝本机")
    await expect(pane).to_contain_text("本机已被报失，请联系中心管理员")
    await go(page, "system")
    await expect(page.locator("system-screen li").filter(has_text="中心")).to_contain_text("本机已被报失")


async def test_while_the_sync_process_is_silent_nobody_knows_how_the_office_is(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "system")
    await expect(page.locator(".office")).to_contain_text("待上传 3")
    await expect(page.locator("system-screen li").filter(has_text="中心")).to_contain_text("在线")
    site.doors.sync = {"state": "offline", "office": "online", "queue": 3}
    await site.doors.tell()
    await expect(page.locator(".office")).to_contain_text("中心 未知")
    await expect(page.locator(".office")).to_contain_text("同步进程无应答")
    line = page.locator("system-screen li").filter(has_text="中心")
    await expect(line).to_contain_text("未知")
    await expect(line).to_contain_text("同步进程无应答")
    await expect(page.locator("system-screen")).not_to_contain_text("待上传 3")
