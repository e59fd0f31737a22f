"""A gateway whose whole sync process is the real one, with the real list folder, site loop and controller."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Self

from gateway.domain.access_request import Decision
from gateway.domain.alarm import AlarmKind
from gateway.domain.list_update import PromisedList
from gateway.domain.listed import AccessList
from gateway.domain.ports import DoorsPort, Feed, Reply
from gateway.domain.signals import (
    HistoryDiverged,
    JournalChanged,
    ListRefused,
    Signal,
)
from gateway.doors_client import _Slot
from gateway.errors import LinkError
from gateway.store.access_list import CompiledAccessList
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, current_list, set_current
from sync.office_client import OfficeClient
from sync.trust import Trust
from sync.worker import run_sync
from tests.sync.simulation.believed import Believed, WatchedTrust
from tests.sync.simulation.box import Box, InlineJournal
from tests.sync.simulation.disk import Crashed
from tests.sync.simulation.doors import SITE_KEY, Doors
from tests.sync.simulation.machine import Life
from tests.sync.simulation.meddler import Meddler
from tests.sync.simulation.office import Office, note_revoked
from tests.sync.simulation.office_lists import BOUNDS, ROOT_KEY, SITE, Coordinate, Signed, fits

ANSWER_S = 0.005
"""The doors' socket answers within this."""


