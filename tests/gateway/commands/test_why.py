"""`gatehouse why` over a real journal."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.commands.why import DECISIONS
from gateway.domain.events import DoorOpened, TourVisitDenied
from gateway.domain.ports import RecordedEvent
from gateway.domain.trace import TraceStep
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.commands.recorded_day import RecordedDay

LANGUAGES = ("zh-CN", "en")


def rows(day: RecordedDay, *types: str) -> list[RecordedEvent]:
    return [row for row in SqliteJournalReader(day.data / "journal.db").after(0, 5000) if row.type in types]


def told(capsys: pytest.CaptureFixture[str], data: Path, *options: str) -> str:
    assert main(["why", "--data", str(data), *options]) == 0
    return capsys.readouterr().out


def test_gatehouse_data_names_the_directory_where_no_word_does(
    recorded_day: RecordedDay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = told(capsys, recorded_day.data)
    monkeypatch.setenv("GATEHOUSE_DATA", str(recorded_day.data))
    assert main(["why"]) == 0
    assert capsys.readouterr().out == said
    for words in (["replay"], ["journal", "export", "--unsigned", "--out", str(tmp_path / "events.jsonl")]):
        assert main(words) == 0
    monkeypatch.setenv("GATEHOUSE_DATA", str(tmp_path))
    assert told(capsys, recorded_day.data) == said, "the word counts"
    monkeypatch.setenv("GATEHOUSE_DATA", "")
    with pytest.raises(SystemExit, match="2"):
        main(["why"])


def refused(capsys: pytest.CaptureFixture[str], data: Path, *options: str) -> str:
    assert main(["why", "--data", str(data), *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_denial_is_told_with_its_time_list_reason_and_each_check(
    recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = next(row for row in rows(recorded_day, "AccessDenied") if row.body["reason"] == "CredentialLost")
    local = "2026-11-23 12:00:06.000+08:00 Asia/Shanghai"
    assert told(capsys, recorded_day.data, str(lost.row_id)).splitlines() == [
        f"{local}, row {lost.row_id}, list 7",
        "蓝卡 6 was denied at Door yard: reported lost",
        "   1. ✓ The access list is valid (version 7)",
        "   2. ✓ The access point “Door yard” is in the list",
        "   3. ✓ The list knows what was shown: 蓝卡 6",
        "   4. ✗ It can't be used: lost",
    ]
    assert told(capsys, recorded_day.data, lost.event_id, "--language", "zh-CN").splitlines() == [
        f"{local}，第 {lost.row_id} 行，名单第 7 版",
        "蓝卡 6 被拒绝通过门 yard：已挂失",
        "   1. ✓ 名单有效（第 7 版）",
        "   2. ✓ 通道「门 yard」在名单中",
        "   3. ✓ 出示的是名单中的：蓝卡 6",
        "   4. ✗ 凭证不可用：挂失",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_decision_of_the_day_has_words_and_no_digits_of_cards(
    recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    events = rows(recorded_day, *DECISIONS)
    text = told(capsys, recorded_day.data, "--last", "1000", "--language", language)
    blocks = text.strip().split("\n\n")
    assert len(blocks) == len(events)
    for block, event in zip(blocks, events, strict=True):
        steps = [line for line in block.splitlines() if re.match(r" +\d+\. ", line)]
        assert len(steps) == len(event.body["trace"])
        assert re.search(rf"\b{event.row_id}\b", block)
    assert not re.search(r"\b(check|why|event|words|denial)\.\w", text)
    for secret in ("4321", "4322", "9999", "0077", "12345", "GHP1", "p-1"):
        assert secret not in text


def test_what_a_request_waits_for_is_marked_as_still_to_come(
    recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = next(row for row in rows(recorded_day, "AccessRequested") if row.body["wants"] == "pin")
    assert told(capsys, recorded_day.data, str(waiting.row_id)).splitlines()[-1].endswith("… A PIN is still wanted")


def test_the_newest_decisions_come_last_and_one_is_enough(
    recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = rows(recorded_day, *DECISIONS)[-2:]
    by_row = "\n".join(told(capsys, recorded_day.data, str(row.row_id)) for row in newest)
    assert told(capsys, recorded_day.data, "--last", "2") == by_row
    assert told(capsys, recorded_day.data) == told(capsys, recorded_day.data, str(newest[-1].row_id))


def test_a_suspect_clock_is_said(recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str]) -> None:
    denied = next(row for row in rows(recorded_day, "AccessDenied") if row.clock_quality == "suspect")
    assert told(capsys, recorded_day.data, str(denied.row_id)).splitlines()[1] == "The clock was suspect"


def test_what_is_no_decision_or_not_there_is_told_with_a_remedy(
    recorded_day: RecordedDay, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = rows(recorded_day, DoorOpened.__name__)[0]
    assert "is DoorOpened, no decision" in refused(capsys, recorded_day.data, str(opened.row_id))
    for unknown in ("0", "999999", "9" * 30, "no-such-event"):
        assert "is not in this journal" in refused(capsys, recorded_day.data, unknown)
    for count in ("0", "1001"):
        assert "--last" in refused(capsys, recorded_day.data, "--last", count)
    assert "either" in refused(capsys, recorded_day.data, str(opened.row_id), "--last", "2")
    assert "no journal" in refused(capsys, recorded_day.data / "lists")


def test_a_card_that_was_no_visit_of_a_patrol_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = SystemClock()
    journal = SqliteJournal(tmp_path / "journal.db", clock)
    steps = (TraceStep("list", True, "7"), TraceStep("tour_group", False, "guards"))
    who = {"credential": "c-1", "cardholder": "p-1"}
    journal.append(
        [TourVisitDenied(reader="pump", reason="NotInTourGroup", list_version=7, trace=steps, **who)], clock.now()
    )
    journal.close()
    assert told(capsys, tmp_path).splitlines()[1:] == [
        "A card without a label was shown at pump but does not count for a patrol: not in this patrol's group",
        "   1. ✓ The access list is valid (version 7)",
        "   2. ✗ Not of a group that walks here: guards",
    ]


def test_a_journal_alone_is_enough(
    recorded_day: RecordedDay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(recorded_day.data / "journal.db", tmp_path)
    assert told(capsys, tmp_path).splitlines()[:2] == [
        "2026-11-23 13:04:01.000+00:00 UTC, row " + str(rows(recorded_day, *DECISIONS)[-1].row_id) + ", list 7",
        "A card without a label was denied at north: not at this time",
    ]
    assert not (tmp_path / "secrets").exists()
    shutil.copytree(recorded_day.data / "lists", tmp_path / "lists")
    shutil.copytree(recorded_day.data / "secrets", tmp_path / "secrets")
    first, second, *_ = told(capsys, tmp_path).splitlines()
    assert "Asia/Shanghai" in first
    assert second.startswith("蓝卡 5")


def test_the_command_line_tells_it_too(recorded_day: RecordedDay) -> None:
    command = [sys.executable, "-m", "gateway.cli", "why", "--data", str(recorded_day.data), "--last", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("list 7\n") == 3
    assert done.stderr == ""
