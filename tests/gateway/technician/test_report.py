"""The commissioning report: whole, in both languages, without a secret, and honest about what was not tested."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.commands.check import check_site
from gateway.console.messages import Catalogue
from gateway.errors import ConfigError
from gateway.technician.place import Place
from gateway.technician.report import write_report
from gateway.technician.walk_commands import I18N, Progress, start_walk
from gateway.technician.walk_file import WiringProof, read_walk, write_walk
from tests.gateway.commands.recorded_day import RecordedDay


@pytest.fixture
def day(tmp_path: Path) -> RecordedDay:
    return RecordedDay(tmp_path / "data")


def place_of(day: RecordedDay) -> Place:
    return Place(day.data / "site.toml", day.data)


class Reader(HTMLParser):
    """The page's text by table row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self.loads: list[str] = []
        self.items: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "li":
            self.items.append("")
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.get_starttag_text() == "<li>":
            self.items[-1] += data.partition("\n")[0]
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.rstrip("\n")


def report(day: RecordedDay, language: str = "en") -> Reader:
    out = day.data / "report.html"
    write_report(place_of(day), out, language)
    return Reader(out.read_text(encoding="utf-8"))


def test_report_without_a_walk_test_says_so(day: RecordedDay) -> None:
    page = report(day)
    assert "not begun" in page.text
    assert "chain whole" in page.text
    assert page.loads == []
    assert any(row[:2] == ["Door yard", "yard"] and "fail-safe (open without power), NC" in row[2] for row in page.rows)


