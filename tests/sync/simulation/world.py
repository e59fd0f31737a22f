"""One seed's world: an office, one or two gateways, and a few virtual minutes in which everything goes wrong.

Then the faults end, and what must hold is looked at (`Trouble` collects what doesn't).
"""

import asyncio
import gc
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from gateway.store import journal as journal_module
from gateway.store import list_folder
from sync import wire
from sync.office import desk as desk_module
from tests.sync.simulation.awaits import OFFICE, UP, awaits
from tests.sync.simulation.box import START, Box
from tests.sync.simulation.disk import Crashed, Disk, disks
from tests.sync.simulation.entropy import seeded_entropy
from tests.sync.simulation.machine import Machine
from tests.sync.simulation.network import Line
from tests.sync.simulation.office import Office
from tests.sync.simulation.virtual_loop import VirtualLoop

TROUBLED_S = 40.0
MOST_BOXES = 3
QUIET_S = 900.0
"""Every pause of the back-off, every delayed call and every hello has long come round in this."""
MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class Outcome:
    """What a seed came to."""

    seed: int
    events: int = 0
    forks: int = 0
    boxes: int = 1
    lists: int = 0
    """That the office made; and what became of them at the gates."""
    in_force: int = 0
    refused: int = 0
    held: int = 0
    revoked: int = 0
    troubles: list[str] = field(default_factory=list)
    died_at: set[str] = field(default_factory=set)
    """Lines of the product at whose await a machine died."""
    faults: list[str] = field(default_factory=list)
    """What was done to it, in order: read it to understand a trouble."""


