"""What an event is for people: sentences, and traces in words."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from gateway.console.event_words import EventWords
from gateway.console.messages import I18N, Catalogue
from gateway.console.parts import LANGUAGES, ConsoleParts, SiteNames
from gateway.console.projection import AlarmView
from gateway.console.thing_words import ThingWords
from gateway.domain import events as ev
from gateway.domain.access import CHECKS
from gateway.domain.trace import TraceStep
from gateway.technician.walk_commands import I18N as TECHNICIAN
from tests.gateway.console.recorded import recorded, sample

SITE = SiteNames(
    id="demo",
    zone="Asia/Shanghai",
    doors={"north": {"zh-CN": "北门", "en": "North gate"}},
    cameras={"yard": {"zh-CN": "内院", "en": "Yard"}},
    areas={"garage": {"zh-CN": "地下车库", "en": "the car park"}},
    door_groups={"gates": {"zh-CN": "外围门", "en": "Outer gates"}},
    tours={"night": {"zh-CN": "夜间巡更", "en": "Night patrol"}},
    tour_points={"night": {"pump": {"zh-CN": "泵房", "en": "Pump room"}, "roof": {"zh-CN": "楼顶", "en": "Roof"}}},
    point_doors={"north-in": "north", "north-out": "north"},
)


def words(*, labels: dict[str, str] | None = None, alarm: AlarmView | None = None) -> EventWords:
    parts: Any = ConsoleParts.__new__(ConsoleParts)
    for name, value in (
        ("site", SITE),
        ("card_label", lambda credential: (labels or {}).get(credential, "")),
        ("holder_kind", lambda cardholder: "visitor"),
        ("holder_label", lambda cardholder: (labels or {}).get(cardholder, "")),
    ):
        object.__setattr__(parts, name, value)
    catalogue = Catalogue()
    return EventWords(catalogue, ThingWords(catalogue, parts), lambda name: alarm)


def waiting(trace: tuple[TraceStep, ...]) -> ev.AccessRequested:
    return ev.AccessRequested(
        request="r",
        access_point="north-in",
        door="north",
        reader="r",
        wants="pin",
        credential="c-1",
        cardholder="p-1",
        list_version=1,
        trace=trace,
    )


def denied(trace: tuple[TraceStep, ...]) -> ev.AccessDenied:
    return ev.AccessDenied(
        access_point="north-in",
        door="north",
        reader="r",
        reason="Unauthorized",
        credential=None,
        cardholder=None,
        list_version=1,
        trace=trace,
    )


@pytest.mark.parametrize("kind", get_args(ev.Event), ids=lambda kind: str(kind.__name__))
def test_every_event_is_told_in_both_languages_without_anybodys_id(kind: type[Any]) -> None:
    event = sample(kind)
    told = [words().sentence(recorded(event), language) for language in LANGUAGES]
    assert told[0] != told[1]
    for sentence in told:
        assert "{" not in sentence
        assert "None" not in sentence
        assert "c-7" not in sentence
        assert "p-7" not in sentence


def test_the_new_events_name_people_places_and_times() -> None:
    by = {"reason": "police", "actor": "wei", "post": "gate", "request_id": "r"}
    at = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    label = {"c-1": "Blue 1", "p-1": "Blue 1"}

    def said(event: ev.Event, language: str = "en") -> str:
        return words(labels=label).sentence(recorded(event), language)

    assert (
        said(ev.SubjectBlocked(subject="cardholder:p-1", **by)) == "wei blocked the holder of “Blue 1”: Police request"
    )
    given = ev.LocalGrantGiven(credential="c-1", access_points=("north-in", "shed"), until=at, **by)
    assert said(given) == "wei lets Blue 1 pass North gate (north-in), shed until 11-23 12:30: Police request"
    locked = ev.LockdownStarted(group=None, doors=("north",), **by)
    assert said(locked, "zh-CN") == "wei 封锁了全部门：公安要求"
    freed = ev.LockdownReleased(group="gates", doors=("north",), second="lin", **by)
    assert said(freed) == "wei and lin released the lockdown of Outer gates: Police request"
    mode = ev.DoorModeOverridden(door="north", mode=None, until=None, **{**by, "reason": "搬家具"})
    assert said(mode, "zh-CN") == "wei 让北门恢复按时段：搬家具"
    entered = ev.AreaEntered(
        cardholder="p-1", credential="c-1", access_point="x", area_from="garage", area_to=None, because="no_contact"
    )
    assert said(entered) == "Blue 1 went from the car park to outside (assumed from the grant)"
    forgiven = ev.AntipassbackForgiven(cardholder=None, **by)
    assert said(forgiven, "zh-CN") == "wei 解除了所有人的反潜回限制：公安要求"
    back = ev.UseGivenBack(access_point="shed", door=None, credential="c-1")
    assert said(back) == "Blue 1: nothing moved at shed, the use counts no more"
    assert said(back, "zh-CN") == "Blue 1：shed 没有动作，这次使用不计"
    no = ev.AccessConfirmed(request="r-1", allowed=False, actor="wei", post="gate", request_id="r")
    assert said(no) == "wei said no to who waited", "an event of before its place was told"
    where = {"access_point": "north-in", "door": "north", "credential": "c-1", "cardholder": "p-1"}
    yes = ev.AccessConfirmed(request="r-1", allowed=True, actor="lin", post="gate", request_id="r", **where)
    assert said(yes) == "lin said yes to Blue 1 at North gate (north-in)"
    assert said(yes, "zh-CN") == "lin 同意放行北门 (north-in)的 Blue 1"


@pytest.mark.parametrize(
    ("allowed", "en", "zh_cn"),
    [
        (True, "The office said yes to Red 1 at shed: Lin", "中心同意放行 shed 的 Red 1：Lin"),
        (False, "The office said no to Red 1 at shed: Lin", "中心不同意放行 shed 的 Red 1：Lin"),
    ],
)
def test_what_the_office_answered_is_told_as_the_offices_with_its_name(allowed: bool, en: str, zh_cn: str) -> None:
    by = {"actor": "Lin", "post": "office", "request_id": "r"}
    told = ev.AccessConfirmed(request="r-1", allowed=allowed, access_point="shed", credential="c-1", **by)
    labelled = words(labels={"c-1": "Red 1"})
    assert labelled.sentence(recorded(told), "en") == en
    assert labelled.sentence(recorded(told), "zh-CN") == zh_cn


@pytest.mark.parametrize(
    ("by", "en", "zh_cn", "step"),
    [
        ("office:Lin", "the office said no (Lin)", "中心不同意（Lin）", "The office said no: Lin"),
        ("guard:wei", "a guard said no (wei)", "值班员不同意（wei）", "A guard said no: wei"),
        ("", "a guard or the office said no", "值班员或中心不同意", "Nobody has said yes"),
    ],
)
def test_a_no_is_told_with_who_said_it(by: str, en: str, zh_cn: str, step: str) -> None:
    kept = {"confirmed": False, "confirmed_by": by} if by else {"confirmed": False}
    refused = denied((TraceStep("confirmation", False, by),))
    event = recorded(replace(refused, reason="ConfirmationRefused", circumstances=kept))
    assert words().sentence(event, "en").endswith(f": {en}")
    assert words().sentence(event, "zh-CN").endswith(f"：{zh_cn}")
    assert [each["text"]["en"] for each in words().why(event)] == [step]


def test_a_card_that_the_office_revoked_is_not_called_suspended_as_it_may_be_lost() -> None:
    refused = replace(denied((TraceStep("credential_state", False, "suspended"),)), reason="CredentialNotEnabled")
    revoked = replace(refused, circumstances={"people": {"c-1": {"revoked": True}}})
    told = words()
    assert told.sentence(recorded(revoked), "en").endswith(": revoked by the office (lost or suspended)")
    assert told.sentence(recorded(revoked), "zh-CN").endswith("：已被中心撤销（挂失或停用）")
    assert told.why(recorded(revoked))[0]["text"]["en"] == "The office has revoked it (lost or suspended)"
    assert told.sentence(recorded(refused), "en").endswith(": suspended")
    assert told.why(recorded(refused))[0]["text"]["en"] == "It can't be used: suspended"


def test_an_alarm_is_told_with_its_level_as_the_page_calls_it_and_its_source_once() -> None:
    lost = ev.AlarmRaised(alarm="a-1", kind="office_lost", priority=3, source="office", door=None, camera=None)
    told = words()
    assert told.sentence(recorded(lost), "en") == "Alarm (P3): Office lost"
    assert told.sentence(recorded(lost), "zh-CN") == "报警（三级）：中心失联"
    forced = ev.AlarmRaised(alarm="a-2", kind="door_forced", priority=2, source="north", door="north", camera=None)
    assert told.sentence(recorded(forced), "zh-CN") == "报警（二级）：强行开门，北门"


def test_a_tour_s_events_name_the_tour_its_points_and_what_was_not_as_planned() -> None:
    names = {"round": "t-1", "tour": "night"}
    who = {"credential": "c-1", "cardholder": "p-1"}
    told = words(labels={"c-1": "Red 1", "p-1": "Red 1"})

    def said(event: ev.Event, language: str = "en") -> str:
        return told.sentence(recorded(event), language)

    started = ev.TourStarted(**names, because="guard", due_at=None, actor="wei", post="gate", request_id="r")
    assert said(started) == "wei started Night patrol"
    assert said(ev.TourStarted(**names, because="card", due_at=None), "zh-CN") == "刷卡开始了夜间巡更"
    visited = ev.TourPointVisited(**names, reader="pump", timing="late", **who)
    assert said(visited) == "Red 1 was at Pump room, late (Night patrol)"
    out = ev.TourPointOutOfOrder(**names, reader="pump", expected="roof", **who)
    assert said(out, "zh-CN") == "Red 1 到达泵房，次序不对，应先到楼顶（夜间巡更）"
    done = ev.TourCompleted(**names, cardholder="p-1", early=0, late=2, out_of_order=1)
    assert said(done) == "Red 1 completed Night patrol (early 0, late 2, out of order 1)"
    denied = ev.TourVisitDenied(
        reader="pump", reason="CredentialLost", credential=None, cardholder=None, list_version=1,
        trace=(TraceStep("tour_group", False, "guards"),),
    )  # fmt: skip
    assert said(denied) == "An unknown card was shown at Pump room but does not count for a patrol: reported lost"
    assert told.why(recorded(denied))[0]["text"]["en"] == "Not of a group that walks here: guards"
    refused = {"request_id": "r", "reason": "RoundOver", "actor": "wei", "post": "gate"}
    assert "a round" in said(ev.RequestRefused(request="tour_stop", subject="t-1", **refused))
    assert "Night patrol" in said(ev.RequestRefused(request="tour_start", subject="night", **refused))


def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name() -> None:
    event = recorded(ev.AccessTaken(door="north", because="grant", credential="c-9", cardholder="p-9"))
    assert words().sentence(event, "en") == "A card without a label went through North gate"
    assert words(labels={"c-9": "a1 blue"}).sentence(event, "en") == "a1 blue went through North gate"


@pytest.mark.parametrize(
    ("shown", "unknown", "unlabelled"),
    [
        ({"keys": ["0" * 32]}, "未知卡", "a card without a label"),
        ({"keys": ["0" * 32], "grade": "secure"}, "未知卡", "a card without a label"),
        ({"keys": ["0" * 32], "grade": "pin"}, "未知密码", "a PIN without a label"),
        ({"keys": ["0" * 32], "grade": "plate"}, "未知车牌", "a number plate without a label"),
        ({"keys": [], "grade": "pass", "forged_pass": True}, "未知二维码通行证", "a QR pass"),
        (None, "未知卡", "a card without a label"),
    ],
)
def test_what_the_list_does_not_know_or_name_is_called_what_it_is(
    shown: dict[str, Any] | None, unknown: str, unlabelled: str
) -> None:
    kept = {} if shown is None else {"shown": [shown]}
    nobody = replace(denied(()), reason="CredentialNotFound", circumstances=kept)
    assert words().sentence(recorded(nobody), "zh-CN") == f"{unknown}被拒绝通过北门 (north-in)：不在名单中"
    known = replace(denied(()), credential="c-9", circumstances=kept)
    assert words().sentence(recorded(known), "en").lower().startswith(f"{unlabelled.lower()} was denied at ")


def test_a_release_after_a_grant_says_nothing_of_a_card() -> None:
    released = recorded(ev.LockReleased(door="north", because="grant", command_id="c", seconds=5.0))
    assert words().sentence(released, "en") == "North gate: lock released (access granted)"
    assert words().sentence(released, "zh-CN") == "北门门锁释放（准许通行）"


def test_a_grant_names_who_came_along_and_the_floors() -> None:
    granted = ev.AccessGranted(
        access_point="north-in", door="north", reader="r", credential="c-1", cardholder="p-1", list_version=1, trace=(),
        accompanied=("c-2",), floors=("3", "5"),
    )  # fmt: skip
    told = words(labels={"c-1": "Blue 1", "c-2": "Blue 2"}).sentence(recorded(granted), "en")
    assert told == "Blue 1 may pass North gate (north-in), floors 3, 5 (with Blue 2)"


@pytest.mark.parametrize(
    ("asked", "subject", "said"),
    [
        ("door_mode", "north", "North gate"),
        ("lockdown", "all", "all doors"),
        ("lockdown_release", "gates", "Outer gates"),
        ("block", "credential:c-1", "“Blue 1”"),
        ("local_grant", "c-1", "Blue 1"),
        ("forgive", "all", "everybody"),
        ("forgive", "p-9", "a cardholder"),
        ("confirm", "r-12", "who waits"),
    ],
)
def test_a_refused_request_names_its_subject(asked: str, subject: str, said: str) -> None:
    refused = ev.RequestRefused(
        request_id="r", request=asked, subject=subject, reason="TooLong", actor="wei", post="gate"
    )
    assert f", {said})" in words(labels={"c-1": "Blue 1"}).sentence(recorded(refused), "en")


TRACE = {
    ("list", True, "7"): "The access list is valid (version 7)",
    ("list", True, "H10301:123"): "No valid list: any card of the site's own passes",
    ("list", False, "LockedDown"): "No valid list, and the door's mode refuses entry: locked down",
    ("access_point", True, "north-in"): "The access point “North gate (north-in)” is in the list",
    ("credential_known", True, "c-1"): "The list knows what was shown: Blue 1",
    ("credential_known", True, "pass:x"): "The list knows what was shown: pass x",
    ("credential_known", True, "pass:gate/v-17"): "The list knows what was shown: pass v-17",
    ("local_block", False, "cardholder:p-1"): "Blocked by a guard: the holder of “Blue 1”",
    ("credential_state", False, "lost"): "It can't be used: lost",
    ("cardholder_validity", False, "p-1"): "The cardholder is outside validity",
    (
        "grade",
        False,
        "clonable",
    ): "Not accepted here, or not of the grade wanted: a number that can be copied",
    ("risk", True, "0"): "No risk warning",
    ("risk", False, "3"): "Risk level 3: visitors and contractors are refused",
    ("door_mode", False, "Blocked"): "The door's mode refuses entry: blocked",
    ("access_level", True, "home/day,local_grant"): "An access level leads here: home/day, a guard's leave",
    ("access_level", False, "north-out"): "No valid access level leads to “North gate (north-out)”",
    ("schedule", False, "home/day"): "Outside its schedule: home/day",
    ("authentication", False, "locked"): "Not what is wanted here now: closed to all",
    ("uses", False, "c-1"): "No uses left: Blue 1",
    ("anti_passback", True, "reported"): "Against anti-passback: allowed and reported",
    ("anti_passback", False, "outside"): "Against anti-passback: the record has them in outside",
    ("occupancy", False, "garage:12/12"): "The area is full: the car park 12/12",
    ("occupancy", True, ""): "No limit on people here",
    ("interlock", False, "north"): "Interlock: North gate isn't shut",
    ("pin", True, ""): "No PIN is wanted now",
    ("pin", True, "c-1"): "The PIN is right: Blue 1",
    ("escort", True, "p-1"): "An escort is there",
    ("escort", True, ""): "No escort is needed",
    ("second_credential", True, "2/2"): "Everybody wanted is there (2/2)",
    ("confirmation", True, ""): "No confirmation is needed",
    ("way_out", True, ""): "The way out of an escape route: no rule refuses it",
}


@pytest.mark.parametrize(("step", "text"), TRACE.items(), ids=lambda part: " ".join(map(str, part)))
def test_a_check_is_told_with_its_subject_in_words(step: tuple[str, bool, str], text: str) -> None:
    told = words(labels={"c-1": "Blue 1", "p-1": "Blue 1"}).why(recorded(denied((TraceStep(*step),))))
    assert [each["text"]["en"] for each in told] == [text]


def test_a_yes_is_told_as_given_where_one_was_wanted() -> None:
    trace = (TraceStep("authentication", True, "confirm"), TraceStep("confirmation", True, ""))
    assert words().why(recorded(denied(trace)))[-1]["text"]["en"] == "Somebody said yes"


def test_a_pass_goes_by_its_id_wherever_it_is_named() -> None:
    name = "pass:gate/v-17"
    shown = recorded(replace(denied(()), credential=name, cardholder=name))
    assert words().sentence(shown, "en").startswith("Pass v-17 was denied at ")
    assert words().sentence(shown, "zh-CN").startswith("通行证 v-17 被拒绝通过")
    assert words().view(shown)["card"] == name
    by = {"reason": "police", "actor": "wei", "post": "gate", "request_id": "r"}
    blocked = ev.SubjectBlocked(subject=f"credential:{name}", **by)
    assert words().sentence(recorded(blocked), "zh-CN") == "wei 禁用了通行证 v-17：公安要求"
    nobody = ev.SubjectBlocked(subject="cardholder:p-9", **by)
    assert words().sentence(recorded(nobody), "en") == "wei blocked a cardholder (visitor): Police request"
    bearer = ev.SubjectBlocked(subject=f"cardholder:{name}", **by)
    assert words().sentence(recorded(bearer), "en") == "wei blocked the holder of “pass v-17”: Police request"


def test_a_refused_list_is_told_with_all_its_faults_and_how_many_there_were() -> None:
    faults = (*(f"$.levels[{n}]: no schedule 'x'" for n in range(49)), "and 3 more")
    refused = recorded(ev.ListRejected(list_version=2, faults=faults))
    assert words().sentence(refused, "en") == "The office's list was refused for 52 faults, the old one stays"
    assert words().sentence(refused, "zh-CN") == "中心名单有 52 处错误，被拒绝，沿用旧名单"
    assert words().view(refused)["technical"].split("\n") == list(faults)


@pytest.mark.parametrize(
    ("label", "said"),
    [("蓝卡 0906", "蓝卡 0906 完成了夜间巡更"), ("蓝卡", "蓝卡完成了夜间巡更")],
)
def test_a_space_stands_between_chinese_and_a_name_that_ends_with_a_digit(label: str, said: str) -> None:
    done = ev.TourCompleted(round="t-1", tour="night", cardholder="p-1", early=0, late=0, out_of_order=0)
    assert words(labels={"p-1": label}).sentence(recorded(done), "zh-CN") == said
    assert Catalogue().text("zh-CN", "ui.came_by", place="B2 坡道") == "经 B2 坡道"
    assert Catalogue().text("zh-CN", "ui.came_by", place="北门") == "经北门"


def test_no_blank_stands_between_chinese_and_chinese() -> None:
    unknown = denied(())
    assert words().sentence(recorded(unknown), "zh-CN").startswith("未知卡被拒绝通过")
    stray = re.compile("[\u4e00-\u9fff] {|} [\u4e00-\u9fff]")
    for folder in (I18N, TECHNICIAN):  # The catalogue sets Latin letters and digits off by itself.
        texts = Catalogue(folder).texts["zh-CN"]
        assert [key for key, text in texts.items() if stray.search(text)] == [], (
            "the catalogue sets Latin off by itself"
        )


def test_every_check_that_fails_is_told_without_its_key() -> None:
    for check in CHECKS:
        for passed in (True, False):
            trace = (TraceStep(check.name, passed, ""),)
            requested = waiting(trace)
            (step,) = words().why(recorded(requested))
            assert "check." not in step["text"]["zh-CN"]


def test_what_a_request_still_wants_has_not_failed() -> None:
    requested = waiting((TraceStep("lockout", True), TraceStep("pin", False, "c-1")))
    told = words().why(recorded(requested))
    assert [(step["wanted"], step["text"]["en"]) for step in told] == [
        (False, "Not locked out"),
        (True, "A PIN is still wanted"),
    ]


@pytest.mark.parametrize(
    ("kind", "source", "door", "place"),
    [
        ("device_lost", "north-board", None, "设备 north-board"),
        ("insecure_link", "local", None, "消息服务器 local"),
        ("insecure_link", "device:north-board", None, "设备 north-board"),
        ("device_lost", "broker:local", None, "消息服务器 local"),
        ("reader_tamper", "north-reader", "north", "北门"),
        ("reader_power", "spare-reader", None, "设备 spare-reader"),
        ("door_forced", "north", "north", "北门"),
        ("impossible_travel", "c-1", "north", "蓝卡 1，北门"),
        ("antipassback", "c-9", None, "无标签的卡"),
        ("risk", "p-9", None, "一位持卡人"),
        ("risk", "p-9", "north", "北门"),
        ("duress", "north-in", None, "北门 (north-in)"),
        ("wrong_attempts", "c-1", None, "蓝卡 1"),
        ("office_lost", "office", None, "中心"),
    ],
)
def test_an_alarm_names_its_place_and_nobodys_id(kind: str, source: str, door: str | None, place: str) -> None:
    alarm = AlarmView("a-1", kind, 2, source, door, None, "", 1, 1, "", 1)
    found = words(labels={"c-1": "蓝卡 1"}, alarm=alarm)
    assert found.alarm_view(alarm)["place"]["zh-CN"] == place
    again = recorded(ev.AlarmRepeated(alarm="a-1", count=2))
    assert place in found.sentence(again, "zh-CN")
    assert found.view(again)["priority"] == 2
