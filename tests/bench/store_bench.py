"""Durable appends, reading out, and what is lost: the journal, plain SQLite, and thingsboard-gateway's storages.

Every store is driven by the same child program with the same events, one after the other. "Lost" are events that a
store has acknowledged and doesn't give back afterwards. A SIGKILL spares what the kernel has: it is no power cut.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.rows import Row, row, single, told
from tests.bench.thingsboard import SAFEST, VERSION, NotInstalled, environment
from tests.small_disk import NoSmallDisk, fill_disk, small_disk

ROOT = Path(__file__).parents[2]
LONE, BURST = 500, 20_000
RATE = 1_000
"""Events a second that are offered while a store is killed or its disk is full: more than a compound ever has."""
KILLS = int(os.environ.get("GATEHOUSE_STORE_KILLS", "10"))
KILLED_AFTER_S = (0.1, 0.6)
DISK_MB = 8
CHILD_S = 600
PHASE_S = 1.5
"""So long with room, without, and with room again."""


@dataclass(frozen=True, slots=True)
class Store:
    """One store with its settings, and the Python that has it."""

    name: str
    python: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)

    def words(self, folder: Path, do: str, *numbers: int) -> list[str]:
        """The child's command."""
        child = [self.python, "-m", "tests.bench.storage_child", self.kind, json.dumps(self.settings)]
        return [*child, str(folder), do, *map(str, numbers)]

    def ask(self, folder: Path, do: str, *numbers: int) -> Any:
        """What the child answers."""
        words = self.words(folder, do, *numbers)
        with (folder.parent / "log").open("ab") as log:
            return json.loads(
                subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, check=True, timeout=CHILD_S).stdout
            )


class Writer:
    """A child that stores events until it is told to end or killed; `acknowledged` and `refused` are their numbers."""

    def __init__(self, store: Store, folder: Path, first: int) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        with (folder.parent / "log").open("ab") as log:
            self._process = subprocess.Popen(
                store.words(folder, "write", first, RATE),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        self._out = self._process.stdout
        self._hear_one()

    def work(self, seconds: float) -> int:
        """Hear it for so long; the last number that it told."""
        until_s, last = time.monotonic() + seconds, 0
        while time.monotonic() < until_s and (heard := self._hear_one()) is not None:
            last = heard
        return last

    def kill(self) -> None:
        """SIGKILL; what it had told before that counts."""
        self._process.send_signal(signal.SIGKILL)
        self._end()

    def end(self) -> int:
        """Let it end by itself; its exit code, negative for a signal."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._end()

    def _end(self) -> int:
        while self._hear_one() is not None:
            pass
        return self._process.wait()

    def _hear_one(self) -> int | None:
        line = self._out.readline()
        if not line.endswith(b"\n"):
            return None
        number = int(line[1:])
        (self.acknowledged if line.startswith(b"+") else self.refused).append(number)
        return number


def run() -> list[Row]:
    """Each measure with the stores one below the other."""
    stores, rows = _stores()
    for measure in (_speed, _killed, _full):
        of_stores = []
        for store in stores:
            with tempfile.TemporaryDirectory(prefix="gatehouse-store-") as place:
                of_stores.append(measure(store, Path(place) / "data"))
        rows += [row_ for same in zip(*of_stores, strict=True) for row_ in same]
    return rows


def _stores() -> tuple[list[Store], list[Row]]:
    ours = [Store("journal", sys.executable, "journal"), Store("plain SQLite", sys.executable, "plain")]
    try:
        python = environment()
    except NotInstalled as why:
        return ours, [told(f"thingsboard-gateway {VERSION}: skipped", str(why))]
    theirs = []
    for type_ in ("file", "sqlite"):
        for how, more in (("as shipped", {}), ("safest", SAFEST[type_])):
            theirs.append(Store(f"ThingsBoard {type_}, {how}", python, "thingsboard", {"type": type_, **more}))
    shipped = f"storages of thingsboard-gateway {VERSION}, with the storage section of its tb_gateway.json"
    safest = [told(f"ThingsBoard {type_}, safest", f"the same but {json.dumps(SAFEST[type_])}") for type_ in SAFEST]
    return [*ours, *theirs], [told("ThingsBoard …, as shipped", shipped), *safest]


def _speed(store: Store, folder: Path) -> list[Row]:
    folder.mkdir()
    speed = store.ask(folder, "speed", LONE, BURST)
    read = store.ask(folder, "read")
    given = len(set(read["numbers"]))
    in_files, twice = (
        f"{speed['at_once']} of {LONE} in its files when the last had returned",
        len(read["numbers"]) - given,
    )
    return [
        row(f"one event acknowledged: {store.name}", speed["waits_ms"], "ms", in_files),
        single(
            f"burst until in its files: {store.name}",
            speed["in_files_per_s"],
            "events/s",
            f"put returned at {speed['put_per_s']:,.0f} events/s",
        ),
        single(
            f"read out, pack by pack: {store.name}",
            read["per_s"],
            "events/s",
            f"of {read['in_files']:,} in its files {given:,} came, {twice} of them twice",
        ),
    ]


def _killed(store: Store, folder: Path) -> list[Row]:
    """The writer is killed at random moments and started again on what it left."""
    folder.mkdir()
    chance, acknowledged = random.Random(KILLS), set[int]()
    for nth in range(KILLS):
        writer = Writer(store, folder, nth * 1_000_000)
        writer.work(chance.uniform(*KILLED_AFTER_S))
        writer.kill()
        acknowledged |= set(writer.acknowledged)
    lost, note = _lost(store, folder, acknowledged)
    return [single(f"lost by {KILLS} SIGKILLs: {store.name}", lost, "events", note)]


def _full(store: Store, folder: Path) -> list[Row]:
    """The disk is full for a while, as by somebody's log; nobody starts anything again."""
    name = f"lost on a full disk: {store.name}"
    try:
        with small_disk(folder, DISK_MB) as disk:
            writer = Writer(store, disk, 0)
            writer.work(PHASE_S)
            fill_disk(disk / "filler")
            writer.work(PHASE_S)
            (disk / "filler").unlink()
            freed = writer.work(0.1)
            writer.work(PHASE_S)
            code = writer.end()
            return [_of_full(name, store, disk, writer, freed, code)]
    except NoSmallDisk as why:
        return [told(name, f"skipped: {why}")]


def _of_full(name: str, store: Store, folder: Path, writer: Writer, freed: int, code: int) -> Row:
    said = (folder.parent / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    told_of = sum(line.startswith(("ERROR ", "WARNING ")) for line in said)
    read = set(store.ask(folder, "read")["numbers"])
    lost = set(writer.acknowledged) - read
    kept = len(set(writer.refused) & read)
    later = [number for number in writer.acknowledged if number > freed]
    notes = [
        f"of {len(writer.acknowledged):,} acknowledged",
        f"{len(writer.refused):,} refused, {kept:,} of them there later",
        f"with room again {len(read.intersection(later)):,} of {len(later):,} kept",
        *([f"it ended with {code}"] if code else []),
        f"{told_of:,} warnings and errors in its log",
    ]
    return single(name, len(lost), "events", "; ".join(notes))


def _lost(store: Store, folder: Path, acknowledged: set[int]) -> tuple[int, str]:
    read = store.ask(folder, "read")
    given = set(read["numbers"])
    twice = len(read["numbers"]) - len(given)
    note = f"of {len(acknowledged):,} acknowledged; {read['in_files']:,} in its files; {twice} came twice"
    return len(acknowledged - given), note