class World:
    """Plays one seed."""

    faults_share = 0.6
    boxes_files: tuple[str, ...] = UP

    def __init__(self, folder: Path, chance: Random, outcome: Outcome) -> None:
        self._chance, self._outcome = chance, outcome
        self.office = Office(folder / "office", chance)
        self.boxes = [self._new_box("a", folder / "a")]
        self.disks: dict[Path, Disk] = {disk.folder: disk for disk in (self.office.disk, self.boxes[0].disk)}
        self._folder = folder
        self._images: list[tuple[Box | Office, Path]] = []
        self._kept: set[str] = set()
        """What the office has had since it was last put back."""

    def _new_box(self, name: str, folder: Path) -> Box:
        box = Box(name, folder, self.office, self._chance)
        box.tell = partial(self._tell, box)
        return box

    async def play(self) -> None:
        """Troubled time, then quiet time, then the questions."""
        self.office.start()
        self.boxes[0].start()
        loop = asyncio.get_running_loop()
        for box in self.boxes:
            box.line = self._bad_line()
            box.stop_sync()
            box.start_sync()
        while loop.time() < TROUBLED_S:
            await asyncio.sleep(self._chance.random() * 6)
            self._live()
            if self._chance.random() < self.faults_share:
                self._fault()
                self._look()
        self._mend()
        await self._settle()
        self._judge()
        for box in self.boxes:
            box.stop_sync()

    def _bad_line(self) -> Line:
        chance = self._chance
        return Line(
            lost=chance.choice((0.0, 0.05, 0.3)),
            doubled=chance.choice((0.0, 0.1, 0.5)),
            slow_s=chance.choice((0.01, 0.5, 4.0)),
        )

    def _live(self) -> None:
        """Something happens at each gate."""
        for box in self.boxes:
            if not box.runs:
                continue
            try:
                self._live_at(box)
            except Crashed:
                box.die()

    def _live_at(self, box: Box) -> None:
        """Raises Crashed."""
        box.work()
        box.record(self._chance.choice((0, 1, 1, 2, 7)))

    def _faults(self) -> tuple[str, ...]:
        return FAULTS

    def _fault(self) -> None:
        chance = self._chance
        box = chance.choice(self.boxes)
        name = chance.choice(self._faults())
        getattr(self, f"_{name}")(box)

    # What goes wrong

    def _box_dies(self, box: Box) -> None:
        if box.runs:
            box.crash(power=True)
            self._tell(box, "power cut")

    def _box_dies_at_a_commit(self, box: Box) -> None:
        box.disk.crash_at = self._chance.randrange(3)

    def _box_dies_at_an_await(self, box: Box) -> None:
        self._arm(box, self.boxes_files)

    def _office_dies_at_an_await(self, _box: Box) -> None:
        self._arm(self.office, OFFICE)

    def _arm(self, machine: Machine, files: tuple[str, ...]) -> None:
        """It dies at a certain await, one of the next times, or at any."""
        machine.dies_in, machine.dies_at = self._chance.choice(awaits(files)), self._chance.choice((0, 0, 1, 5))
        if self._chance.random() < 0.2:
            machine.dies_in, machine.dies_at = frozenset(), self._chance.randrange(40)

    def _sync_dies(self, box: Box) -> None:
        if box.runs:
            box.stop_sync()
            box.start_sync()

    def _office_dies(self, _box: Box) -> None:
        self.office.crash()
        self._tell(self.office, "killed")

    def _office_dies_at_a_commit(self, _box: Box) -> None:
        self.office.disk.crash_at = self._chance.randrange(6)

    def _everybody_is_back(self, _box: Box) -> None:
        if not self.office.runs:
            self.office.start()
        for box in self.boxes:
            if not box.runs:
                box.start()

    def _line_is_cut(self, box: Box) -> None:
        box.line.cut = not box.line.cut

    def _clock_jumps(self, box: Box) -> None:
        box.clock.skew_s += self._chance.choice((-315_000_000.0, -3600.0, 5.0, 7200.0, 315_000_000.0))

    def _disk_fails(self, box: Box) -> None:
        disk = self._chance.choice((box.disk, self.office.disk))
        disk.failing = not disk.failing

    def _image_is_taken(self, box: Box) -> None:
        thing = self._chance.choice((box, self.office))
        self._images.append((thing, thing.disk.image()))

    def _office_is_put_back(self, _box: Box) -> None:
        images = [image for thing, image in self._images if thing is self.office]
        if images:
            self._look()
            self.office.crash()
            self.office.restore(self._chance.choice(images))
            self._kept = set(self.office.event_ids())
            self.office.start()
            self._tell(self.office, f"put back to {len(self._kept)} events")

    def _box_is_put_back(self, box: Box) -> None:
        images = [image for thing, image in self._images if isinstance(thing, Box)]
        if images:
            self._look()
            box.crash()
            box.restore(self._chance.choice(images))
            box.start()
            self._tell(box, f"put back to {len(box.seen)} events")

    def _rows_are_removed(self, box: Box) -> None:
        if box.runs:
            self._look()
            try:
                self._tell(box, f"removes {box.remove_some()} events")
            except Crashed:
                box.die()

    def _box_is_copied(self, box: Box) -> None:
        """A second box goes to work with the first one's identity and journal."""
        if len(self.boxes) < MOST_BOXES:
            name = "abc"[len(self.boxes)]
            copy = self._new_box(name, self._folder / name)
            self.disks[copy.disk.folder] = copy.disk
            image = box.disk.image()
            copy.restore(image)
            copy.line = self._bad_line()
            self.boxes.append(copy)
            copy.start()
            self._tell(copy, f"a copy of {box.name} goes to work with {len(copy.seen)} events")

    # What must hold

    def _look(self) -> None:
        for box in self.boxes:
            self._outcome.troubles += box.look()
        now = self.office.event_ids()
        if len(now) != len(set(now)):
            self._outcome.troubles.append("the office counts an event twice")
        if lost := self._kept - set(now):
            self._outcome.troubles.append(f"{len(lost)} events that the office had are gone")
        self._kept |= set(now)

    def _mend(self) -> None:
        for box in self.boxes:
            box.dies_in_forks, box.dies_at, box.clock.skew_s = False, None, 0.0
        self.office.dies_at = None
        for disk in self.disks.values():
            disk.failing, disk.crash_at = False, None
        for box in self.boxes:
            box.line.mend()
        self._everybody_is_back(self.boxes[0])
        for box in self.boxes:
            box.work()
            box.record(1)

    async def _settle(self) -> None:
        """Until nobody has anything to say any more, or it takes too long."""
        deadline = asyncio.get_running_loop().time() + QUIET_S
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(5.0)
            if self._settled():
                return
        self._outcome.troubles.append("not settled though the faults are over")

    def _settled(self) -> bool:
        have = self.office.placed_ids() | self._told_gone()
        return all(set(box.event_ids()) <= have for box in self.boxes)

    def _told_gone(self) -> set[str]:
        return set().union(*(box.told_gone for box in self.boxes))

    def _judge(self) -> None:
        self._look()
        for machine in (self.office, *self.boxes):
            self._outcome.troubles += machine.trouble
            self._outcome.died_at |= set(machine.died_at)
        self._outcome.events = len(self._kept)
        self._outcome.boxes = len(self.boxes)
        self._outcome.forks = len(self.office.rows("SELECT 1 FROM fork"))
        for box in self.boxes:
            self._outcome.troubles += box.check_chain()
            epochs = {event.epoch for event in box.journalled()}
            if len(epochs) > 1 and not any(other.put_back or other.told_gone for other in self.boxes):
                self._outcome.troubles.append(f"{box.name} forked without a reason")
            self._outcome.troubles += order(box, self.office, self._told_gone())
            self._outcome.troubles += box.check_forks()
        self._outcome.troubles += contiguity(self.office)

    def _tell(self, thing: Box | Office, what: str) -> None:
        name = thing.name if isinstance(thing, Box) else "office"
        self._outcome.faults.append(f"{asyncio.get_running_loop().time():7.2f} {name}: {what}")


