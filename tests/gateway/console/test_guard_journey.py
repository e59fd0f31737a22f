"""A guard at the page, in a real browser."""

import re
from typing import Any

from playwright.async_api import Page, expect

from gateway.console.users import first_run_password
from gateway.domain.alarm import AlarmKind
from gateway.domain.events import AccessGranted, AccessTaken, AlarmRepeated, DeviceLost, DoorClosed, DoorOpened
from gateway.domain.signals import AlarmAcknowledgeRequested, OpenRequested
from gateway.domain.trace import TraceStep
from tests.gateway.console.browser import SCREENS, go, shot, sign_in
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork


async def test_a_guard_sees_an_alarm_acts_on_it_and_opens_a_door(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
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
    await expect(page.locator("dialog")).to_have_count(0)

    await page.keyboard.press("2")
    await page.click("[data-door=north] button.primary")
    await page.click("dialog [data-code=delivery]")
    await expect(page.locator("dialog")).to_have_count(0)
    await go(page, "events")
    await expect(page.locator(".event.OpenedByGuard")).to_contain_text("快递外卖")
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
    await expect(page.locator("events-screen .following")).to_be_hidden()
    await site.doors.set_reachable(True)
    await expect(page.locator("#not-live")).to_be_hidden(timeout=8_000)
    await expect(page.locator("events-screen .following")).to_be_visible()

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


async def test_an_alarm_that_happens_again_comes_forward_again_and_says_how_often(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await page.click("#language")
    await page.keyboard.press("2")
    where = {"door": "yard", "camera": "yard"}
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **where)
    await page.click(".popup button.primary")
    await expect(page.locator(".popup")).to_have_count(0)
    await site.doors.normal(AlarmKind.DOOR_FORCED, "yard")
    await page.evaluate(
        "import('/static/state.js').then(({changes}) => "
        "changes.addEventListener('called', e => { window.called = e.detail[0].id; }))"
    )
    await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **where)
    await expect(page.locator(".popup")).to_contain_text("again · 2 times")
    assert await page.evaluate("window.called") == alarm
    await page.click(".popup button:has-text('Show')")
    await expect(page.locator(f".line[data-alarm='{alarm}']")).to_contain_text("2 times")
    await expect(page.locator(".pane p.facts")).to_contain_text("2 times · last ")

    await page.keyboard.press("2")
    panic = await site.doors.alarm(AlarmKind.PANIC, "panic")
    # It has just come before another, and takes no click until whoever aimed at that one has seen it.
    await page.click(".popup.p1 button.primary", delay=500)
    await expect(page.locator(".popup.p1")).to_have_count(0)
    await site.doors.record(AlarmRepeated(alarm=panic, count=2))
    await expect(page.locator(".popup.p1")).to_contain_text("again · 2 times")
    await page.click(".popup.p1 button:has-text('Seen')", delay=500)
    await expect(page.locator(".popup.p1")).to_have_count(0)


async def test_an_alarm_that_came_while_the_line_was_down_still_comes_forward(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await page.keyboard.press("2")
    await site.stop()
    await site.doors.alarm(AlarmKind.PANIC, "panic")
    await site.start()
    await expect(page.locator(".popup.p1")).to_be_visible(timeout=15_000)


async def test_a_resolved_alarm_shows_only_what_is_there(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    alarm = await site.doors.alarm(AlarmKind.PANIC, "panic")
    await page.click(f".line[data-alarm='{alarm}']")
    await page.click("#resolve")
    await page.click("dialog [data-code=test]")
    await expect(page.locator(".pane p.facts")).to_contain_text("测试")
    assert "false" not in await page.locator("alarms-screen").inner_text()


async def test_what_is_back_to_normal_is_acknowledged_together_but_never_a_p1(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await page.click("#language")
    causes = {
        AlarmKind.PANIC: "panic",
        AlarmKind.DOOR_HELD: "yard",
        AlarmKind.DEVICE_LOST: "north-reader",
        AlarmKind.TAMPER: "panic",
    }
    alarms = {kind: await site.doors.alarm(kind, source) for kind, source in causes.items()}
    await expect(page.locator("#acknowledge-normal")).to_have_count(0)
    for kind in (AlarmKind.PANIC, AlarmKind.DOOR_HELD, AlarmKind.DEVICE_LOST):
        await site.doors.normal(kind, causes[kind])
    held, panic = (
        page.locator(f".line[data-alarm='{alarms[kind]}']") for kind in (AlarmKind.DOOR_HELD, AlarmKind.PANIC)
    )
    await expect(held).to_contain_text("back to normal")
    await expect(page.locator("#acknowledge-normal")).to_have_text("Acknowledge all back to normal but P1 (2)")
    await page.click("#acknowledge-normal")
    await expect(held).to_contain_text(re.compile("Acknowledged$"))
    await expect(page.locator("#acknowledge-normal")).to_have_count(0)
    await expect(panic).to_contain_text("Not acknowledged")
    await expect(held).to_contain_text("back to normal")
    asked = [signal.alarm for signal in site.doors.signals if isinstance(signal, AlarmAcknowledgeRequested)]
    assert sorted(asked) == sorted([alarms[AlarmKind.DOOR_HELD], alarms[AlarmKind.DEVICE_LOST]])


async def test_a_first_password_is_typed_twice(page: Page, site: SiteAtWork) -> None:
    first = first_run_password(site.users)
    assert first is not None
    await page.goto(site.url)
    await page.fill("input[name=user]", "admin")
    await page.fill("input[name=password]", first)
    await page.click("button[type=submit]")
    await expect(page.locator("input[name=current]")).to_have_count(0)
    await page.fill("input[name=new]", PASSWORD)
    await page.fill("input[name=again]", PASSWORD + "x")
    await page.click("button[type=submit]")
    await expect(page.locator(".fault")).to_contain_text("不一致")
    await page.fill("input[name=again]", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("alarms-screen")).to_be_visible()


async def test_switching_the_language_keeps_the_event_that_is_open(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await site.doors.record(DeviceLost(device="north-reader", detail="/dev/ttyUSB0: could not open port"))
    await page.keyboard.press("3")
    await expect(page.locator(".event.DeviceLost")).not_to_contain_text("/dev")
    await page.click(".event.DeviceLost")
    await expect(page.locator(".pane h2")).to_have_text("北门读卡器失联")
    await page.click("#language")
    await expect(page.locator(".pane h2")).to_have_text("North reader can't be reached")
    await expect(page.locator(".technical")).to_have_text("/dev/ttyUSB0: could not open port")


async def test_a_camera_is_enlarged_and_escape_goes_back(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "cameras")
    await page.click("live-picture")
    await expect(page.locator("cameras-screen.one")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("cameras-screen:not(.one)")).to_be_visible()


async def test_every_screen_fits_both_sizes_in_both_languages(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    trace = tuple(
        TraceStep(check, True, subject)
        for check, subject in (("list", "7"), ("access_point", "north"), ("credential_known", "c-0001"))
    )
    who: dict[str, Any] = {"credential": "c-0001", "cardholder": "p-0001"}
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
            for key, name in enumerate(SCREENS, 1):
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
                await shot(page, f"{name}-{language}-{width}")
        await page.click("#language")
        await page.evaluate("document.documentElement.dataset.theme = 'light'")
