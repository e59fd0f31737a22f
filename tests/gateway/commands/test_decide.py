"""`gatehouse decide`: lines in, answers out, exit codes."""

import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.commands.decide import decide_lines
from gateway.commands.decide_requests import parse_line
from gateway.commands.pass_commands import make_key, sign
from gateway.errors import ConfigError
from tests.gateway.commands.lists import NOON, WISHED_AT, a_compound, a_wish, card

NIGHT = "2026-11-23T23:00:00+08:00"


def ask(number: int = 1, access_point: str = "yard", *, text: str | None = None, **more: Any) -> dict[str, Any]:
    """A request for a card, or for a pass's `text` as well; `identifier=None` leaves the card out."""
    asked = {"identifier": card(number), "pass": text, "access_point": access_point, "time": NOON, **more}
    return {name: value for name, value in asked.items() if value is not None}


@pytest.fixture
def list_path(tmp_path: Path) -> Path:
    path = tmp_path / "LIST.json"
    path.write_text(json.dumps(a_compound()))
    return path


def decided(list_path: Path, *lines: dict[str, Any] | str, **options: Any) -> list[dict[str, Any]]:
    requests = list_path.with_name("requests.jsonl")
    requests.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return list(decide_lines(list_path, str(requests), **options))


def outcome(answer: dict[str, Any]) -> str:
    return str(answer["reason"] or answer["decision"])


def test_an_answer_says_what_was_decided_why_and_by_which_list(list_path: Path) -> None:
    (granted,) = decided(list_path, ask())
    assert (granted["decision"], granted["reason"], granted["list_version"]) == ("granted", None, 7)
    assert (granted["credential"], granted["cardholder"]) == ("c-1", "p-1")
    assert {"check": "schedule", "passed": True, "subject": "everywhere/always"} in granted["trace"]
    assert not granted.keys() & {"wants", "accompanied", "floors", "duress", "reported"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (ask(99), "CredentialNotFound"),
        (ask(1, "moon"), "UnknownAccessPoint"),
        (ask(6), "CredentialLost"),
        (ask(5, "yard"), "Unauthorized"),
        (ask(5, "north", time=NIGHT), "NotPermittedAtThisTime"),
        (ask(5, "north", time="2026-11-23T17:59:59+08:00"), None),
        (ask(5, "north", time="2026-11-23T10:00:00Z"), "NotPermittedAtThisTime"),
        (ask(1, "attic"), "AccessPointLocked"),
        (ask(1, "booth"), "FormatNotAccepted"),
        (ask(identifier={"format": "PIN4", "number": 77}, access_point="booth"), None),
        (ask(identifier={"format": "PIN4", "number": 77}, access_point="vault"), "FormatNotAccepted"),
        (ask(identifier={"format": "PLATE", "number": "京a 12345"}), None),
        (ask(identifier={"format": "UID34", "number": 34}), "FormatNotAccepted"),
        (ask(identifier={"format": "UID34", "number": 34}, grade="secure"), None),
        (ask(identifier=None, text="GHP1.no.pass"), "PassInvalid"),
        (ask(door={"mode": "LockedDown"}), "LockedDown"),
        (ask(door={"mode": "Blocked"}), "DoorBlocked"),
        (ask(door={"mode": "Accessed"}), None),
        (ask(door={"interlocked_by": "inner"}), "InterlockActive"),
        (ask(1, "garage-in", door={"inside": 1}), None),
        (ask(1, "garage-in", door={"inside": 2}), "OccupancyLimit"),
        (ask(5, "north", clock="suspect"), "ClockSuspect"),
        (ask(1, "vault", locked_out=True, pin="4321"), "LockedOut"),
        (ask(1, "vault"), "PinMissing"),
        (ask(1, "vault", pin="4321"), None),
        (ask(1, "vault", pin="1234"), "InvalidPIN"),
        (ask(2, "vault", pin="1234"), "InvalidPIN"),
        (ask(1, "yard", pin="1234"), None),
        (ask(1, "depot"), "SecondCredentialMissing"),
        (ask(1, "depot", second={"identifier": card(2)}), None),
        (ask(1, "depot", second={"identifier": card(1)}), "SecondCredentialMissing"),
        (ask(1, "depot", second={"identifier": card(99)}), "CredentialNotFound"),
        (ask(3), "EscortMissing"),
        (ask(3, second=[{"identifier": card(4)}]), None),
        (ask(3, second={"identifier": card(2)}), "EscortMissing"),
        (ask(1, "office"), "ConfirmationMissing"),
        (ask(1, "office", confirmed=True), None),
        (ask(1, "office", confirmed=False), "ConfirmationRefused"),
    ],
)
def test_each_denial_has_its_one_reason(list_path: Path, asked: dict[str, Any], reason: str | None) -> None:
    (answer,) = decided(list_path, asked)
    assert answer["reason"] == reason
    assert answer["decision"] == ("granted" if reason is None else "denied")
    assert answer["trace"][-1]["passed"] == (reason is None)


