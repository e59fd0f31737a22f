"""The commissioning report: whole, in both languages, without a secret, and honest about what was not tested."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.console.messages import Catalogue
from gateway.errors import ConfigError
from gateway.technician.place import Place
from gateway.technician.report import write_report
from gateway.technician.walk_commands import I18N, start_walk
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
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data
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
    assert any(row[:2] == ["Door yard", "yard"] and "fail_safe, NC" in row[2] for row in page.rows)


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


def test_secrets_and_their_places_stay_off_the_paper(day: RecordedDay) -> None:
    site = day.data / "site.toml"
    text = site.read_text(encoding="utf-8")
    text += '[broker.main]\nhost = "127.0.0.1"\nusername = "gate"\npassword = "env:BROKER_SECRET"\ninsecure = true\n'
    site.write_text(text, encoding="utf-8")
    page = report(day)
    assert "BROKER_SECRET" not in page.text
    assert "broker.main speaks without encryption" in page.text


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
