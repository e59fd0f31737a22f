"""A gateway's doors process in the simulation: the real site loop and controller, on its journal and its lists."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.clock import Clock
from gateway.domain.access import decide
from gateway.domain.access_request import AccessRequest, Decision
from gateway.domain.controller import Controller
from gateway.domain.credential import Grade, Identifier, Reading
from gateway.domain.listed import AccessList
from gateway.domain.passage import gather
from gateway.domain.ports import Feed, Reply
from gateway.domain.register import Register
from gateway.domain.shown import shown_as
from gateway.domain.signals import (
    CardRead,
    GatewayStarting,
    HistoryForked,
    ListConfirmRequested,
    Operator,
    Signal,
    StatusReported,
)
from gateway.domain.site import AccessPoint, Door, Lock, LockKind, Site, Terminal, Wiring
from gateway.errors import LinkError
from gateway.site_loop import SiteLoop
from gateway.store.journal import SqliteJournal
from gateway.store.list_in_force import ListInForce
from gateway.store.remembered import read_remembered, untold_fork

SITE_KEY = b"k" * 32
NORTH = Door("north", Lock(Terminal("board", 0), LockKind.FAIL_SECURE, Wiring.NO))
POINTS = {"north": AccessPoint("north", "north", ("r",)), "visitors": AccessPoint("visitors", None, ("v",))}
PLANT = Site("demo", ZoneInfo("Asia/Shanghai"), {"north": NORTH}, POINTS)


class Doors:
    """One start of the process. `opens(list)` is told of each list before it may be in force, with the one that is.

    `say` gets what sync follows: the list in force, or that the process went away.
    """

    def __init__(
        self,
        folder: Path,
        journal: SqliteJournal,
        clock: Clock,
        opens: Callable[[AccessList, AccessList | None], None],
        say: Callable[[Feed], None],
    ) -> None:
        self._folder, self._clock, self._opens, self._say = folder, clock, opens, say
        self._lists = ListInForce(folder, folder / "lists", SITE_KEY)
        first = self._lists.first()
        if first is not None:
            clock.raise_floor(first.issued_at)
            opens(first, None)
        remembered = read_remembered(folder / "journal.db")
        self.controller = Controller(PLANT, remembered.state, Register(remembered.facts))
        hub: Any = _Hub(self)
        self.loop = SiteLoop(self.controller, journal, clock, {}, self._open, first, hub)
        self._waiting: dict[asyncio.Future[Reply], None] = {}
        self._gone = False
        self.full_until_s = 0.0
        """A device that runs wild keeps the inbox full until then."""
        self.put(GatewayStarting("sim", remembered.state is not None))
        forked = untold_fork(folder / "journal.db")
        if forked is not None:
            self.put(HistoryForked(forked))

    def run(self) -> Coroutine[Any, Any, None]:
        """The site loop."""
        return self.loop.run()

    @property
    def access_list(self) -> AccessList | None:
        """The list in force."""
        return self.loop.access_list

    def put(self, signal: Signal) -> None:
        """A signal from within the process."""
        self.loop.inbox.put(signal)

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        """What the socket does for sync. Raises LinkError."""
        await asyncio.sleep(0)
        if self._gone:
            raise LinkError("the doors process is away")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        full = loop.time() < self.full_until_s
        if full or not self.loop.inbox.put(signal, lambda reply: None if answer.done() else answer.set_result(reply)):
            return Reply(accepted=False, reason="InboxFull")
        self._waiting[answer] = None
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as error:
            raise LinkError("the doors process does not answer") from error
        finally:
            self._waiting.pop(answer, None)

    def end(self) -> None:
        """The process is gone."""
        self._gone = True
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(LinkError("the doors process went away"))
        self._say(Feed(connected=False))

    def tell(self) -> None:
        """Say which list is in force, unless the process is gone."""
        if self._gone:
            return
        listed = self.access_list
        about = None if listed is None else {"version": listed.version, "generation": listed.generation}
        self._say(Feed(connected=True, status={"list": about}))

    def show(self, number: int) -> None:
        """A card at the visitors' reader, where the office is to say yes."""
        read = Reading(Identifier("EM4100", None, number))
        self.put(CardRead("v", (read,), asyncio.get_running_loop().time()))

    def decides(self, number: int) -> Decision:
        """What a card at the reader would come to just now."""
        listed, register = self.access_list, self.controller.lists.register
        shown = shown_as((Identifier("EM4100", None, number),), Grade.CLONABLE, listed)
        request, moment = AccessRequest("north", (shown,)), self._clock.now()
        return decide(request, moment, listed, gather(request, listed, register, moment))

    def confirm(self) -> int | None:
        """A supervisor says yes to the list that waits; its version."""
        held = self.controller.lists.held
        if held is None:
            return None
        self.put(ListConfirmRequested("yes", held.version, "asked the office", Operator("ann", "north")))
        return held.version

    def _open(self, relative: str) -> AccessList:
        in_force = self.access_list
        opened = self._lists.take(relative, in_force)
        if in_force is None or (opened.generation, opened.version) > (in_force.generation, in_force.version):
            self._opens(opened, in_force)
        return opened


class _Hub:
    """The status, as far as sync wants to know it: told a moment after it has changed."""

    head_row: int | None = None

    def __init__(self, doors: Doors) -> None:
        self._doors, self._told = doors, False

    def report(self, _report: StatusReported, _now_s: float) -> None:
        """What sync says of itself is for people."""

    def changed(self) -> None:
        if not self._told:
            self._told = True
            asyncio.get_running_loop().call_later(0.1, self._tell)

    def _tell(self) -> None:
        self._told = False
        self._doors.tell()
