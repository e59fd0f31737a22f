"""Worlds whose machines are to die at certain awaits, again and again, and which bring them there."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from random import Random

from tests.sync.simulation.awaits import Await, never_died_at, told
from tests.sync.simulation.box import Box
from tests.sync.simulation.disk import Crashed
from tests.sync.simulation.listed_box import ListedBox
from tests.sync.simulation.listed_world import LIST_FAULTS, ListedWorld
from tests.sync.simulation.outcome import Outcome
from tests.sync.simulation.world import FAULTS, play


class Hunt(ListedWorld):
    """Whoever died is back soon, and dies at the next of the `wanted` awaits at which nobody has died yet."""

    def __init__(self, folder: Path, chance: Random, outcome: Outcome, wanted: Collection[Await]) -> None:
        self._wanted = wanted
        super().__init__(folder, chance, outcome)
        outcome.faults.append(f"machines die at {told(wanted)}")

    def _faults(self) -> tuple[str, ...]:
        return self._chance.choice((LIST_FAULTS, FAULTS, RARE))

    def _live(self) -> None:
        self._everybody_is_back(self.boxes[0])
        machines = (self.office, *self.boxes)
        left = never_died_at(self._wanted, {line for machine in machines for line in machine.died_at}) or self._wanted
        for machine in machines:
            if machine.dies_at is None:
                machine.dies_in, machine.dies_at = frozenset().union(*left), self._chance.choice((0, 0, 1, 4))
        for box in self.boxes:
            if box.doors is not None:
                box.doors.show(self._chance.choice(list(self.office.newest.cards.values())).number)
        super()._live()

    # What brings code to where it hardly ever is

    def _line_swells(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        self._line_is_left_alone(box)
        box.meddler.way, box.meddler.share = "swells", 0.5
        self._list_changes(box)

    def _unsent_rows_are_removed(self, box: Box) -> None:
        self._line_is_left_alone(box)
        box.stop_sync()
        if box.runs:
            try:
                box.record(9)
            except Crashed:
                box.die()
        self._rows_are_removed(box)
        if box.runs:
            box.start_sync()

    def _news_find_no_doors(self, box: Box) -> None:
        self._answers_find_no_doors(box)
        self.office.change(self._people.revokes)

    def _list_errs(self, box: Box) -> None:
        self._line_is_left_alone(box)
        self.office.change(self._people.errs)


RARE = (
    *("news_find_no_doors", "news_find_no_doors", "list_errs", "line_swells"),
    *("unsent_rows_are_removed", "box_is_put_back"),
)


def play_hunt(seed: int, wanted: Collection[Await]) -> Outcome:
    """Play one seed in which machines die at these awaits."""
    return play(seed, partial(Hunt, wanted=wanted))