FAULTS = (
    *("box_dies", "box_dies_at_a_commit", "box_dies_at_an_await", "sync_dies"),
    *("office_dies", "office_dies_at_a_commit", "office_dies_at_an_await", "everybody_is_back", "everybody_is_back"),
    *("line_is_cut", "clock_jumps", "disk_fails", "image_is_taken", "image_is_taken"),
    *("rows_are_removed", "office_is_put_back", "box_is_put_back", "box_is_copied"),
)


def order(box: Box, office: Office, told_gone: set[str]) -> list[str]:
    """The office has the box's events in the box's order, epoch by epoch."""
    held = [event for event in box.journalled() if event.event_id not in told_gone]
    own = [(event.epoch, event.seq, event.event_id, event.hash) for event in held]
    epochs = list(dict.fromkeys(epoch for epoch, *_ in own))
    ends = {epoch: max(seq for of, seq, *_ in own if of == epoch) for epoch in epochs}
    there = {(epoch, seq) for epoch, seq, *_ in own}
    theirs = [
        (epoch, *row)
        for epoch in epochs
        for row in office.rows(
            "SELECT seq, event_id, hash FROM place WHERE epoch = ? AND seq <= ? ORDER BY seq", epoch, ends[epoch]
        )
        if (epoch, row[0]) in there
    ]
    return [] if own == theirs else [f"{box.name}: the office has its events otherwise than it has them itself"]


def contiguity(office: Office) -> list[str]:
    """Each epoch at the office is 1, 2, 3 … up to its cursor, and everything it has is sound."""
    rows = office.rows(
        "SELECT c.epoch, c.through, max(p.seq) FROM cursor c LEFT JOIN place p ON p.epoch = c.epoch GROUP BY c.epoch"
    )
    wrong = [
        f"epoch {epoch[:6]}: the cursor says {through}, the last event is {last}"
        for epoch, through, last in rows
        if last != through
    ]
    wrong += ["events are missing, and nobody has said so"] if office.gaps() else []
    unsound = office.rows("SELECT count(*) FROM event WHERE sound = 0")[0][0]
    return [*wrong, f"{unsound} events are unsound"] if unsound else wrong


class _NoThread:
    def __init__(self, *_: object, **__: object) -> None:
        """Its work is done by the journal's caller."""

    def start(self) -> None:
        """It has nothing to do."""


class _AtOnce:
    """A thread whose work is done as it begins."""

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...], **_: object) -> None:
        self._work = partial(target, *args)

    def start(self) -> None:
        self._work()

    def is_alive(self) -> bool:
        return False


class _Here:
    """An executor whose thread is the caller's."""

    def __init__(self, *_: object) -> None:
        """It needs nothing."""

    def submit(self, work: Callable[..., Any], *values: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(work(*values))
        return done

    def shutdown(self) -> None:
        """Nothing is left to do."""


@contextmanager
def without_threads() -> Iterator[None]:
    """Journals, ledgers and list folders in this block have no threads of their own."""
    module: Any = journal_module
    desks: Any = desk_module
    lists: Any = list_folder
    real, folder, executor = module.threading, module.WalFolder, desks.ThreadPoolExecutor
    module.threading = SimpleNamespace(Condition=threading.Condition, Thread=_NoThread)
    module.WalFolder = _NoThread
    desks.ThreadPoolExecutor = _Here
    lists.threading = SimpleNamespace(Thread=_AtOnce)
    try:
        yield
    finally:
        module.threading, module.WalFolder, desks.ThreadPoolExecutor = real, folder, executor
        lists.threading = threading


def play(seed: int, kind: "type[World] | None" = None) -> Outcome:
    """Play one seed; the same seed is the same play."""
    kind = kind or World
    chance, outcome = Random(seed), Outcome(seed)
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    loop = VirtualLoop(chance)
    rows, wire.BATCH_ROWS = wire.BATCH_ROWS, chance.choice((3, 20, 500))
    gc.disable()  # A collection closes what was left open, at an instant of its own.
    try:
        world = kind(folder, chance, outcome)

        def now() -> str:
            return (START + timedelta(seconds=loop.time())).isoformat(timespec="milliseconds").removesuffix("+00:00")

        with seeded_entropy(chance), disks(world.disks, now), without_threads(), silence():
            try:
                loop.run_until_complete(world.play())
            finally:
                _end(loop, world)
    finally:
        gc.enable()
        wire.BATCH_ROWS = rows
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


@contextmanager
def silence() -> Iterator[None]:
    """Thousands of faults, each told to the log, say nothing here."""
    logs = [logging.getLogger(name) for name in ("sync", "gateway", "asyncio")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _end(loop: VirtualLoop, world: World) -> None:
    for box in world.boxes:
        box.crash()
    world.office.crash()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
