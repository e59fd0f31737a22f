"""A process that takes three versions of a list and kills itself at the step it is told; a test looks at what is left.

`python -m tests.gateway.store.killed_lists FOLDER STEP`: steps are files that get their name, before and after. Exit 0:
there were fewer steps.
"""

import os
import signal
import sys
from pathlib import Path

from gateway.domain.list_update import GuardBounds
from gateway.store.access_list import open_list
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, PreparedFile, set_current
from tests.gateway.store.list_office import OfficeList
from tests.gateway.store.sample_lists import sample_list

KEY = b"k" * 32


def versions() -> tuple[OfficeList, OfficeList, OfficeList]:
    """A whole list, and two changes of it; the second one of its rules too."""
    first = OfficeList(sample_list(20))
    card = {"id": "new", "cardholder": "p-1", "format": "EM4100", "number": 900_001}
    second = first.put("credentials", card)
    return first, second, second.next(access_points=[{"id": "north"}, {"id": "yard"}]).take("credentials", "c-3")


def take_all(folder: Path) -> None:
    """One after the other, from wherever the folder is."""
    lists = ListFolder(folder, KEY, bounds=GuardBounds(unlocked=False))
    offered = versions()
    for office in offered:
        at = lists.starts_from()
        if at is not None and at[1] >= office.document["version"]:
            continue
        before = next((each for each in offered if at == (0, each.document["version"])), None)
        if before is None:
            made = lists.prepare_whole(office.raw(), office.promised())
        else:
            made = lists.prepare_changed(office.changes_from(before), office.promised())
        _in_force(folder, made)


def _in_force(folder: Path, made: PreparedFile) -> None:
    opened = open_list(made.path, KEY)
    set_current(folder, CompiledFile(made.path, opened.version, opened.digest, opened.credentials, opened.generation))


def main(folder: Path, step: int) -> None:
    """Die at that step."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        count()
        found = rename(self, target)
        count()
        return found

    Path.replace = replace  # type: ignore[method-assign, assignment]
    take_all(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
