"""`gatehouse decide --stateful` and `--site`: lines that follow each other, and what the wiring says."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.commands.decide import decide_lines
from gateway.commands.decide_requests import Asked, parse_line
from gateway.commands.pass_commands import make_key, sign
from gateway.commands.what_if import WhatIf, WhatIfDay
from gateway.domain.credential import Grade
from gateway.domain.site import AccessPoint, DegradedMode, Door, Lock, LockKind, ReaderRules, Site, Terminal, Wiring
from gateway.errors import ConfigError
from gateway.store.access_list import MemoryAccessList, parse_list
from tests.gateway.commands.lists import WISHED_AT, a_compound, a_wish, card

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def ask(seconds: float, number: int = 1, access_point: str = "yard", text: str = "", **more: Any) -> dict[str, Any]:
    """A request for a card, or for a pass's `text` instead."""
    shown = {"pass": text} if text else {"identifier": card(number)}
    return {**shown, "access_point": access_point, "time": at(seconds), **more}


def a_day(tmp_path: Path, *lines: dict[str, Any], document: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    list_path, requests = tmp_path / "LIST.json", tmp_path / "day.jsonl"
    list_path.write_text(json.dumps(document or a_compound()))
    requests.write_text("\n".join(map(json.dumps, lines)))
    return list(decide_lines(list_path, str(requests), stateful=True))


def outcomes(answers: list[dict[str, Any]]) -> list[str]:
    return [answer.get("reason") or answer.get("decision") or "done" for answer in answers]


def test_uses_are_used_up_by_grants_alone(tmp_path: Path) -> None:
    day = a_day(tmp_path, ask(0, 2), ask(1, 2, "attic"), ask(2, 2, taken=False), ask(3, 2), ask(4, 1))
    assert outcomes(day) == ["granted", "AccessPointLocked", "granted", "UsesExhausted", "granted"]


def test_who_went_in_cannot_go_in_again_and_who_stayed_outside_can(tmp_path: Path) -> None:
    day = a_day(
        tmp_path,
        ask(0, 1, "garage-in", taken=False),
        ask(1, 1, "garage-in"),
        ask(2, 1, "garage-in"),
        ask(3, 1, "garage-out"),
        ask(4, 1, "garage-out"),
        ask(5, 1, "garage-in"),
    )
    assert outcomes(day) == [
        "granted",
        "granted",
        "AntipassbackViolation",
        "granted",
        "AntipassbackViolation",
        "granted",
    ]


def test_soft_anti_passback_reports_where_they_should_be(tmp_path: Path) -> None:
    first, again = a_day(tmp_path, ask(0, 1, "north"), ask(60, 1, "north"))
    assert "reported" not in first
    assert (again["decision"], again["reported"]) == ("granted", "inside")


def test_an_area_fills_up_and_the_line_may_say_otherwise(tmp_path: Path) -> None:
    day = a_day(
        tmp_path,
        ask(0, 1, "garage-in"),
        ask(1, 2, "garage-in"),
        ask(2, 4, "garage-in"),
        ask(3, 4, "garage-in", door={"inside": 0}),
        ask(4, 1, "garage-out"),
        ask(5, 2, "garage-out"),
    )
    assert outcomes(day) == ["granted", "granted", "OccupancyLimit", "granted", "granted", "granted"]


def test_a_guard_forgives_blocks_and_lets_in(tmp_path: Path) -> None:
    until = at(3600)
    day = a_day(
        tmp_path,
        ask(0, 1, "garage-in"),
        {"time": at(1), "forgive": "p-1"},
        ask(2, 1, "garage-in"),
        {"time": at(3), "forgive": None},
        ask(4, 1, "garage-in"),
        {"time": at(5), "block": "credential:c-1", "blocked": True},
        ask(6, 1),
        {"time": at(7), "block": "credential:c-1", "blocked": False},
        {"time": at(8), "block": "cardholder:p-1", "blocked": True},
        ask(9, 1),
        ask(10, 5),
        {"time": at(11), "local_grant": "c-5", "access_points": ["yard"], "until": until},
        ask(12, 5),
        ask(13, 5, "lift"),
        {"time": at(14), "local_grant": "c-5", "until": None},
        ask(15, 5),
    )
    assert day[1] == {"done": True}
    assert [each for each in outcomes(day) if each != "done"] == [
        "granted",
        "granted",
        "granted",
        "BlockedLocally",
        "BlockedLocally",
        "Unauthorized",
        "granted",
        "Unauthorized",
        "Unauthorized",
    ]


def test_what_a_guard_does_about_nobody_is_refused_by_name(tmp_path: Path) -> None:
    leave = {"time": at(6), "access_points": ["yard"], "until": at(60)}
    day = a_day(
        tmp_path,
        {"time": at(0), "block": "credential:c-none", "blocked": True},
        {"time": at(1), "block": "cardholder:p-none", "blocked": True},
        {"time": at(2), "forgive": "p-none"},
        {"time": at(3), "forgive": "p-1"},
        {"time": at(4), "block": "credential:pass:app/v-1", "blocked": True},
        {"time": at(5), "local_grant": "c-none", "until": None},
        leave | {"local_grant": "c-5", "access_points": ["yard", "yrad"]},
    )
    unknown = {"done": False, "refused": "SubjectUnknown"}
    assert day == [
        unknown | {"subject": "credential:c-none"},
        unknown | {"subject": "cardholder:p-none"},
        unknown | {"subject": "p-none"},
        {"done": True},
        {"done": True},
        unknown | {"subject": "c-none"},
        {"done": False, "refused": "AccessPointUnknown", "subject": "yrad"},
    ]


def test_a_local_grant_ends_by_itself(tmp_path: Path) -> None:
    leave = {"time": at(0), "local_grant": "c-5", "access_points": ["yard"], "until": at(60)}
    assert outcomes(a_day(tmp_path, leave, ask(59.9, 5), ask(60, 5)))[1:] == ["granted", "Unauthorized"]


def test_five_wrong_pins_lock_the_pin_of_the_card_for_a_minute_and_nothing_else(tmp_path: Path) -> None:
    wrong = [ask(n, 1, "vault", pin="9999") for n in range(5)]
    day = a_day(tmp_path, *wrong, ask(63, 1, "vault", pin="4321"), ask(63, 1, "yard"), ask(64, 1, "vault", pin="4321"))
    assert outcomes(day) == ["InvalidPIN"] * 5 + ["LockedOut", "granted", "granted"]


def test_unknown_cards_lock_the_reader_and_a_grant_ends_their_row(tmp_path: Path) -> None:
    unknown = [ask(n, 99, "vault") for n in range(4)]
    right = ask(4, 1, "vault", pin="4321")
    day = a_day(tmp_path, *unknown, right, ask(5, 99, "vault"), ask(6, 1, "vault", pin="4321"))
    assert outcomes(day)[4:] == ["granted", "CredentialNotFound", "granted"]
    said_otherwise = ask(4, 1, "vault", pin="4321", locked_out=False)
    day = a_day(tmp_path, *unknown, ask(4, 99, "vault"), ask(4, 1, "vault", pin="4321"), said_otherwise)
    assert outcomes(day)[5:] == ["LockedOut", "granted"]


def test_a_rotating_pass_is_taken_once(tmp_path: Path) -> None:
    entry = make_key(tmp_path / "app.pem") | {"levels": ["day"]}
    wish = {"uses": None, "made_at": at(0)}
    first, newer = (
        sign(tmp_path / "app.pem", a_wish(**wish), WISHED_AT),
        sign(tmp_path / "app.pem", a_wish(**{**wish, "made_at": at(10)}), WISHED_AT),
    )
    day = a_day(
        tmp_path,
        ask(1, access_point="north", text=first),
        ask(2, access_point="north", text=first),
        ask(9, access_point="north", text=newer),
        ask(71, access_point="north", text=newer),
        document=a_compound(pass_keys=[entry]),
    )
    assert outcomes(day) == ["granted", "PassReplayed", "granted", "PassExpired"]


def test_a_counted_pass_is_used_up(tmp_path: Path) -> None:
    entry = make_key(tmp_path / "app.pem") | {"levels": ["day"]}
    text = sign(tmp_path / "app.pem", a_wish(), WISHED_AT)
    lines = [ask(n, access_point="north", text=text) for n in range(3)]
    assert outcomes(a_day(tmp_path, *lines, document=a_compound(pass_keys=[entry]))) == [
        "granted",
        "granted",
        "UsesExhausted",
    ]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (ask(-1), "time"),
        ({"time": at(-1), "forgive": None}, "time"),
        ({"time": at(1), "block": "c-1", "blocked": True}, "request"),
        ({"time": at(1), "block": "credential:c-1"}, "request"),
        ({"time": at(1), "local_grant": "c-1", "until": at(60)}, "access_points"),
        ({"time": at(1), "local_grant": "c-1", "access_points": ["yard"], "until": at(24 * 3600 + 2)}, "until"),
        ({"time": at(1), "local_grant": "c-1", "access_points": ["yard"], "until": at(1)}, "until"),
        ({"time": at(1), "local_grant": "c-1", "access_points": ["yard"], "until": "noon"}, "until"),
    ],
)
def test_what_no_day_can_hold_is_told_with_its_line(tmp_path: Path, line: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        a_day(tmp_path, ask(0), line)
    assert (caught.value.key, caught.value.line) == (key, 2)


LOCK = Lock(Terminal("board", 0), LockKind.FAIL_SECURE, Wiring.NO)
SITE = Site(
    id="demo",
    zone=ZoneInfo("Asia/Shanghai"),
    doors={"gate": Door("gate", LOCK, escape_route=True), "yard": Door("yard", LOCK)},
    access_points={
        "garage-out": AccessPoint("garage-out", "gate", ("r-out",), exit=True),
        "garage-in": AccessPoint("garage-in", "gate", ("r-in",)),
        "north": AccessPoint("north", None, ("r-lift",), lift="tower"),
        "yard": AccessPoint(
            "yard", "yard", ("r-yard",), exit=True, rules={"r-yard": ReaderRules(accepts=frozenset({Grade.SECURE}))}
        ),
        "lift": AccessPoint("lift", "yard", ("r-good",), rules={"r-good": ReaderRules(grade=Grade.SECURE)}),
    },
)


def decided(what_if: WhatIf, line: dict[str, Any]) -> str:
    asked, wall = parse_line(json.dumps(line), 1)
    assert isinstance(asked, Asked)
    decision = what_if.ask(asked, wall, 1)
    return "granted" if decision.granted else str(decision.reason)


def test_the_site_says_what_is_the_way_out_and_what_a_reader_accepts() -> None:
    access_list = MemoryAccessList.from_document(parse_list(a_compound()))
    plain, wired = WhatIf(access_list), WhatIf(access_list, SITE)
    secure = {"access_point": "lift", "identifier": {"format": "UID34", "number": 34}, "time": at(0)}
    assert [decided(each, ask(0, 6, "garage-out")) for each in (plain, wired)] == ["CredentialLost", "granted"]
    assert [decided(each, ask(0, 1, "yard")) for each in (plain, wired)] == ["granted", "FormatNotAccepted"]
    assert [decided(each, secure) for each in (plain, wired)] == ["FormatNotAccepted", "granted"]
    assert decided(wired, ask(0, 1, "yard", grade="secure")) == "granted"
    assert decided(wired, ask(0, 1, "depot")) == decided(plain, ask(0, 1, "depot"))


DEGRADED = (DegradedMode.LAST_LIST, DegradedMode.LOCKED, DegradedMode.FACILITY_CODE)


@pytest.mark.parametrize(
    ("standing", "number", "outcomes_by_mode"),
    [
        ("in_force", 1, ["granted", "granted", "granted"]),
        ("in_force", 99, ["CredentialNotFound", "CredentialNotFound", "CredentialNotFound"]),
        ("fallback", 1, ["granted", "NoValidList", "granted"]),
        ("fallback", 99, ["CredentialNotFound", "NoValidList", "granted"]),
        ("none", 1, ["NoValidList", "NoValidList", "granted"]),
        ("none", 99, ["NoValidList", "NoValidList", "granted"]),
    ],
)
def test_without_a_valid_list_the_sites_degraded_mode_decides(
    standing: str, number: int, outcomes_by_mode: list[str]
) -> None:
    access_list = MemoryAccessList.from_document(parse_list(a_compound()))
    yard = replace(SITE.access_points["yard"], exit=False, rules={}, facility=("H10301", 123))
    for mode, outcome in zip(DEGRADED, outcomes_by_mode, strict=True):
        site = replace(SITE, access_points={"yard": replace(yard, degraded=mode)})
        for kind in (WhatIf, WhatIfDay):
            what_if = kind(access_list, site, access_list.standing_in())
            assert decided(what_if, ask(0, number, "yard", list=standing)) == outcome, mode
            assert decided(what_if, ask(1, 1, "yard")) == "granted"


def test_without_a_list_a_reader_takes_what_it_accepts_and_a_door_what_its_mode_allows() -> None:
    access_list = MemoryAccessList.from_document(parse_list(a_compound()))
    yard = replace(
        SITE.access_points["yard"], exit=False, degraded=DegradedMode.FACILITY_CODE, facility=("H10301", 123)
    )
    what_if = WhatIf(access_list, replace(SITE, access_points={"yard": yard}))
    assert decided(what_if, ask(0, 1, "yard", list="none")) == "FormatNotAccepted"
    assert decided(what_if, ask(0, 1, "yard", list="none", grade="secure")) == "granted"
    locked = ask(0, 1, "yard", list="none", grade="secure", door={"mode": "LockedDown"})
    assert decided(what_if, locked) == "LockedDown"
    assert decided(what_if, ask(0, access_point="yard", text="GHP1.a.b", list="none")) == "NoValidList"


def test_what_the_list_before_grants_is_used_up_and_what_no_list_grants_is_not(tmp_path: Path) -> None:
    day = a_day(tmp_path, ask(0, 2, list="fallback"), ask(1, 2, list="none"), ask(2, 2), ask(3, 2))
    assert outcomes(day) == ["granted", "NoValidList", "granted", "UsesExhausted"]
    assert [answer["list_version"] for answer in day] == [7, None, 7, 7]


def test_a_lift_takes_nobody_into_an_area() -> None:
    day = WhatIfDay(MemoryAccessList.from_document(parse_list(a_compound())), SITE)
    assert decided(day, ask(0, 1, "north")) == "granted"
    assert day.register.inside == {}
    assert decided(day, ask(1, 1, "garage-in")) == "granted"
    assert day.register.inside == {"garage": 1}


def test_the_command_line_answers_a_day_with_a_site(tmp_path: Path) -> None:
    (tmp_path / "LIST.json").write_text(json.dumps(a_compound()))
    day = "\n".join(map(json.dumps, [ask(0, 2), ask(1, 2), ask(2, 2)]))
    options = ["--site", "config/demo.toml", "--stateful"]
    command = [sys.executable, "-m", "gateway.cli", "decide", "--list", str(tmp_path / "LIST.json"), "--requests", "-"]
    done = subprocess.run([*command, *options], input=day, capture_output=True, text=True, timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert outcomes(answers) == ["granted", "granted", "UsesExhausted"]
    assert done.stderr == ""
