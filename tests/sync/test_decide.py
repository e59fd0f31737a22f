"""`gatehouse decide`: lines in, answers out, exit codes."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.commands.decide import decide_lines, schema
from gateway.errors import ConfigError
from tests.sync.site import a_list

CARD = {"format": "H10301", "facility_code": 1, "number": 11}
NIGHT = {"format": "EM4100", "number": 22}


def ask(identifier: dict[str, Any] = CARD, access_point: str = "north", time: str = "2026-11-23T12:00:00+08:00") -> str:
    return json.dumps({"identifier": identifier, "access_point": access_point, "time": time})


@pytest.fixture
def list_path(tmp_path: Path) -> Path:
    path = tmp_path / "LIST.json"
    path.write_text(json.dumps(a_list(7)))
    return path


def decided(list_path: Path, *lines: str) -> list[dict[str, Any]]:
    requests = list_path.with_name("requests.jsonl")
    requests.write_text("\n".join(lines), encoding="utf-8")
    return list(decide_lines(list_path, str(requests)))


def test_an_answer_says_what_was_decided_why_and_by_which_list(list_path: Path) -> None:
    (granted,) = decided(list_path, ask())
    assert (granted["decision"], granted["reason"], granted["list_version"]) == ("granted", None, 7)
    assert (granted["credential"], granted["cardholder"]) == ("c-1", "p-1")
    assert granted["trace"][-1] == {"check": "schedule", "passed": True, "subject": "residents/always"}


@pytest.mark.parametrize(
    ("request_line", "reason"),
    [
        (ask({"format": "H10301", "facility_code": 2, "number": 11}), "CredentialNotFound"),
        (ask(access_point="yard"), "Unauthorized"),
        (ask(access_point="moon"), "UnknownAccessPoint"),
        (ask(NIGHT, "yard", "2026-11-23T21:59:59+08:00"), "NotPermittedAtThisTime"),
        (ask(NIGHT, "yard", "2026-11-23T14:00:00Z"), None),
        (ask(NIGHT, "yard", "2026-11-24T05:59:59+08:00"), None),
        (ask(NIGHT, "yard", "2026-11-24T06:00:00+08:00"), "NotPermittedAtThisTime"),
    ],
)
def test_each_denial_has_its_one_reason(list_path: Path, request_line: str, reason: str | None) -> None:
    (answer,) = decided(list_path, request_line)
    assert answer["reason"] == reason
    assert answer["decision"] == ("granted" if reason is None else "denied")


def test_of_several_readings_the_first_known_decides(list_path: Path) -> None:
    readings = [{"format": "H10301", "facility_code": 9, "number": 9}, NIGHT, CARD]
    line = json.dumps({"identifiers": readings, "access_point": "north", "time": "2026-11-23T12:00:00Z"})
    assert decided(list_path, line)[0]["credential"] == "c-2"


def test_a_shuffled_list_decides_the_same_with_the_same_trace(list_path: Path) -> None:
    lines = [
        ask(identifier, point, f"2026-11-{day}T{hour:02}:30:00+08:00")
        for identifier in (CARD, NIGHT, {"format": "X", "number": 1})
        for point in ("north", "yard", "moon")
        for day in (23, 24)
        for hour in range(0, 24, 3)
    ]
    expected = decided(list_path, *lines)
    for seed in range(10):
        shuffled = a_list(7)
        order = random.Random(seed)
        for part in ("schedules", "access_points", "levels", "cardholders", "credentials"):
            order.shuffle(shuffled[part])
        for holder in shuffled["cardholders"]:
            order.shuffle(holder["levels"])
        list_path.write_text(json.dumps(shuffled))
        assert decided(list_path, *lines) == expected


@pytest.mark.parametrize(
    "bad",
    [
        "rubbish",
        "[]",
        "{}",
        ask(time="2026-11-23T12:00:00"),
        ask(time="noon"),
        ask({"format": "H10301", "number": -1}),
        ask({"format": "H10301", "number": 2**64}),
        ask({"format": "H10301", "number": "11"}),
        json.dumps({"access_point": "north", "time": "2026-11-23T12:00:00Z"}),
        json.dumps({"identifiers": [], "access_point": "north", "time": "2026-11-23T12:00:00Z"}),
        json.dumps({**json.loads(ask()), "door": "north"}),
        json.dumps({**json.loads(ask()), "identifiers": [CARD]}),
        "[" * 50_000,
        "x" * 70_000,
    ],
)
def test_a_bad_line_is_told_with_its_number_after_the_answers_before_it(
    list_path: Path, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = list_path.with_name("requests.jsonl")
    requests.write_text("\n".join((ask(), "", bad, ask())), encoding="utf-8")
    assert main(["decide", "--list", str(list_path), "--requests", str(requests)]) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert "(line 3)" in said.err


def test_requests_come_from_standard_input_too(list_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(ask() + "\n" + ask() + "\n"))
    assert len(list(decide_lines(list_path, "-"))) == 2


def test_a_faulty_list_is_told_fault_by_fault(list_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_path.write_text(json.dumps(a_list(7, levels=[], zone="Moon/Sea")))
    assert main(["decide", "--list", str(list_path), "--requests", "-"]) == 2
    assert len(capsys.readouterr().err.splitlines()) >= 3
    with pytest.raises(ConfigError, match="can't be read"):
        list(decide_lines(list_path.with_name("none.json"), "-"))


@pytest.mark.parametrize("name", ["access-list", "decide-request", "decide-answer"])
def test_schemas_are_printed_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == schema(name)
    assert schema(name)["type"] == "object"
