"""A world in which the office's list changes as well, and somebody meddles with it on its way down."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from gateway.domain.ports import RecordedEvent
from tests.sync.simulation.awaits import GATEWAY
from tests.sync.simulation.box import Box
from tests.sync.simulation.listed_box import ListedBox
from tests.sync.simulation.meddler import WAYS
from tests.sync.simulation.network import Line
from tests.sync.simulation.office_lists import People, countersigned
from tests.sync.simulation.outcome import Outcome
from tests.sync.simulation.questions import yeses
from tests.sync.simulation.world import FAULTS, World, play

MOST_KEYS = 4
NOBODYS = 1999
"""The number of no card."""
ALARM_S = 60.0
"""A pause of the back-off, and a poll that was under way."""


class ListedWorld(World):
    """Plays one seed with lists."""

    faults_share = 0.95
    boxes_files = GATEWAY

    boxes: Sequence[ListedBox]  # type: ignore[assignment]

    def __init__(self, folder: Path, chance: Random, outcome: Outcome) -> None:
        self._people = People(chance)
        self._next: list[str] = []
        """What happens next, where one thing without the other hardly ever finds anything."""
        super().__init__(folder, chance, outcome)
        self._images.append((self.office, self.office.disk.image()))  # there is always one of before
        if chance.random() < 0.85:
            self.boxes[0].has_first_list()

    def _new_box(self, name: str, folder: Path) -> Box:
        box = ListedBox(name, folder, self.office, self._chance)
        box.tell = lambda what: self._tell(box, what)
        return box

    def _live_at(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        box.work()
        box.record(self._chance.choice((0, 0, 1, 2)))
        cards = list(self.office.newest.cards.values())
        box.judge((*(self._chance.choice(cards).number for _ in range(3)), NOBODYS))
        if box.doors is not None and self._chance.random() < 0.3:
            box.doors.show(self._chance.choice(cards).number)
        if self._chance.random() < 0.4:
            self.office.answer(lambda: self._chance.random() < 0.7, self._chance.choice((2.0, 20.0, 200.0)))

    def _faults(self) -> tuple[str, ...]:
        if self._next:
            return (self._next.pop(0),)
        return LIST_FAULTS if self._chance.random() < 0.7 else FAULTS

    def _bad_line(self) -> Line:
        chance = self._chance
        return Line(
            lost=chance.choice((0.0, 0.0, 0.1)),
            doubled=chance.choice((0.0, 0.3)),
            slow_s=chance.choice((0.01, 0.1, 1.0)),
        )

    # What happens to lists

    def _list_changes(self, _box: Box) -> None:
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            if self.office.change(self._people.change):
                self._tell(self.office, f"makes list {self.office.newest.at}")

    def _keys_change(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        if self.office.runs and self.office.keys.epoch < MOST_KEYS:
            self.office.change_keys()
            self._tell(self.office, f"signs with key set {self.office.keys.epoch}")
            box.meddler.way, box.meddler.share = "old_key", 0.7

    def _generation_begins(self, _box: Box) -> None:
        self.office.change(lambda lists, seen, _: lists.begin_generation("demo", seen))

    def _second_person_signs(self, _box: Box) -> None:
        signed = self.office.newest
        signature = countersigned(self.office.keys, signed.manifest)
        if self.office.runs and signed.manifest.key_epoch == self.office.keys.epoch:
            self.office.countersigned.add(signed.key)
            self.office.change(lambda lists, *_: lists.countersign("demo", signature))

    def _somebody_agrees(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        held = None if box.doors is None else box.doors.controller.lists.held
        if box.doors is not None and held is not None:
            box.agreed.add((held.generation, held.version))
            box.doors.confirm()

    def _line_is_meddled_with(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        box.meddler.way, box.meddler.share = self._chance.choice(WAYS), self._chance.choice((0.3, 0.7, 1.0))
        self._tell(box, f"its line: {box.meddler.way}")
        self._sync_dies(box)  # what it asked before was asked of the office

    def _lists_are_kept_away(self, box: Box) -> None:
        """Somebody loses a card, and only the revocation comes through."""
        assert isinstance(box, ListedBox)
        box.meddler.way, box.meddler.share, box.line.cut = "no_lists", 1.0, False
        self._sync_dies(box)
        if box.runs and self._chance.random() < 0.4:
            box.stop_doors()
            box.dies_at = self._chance.randrange(60)
        self.office.change(self._people.revokes)
        self._tell(box, "gets a revocation, and no list")

    def _list_comes_before_its_revocation(self, box: Box) -> None:
        """Somebody loses a card, and the revocation is held up until the list is there."""
        assert isinstance(box, ListedBox)
        box.meddler.way, box.meddler.share, box.line.cut = "list_first", 1.0, False
        self._sync_dies(box)  # what it asked before was asked of the office
        self._everybody_is_back(box)
        self.office.change(self._people.revokes)
        self._tell(box, "gets a list, and its revocation later")
        if self._chance.random() < 0.7:
            self._next = ["everybody_is_back", "list_file_is_damaged"]

    def _old_things_are_told(self, box: Box) -> None:
        """Its power is cut, and when it is back somebody tells it what was so before."""
        assert isinstance(box, ListedBox)
        if box.runs:
            box.crash(power=True)
        way = self._chance.choice(("replays", "old_key")) if self.office.keys.former else "replays"
        box.meddler.way, box.meddler.share, box.line.cut = way, 1.0, False
        box.start()
        self._tell(box, f"its power is cut, and its line: {way}")

    def _much_changes(self, box: Box) -> None:
        """Too much for one signature, which comes twice."""
        assert isinstance(box, ListedBox)
        box.meddler.way, box.meddler.share = "twice", 1.0
        self._sync_dies(box)
        self.office.change(self._people.takes_many_out)

    def _line_is_left_alone(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        box.meddler.way, box.line.cut = None, False

    def _office_is_put_back(self, box: Box) -> None:
        super()._office_is_put_back(box)
        if self._chance.random() < 0.7:
            self._generation_begins(box)

    def _list_file_is_damaged(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        box.crash()
        box.damage()
        self._tell(box, "the file of its list is damaged")
        if self._chance.random() < 0.7:  # the list before stands in until sync has mended it
            box.start()
            box.judge(())

    def _doors_die(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        if box.runs:
            box.stop_doors()
            self._tell(box, "its doors process is killed")

    def _doors_are_full(self, box: Box) -> None:
        assert isinstance(box, ListedBox)
        if box.doors is not None:
            box.doors.full_until_s = asyncio.get_running_loop().time() + self._chance.choice((2.0, 10.0))
            self._tell(box, "its doors' inbox is full")

    def _somebody_waits(self, box: Box) -> None:
        """And hears what the office says when nobody can be told."""
        assert isinstance(box, ListedBox)
        self._line_is_left_alone(box)
        if box.doors is not None:
            box.doors.show(self._chance.choice(list(self.office.newest.cards.values())).number)
        self._next = ["answers_find_no_doors"]

    def _answers_find_no_doors(self, box: Box) -> None:
        """Somebody says yes just when nobody can be told."""
        self._line_is_left_alone(box)
        if self._chance.random() < 0.5:
            self._doors_die(box)
        else:
            self._doors_are_full(box)
        self.office.answer(lambda: True, self._chance.choice((2.0, 20.0)))

    # What must hold

    def _mend(self) -> None:
        for box in self.boxes:
            box.meddler.way = None
            if box.doors is not None:
                box.doors.full_until_s = 0.0
        super()._mend()

    async def _settle(self) -> None:
        await super()._settle()
        if not self._outcome.troubles and len(self.boxes) == 1:
            await self._a_yes_opens(self.boxes[0])
        if self._outcome.troubles or self._chance.random() < 0.6:
            return
        if any(box.known > self.office.newest.at for box in self.boxes):
            return  # it was put back: the next of its lists would be older than one that waits for a yes
        before = [box.best for box in self.boxes]
        await self._one_more_is_refused()
        if [box.best for box in self.boxes] != before:
            self._outcome.troubles.append("the list before did not stay when one was refused")
        self._mend()
        self.office.change(self._people.mend)
        await super()._settle()

    async def _a_yes_opens(self, box: ListedBox) -> None:
        """Nothing is wrong any more: who shows a card at the visitors' gate passes by the office's word."""
        doors = box.doors
        passing = [] if doors is None else [c.number for c in self.office.newest.cards.values() if box.passes(c.number)]
        if doors is None or not passing:
            return
        before, number = box.granted(), self._chance.choice(passing)
        deadline = asyncio.get_running_loop().time() + ALARM_S
        while box.granted() == before:
            if asyncio.get_running_loop().time() > deadline:
                self._outcome.troubles.append("the office's yes does not open")
                return
            doors.show(number)
            await asyncio.sleep(1.0)
            self.office.answer(lambda: True, 5.0)

    async def _one_more_is_refused(self) -> None:
        """A list that makes no sense, or is nobody's: each gate says so."""
        way = self._chance.choice((None, "other_site", "thief"))
        for box in self.boxes:
            box.meddler.way, box.meddler.share = way, 1.0
        self.office.change(self._people.errs)
        self._tell(self.office, f"one more list that is to be refused: {way}")
        deadline = asyncio.get_running_loop().time() + ALARM_S
        while not all(box.alarmed for box in self.boxes):
            if asyncio.get_running_loop().time() > deadline:
                self._outcome.troubles.append("a list was refused without an alarm")
                return
            await asyncio.sleep(1.0)

    def _put_right(self) -> None:
        """What people do who see the alarms."""
        if not self.office.runs:
            return
        newest = self.office.newest
        if newest.unsound:
            self.office.change(self._people.mend)
        elif any(newest.at <= box.known and box.check_in_force() for box in self.boxes):
            self._generation_begins(self.boxes[0])
        for box in self.boxes:
            if self._chance.random() < 0.5:
                self._somebody_agrees(box)
            else:
                self._second_person_signs(box)

    def _settled(self) -> bool:
        if not super()._settled():
            return False
        if not any(box.check_in_force() for box in self.boxes):
            return True
        self._put_right()
        return False

    def _judge(self) -> None:
        super()._judge()
        self._outcome.lists, self._outcome.ways = len(self.office.made), self.office.ways

    def _judge_box(self, box: Box, events: list[RecordedEvent]) -> None:
        assert isinstance(box, ListedBox)
        super()._judge_box(box, events)
        self._outcome.troubles += box.check_in_force() + yeses(box, events, self.office)
        self._outcome.troubles += [f"{box.name}: {each}" for each in box.believed.trouble]
        told, outcome = Counter(event.type for event in events), self._outcome
        outcome.in_force += told["ListActivated"]
        outcome.refused += told["ListRejected"]
        outcome.held += told["ListHeld"]
        outcome.revoked += told["CredentialsRevoked"]
        outcome.answered += told["AccessConfirmed"]


LIST_FAULTS = (
    *("list_changes",) * 6,
    *("line_is_meddled_with",) * 7,
    *("line_is_left_alone", "line_is_left_alone"),
    *("lists_are_kept_away",) * 4,
    *("list_comes_before_its_revocation",) * 2,
    *("old_things_are_told",) * 3,
    *("much_changes", "second_person_signs", "somebody_agrees", "keys_change", "keys_change", "generation_begins"),
    *("everybody_is_back",) * 5,
    *("box_dies", "box_dies_at_a_commit", "doors_die", "doors_are_full", "somebody_waits"),
    *("box_dies_at_an_await", "box_dies_at_an_await", "office_dies_at_an_await"),
    *("image_is_taken", "office_is_put_back", "office_is_put_back", "list_file_is_damaged", "list_file_is_damaged"),
)

LISTED_EVERY = 4
"""A play with lists takes three times as long as one without: in the test run every fourth has them."""


def play_either(seed: int, every: int = LISTED_EVERY) -> Outcome:
    """Play one seed, with lists where its number is a multiple of `every`."""
    return play(seed, World if seed % every else ListedWorld)
