"""Alarms at the page: popups, dialogs, fire, evidence, and what is shown when nothing is live."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Page, expect

from gateway.domain.alarm import AlarmKind
from gateway.domain.events import AlarmRepeated, DuressUsed, EvidenceStored
from gateway.domain.signals import FireResetRequested
from tests.gateway.console.browser import SCREENS, browser_page, go, shot, sign_in
from tests.gateway.console.site_at_work import SiteAtWork

YARD = {"door": "yard", "camera": "yard"}


def stored(alarm: str, name: str, begun: datetime, seconds: float = 20.0, kind: str = "clip") -> EvidenceStored:
    return EvidenceStored(
        observation=alarm,
        camera="yard",
        alarm=alarm,
        kind=kind,
        path=f"evidence/{name}",
        sha256="0" * 64,
        size_bytes=1,
        started_at=begun,
        ended_at=begun + timedelta(seconds=seconds),
    )


def write_clip(path: Path) -> None:
    """Half a second of grey, as a camera's clip is stored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 160, 120, "yuv420p", Fraction(1, 10)
        for _ in range(5):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((120, 160, 3), 90, np.uint8), format="rgb24")))
        file.mux(stream.encode(None))


async def popups(page: Page) -> list[str]:
    found: list[str] = await page.locator(".popup .told b").all_inner_texts()
    return found


