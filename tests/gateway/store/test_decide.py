"""What-if decisions, as `gatehouse decide` answers them."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.decide import decide_lines, schema
from gateway.errors import ConfigError
from tests.gateway.store.sample_lists import sample_list


def _files(folder: Path, *requests: object) -> tuple[Path, str]:
    (folder / "list.json").write_text(json.dumps(sample_list()))
    (folder / "requests.jsonl").write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in requests))
    return folder / "list.json", str(folder / "requests.jsonl")


def _request(number: int, **more: Any) -> dict[str, Any]:
    card = {"format": "H10301", "facility_code": 100, "number": number}
    return {"identifier": card, "access_point": "north", "time": "2026-11-23T08:00:00+08:00", **more}


def test_known_card_is_granted_and_unknown_card_has_one_reason(tmp_path: Path) -> None:
    granted, denied, nowhere = decide_lines(*_files(tmp_path, _request(1), _request(99), _request(1, access_point="x")))
    assert (granted["decision"], granted["reason"], granted["credential"], granted["list_version"]) == (
        "granted",
        None,
        "c-1",
        7,
    )
    assert all(step["passed"] for step in granted["trace"])
    assert (denied["decision"], denied["reason"]) == ("denied", "CredentialNotFound")
    assert "credential" not in denied
    assert nowhere["reason"] == "UnknownAccessPoint"


def test_first_known_of_several_identifiers_decides(tmp_path: Path) -> None:
    cards = [{"format": "EM4100", "number": 5}, {"format": "H10301", "facility_code": 100, "number": 2}]
    request = {"identifiers": cards, "access_point": "north", "time": "2026-11-23T08:00:00Z"}
    (answer,) = decide_lines(*_files(tmp_path, request))
    assert answer["credential"] == "c-2"


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        json.dumps(_request(1, time="2026-11-23 08:00")),
        json.dumps(_request(1, time="2026-11-23T08:00:00")),
        json.dumps(_request(1, acess="typo")),
        json.dumps({"access_point": "north", "time": "2026-11-23T08:00:00Z"}),
        json.dumps(_request(1, identifiers=[])),
        "x" * 1_000_000,
    ],
)
def test_bad_line_is_named_by_its_number_after_the_good_ones(tmp_path: Path, bad: str) -> None:
    answers = decide_lines(*_files(tmp_path, _request(1), "", bad))
    assert next(answers)["decision"] == "granted"
    with pytest.raises(ConfigError) as caught:
        next(answers)
    assert caught.value.line == 3


def test_requests_come_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list_path, _ = _files(tmp_path)
    given = io.TextIOWrapper(io.BytesIO(json.dumps(_request(0)).encode()))
    monkeypatch.setattr(sys, "stdin", given)
    assert [answer["decision"] for answer in decide_lines(list_path, "-")] == ["granted"]


def test_list_with_faults_and_missing_files_are_configuration_errors(tmp_path: Path) -> None:
    list_path, requests = _files(tmp_path, _request(1))
    with pytest.raises(ConfigError, match="can't be read"):
        next(decide_lines(list_path, str(tmp_path / "none")))
    list_path.write_text(json.dumps({**sample_list(), "zone": "Moon"}))
    with pytest.raises(ConfigError, match="IANA"):
        next(decide_lines(list_path, requests))


def test_schemas_are_known_by_name() -> None:
    assert {schema(name)["type"] for name in ("access-list", "decide-request", "decide-answer")} == {"object"}
