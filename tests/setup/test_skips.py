"""Facts about skips: a person's machine may lack a program, CI may not."""

import pytest

from tests.programs import missing_program, must_not_skip, require_program


def test_a_missing_program_is_skipped_with_what_to_install() -> None:
    with pytest.raises(
        pytest.skip.Exception, match=r"missing program: no-such-broker \(apt-get install no-such-broker\)"
    ):
        require_program("no-such-broker")


def test_ci_allows_no_skip_for_a_missing_program() -> None:
    reason = "Skipped: " + missing_program("mosquitto")
    assert must_not_skip(reason, {"CI": "true"})
    assert not must_not_skip(reason, {})


def test_ci_allows_a_skip_for_another_reason() -> None:
    assert not must_not_skip("Skipped: only on ARM", {"CI": "true"})


def test_with_ci_the_skip_is_a_failure_of_the_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeconftest("from tests.conftest import *")
    pytester.makepyfile("import pytest\n\ndef test_broker():\n    pytest.skip('missing program: mosquitto')\n")
    monkeypatch.setenv("CI", "true")
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(failed=1)
    monkeypatch.delenv("CI")
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(skipped=1)