async def test_popups_stand_by_priority_and_the_newest_first(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    await expect(page.locator(".popup")).to_have_count(1)
    box = await page.locator(".popup").bounding_box()
    row = await page.locator(".popup .row").bounding_box()
    assert box is not None
    assert row is not None
    assert box["height"] < 80
    assert row["y"] - box["y"] < 20
    await site.doors.alarm(AlarmKind.PANIC, "panic")
    await expect(page.locator(".popup")).to_have_count(2)
    await site.doors.alarm(AlarmKind.TAMPER, "panic")
    await expect(page.locator(".popup")).to_have_count(3)
    assert await popups(page) == ["紧急求助", "设备防拆", "强行开门"]
    await shot(page, "popups-zh")


async def test_what_is_back_to_normal_stands_last_in_its_priority(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    for kind in (AlarmKind.DOOR_HELD, AlarmKind.INTRUSION):
        await site.doors.alarm(kind, "yard")
        await site.doors.normal(kind, "yard")
    await site.doors.alarm(AlarmKind.DURESS, "yard")
    await expect(page.locator(".popup")).to_have_count(3)
    assert await popups(page) == ["胁迫", "布防区域闯入", "门超时未关"]
    await site.doors.alarm(AlarmKind.DOOR_HELD, "yard")
    await expect(page.locator(".popup").nth(1)).to_contain_text("再次发生")
    assert await popups(page) == ["胁迫", "门超时未关", "布防区域闯入"]


async def test_whoever_is_at_a_popups_button_stays_there_when_it_moves(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    forced = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    await site.doors.alarm(AlarmKind.TAMPER, "panic")
    await expect(page.locator(".popup").first).to_contain_text("设备防拆")
    button = page.locator(f"[data-popup='{forced}'] button").first
    await button.focus()
    await site.doors.record(AlarmRepeated(alarm=forced, count=2))
    await expect(page.locator(".popup").first).to_contain_text("再次发生")
    assert await popups(page) == ["强行开门", "设备防拆"]
    await expect(button).to_be_focused()
    await site.doors.normal(AlarmKind.DOOR_FORCED, "yard")
    await expect(page.locator(".popup").first).to_contain_text("设备防拆")
    await expect(button).to_be_focused()


async def test_a_click_is_not_taken_by_the_alarm_that_came_between(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    forced = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    await expect(page.locator(".popup")).to_have_count(1)
    # As soon as something comes to stand first, its button is pressed: whoever presses had aimed before.
    await page.evaluate(
        """() => new MutationObserver((_, watch) => {
          watch.disconnect();
          const button = document.querySelector(".popup button.primary");
          button.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1 }));
          document.body.dataset.pressed = button.closest("[data-popup]").dataset.popup;
        }).observe(document.getElementById("popups"), { childList: true })"""
    )
    panic = await site.doors.alarm(AlarmKind.PANIC, "panic")
    await expect(page.locator("body")).to_have_attribute("data-pressed", panic)
    await page.click(f"[data-popup='{forced}'] button:has-text('确认')", delay=500)
    await expect(page.locator(f"[data-popup='{forced}']")).to_have_count(0)
    assert await popups(page) == ["紧急求助"], "it still waits for somebody to acknowledge it"


async def test_a_p1_is_shown_also_when_the_strip_is_full(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    for kind in (AlarmKind.DOOR_FORCED, AlarmKind.DOOR_HELD, AlarmKind.TAMPER, AlarmKind.INTRUSION):
        await site.doors.alarm(kind, "yard")
    await expect(page.locator(".minimise")).to_contain_text("+1")
    assert await popups(page) == ["布防区域闯入", "设备防拆", "门超时未关"], "the newest"
    await site.doors.alarm(AlarmKind.PANIC, "panic")
    await expect(page.locator(".popup.p1")).to_be_visible()
    await expect(page.locator(".minimise")).to_contain_text("+2")
    assert await popups(page) == ["紧急求助", "布防区域闯入", "设备防拆"]


async def test_after_acknowledging_the_same_alarm_stays_chosen(page: Page, site: SiteAtWork) -> None:
    first = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    await site.doors.alarm(AlarmKind.DOOR_HELD, "north", door="north")
    await sign_in(page, site)
    line = page.locator(f".line[data-alarm='{first}']")
    await expect(line).to_have_attribute("aria-current", "true")
    await page.keyboard.press("a")
    await expect(line).to_contain_text("已确认")
    await expect(line).to_have_attribute("aria-current", "true")
    await expect(page.locator(".pane h2")).to_have_text("强行开门")


async def test_what_still_is_stands_above_what_is_back_to_normal(page: Page, site: SiteAtWork) -> None:
    fire = await site.doors.alarm(AlarmKind.FIRE, "fire")
    panic = await site.doors.alarm(AlarmKind.PANIC, "panic")
    held = await site.doors.alarm(AlarmKind.DOOR_HELD, "north", door="north")
    await site.doors.normal(AlarmKind.FIRE, "fire")
    await sign_in(page, site)
    await expect(page.locator("[data-alarm]")).to_have_count(3)
    lines = await page.locator("[data-alarm]").evaluate_all("lines => lines.map(line => line.dataset.alarm)")
    assert lines == [panic, fire, held]
    await site.doors.record(AlarmRepeated(alarm=panic, count=2))
    await go(page, "events")
    again = page.locator(".event.AlarmRepeated")
    await expect(again).to_contain_text("一级")
    await expect(again.locator(".badge.p1")).to_be_visible()


async def test_a_refusal_is_said_inside_its_dialog_which_stays(page: Page, site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.INSECURE_LINK, "local")
    await sign_in(page, site)
    await expect(page.locator(f".line[data-alarm='{alarm}']")).to_contain_text("消息服务器 local")
    await page.click("#resolve")
    await page.click("dialog [data-code=technical]")
    await expect(page.locator("dialog .fault")).to_have_text("原因仍然存在，排除后才能处理完毕")
    await page.click("dialog [data-code=test]")
    await expect(page.locator("dialog .fault")).to_have_text("原因仍然存在，排除后才能处理完毕")
    await expect(page.locator(".toast")).to_have_count(0)
    await site.doors.normal(AlarmKind.INSECURE_LINK, "local")
    await page.click("dialog [data-code=test]")
    await expect(page.locator("dialog")).to_have_count(0)


async def test_a_toast_does_not_outlive_the_screen_that_it_was_for(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    await page.click("[data-door=north] button.open")
    await page.click("dialog [data-code=visitor]")
    await expect(page.locator(".toast")).to_have_count(1)
    await go(page, "events")
    await expect(page.locator(".toast")).to_have_count(0)


async def test_fire_is_said_on_every_screen_and_cleared_only_after_a_question(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await expect(page.locator("#fire")).to_be_hidden()
    await site.doors.alarm(AlarmKind.FIRE, "fire")
    await site.doors.set_fire(latched=True, active=True)
    for name in SCREENS:
        await go(page, name)
        await expect(page.locator("#fire")).to_contain_text("消防信号触发")
        await expect(page.locator("#fire button")).to_be_disabled()
        await expect(page.locator("#fire .why-not")).to_have_text("消防信号仍在，不能解除")
    await expect(page.locator("#reset-fire")).to_be_disabled()
    await expect(page.locator("system-screen .why-not")).to_have_text("消防信号仍在，不能解除")
    await go(page, "doors")
    await expect(page.locator("[data-door=north] .phase")).to_contain_text("消防")
    await shot(page, "fire-doors")
    await site.doors.set_fire(latched=True, active=False)
    await page.click("#fire button")
    await expect(page.locator("dialog")).to_contain_text("重新上锁：北门")
    await shot(page, "fire-question")
    assert [signal for signal in site.doors.signals if isinstance(signal, FireResetRequested)] == []
    await site.doors.set_fire(latched=True, active=True)
    await page.click("#clear-fire")
    await expect(page.locator("dialog .fault")).to_have_text("消防信号仍然存在")
    await page.keyboard.press("Escape")
    await go(page, "alarms")
    await expect(page.locator(".pane .why-not")).to_have_text("消防信号仍在，不能解除")
    await site.doors.set_fire(latched=True, active=False)
    await page.click("#alarm-fire-reset")
    await page.click("#clear-fire")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("#fire")).to_be_hidden()
    assert len([signal for signal in site.doors.signals if isinstance(signal, FireResetRequested)]) == 2


async def test_evidence_is_named_by_what_happened_and_a_clip_to_come_is_said(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    first = datetime.now(UTC)
    await expect(page.locator(".no-clip")).to_contain_text("的录像正在录制")
    # Three observations share one clip: one entry.
    for _ in range(3):
        await site.doors.record(stored(alarm, "1.mp4", first - timedelta(seconds=5)))
    await expect(page.locator(".evidence figcaption")).to_contain_text("始于")
    await expect(page.locator(".no-clip, .earlier")).to_have_count(0)
    older = site.doors.reader.search(types=("EvidenceStored",))[0].event_id
    await expect(page.locator(".evidence video")).to_have_attribute("data-evidence", older)

    later = first + timedelta(seconds=40)
    await site.doors.normal(AlarmKind.DOOR_FORCED, "yard")
    await site.doors.at(later, AlarmRepeated(alarm=alarm, count=2))
    await expect(page.locator(".no-clip")).to_contain_text("的录像正在录制")
    await expect(page.locator(".evidence")).to_have_count(0)
    await expect(page.locator(".earlier button")).to_have_count(1)
    await shot(page, "clip-recording")
    await site.doors.record(stored(alarm, "2.jpg", later, 0.0, "snapshot"))
    await expect(page.locator(".evidence img")).to_be_visible()
    await site.doors.record(stored(alarm, "2.mp4", later - timedelta(seconds=5)))
    newest = site.doors.reader.search(types=("EvidenceStored",))[0].event_id
    await expect(page.locator(".evidence video")).to_have_attribute("data-evidence", newest)
    await expect(page.locator(".no-clip")).to_have_count(0)
    await expect(page.locator(".earlier button")).to_have_count(3)
    await page.click(".earlier button >> nth=2")
    await expect(page.locator(".evidence video")).to_have_attribute("data-evidence", older)
    clip = await page.locator(".evidence").bounding_box()
    assert clip is not None
    assert clip["y"] + clip["height"] <= 900


async def test_no_clip_is_promised_where_none_is_made(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    for kind, source, where in (
        (AlarmKind.WRONG_ATTEMPTS, "yard-reader", {"door": "yard"}),  # the camera only happens to see its door
        (AlarmKind.DEVICE_LOST, "yard", {"camera": "yard"}),
    ):
        alarm = await site.doors.alarm(kind, source, **where)
        await page.click(f"[data-alarm={alarm}]")
        await expect(page.locator("live-picture")).to_be_visible()
        await expect(page.locator(".no-clip")).to_have_count(0)
    alarm = await site.doors.alarm(AlarmKind.INTRUSION, "yard", camera="yard")
    await page.click(f"[data-alarm={alarm}]")
    await expect(page.locator(".no-clip")).to_contain_text("的录像正在录制")


async def test_a_clip_that_was_opened_while_the_console_was_away_is_fetched_later(page: Page, site: SiteAtWork) -> None:
    alarm = await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    now = datetime.now(UTC)
    write_clip(site.folder / "evidence" / "1.mp4")
    earlier = now - timedelta(minutes=1)
    await site.doors.record(stored(alarm, "1.mp4", earlier), stored(alarm, "0.jpg", now, 0.0, "snapshot"))
    await sign_in(page, site)
    await expect(page.locator(".evidence .caption")).to_contain_text("已不再保存", timeout=10_000)
    await site.stop()
    await expect(page.locator("#not-live")).to_be_visible(timeout=10_000)
    await go(page, "alarms")
    assert await page.evaluate("document.querySelector('.site img').naturalWidth") > 0
    await page.click(".earlier button >> nth=1")
    await expect(page.locator(".evidence .caption")).to_contain_text("恢复后再取")
    await site.start()
    await expect(page.locator("#not-live")).to_be_hidden(timeout=15_000)
    await expect(page.locator(".evidence .caption")).to_be_hidden(timeout=10_000)
    await page.wait_for_function("document.querySelector('.evidence video').readyState >= 1", timeout=10_000)


async def test_when_nothing_is_live_nothing_is_known_and_nothing_can_be_done(page: Page, site: SiteAtWork) -> None:
    await sign_in(page, site)
    await go(page, "doors")
    await site.doors.alarm(AlarmKind.DOOR_FORCED, "yard", **YARD)
    await expect(page.locator(".popup")).to_be_visible()
    await expect(page.locator(".popup button.act")).to_have_count(2)
    await site.doors.set_reachable(False)
    await expect(page.locator("#not-live")).to_be_visible(timeout=8_000)
    for button in await page.locator("button.act").all():
        await expect(button).to_be_disabled()
    for door in ("north", "yard", "garage"):
        assert await page.locator(f"[data-door={door}] dd").all_inner_texts() == ["未知"] * 3
    await expect(page.locator("[data-door=north] .why-not")).to_have_text("不是实时状态，暂不能操作")
    await expect(page.locator(".office")).to_contain_text("中心 未知")
    await shot(page, "not-live-doors")
    await go(page, "alarms")
    await expect(page.locator("#acknowledge")).to_be_disabled()
    await page.keyboard.press("a")
    await site.doors.set_reachable(True)
    await expect(page.locator("#acknowledge")).to_be_enabled(timeout=8_000)


@pytest.fixture
async def in_sight(tmp_path: Path) -> AsyncIterator[SiteAtWork]:
    site = SiteAtWork(tmp_path)
    site.sees = frozenset({"north"})
    await site.start()
    yield site
    await site.close()


async def test_a_duress_in_sight_comes_forward_nowhere_on_a_supervisors_page(in_sight: SiteAtWork) -> None:
    async with browser_page() as page:
        await sign_in(page, in_sight)
        await page.evaluate(
            "import('/static/state.js').then(({changes}) => "
            "changes.addEventListener('called', () => { window.called = true; }))"
        )
        who = {"credential": "c-0001", "cardholder": "p-0001"}
        await in_sight.doors.record(DuressUsed(access_point="north", door="north", **who))
        alarm = await in_sight.doors.alarm(AlarmKind.DURESS, "north", door="north")
        line = page.locator(f".line[data-alarm='{alarm}']")
        await expect(line).to_be_visible()
        await expect(line).not_to_have_attribute("aria-current", "true")
        await expect(page.locator("#popups > *")).to_have_count(0)
        await expect(page.locator(".count.some")).to_have_count(0)
        await shot(page, "duress-in-sight")
        await line.click()
        await expect(page.locator(".pane p.facts")).to_contain_text("不声张")
        await go(page, "events")
        await expect(page.locator("events-screen .list")).not_to_contain_text("胁迫")
        assert await page.evaluate("window.called") is None