class ListedBox(Box):
    """`best` is the newest list that has been in force since it was last put back, or its files were damaged."""

    def __init__(self, name: str, folder: Path, office: Office, chance: Random) -> None:
        super().__init__(name, folder, office, chance)
        self.believed = Believed()
        made, revoked, keys = office.made, office.revoked, office.keys
        self.meddler = Meddler(office, made, revoked, keys, self.believed, chance, self.trouble)
        self.way = self.meddler
        self.best: Coordinate = (0, 0)
        self.agreed: set[Coordinate] = set()
        """Lists to which somebody at the site said yes."""
        self.doors: Doors | None = None
        self._judged: list[Signed] = []
        """What the guards may have compared with: the list in force now, and those before it."""
        self._revoked: dict[str, Coordinate] = {}
        """What it said it has taken up: the newest list that is to say so itself, by credential."""
        self._kept = 0
        """The sequence with which it came last."""
        self._found: tuple[AccessList | None, Signed | None] = None, None
        """The list that was looked for last among the office's, and which of them it is."""
        self._refused: Coordinate = (0, 0)
        """The newest list that its sync has refused for its sense."""
        self._client: DoorsClient | None = None
        self._doors_life: Life | None = None

    @property
    def lists(self) -> Path:
        """The folder of its lists."""
        return self.disk.folder / "lists"

    @property
    def trusted(self) -> Trust:
        """Whom it believes, as it lies on its disk."""
        return Trust(SITE, ROOT_KEY, self.lists / "trust.json", self.clock)

    def has_first_list(self) -> None:
        """It comes with the office's first list in force, as most do."""
        self.lists.mkdir()
        for name, content in _first_lists().items():
            (self.lists / name).write_bytes(content)

    def _start_doors(self) -> None:
        clock = self.clock
        journal = InlineJournal(self.path, clock, on_change=self._journal_changed, on_commit=self._committed)
        self._journal = journal
        if journal.last_wall is not None:
            clock.raise_floor(journal.last_wall)
        self.doors = Doors(self.disk.folder, journal, clock, self._opens, self._say)
        self._doors_life = self._begin(self.doors.run())
        first = self.doors.access_list
        if first is None and current_list(self.lists) is not None:
            self.trouble.append(f"{self.name}: begins without a list, though one was in force")
        at = (0, 0) if first is None else (first.generation, first.version)
        if at < self.best:
            self.trouble.append(f"{self.name}: begins with an older list than {self.best}, which was in force")

    def _sync_work(self, client: OfficeClient) -> Coroutine[Any, Any, None]:
        reader, lists = SqliteJournalReader(self.path), ListFolder(self.lists, SITE_KEY, fits, BOUNDS)
        self._client = DoorsClient(self)
        trust = WatchedTrust(self.lists / "trust.json", self.clock, self.believed)
        return run_sync(trust, client, reader, lists, self._client, self.disk.folder, self.clock, "sim")

    def start(self) -> None:
        if self._sync is None:
            super().start()
            return
        try:  # only the doors were gone
            self._start_doors()
        except Crashed:
            self.die()

    def stop_sync(self) -> None:
        super().stop_sync()
        self._client, self._refused = None, (0, 0)

    def stop_doors(self) -> None:
        """The doors process dies; sync lives."""
        assert self._journal is not None
        doors, journal, self.doors, self._journal = self.doors, self._journal, None, None
        if self._doors_life is not None:
            self._doors_life.end()
        if journal._rows is not None:
            journal._rows._connection.close()
        if doors is not None:
            doors.end()

    def crash(self, *, power: bool = False) -> None:
        doors, self.doors = self.doors, None
        if self._doors_life is not None:
            self._doors_life.end()
        super().crash(power=power)
        if doors is not None:
            doors.end()

    def restore(self, image: Path) -> None:
        super().restore(image)
        self.best = (0, 0)
        self.believed.is_put_back(self.trusted)
        self._judged.clear()
        self._revoked.clear()
        self._kept = 0

    def damage(self) -> None:
        """Bits of the file of the list in force are wrong, once it is off; the list before it is to stand in."""
        path = current_list(self.lists)
        if path is None or len(self._judged) < 2:
            return
        content = bytearray(path.read_bytes())
        for _ in range(self._chance.choice((1, 3))):  # where the cards are: behind them lie digests
            content[self._chance.randrange(min(len(content), 4000))] ^= 1 << self._chance.randrange(8)
        path.write_bytes(content)
        self.best = (0, 0)

    @property
    def known(self) -> Coordinate:
        """The newest list that it has had, believed, or refused for its sense: it asks for later ones only."""
        kept = self.trusted._kept
        return max(self.best, self._refused, (kept.generation, kept.version))

    @property
    def alarmed(self) -> bool:
        """Whether an alarm says that a list was refused."""
        return (
            self.doors is not None and self.doors.controller.alarms.find(AlarmKind.LIST_REJECTED, "office") is not None
        )

    def tells(self, signal: Signal) -> None:
        """Sync has something for the doors."""
        if isinstance(signal, HistoryDiverged):
            self._may_die_in_fork()
        if isinstance(signal, ListRefused):
            odd = (each.at for each in self.office.made.values() if each.unsound and each.at[1] == signal.version)
            self._refused = max((self._refused, *odd))

    def judge(self, numbers: Iterable[int]) -> None:
        """What the doors decide on these cards is what the list in force says, and none that is revoked passes."""
        if self.doors is None:
            return
        kept = self.trusted.sequence
        if kept != self._kept and kept in self.office.revoked:
            note_revoked(self._revoked, self.office.revoked[kept])
            self._kept = kept
        signed = self._signed(self.doors.access_list)
        cards = {} if signed is None else signed.cards
        for number in (*numbers, *(cards[id_].number for id_ in self._revoked if id_ in cards)):
            self._judge_card(number, signed, self.doors.decides(number))

    def _judge_card(self, number: int, signed: Signed | None, decision: Decision) -> None:
        found = {} if signed is None else {id_: each for id_, each in signed.cards.items() if each.number == number}
        id_, card = next(iter(found.items()), ("", None))
        at = (0, 0) if signed is None else signed.at
        revoked = self._revoked.get(id_, at) > at
        passes = card is not None and card.active and card.passes
        if decision.granted and (revoked or not passes):
            self.trouble.append(f"{self.name}: {id_} passes, {revoked=}")
        if not decision.granted and passes and self.office.revoked_until.get(id_, at) <= at:
            self.trouble.append(f"{self.name}: {id_} does not pass: {decision.reason}")

    def passes(self, number: int) -> bool:
        """Whether the doors let a card in just now."""
        return self.doors is not None and self.doors.decides(number).granted

    def granted(self) -> int:
        """How often somebody was let in."""
        return sum(event.type == "AccessGranted" for event in self.journalled())

    def _opens(self, opened: AccessList, before: AccessList | None) -> None:
        """A list is about to be in force: the office's to the last card, newer, let through by its guards."""
        assert isinstance(opened, CompiledAccessList)
        signed, at = self._signed(opened), (opened.generation, opened.version)
        if signed is None:
            self.trouble.append(f"{self.name}: list {at} is none that the office made")
            return
        if at < self.best:
            self.trouble.append(f"{self.name}: list {at} comes after {self.best}")
        self.best = max(self.best, at)
        wants = bool(self._judged) and all(signed.guarded(each) for each in self._judged[-2:])
        if before is not None and wants and at not in self.agreed and signed.key not in self.office.countersigned:
            self.trouble.append(f"{self.name}: list {at} changes much, and nobody was asked")
        if [each.key for each in self._judged[-1:]] != [signed.key]:  # keys that change sign it anew
            self._judged.append(signed)

    def _signed(self, listed: AccessList | None) -> Signed | None:
        if not isinstance(listed, CompiledAccessList):
            return None
        if listed is not self._found[0]:
            at = (listed.generation, listed.version)
            signed = next((each for each in self.office.made.values() if each.at == at and each.is_in(listed)), None)
            self._found = listed, signed
        return self._found[1]

    def _journal_changed(self, available: bool, detail: str, lost: int) -> None:
        if self.doors is not None:
            self.doors.put(JournalChanged(available, detail, lost))

    def _committed(self, row_id: int) -> None:
        self._say(Feed(connected=True, row_id=row_id))

    def _say(self, feed: Feed) -> None:
        if self._client is not None:
            self._client.tell(feed)

    def check_in_force(self) -> list[str]:
        """What is in force now is the office's newest."""
        listed = None if self.doors is None else self.doors.access_list
        if isinstance(listed, CompiledAccessList) and self.office.newest.is_in(listed):
            return []
        at = None if listed is None else (listed.generation, listed.version)
        return [f"{self.name}: {at} is in force, the office has {self.office.newest.at}"]


