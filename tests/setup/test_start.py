"""Facts about start.py: what it remembers, what it says, and whom it hands over to."""

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a path with a space, without an environment."""
    folder = tmp_path / "gate house"
    folder.mkdir()
    for name in ("start.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(_ROOT / name, folder / name)
    return folder


@pytest.fixture
def start(checkout: Path) -> ModuleType:
    """start.py of that checkout, as a module."""
    return _load(checkout)


def _load(checkout: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("start_of_a_copy", checkout / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _furnish(checkout: Path, start: ModuleType, extras: frozenset[str]) -> None:
    """An environment that looks installed; its `gatehouse` prints where it runs and with which words."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = nowhere\n")
    (binaries / "python").symlink_to(sys.executable)
    program = binaries / "gatehouse"
    program.write_text('#!/bin/sh\npwd\nfor word in "$@"; do echo "[$word]"; done\nexit 7\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    start.write_stamp(start.Stamp(start.fingerprint(), extras, str(checkout)))


def _run(checkout: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "start.py"), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_other_words_go_to_the_product_with_the_working_directory_and_its_exit_code(
    checkout: Path, start: ModuleType, tmp_path: Path
) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    done = _run(checkout, "check", "my site.toml", cwd=tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path), "[check]", "[my site.toml]"]
    assert done.returncode == 7


def test_no_words_start_the_demo(checkout: Path, start: ModuleType) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    assert _run(checkout).stdout.splitlines()[1:] == ["[demo]"]


@pytest.mark.parametrize("options", [("--data", "my demo"), ("--data=there",), ("--quiet", "--data", "there")])
def test_options_without_a_command_are_the_demos(checkout: Path, start: ModuleType, options: tuple[str, ...]) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    assert _run(checkout, *options).stdout.splitlines()[1:] == ["[demo]", *(f"[{word}]" for word in options)]


def test_the_version_is_the_products(checkout: Path, start: ModuleType) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    assert _run(checkout, "--version").stdout.splitlines()[1:] == ["[--version]"]


def test_help_names_the_tests_before_anything_is_installed_and_the_products_words_after(
    checkout: Path, start: ModuleType
) -> None:
    bare = _run(checkout, "--help")
    assert "python3 start.py test [ARGS]" in bare.stdout
    assert (bare.returncode, bare.stderr) == (0, "")
    assert not (checkout / ".venv").exists()
    _furnish(checkout, start, start.RUN_EXTRAS)
    furnished = _run(checkout, "--help").stdout
    assert "python3 start.py test [ARGS]" in furnished
    assert furnished.endswith(f"{Path.cwd()}\n[--help]\n")


def test_second_start_installs_nothing_and_takes_less_than_two_seconds(checkout: Path, start: ModuleType) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    begun = time.monotonic()
    done = _run(checkout, "--version")
    assert done.stderr == ""
    # An installation takes ten times this; the bound only tells the two apart on a busy machine.
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_asks_for_a_new_installation(checkout: Path, start: ModuleType, name: str) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    assert start.is_installed(start.RUN_EXTRAS)
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    assert not start.is_installed(start.RUN_EXTRAS)


def test_another_python_asks_for_a_new_installation(
    checkout: Path, start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))
    assert not start.is_installed(start.RUN_EXTRAS)


def test_a_demo_environment_lacks_what_tests_need_and_a_test_environment_serves_the_demo(
    checkout: Path, start: ModuleType
) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    assert not start.is_installed(start.TEST_EXTRAS)
    start.write_stamp(start.Stamp(start.fingerprint(), start.TEST_EXTRAS, str(checkout)))
    assert start.is_installed(start.RUN_EXTRAS)


def test_a_moved_checkout_gets_a_new_environment(checkout: Path, start: ModuleType, tmp_path: Path) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    moved = _load(checkout.rename(tmp_path / "elsewhere"))
    assert not moved.is_installed(moved.RUN_EXTRAS)
    moved.remove_foreign_environment(moved.read_stamp())
    assert not moved.VENV.exists()


def test_a_folder_that_is_no_environment_is_never_removed(checkout: Path, start: ModuleType) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work")
    with pytest.raises(start.StartError, match="move it away"):
        start.remove_foreign_environment(start.read_stamp())
    assert (checkout / ".venv" / "thesis.txt").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"extras": 3}', json.dumps({"fingerprint": None})])
def test_a_damaged_stamp_counts_as_none(checkout: Path, start: ModuleType, content: str) -> None:
    _furnish(checkout, start, start.RUN_EXTRAS)
    start.STAMP.write_text(content)
    assert not start.is_installed(start.RUN_EXTRAS)


def test_old_python_is_refused_with_the_version_to_get(start: ModuleType) -> None:
    with pytest.raises(start.StartError, match=r"3\.11 or newer, and this is 3\.10") as caught:
        start.refuse_old_python((3, 10))
    assert "apt-get install python3" in str(caught.value)


def test_missing_pip_is_told_with_its_remedy(
    checkout: Path, start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    monkeypatch.setattr(start, "_runs", lambda command: False)
    with pytest.raises(start.StartError, match="apt-get install python3-pip"):
        start.find_pip()


def test_without_network_the_installation_fails_with_the_remedy_and_leaves_no_stamp(checkout: Path) -> None:
    closed = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))},
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, str(checkout / "start.py"), "--version"]
    done = subprocess.run(command, env=closed, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "Remedy: no package index answers" in done.stderr
    assert "Traceback" not in done.stderr.partition("Remedy:")[2]
    assert not (checkout / ".venv" / "installed.json").exists()


def test_real_video_beside_the_checkout_is_named_unless_somebody_named_another(
    checkout: Path, start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEHOUSE_VIDEO_DATA", raising=False)
    assert "GATEHOUSE_VIDEO_DATA" not in start.test_environment()
    folder = checkout.parent / "shared" / "data" / "video"
    folder.mkdir(parents=True)
    assert start.test_environment()["GATEHOUSE_VIDEO_DATA"] == str(folder)
    monkeypatch.setenv("GATEHOUSE_VIDEO_DATA", "/elsewhere")
    assert start.test_environment()["GATEHOUSE_VIDEO_DATA"] == "/elsewhere"


def test_what_tests_start_is_compiled_once(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in start.test_environment()


def test_of_checks_that_run_beside_one_another_the_failed_ones_are_named_with_what_they_said(
    checkout: Path, start: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _furnish(checkout, start, start.TEST_EXTRAS)
    for name, words in (
        ("ruff", "exit 0"),
        ("lint-imports", "exit 0"),
        ("pytest", "echo quiet"),
        ("mypy", "echo wrong; exit 1"),
    ):
        program = checkout / ".venv" / "bin" / name
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert start.failing_checks(tmp_path, dict(os.environ)) == ["types"]
    said = capsys.readouterr().err.splitlines()
    assert said.index("wrong") == said.index("== types: mypy: FAILED") + 1
    assert "quiet" not in said


def test_the_total_of_two_runs_is_the_sum_of_pytests_own_reports(start: ModuleType, tmp_path: Path) -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    report = tmp_path / "report.xml"
    start.add_counts(report, counts)
    for suite in ('tests="9" failures="1" errors="1" skipped="2"', 'tests="3" failures="0" errors="0" skipped="0"'):
        report.write_text(f"<testsuites><testsuite {suite}/></testsuites>")
        start.add_counts(report, counts)
    assert counts == {"passed": 8, "failed": 2, "skipped": 2}