def test_what_is_still_missing_is_named(list_path: Path) -> None:
    answers = decided(list_path, ask(1, "vault"), ask(1, "depot"), ask(3), ask(1, "office"), ask(1, "attic"))
    assert [answer.get("wants") for answer in answers] == ["pin", "person", "escort", "confirmation", None]


def test_a_grant_tells_who_came_along_which_floors_and_duress(list_path: Path) -> None:
    two, lift, typed, shown, plain = decided(
        list_path,
        ask(1, "depot", second={"identifier": card(2)}),
        ask(1, "lift"),
        ask(1, "vault", pin="4322"),
        ask(9),
        ask(1, "vault", pin="4321"),
    )
    assert (two["credential"], two["accompanied"]) == ("c-1", ["c-2"])
    assert lift["floors"] == ["1", "8"]
    assert typed["duress"] is shown["duress"] is True
    assert "duress" not in plain


def test_of_several_readings_the_first_known_decides(list_path: Path) -> None:
    readings = [{"format": "EM4100", "number": 5}, card(2), card(1)]
    assert decided(list_path, ask(identifier=None, identifiers=readings))[0]["credential"] == "c-2"


def test_further_cards_are_asked_for_only_once_the_first_one_waits_for_them(list_path: Path) -> None:
    denied, same = decided(
        list_path,
        ask(6, "depot", second={"identifier": card(2)}),
        ask(1, "depot", second=[{"identifier": card(1)}, {"identifier": card(2)}]),
    )
    assert (outcome(denied), denied.get("accompanied")) == ("CredentialLost", None)
    assert (outcome(same), same["accompanied"]) == ("granted", ["c-2"])


@pytest.mark.parametrize(
    "asked",
    [
        ask(1, second={"identifier": card(2)}),
        ask(1, "depot", second=[{"identifier": card(2)}, {"identifier": card(4)}]),
        ask(1, "vault", second={"identifier": card(2)}),
    ],
)
def test_a_further_card_that_nothing_waits_for_is_a_request_of_its_own(list_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="request of its own") as caught:
        decided(list_path, ask(), asked)
    assert (caught.value.key, caught.value.line) == ("second", 2)


def test_a_signed_pass_opens_what_its_levels_say_until_it_ends(list_path: Path, tmp_path: Path) -> None:
    entry = make_key(tmp_path / "app.pem") | {"levels": ["day"]}
    list_path.write_text(json.dumps(a_compound(pass_keys=[entry])))
    text = sign(tmp_path / "app.pem", a_wish(), WISHED_AT)
    granted, elsewhere, late, forged = decided(
        list_path,
        ask(identifier=None, access_point="north", text=text),
        ask(identifier=None, access_point="yard", text=text),
        ask(identifier=None, access_point="north", time="2026-11-24T09:00:00+08:00", text=text),
        ask(identifier=None, access_point="north", text=text[:-1] + ("A" if text[-1] != "A" else "B")),
    )
    assert [outcome(each) for each in (granted, elsewhere, late, forged)] == [
        "granted",
        "Unauthorized",
        "PassExpired",
        "PassInvalid",
    ]
    assert (granted["credential"], granted["cardholder"]) == ("pass:app/v-1", "pass:app/v-1")


def test_a_shuffled_list_decides_the_same_with_the_same_trace(list_path: Path) -> None:
    points = ("north", "yard", "vault", "depot", "lift", "moon")
    lines = [
        ask(number, point, time=f"2026-11-23T{hour:02}:30:00+08:00")
        for number in (1, 2, 3, 5, 6, 9, 99)
        for point in points
        for hour in (3, 9, 20)
    ]
    expected = decided(list_path, *lines)
    for seed in range(10):
        shuffled = a_compound()
        order = random.Random(seed)
        for part in ("schedules", "access_points", "areas", "levels", "cardholders", "credentials"):
            order.shuffle(shuffled[part])
        list_path.write_text(json.dumps(shuffled))
        assert decided(list_path, *lines) == expected


