"""`gatehouse card`, as it is typed."""

import io
import json
from pathlib import Path

import pytest

from gateway.cli import main

OWN = """
[wiegand_format.W26N]
length = 26
number = "1-24"
parities = [{ bit = 0, kind = "even", over = "1-12" }, { bit = 25, kind = "odd", over = "13-24" }]
"""
DEMO = Path(__file__).parents[3] / "config" / "demo.toml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(DEMO.read_text(encoding="utf-8") + OWN, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_sites_own_format_is_written_and_read_beside_the_built_in_ones(
    capsys: pytest.CaptureFixture[str], site: Path
) -> None:
    _, out, _ = run(capsys, "card", "encode", "--format", "W26N", "--number", 8065495, "--site", site)
    assert json.loads(out) == {
        "bits": 26,
        "hex": "2F623AE",
        "format": "W26N",
        "facility_code": None,
        "card_number": 8065495,
    }
    _, out, _ = run(capsys, "card", "decode", "--bits", 26, "--hex", "2F623AE", "--site", site)
    assert [each["format"] for each in json.loads(out)["readings"]] == ["H10301", "ind26", "W26N"]


def test_without_the_site_its_formats_are_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "card", "encode", "--format", "W26N", "--number", 1)
    assert (code, out) == (2, "")
    assert "H10301" in err


def test_a_bad_site_is_refused_with_its_faults(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    site.write_text(site.read_text(encoding="utf-8").replace('"1-24"', '"1-26"'), encoding="utf-8")
    code, out, err = run(capsys, "card", "decode", "--bits", 26, "--hex", "1", "--site", site)
    assert (code, out) == (2, "")
    assert "wiegand_format.W26N.number" in err


def test_many_lines_are_answered_in_turn_up_to_the_bad_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("26 2F623AE\n\n41 1\n26 4000000\n"))
    code, out, err = run(capsys, "card", "decode", "-", "--printed")
    first, second = map(json.loads, out.splitlines())
    assert first["printed"]["2H3D,4H5D"] == "123,04567"
    assert second["readings"] == []
    assert code == 2
    assert "line 4" in err


@pytest.mark.parametrize("line", ["26", "x 1", "26 1 2", "-26 1"])
def test_a_line_of_another_form_is_refused(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(line + "\n"))
    code, out, err = run(capsys, "card", "decode", "-")
    assert (code, out) == (2, "")
    assert "BITS HEX" in err


def test_a_number_is_written_in_hex_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("card", "encode", "--format", "H10301", "--facility", 123, "--number")
    assert run(capsys, *words, "0x11D7") == run(capsys, *words, 4567)
    with pytest.raises(SystemExit):
        run(capsys, *words, "11D7")
    assert "'11D7' is no number: write 4567, or 0x11D7 in hex" in capsys.readouterr().err


def test_a_person_at_a_terminal_reads_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = run(capsys, "card", "decode", "--bits", 26, "--hex", "2F623AE", "--printed")
    assert out.splitlines()[:2] == ["26 bits 2F623AE", "  H10301: facility code 123, number 4567"]
    assert "  printed as 2H3D,4H5D: 123,04567" in out.splitlines()
    _, out, _ = run(capsys, "card", "decode", "--bits", 26, "--hex", "2F623AF")
    assert "  H10301: facility code 123, number 4567, parity wrong" in out.splitlines()
    _, out, _ = run(capsys, "card", "decode", "--bits", 27, "--hex", "1")
    assert out.startswith("27 bits 0000001")
