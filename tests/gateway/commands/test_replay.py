"""`gatehouse replay` over a real journal: by the list in force, and by another."""

import copy
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.domain.access_request import DenialReason
from gateway.domain.events import AccessDenied, AccessGranted
from gateway.domain.ports import RecordedEvent
from gateway.domain.trace import TraceStep
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.commands.recorded_day import RecordedDay, reasons

NEVER_CAME = {"PinMissing", "SecondCredentialMissing", "EscortMissing", "ConfirmationMissing"}
OF_P_2 = {"c-2", "c-pin", "c-plate", "c-duress"}


def decisions(day: RecordedDay) -> list[RecordedEvent]:
    reader = SqliteJournalReader(day.data / "journal.db")
    return [row for row in reader.after(0, 5000) if row.type in ("AccessGranted", "AccessDenied")]


def replayed(capsys: pytest.CaptureFixture[str], data: Path, *options: str, code: int = 0) -> list[dict[str, Any]]:
    assert main(["replay", "--data", str(data), *options]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_day_denies_for_nearly_every_reason(recorded_day: RecordedDay) -> None:
    untold = {reason.value for reason in DenialReason} - reasons(recorded_day)
    assert untold == {
        "NoValidList",
        "UnknownAccessPoint",
        "PassExpired",
        "CredentialNotEnabled",
        "CredentialNotActive",
        "CredentialExpired",
        "CardholderNotActive",
        "CardholderExpired",
        "RiskRefused",
        "LockedDown",
        "InterlockActive",
    }


def test_the_list_in_force_decides_every_recorded_swipe_the_same(recorded_day: RecordedDay) -> None:
    command = [sys.executable, "-m", "gateway.cli", "replay", "--data", str(recorded_day.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    waited = [row for row in decisions(recorded_day) if row.body["circumstances"].get("gave_up")]
    assert {row.body["reason"] for row in waited} == NEVER_CAME - {"EscortMissing"}
    assert done.stdout == ""
    count = len(decisions(recorded_day)) - len(waited)
    assert done.stderr.splitlines() == [
        f"{count} decisions made again by list 7, {count} of them came out alike",
        f"{len(waited)} requests left out: what they waited for never came",
    ]


def test_a_level_taken_away_shows_exactly_whom_it_shuts_out(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = copy.deepcopy(recorded_day.document) | {"version": 8}
    next(holder for holder in changed["cardholders"] if holder["id"] == "p-2")["levels"] = []
    (tmp_path / "LIST.json").write_text(json.dumps(changed))
    differing = replayed(capsys, recorded_day.data, "--list", str(tmp_path / "LIST.json"))
    expected = {
        row.row_id: row
        for row in decisions(recorded_day)
        if row.body["credential"] in OF_P_2 and row.body["trace"][-1]["check"] != "grade"
    }
    assert len(expected) > 3
    assert {line["row"] for line in differing} == set(expected)
    for line in differing:
        row = expected[line["row"]]
        assert (line["event_id"], line["access_point"]) == (row.event_id, row.body["access_point"])
        assert line["was"] == {
            "decision": "granted" if row.type == "AccessGranted" else "denied",
            "reason": row.body.get("reason"),
        }
        assert line["would_be"] == {"decision": "denied", "reason": "Unauthorized"}
        assert line["trace"][-1] == {"check": "access_level", "passed": False, "subject": line["access_point"]}
    shut_out = replayed(capsys, recorded_day.data, "--list", str(tmp_path / "LIST.json"), "--only-changes")
    assert {line["row"] for line in shut_out} == {n for n, row in expected.items() if row.type == "AccessGranted"}
    assert len(shut_out) < len(differing)


def test_a_card_that_was_unknown_then_is_known_to_a_list_that_names_it(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = copy.deepcopy(recorded_day.document)
    card = {"id": "c-99", "cardholder": "p-1", "format": "H10301", "facility_code": 123, "number": 99}
    changed["credentials"].append(card)
    (tmp_path / "LIST.json").write_text(json.dumps(changed))
    differing = replayed(capsys, recorded_day.data, "--list", str(tmp_path / "LIST.json"))
    unknown = [row for row in decisions(recorded_day) if row.body.get("reason") == "CredentialNotFound"]
    unknown = [row for row in unknown if "facilities" in row.body["circumstances"]["shown"][-1]]
    assert [line["row"] for line in differing] == [row.row_id for row in unknown]
    assert [line["would_be"]["decision"] for line in differing] == ["granted", "denied"]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.update(levels=[]),
        lambda key: key.update(id="another"),
        lambda key: key.update(cardholder="p-1"),
    ],
)
def test_passes_hold_only_while_the_list_has_a_key_that_may_give_them(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Any], None]
) -> None:
    changed = copy.deepcopy(recorded_day.document)
    change(changed["pass_keys"][0])
    (tmp_path / "LIST.json").write_text(json.dumps(changed))
    differing = replayed(capsys, recorded_day.data, "--list", str(tmp_path / "LIST.json"))
    assert {line["would_be"]["reason"] for line in differing} == {"PassInvalid"}
    passes = [row for row in decisions(recorded_day) if str(row.body["credential"]).startswith("pass:")]
    assert [line["row"] for line in differing] == [row.row_id for row in passes]


@pytest.mark.parametrize(
    ("authentication", "wants", "words"),
    [
        ("two_cards", "person", "a second person's card"),
        ("confirm", "confirmation", "a yes of a guard or the office"),
    ],
)
def test_who_would_be_asked_for_more_is_not_said_to_be_denied(
    recorded_day: RecordedDay,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    authentication: str,
    wants: str,
    words: str,
) -> None:
    changed = copy.deepcopy(recorded_day.document)
    yard = next(point for point in changed["access_points"] if point["id"] == "yard")
    yard["settings"] = [{"schedule": "always", "authentication": authentication}]
    (tmp_path / "l4.json").write_text(json.dumps(changed))
    assert main(["replay", "--data", str(recorded_day.data), "--list", str(tmp_path / "l4.json")]) == 0
    said = capsys.readouterr()
    differing = [line for line in map(json.loads, said.out.splitlines()) if line["was"]["decision"] == "granted"]
    assert {line["access_point"] for line in differing} == {"yard"}
    assert [line["would_be"] for line in differing] == [
        {"decision": "asked", "reason": None, "wants": wants} for _ in differing
    ]
    assert "by list 7 (l4.json), " in said.err.splitlines()[0]
    assert f"{len(differing)} would be asked for {words}" in said.err.splitlines()


def test_the_span_is_from_since_to_before_until(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = copy.deepcopy(recorded_day.document) | {"credentials": []}
    (tmp_path / "LIST.json").write_text(json.dumps(nobody))
    options = ["--list", str(tmp_path / "LIST.json")]
    everything = replayed(capsys, recorded_day.data, *options)
    first, third = everything[0]["time"], everything[2]["time"]
    some = replayed(capsys, recorded_day.data, *options, "--since", first, "--until", third)
    assert some == everything[:2]
    assert replayed(capsys, recorded_day.data, *options, "--since", "2027-01-01T00:00:00Z") == []
    assert replayed(capsys, recorded_day.data, *options, "--since", "yesterday", code=2) == []


def copied(day: RecordedDay, folder: Path) -> Path:
    """The data directory under another name."""
    shutil.copytree(day.data, folder / "copy")
    return folder / "copy"


def test_a_decision_that_its_own_list_would_not_make_is_a_fault_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = RecordedDay(tmp_path / "data")
    usual: dict[str, Any] = {"access_point": "yard", "door": "yard", "reader": "yard-reader", "cardholder": "p-6"}
    steps = (TraceStep("list", True, "7"),)
    for version, number in ((7, 6), (6, 6), (7, 1)):
        granted = AccessGranted(**usual, credential=f"c-{number}", list_version=version, trace=steps)
        day.record((granted,))
    day.journal.close()
    lines = replayed(capsys, day.data, code=1)
    assert [(line["list_version"], line["would_be"]["reason"]) for line in lines] == [
        (7, "CredentialLost"),
        (6, "CredentialLost"),
    ]


def test_what_an_older_program_or_a_site_without_a_list_recorded_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = RecordedDay(tmp_path / "data")
    day.show(1, "yard")
    day.show(1, "yard")
    day.access_list = None
    day.show(1, "yard")
    day.scan("GHP1.no.pass", "yard")
    day.journal.close()
    assert [event.reason for event in day.all_events(AccessDenied)] == ["NoValidList"] * 2
    rows = decisions(day)
    with closing(sqlite3.connect(day.data / "journal.db")) as connection, connection:
        connection.execute("UPDATE event SET version = 1 WHERE row_id = ?", (rows[0].row_id,))
        connection.execute("UPDATE event SET body = '{}' WHERE row_id = ?", (rows[1].row_id,))
    assert main(["replay", "--data", str(day.data)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "0 decisions made again by list 7, 0 of them came out alike",
        "1 decision left out: recorded by an older program, which kept too little",
        "2 decisions left out: there was no list then, so nobody knows who it was",
        "1 decision left out: not readable",
    ]


def test_a_running_gateways_journal_is_read_and_nothing_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = RecordedDay(tmp_path / "data")
    day.show(1, "yard")
    day.show(6, "yard")

    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in day.data.rglob("*") if "-shm" not in path.name}

    before = files()
    assert replayed(capsys, day.data) == []
    assert files() == before
    day.show(2, "yard")
    day.journal.close()


def test_a_decision_is_made_again_without_the_sites_config(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copied(recorded_day, tmp_path)
    (data / "site.toml").unlink()
    assert replayed(capsys, data) == []


@pytest.mark.parametrize("missing", ["journal.db", "lists/current.json", "secrets/site-key"])
def test_what_is_missing_in_the_directory_is_told(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    data = copied(recorded_day, tmp_path)
    (data / missing).unlink()
    assert main(["replay", "--data", str(data)]) == 2
    assert "--data" in capsys.readouterr().err
    assert not (data / missing).exists()


def test_a_damaged_list_is_told_and_another_may_be_named(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copied(recorded_day, tmp_path)
    next((data / "lists").glob("*.ghl")).write_bytes(b"rubbish")
    assert main(["replay", "--data", str(data)]) == 2
    assert "can't be used" in capsys.readouterr().err
    (tmp_path / "LIST.json").write_text(json.dumps(recorded_day.document))
    assert replayed(capsys, data, "--list", str(tmp_path / "LIST.json")) == []


def test_a_gateway_that_decided_by_an_older_list_is_compared_and_not_accused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = RecordedDay(tmp_path / "data")
    day.show(1, "yard")
    day.show(2, "yard")
    lost = copy.deepcopy(day.document) | {"version": 8}
    lost["credentials"][0]["state"] = "lost"
    day.access_list = day.put_in_force(lost)
    day.pass_time(timedelta(minutes=1).total_seconds())
    day.show(1, "yard")
    day.journal.close()
    lines = replayed(capsys, day.data)
    assert [(line["list_version"], line["would_be"]["reason"]) for line in lines] == [(7, "CredentialLost")]