@pytest.mark.parametrize(
    "bad",
    [
        "rubbish",
        "{",
        "[]",
        "{}",
        "7",
        ask(time="2026-11-23T12:00:00"),
        ask(time="2026-11-23 12:00"),
        ask(time="noon"),
        ask(identifier={"format": "H10301", "number": -1}),
        ask(identifier={"format": "H10301", "number": 2**128}),
        ask(identifier={"format": "H10301", "number": "11"}),
        ask(identifier={"format": "PLATE", "number": 11}),
        ask(identifier=None),
        ask(identifier=None, identifiers=[]),
        ask(identifiers=[card(2)]),
        ask(text="GHP1.x.y"),
        ask(acess="typo"),
        ask(pin="12a4"),
        ask(pin=1234),
        ask(second={}),
        ask(second=[{"identifier": card(n)} for n in range(5)]),
        ask(second={"identifier": card(2), "access_point": "north"}),
        ask(door={"mode": "Ajar"}),
        ask(door={"inside": -1}),
        ask(clock="late"),
        ask(grade="gold"),
        {"time": NOON, "forgive": None},
        "[" * 50_000,
        "x" * 70_000,
    ],
)
def test_a_bad_line_of_a_file_is_told_with_its_number_before_anything_is_answered(
    list_path: Path, bad: dict[str, Any] | str, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = list_path.with_name("requests.jsonl")
    lines = [json.dumps(ask()), "", bad if isinstance(bad, str) else json.dumps(bad), json.dumps(ask())]
    requests.write_text("\n".join(lines), encoding="utf-8")
    assert main(["decide", "--list", str(list_path), "--requests", str(requests)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "(line 3)" in said.err
    assert not any(word in said.err for word in ("`", "$", "regex", "Expected", "Object"))


def test_every_bad_line_is_told_and_many_are_counted(list_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests = list_path.with_name("requests.jsonl")
    lines = ["x" * 200_000, json.dumps(ask()), "nope", *['{"time": 3}'] * 25]
    requests.write_text("\n".join(lines), encoding="utf-8")
    assert main(["decide", "--list", str(list_path), "--requests", str(requests)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [int(line.split("(line ")[1].split(")")[0]) for line in said[:-1]] == [1, 3, *range(4, 22)]
    assert said[-1].endswith("7 more lines like these are no requests: nothing was decided")


def test_from_standard_input_each_line_is_answered_when_it_comes(
    list_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{json.dumps(ask())}\nnope\n".encode())))
    assert main(["decide", "--list", str(list_path), "--requests", "-"]) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert "(line 2)" in said.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"time": "t", "block": "c-1", "blocked": true}', "block must be credential:ID or cardholder:ID"),
        ('{"time": "t", "block": "credential:c-1"}', "blocked is needed and missing"),
        (json.dumps(ask(pin="12a4")), "pin must be 1 to 12 digits"),
        (json.dumps(ask(pin=1234)), "pin must be a text or null, and is a whole number"),
        (json.dumps(ask(acess=1)), "acess is not known: is it misspelt?"),
        (json.dumps(ask(door={"mode": "Ajar"})), "door.mode is none of the values that are known: 'Ajar'"),
        (json.dumps(ask(door={"inside": -1})), "door.inside must be 0 or more"),
        (json.dumps(ask(second={"acess": 1})), "acess is not known in second"),
        (json.dumps(ask(second=[{"identifier": card(n)} for n in range(5)])), "second holds too many: 4 at most"),
        ("[1]", "the line must be an object, and is a list"),
        ('{"a":', "is no JSON: it ends too early"),
        ("nope", "is no JSON from its byte"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_words(line: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_line(line, 7)
    assert words in str(refused.value)
    assert "(line 7)" in str(refused.value)


def test_requests_come_from_standard_input_too(list_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(f"{json.dumps(ask())}\n{json.dumps(ask(99))}\n".encode()))
    monkeypatch.setattr(sys, "stdin", given)
    assert [outcome(answer) for answer in decide_lines(list_path, "-")] == ["granted", "CredentialNotFound"]


def test_a_faulty_list_is_told_fault_by_fault(list_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_path.write_text(json.dumps(a_compound(levels=[], zone="Moon/Sea")))
    assert main(["decide", "--list", str(list_path), "--requests", "-"]) == 2
    assert len(capsys.readouterr().err.splitlines()) >= 3
    with pytest.raises(ConfigError, match="can't be read"):
        list(decide_lines(list_path.with_name("none.json"), "-"))
    list_path.write_text(json.dumps(a_compound()))
    with pytest.raises(ConfigError, match="can't be read"):
        list(decide_lines(list_path, str(list_path.with_name("none.jsonl"))))