def test_tested_and_untested_stand_side_by_side(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    day.walk(1, "yard")
    results = {row[0]: row[1] for row in report(day).rows if len(row) == 3}
    assert results["Door yard (yard): opened after a grant"] == "passed"
    assert results["Door yard (yard): held open too long alarms"] == "not tested"


@pytest.mark.parametrize(
    ("passed", "seen", "said"),
    [(True, True, "passed"), (True, False, "passed by word; its contact said nothing"), (False, True, "FAILED")],
)
def test_word_about_the_wiring_is_told_with_what_the_contact_said(
    day: RecordedDay, passed: bool, seen: bool, said: str
) -> None:
    start_walk(place_of(day), "Li Wei")
    walk = read_walk(day.data)
    assert walk is not None
    at = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
    write_walk(day.data, walk.with_proof(WiringProof("yard", "exit_wiring", passed, seen, at, "Li Wei")))
    rows = [
        row
        for row in report(day).rows
        if row and row[0] == "Door yard (yard): the exit button opens it by the wiring alone"
    ]
    assert [row[1:] for row in rows] == [[said, "2026-11-25 09:02:03, Li Wei"]]


def to_be_mended(day: RecordedDay, language: str = "en") -> list[str]:
    return [item for item in report(day, language).items if item]


def say(day: RecordedDay, thing: str, *, passed: bool, seen: bool | None) -> None:
    """Somebody's word about a door's exit."""
    walk = read_walk(day.data)
    assert walk is not None
    at = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
    write_walk(day.data, walk.with_proof(WiringProof(thing, "exit_wiring", passed, seen, at, "Li Wei")))


def test_what_failed_what_is_by_word_alone_and_what_is_open_is_to_be_mended_or_accepted(day: RecordedDay) -> None:
    assert "the walk test was not begun: nothing counts as tested" in to_be_mended(day)
    walk = start_walk(place_of(day), "Li Wei")
    assert walk.site == "demo"
    say(day, "yard", passed=False, seen=True)
    say(day, "north", passed=True, seen=False)
    listed = to_be_mended(day)
    exit_opens = "the exit button opens it by the wiring alone"
    assert f"Door yard (yard): {exit_opens}: FAILED (2026-11-25 09:02:03, Li Wei)" in listed
    assert f"Door north (north): {exit_opens}: by word; its contact said nothing" in listed
    points = len(Progress(place_of(day)).walk.points)
    assert f"{points - 2} of {points} tests are open" in listed


def test_everything_that_a_check_warns_of_is_in_the_report(
    day: RecordedDay, capsys: pytest.CaptureFixture[str]
) -> None:
    site = day.data / "site.toml"
    site.write_text(site.read_text(encoding="utf-8").replace('["H10301"]', '["H10306", "BQT34"]', 1), encoding="utf-8")
    check_site(site, day.data)
    warned = [
        line.removeprefix("warning: ") for line in capsys.readouterr().err.splitlines() if line.startswith("warning")
    ]
    warned = [text for text in warned if ".port = " not in text]  # What is unplugged just now is no lack of the site.
    assert any("no fire input" in text for text in warned)
    assert any("parity can't tell" in text for text in warned)
    assert {f"`gatehouse check`: {text}" for text in warned} <= set(to_be_mended(day))


def test_what_a_check_warns_of_is_said_in_chinese_in_a_chinese_report(day: RecordedDay) -> None:
    site = day.data / "site.toml"
    site.write_text(site.read_text(encoding="utf-8").replace('["H10301"]', '["H10306", "BQT34"]', 1), encoding="utf-8")
    english, chinese = to_be_mended(day), to_be_mended(day, "zh-CN")
    assert len(chinese) == len(english)
    assert any("没有消防输入" in text for text in chinese)
    assert any("奇偶校验分不清 H10306 和 BQT34" in text for text in chinese)
    assert not [text for text in chinese if re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", text)]


def test_settings_are_told_as_a_site_file_has_them_and_words_in_the_readers_language(day: RecordedDay) -> None:
    site = day.data / "site.toml"
    fire = '[input.fire]\nname = { zh-CN = "消防", en = "Fire" }\npurpose = "fire"\ndevice = "board"\ninput = 15\n'
    site.write_text(site.read_text(encoding="utf-8") + fire, encoding="utf-8")
    page = report(day)
    assert any(len(row) == 3 and 'formats = ["H10301"]' in row[2] for row in page.rows)
    assert "('H10301',)" not in page.text
    chinese = report(day, "zh-CN")
    assert any(row[1:3] == ["fire", "消防"] for row in chinese.rows if len(row) == 4)
    tables = " ".join(cell for row in chinese.rows for cell in row)
    assert not [word for word in ("fail_safe", "fail-safe", "energised", "is open") if word in tables]


def test_sirens_and_lights_stand_with_their_wires_and_are_to_be_tried(day: RecordedDay) -> None:
    site = day.data / "site.toml"
    siren = (
        '[output.siren]\nname = { zh-CN = "警号", en = "Siren" }\npurpose = "siren"\ndevice = "board"\noutput = 15\n'
    )
    site.write_text(site.read_text(encoding="utf-8").replace("[door.", siren + "[door.", 1), encoding="utf-8")
    start_walk(place_of(day), "Li Wei")
    rows = report(day, "zh-CN").rows
    (row,) = [row for row in rows if "siren" in row]
    assert row[:3] == ["警号", "siren", "警号"]
    assert row[3].startswith("board:15, 通电时为动作")
    assert ["警号 (siren)：能按命令工作，并得到控制板确认", "未测试", ""] in rows


def test_secrets_and_their_places_stay_off_the_paper(day: RecordedDay) -> None:
    site = day.data / "site.toml"
    text = site.read_text(encoding="utf-8")
    text += '[broker.main]\nhost = "127.0.0.1"\nusername = "gate"\npassword = "env:BROKER_SECRET"\ninsecure = true\n'
    site.write_text(text, encoding="utf-8")
    page = report(day)
    assert "BROKER_SECRET" not in page.text
    assert "broker.main.insecure = true" in page.text


def test_name_that_looks_like_markup_stays_text(day: RecordedDay) -> None:
    start_walk(place_of(day), "<script>alert(1)</script>")
    page = report(day)
    assert "<script>alert(1)</script>" in page.text


def test_report_speaks_chinese_whole(day: RecordedDay) -> None:
    start_walk(place_of(day), "李工")
    text = report(day, "zh-CN").text
    assert "调试验收报告 — 演示花园" in text
    assert not any(key in text for key in Catalogue(I18N).texts["en"] if "." in key)


def test_folder_that_is_not_there_is_named(day: RecordedDay) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        write_report(place_of(day), day.data / "nowhere" / "report.html", "en")
