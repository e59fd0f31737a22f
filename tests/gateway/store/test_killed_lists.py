"""Killed between any two steps of taking a list, a gateway has the old one or the new one, whole, and goes on."""

import signal
import subprocess
import sys
from pathlib import Path

from gateway.store.access_list import open_list
from gateway.store.list_folder import ListFolder, current_list
from tests.gateway.store.killed_lists import KEY, take_all, versions
from tests.gateway.store.test_list_changes import told

ROOT = Path(__file__).parents[3]


def test_sigkill_at_each_step_leaves_the_old_or_the_new_list_and_never_a_mix(tmp_path: Path) -> None:
    wholes = []
    for office in versions():
        made = ListFolder(tmp_path / "whole", KEY).prepare_whole(office.raw(), office.promised())
        wholes.append(told(open_list(made.path, KEY)))
    seen = set()
    for step in range(1, 100):
        folder = tmp_path / str(step)
        command = [sys.executable, "-m", "tests.gateway.store.killed_lists", str(folder), str(step)]
        ended = subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode
        path = current_list(folder)
        if path is not None:
            seen.add(wholes.index(told(open_list(path, KEY))))
        take_all(folder)
        newest = current_list(folder)
        assert newest is not None
        assert told(open_list(newest, KEY)) == wholes[-1]
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert step > 12, "three lists, a file and a pointer each, before and after"
    assert seen == {0, 1, 2}
