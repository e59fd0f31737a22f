"""Fixtures that every area may use, and the rule that CI skips nothing for want of a program or data."""

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.programs import must_not_skip, require_program

pytest_plugins = ["pytester"]

# Time is measured by benches; on a busy machine an example may take as long as it takes.
settings.register_profile("gatehouse", deadline=None)
settings.load_profile("gatehouse")


@pytest.fixture
def program() -> Callable[[str], str]:
    """`program("mosquitto")` is its path; the test is skipped where it isn't installed."""
    return require_program


@pytest.fixture(scope="session")
def video_data() -> Path:
    """The folder of real video; see CONTRIBUTING.md."""
    named = os.environ.get("GATEHOUSE_VIDEO_DATA")
    if not named:
        pytest.skip("missing data: GATEHOUSE_VIDEO_DATA names no folder of real video")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"GATEHOUSE_VIDEO_DATA names {folder}, which is no folder")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip that CI doesn't allow becomes a failure."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if must_not_skip(reason, dict(os.environ)):
            report.outcome = "failed"
            report.longrepr = f"not allowed with CI=true: {reason}"
