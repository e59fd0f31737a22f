"""Facts about one process of the gateway: how it tells a fault of its configuration, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import worker
from gateway.errors import ConfigError

ROOT = Path(__file__).parents[2]

FAULTS = (
    ConfigError("office.token", "file:secrets/office-token", "put the secret into it"),
    ConfigError("console.port", 8400, "another program listens there"),
)


def _fails_deep(name: str, paths: object) -> object:
    async def run() -> None:
        raise ExceptionGroup("outer", [FAULTS[0], ExceptionGroup("inner", [FAULTS[1]])])

    return run()


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(worker, "_process", _fails_deep)
    return ["sync", "--config", str(tmp_path / "site.toml"), "--data", str(tmp_path)]


def test_faults_of_the_configuration_are_one_line_each_however_deep_they_come(
    words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert worker.main(words) == 2
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "office.token = 'file:secrets/office-token': put the secret into it",
        "console.port = 8400: another program listens there",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_faults_are_left_to_a_starter_who_wants_to_tell_them(
    words: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = tmp_path / "sync.fault"
    assert worker.main([*words, "--faults", str(told)]) == 2
    assert told.read_text().splitlines() == [str(fault) for fault in FAULTS]
    assert caplog.text == ""


def test_what_is_no_fault_of_the_configuration_stays_an_error(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        raise ExceptionGroup("both", [FAULTS[0], KeyError("a bug")])

    monkeypatch.setattr(worker, "_process", lambda name, paths: run())
    with pytest.raises(ExceptionGroup) as caught:
        worker.main(words)
    assert [type(error) for error in caught.value.exceptions] == [KeyError]


@pytest.mark.parametrize("hangs", ["threading.Event().wait", "lambda: None"])
def test_a_thread_that_never_comes_back_keeps_no_process_and_no_word_back(hangs: str) -> None:
    program = (
        "import atexit, sys, threading\n"
        "from gateway.worker import leave\n"
        f"thread = threading.Thread(target={hangs}, daemon=True)\n"
        "thread.start()\n"
        "if sys.argv[1] == 'ends': thread.join()\n"
        "atexit.register(print, 'interpreter ended')\n"
        "print('last words')\n"
        "leave(3)\n"
    )
    ends = hangs == "lambda: None"
    child = subprocess.run(
        [sys.executable, "-c", program, "ends" if ends else "hangs"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.returncode == 3
    assert child.stdout.splitlines() == ["last words", "interpreter ended"][: 2 if ends else 1]
