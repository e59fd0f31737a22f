"""The passes of the demo's visitors, opened by the gateway's own code."""

import stat
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.listed import PassKey
from gateway.store.passes import open_pass
from simulators.passes import VisitorPasses, public_key


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "pass-key"
    public_key(path)
    return path


def key_of(private: Path) -> PassKey:
    return PassKey("demo-office", b64decode(public_key(private)), None, ("visitors",))


def test_key_is_made_once_and_only_its_owner_reads_it(private: Path) -> None:
    content = private.read_bytes()
    private.chmod(0o644)
    assert public_key(private) == public_key(private)
    assert private.read_bytes() == content
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_gateway_opens_a_pass_that_is_good_for_a_day_and_two_grants(private: Path) -> None:
    text = VisitorPasses(private).text("pass-1")
    assert text is not None
    opened = open_pass(text, {"demo-office": key_of(private)}.get)
    assert opened is not None
    assert (opened.uses, opened.levels, opened.cardholder) == (2, ("visitors",), None)
    assert opened.valid_until is not None
    assert timedelta(hours=23) < opened.valid_until - datetime.now(UTC) < timedelta(hours=25)


def test_pass_of_another_key_is_none_to_the_gateway(private: Path, tmp_path: Path) -> None:
    public_key(tmp_path / "other")
    forged = VisitorPasses(tmp_path / "other").text("pass-1")
    assert forged is not None
    assert open_pass(forged, {"demo-office": key_of(private)}.get) is None


def test_pass_stays_the_same_until_the_next_start(private: Path) -> None:
    passes = VisitorPasses(private)
    assert passes.text("pass-1") == passes.text("pass-1")
    assert passes.text("pass-1") != passes.text("pass-2")
    first, second = (
        open_pass(str(each.text("pass-1")), {"demo-office": key_of(private)}.get)
        for each in (passes, VisitorPasses(private))
    )
    assert first is not None
    assert second is not None
    assert first.id != second.id


@pytest.mark.parametrize("name", ["pass-0", "pass-01", "pass-1000", "pass", "PASS-1", "京A12345", "pass-1\n"])
def test_other_texts_name_no_pass(private: Path, name: str) -> None:
    assert VisitorPasses(private).text(name) is None
