"""One seed's world: an office, one or two gateways, and a few virtual minutes in which everything goes wrong.

Then the faults end, and what must hold is looked at (`Outcome.troubles` collects what doesn't).
"""

import asyncio
import gc
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from gateway.domain.ports import RecordedEvent
from tests.sync.simulation.awaits import OFFICE, UP, awaits
from tests.sync.simulation.box import Box
from tests.sync.simulation.disk import Crashed, Disk, disks
from tests.sync.simulation.machine import Machine
from tests.sync.simulation.network import Line
from tests.sync.simulation.office import START, Office
from tests.sync.simulation.outcome import Outcome
from tests.sync.simulation.questions import contiguity, order
from tests.sync.simulation.surroundings import surroundings
from tests.sync.simulation.virtual_loop import VirtualLoop

TROUBLED_S = 40.0
MOST_BOXES = 3
QUIET_S = 900.0
"""Every pause of the back-off, every delayed call and every hello has long come round in this."""
MEMORY = Path("/dev/shm")


class World:
    """Plays one seed."""

    faults_share = 0.6
    boxes_files: tuple[str, ...] = UP
    """Where its gateways' code waits that is played."""

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
            self._judge_box(box, box.journalled())
        self._outcome.troubles += contiguity(self.office)

    def _judge_box(self, box: Box, events: list[RecordedEvent]) -> None:
        self._outcome.troubles += box.check_chain()
        if len({event.epoch for event in events}) > 1 and not any(
            each.put_back or each.told_gone for each in self.boxes
        ):
            self._outcome.troubles.append(f"{box.name} forked without a reason")
        self._outcome.troubles += order(box, events, self.office, self._told_gone())
        self._outcome.troubles += box.check_forks(events)

    def _tell(self, thing: Box | Office, what: str) -> None:
        name = thing.name if isinstance(thing, Box) else "office"
        self._outcome.faults.append(f"{asyncio.get_running_loop().time():7.2f} {name}: {what}")


FAULTS = (
    *("box_dies", "box_dies_at_a_commit", "box_dies_at_an_await", "sync_dies"),
    *("office_dies", "office_dies_at_a_commit", "office_dies_at_an_await", "everybody_is_back", "everybody_is_back"),
    *("line_is_cut", "clock_jumps", "disk_fails", "image_is_taken", "image_is_taken"),
    *("rows_are_removed", "office_is_put_back", "box_is_put_back", "box_is_copied"),
)


def play(seed: int, kind: Callable[[Path, Random, Outcome], World] = World) -> Outcome:
    """Play one seed; the same seed is the same play."""
    chance, outcome = Random(seed), Outcome(seed)
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    loop = VirtualLoop(chance)
    gc.disable()  # A collection closes what was left open, at an instant of its own.
    try:
        world = kind(folder, chance, outcome)

        def now() -> datetime:
            return START + timedelta(seconds=loop.time())

        with surroundings(chance), disks(world.disks, now):
            try:
                loop.run_until_complete(world.play())
            finally:
                _end(loop, world)
    finally:
        gc.enable()
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _end(loop: VirtualLoop, world: World) -> None:
    for box in world.boxes:
        box.crash()
    world.office.crash()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
