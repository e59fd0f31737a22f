"""A gateway with its doors and its lists: the real downlink, revocations, list folder, site loop and controller."""

import asyncio
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from gateway.domain.alarm import AlarmKind
from gateway.domain.list_update import PromisedList
from gateway.domain.listed import AccessList
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import HistoryDiverged, JournalChanged, OfficeRevoked, RevokedCredential, Signal
from gateway.errors import LinkError
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, current_list, set_current
from sync.downlink import Downlink
from sync.link import OfficeLink
from sync.office_client import OfficeClient
from sync.revocations import RevocationsDown
from sync.trust import Trust
from tests.sync.simulation.box import Box, InlineJournal
from tests.sync.simulation.disk import Crashed
from tests.sync.simulation.doors import SITE_KEY, Doors
from tests.sync.simulation.meddler import Meddler
from tests.sync.simulation.office import Office
from tests.sync.simulation.office_lists import BOUNDS, ROOT_KEY, SITE, Coordinate, Signed, fits


class ListedBox(Box):
    """`best` is the newest list that has been in force since it was last put back, or its files were damaged."""

    def __init__(self, name: str, folder: Path, office: Office, chance: Random) -> None:
        super().__init__(name, folder, office, chance)
        self.meddler = Meddler(office, office.made, office.keys, lambda: self.trusted.key_epoch, chance, self.trouble)
        self.way = self.meddler
        self.best: Coordinate = (0, 0)
        self.agreed: set[Coordinate] = set()
        """Lists to which somebody at the site said yes."""
        self.doors: Doors | None = None
        self._judged: list[Signed] = []
        """What the guards may have compared with: the list in force now, and those before it."""
        self._revoked: list[tuple[int, RevokedCredential]] = []
        """What its sync has heard, by the sequence that it came with."""
        self._kept: set[int] = set()
        """Sequences that it said it has taken up."""
        self._downlink: Downlink | None = None
        self._doors_task: asyncio.Task[None] | None = None

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
        journal = self._journal = InlineJournal(self.path, clock, on_change=self._journal_changed)
        if journal.last_wall is not None:
            clock.raise_floor(journal.last_wall)
        self.doors = Doors(self.disk.folder, journal, clock, self._opens, self._say)
        self._doors_task = self._begin(self.doors.run())
        first = self.doors.access_list
        if first is None and current_list(self.lists) is not None:
            self.trouble.append(f"{self.name}: begins without a list, though one was in force")
        at = (0, 0) if first is None else (first.generation, first.version)
        if at < self.best:
            self.trouble.append(f"{self.name}: begins with an older list than {self.best}, which was in force")

    def _start_work(self, client: OfficeClient, link: OfficeLink) -> None:
        lists = ListFolder(self.lists, SITE_KEY, fits, BOUNDS)
        trust = self.trusted
        doors: Any = _DoorsClient(self)
        self._downlink = Downlink(trust, lists, client, link, doors, self.disk.folder)
        self._start_uplink(client, link, lists, doors)
        self._tasks.append(self._begin(self._downlink.run()))
        self._tasks.append(self._begin(RevocationsDown(trust, lists, client, doors).run()))
        if self.doors is not None:
            self.doors.tell()

    def start(self) -> None:
        if not self._tasks:
            super().start()
            return
        try:  # only the doors were gone
            self._start_doors()
        except Crashed:
            self.die()

    def stop_sync(self) -> None:
        super().stop_sync()
        self._downlink = None

    def stop_doors(self) -> None:
        """The doors process dies; sync lives."""
        assert self._journal is not None
        doors, journal, self.doors, self._journal = self.doors, self._journal, None, None
        if self._doors_task is not None:
            self._doors_task.cancel()
        if journal._rows is not None:
            journal._rows._connection.close()
        if doors is not None:
            doors.end()

    def crash(self, *, power: bool = False) -> None:
        doors, self.doors = self.doors, None
        if self._doors_task is not None:
            self._doors_task.cancel()
        super().crash(power=power)
        if doors is not None:
            doors.end()

    def restore(self, image: Path) -> None:
        super().restore(image)
        self.best = (0, 0)
        self._judged.clear()
        self._revoked.clear()
        self._kept.clear()

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

    def revoked_numbers(self) -> list[int]:
        """Of the cards that the office has revoked here."""
        cards = self.office.newest.cards
        return [cards[each.credential].number for _, each in self._revoked if each.credential in cards]

    @property
    def known(self) -> Coordinate:
        """The newest list that it has had, believed, or refused for its sense: it asks for later ones only."""
        kept = self.trusted._kept
        refused = (0, 0) if self._downlink is None else self._downlink._refused
        return max(self.best, refused, (kept.generation, kept.version))

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
        if isinstance(signal, OfficeRevoked):
            self._revoked += [(signal.sequence, each) for each in signal.revoked]

    def judge(self, number: int) -> None:
        """What the doors decide on a card is what the list in force says, and no revoked card passes."""
        if self.doors is None:
            return
        decision, signed = self.doors.decides(number), self._signed(self.doors.access_list)
        found = {} if signed is None else {id_: each for id_, each in signed.cards.items() if each.number == number}
        id_, card = next(iter(found.items()), ("", None))
        revoked = signed is not None and self._is_revoked(id_, signed.at)
        passes = card is not None and card.active and card.passes
        if decision.granted and (revoked or not passes):
            self.trouble.append(f"{self.name}: {id_} passes, {revoked=}")
        if not decision.granted and passes and id_ not in self.office.ever_revoked:
            self.trouble.append(f"{self.name}: {id_} does not pass: {decision.reason}")

    def _is_revoked(self, credential: str, at: Coordinate) -> bool:
        """Whether the box says that it knows it as revoked until a list newer than `at` says so."""
        self._kept.add(self.trusted.sequence)
        return any(
            each.credential == credential and sequence in self._kept and (each.generation, each.version) > at
            for sequence, each in self._revoked
        )

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
        at = (listed.generation, listed.version)
        return next((each for each in self.office.made.values() if each.at == at and each.is_in(listed)), None)

    def _journal_changed(self, available: bool, detail: str, lost: int) -> None:
        if self.doors is not None:
            self.doors.put(JournalChanged(available, detail, lost))

    def _say(self, feed: Feed) -> None:
        if self._downlink is not None:
            self._downlink.follow(feed)

    def check_in_force(self) -> list[str]:
        """What is in force now is the office's newest."""
        listed = None if self.doors is None else self.doors.access_list
        if isinstance(listed, CompiledAccessList) and self.office.newest.is_in(listed):
            return []
        at = None if listed is None else (listed.generation, listed.version)
        return [f"{self.name}: {at} is in force, the office has {self.office.newest.at}"]


class _DoorsClient:
    """How sync reaches the doors of its box, whichever start of them is there."""

    def __init__(self, box: ListedBox) -> None:
        self._box = box

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