class DoorsClient(DoorsPort):
    """How sync reaches the doors of its box, whichever start of them is there; it is its own feed."""

    def __init__(self, box: ListedBox) -> None:
        self._box, self._slot = box, _Slot()

    def tell(self, feed: Feed) -> None:
        """Something of the feed."""
        self._slot.put(feed)

    def feed(self) -> AsyncIterator[Feed]:
        doors = self._box.doors
        self.tell(Feed(connected=doors is not None))
        if doors is not None:
            asyncio.get_running_loop().call_later(ANSWER_S, doors.tell)
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Feed:
        return await self._slot.take()

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        self._box.tells(signal)
        doors = self._box.doors
        if doors is None:
            await asyncio.sleep(timeout_s)
            raise LinkError("the doors process is away")
        return await doors.send(signal, timeout_s)


@cache
def _first_lists() -> dict[str, bytes]:
    """The files of a gateway that has the office's first list in force."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        office = Office(folder / "office", Random(0))
        office.start()
        manifest, raw = office.newest.manifest, office.newest.raw
        office.crash()
        promised = PromisedList(
            *(SITE, manifest.generation, manifest.version, manifest.issued_at, manifest.count),
            bytes.fromhex(manifest.root),
        )
        lists = folder / "lists"
        made = ListFolder(lists, SITE_KEY).prepare_whole(raw, promised)
        set_current(lists, CompiledFile(made.path, made.version, made.digest, made.credentials, made.generation))
        return {path.name: path.read_bytes() for path in lists.iterdir()}
