"""The doors process's one loop: inbox -> controller -> journal and drivers. The only mutator, so there are no locks.

What goes to a device waits a moment for its record and then goes without; where a turn counts something down
(`Turn.durable_first`) it goes durably or not at all; an exit or a fire release waits for nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from drivers.contracts import Indicator, RelayBoard
from gateway.clock import Clock
from gateway.domain.commands import DeviceCommand, ForkJournal, IndicateAtReader, PulseOutput, SetOutput, SwapList
from gateway.domain.controller import Controller, Turn
from gateway.domain.events import CommandSentBeforeCommit
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.ports import Commit, JournalWriter, Reply
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    HistoryForked,
    ListActivated,
    ListRefused,
    Signal,
    StatusReported,
)
from gateway.errors import JournalUnavailable, ListInvalid
from gateway.inbox import Answer, Inbox
from gateway.status import StatusHub

log = logging.getLogger(__name__)

COMMIT_WAIT_S = 0.020
"""How long a relay waits for its event to be durable; then it goes, and the journal says so."""
REPLY_WAIT_S = 1.5
"""How long a guard's request waits for the commit before it is answered without a row."""

NOT_DURABLE = "its record could not be made durable"
OVERTAKEN = "a later command to this output went before it"

OpenList = Callable[[str], AccessList]


@dataclass(slots=True, eq=False)
class _Held:
    """Commands of a turn that must be durable first."""

    commands: list[DeviceCommand]
    indications: list[IndicateAtReader]
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Sent, or never to be sent."""


class SiteLoop:
    """Runs one site. `open_list(path)` opens a compiled list, checks it whole, and makes it the one to start with."""

    def __init__(
        self,
        controller: Controller,
        journal: JournalWriter,
        clock: Clock,
        boards: Mapping[str, RelayBoard],
        open_list: OpenList,
        access_list: AccessList | None,
        hub: StatusHub,
        indicators: Mapping[str, Indicator] | None = None,
    ) -> None:
        self.indicators = indicators or {}
        self.controller, self.journal, self.clock, self.boards = controller, journal, clock, boards
        self.open_list, self.access_list, self.hub = open_list, access_list, hub
        self.inbox = Inbox()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[_Held] = []
        self._swapping: str | None = None
        self._recorded: dict[str, Any] = {}

    async def run(self) -> None:
        """Handle signals until cancelled."""
        while True:
            moment = self.clock.now()
            wait_s = self.controller.next_deadline(moment) - moment.monotonic_s
            signal, answer = await self.inbox.get(wait_s)
            if isinstance(signal, StatusReported):
                self.hub.report(signal, self.clock.now().monotonic_s)
                _answer(answer, Reply(accepted=True))
            else:
                await self.turn(signal, answer)
            for dropped in self.inbox.take_dropped():
                await self.turn(dropped, None)

    async def turn(self, signal: Signal, answer: Answer | None) -> None:
        """One signal: decide, record, then tell the devices."""
        moment = self.clock.now()
        turn = self.controller.handle(signal, moment, self.access_list)
        commit = self._record(turn, moment)
        devices = [command for command in turn.commands if isinstance(command, PulseOutput | SetOutput)]
        indications = [command for command in turn.commands if isinstance(command, IndicateAtReader)]
        if devices and commit is not None and not turn.urgent:
            if turn.durable_first:
                await self._send_durable(commit, devices, indications)
                devices, indications = [], []
            else:
                await self._wait_for(commit, devices, moment)
        self._overtake(devices)
        self._send_all(devices)
        self._show(indications)
        for command in turn.commands:
            if isinstance(command, SwapList):
                self._start_swap(command)
            elif isinstance(command, ForkJournal):
                self._spawn(self._fork(command))
        if turn.events:
            self.hub.changed()
        if answer is not None:
            self._spawn(self._reply(answer, turn.reply, commit))

    def _record(self, turn: Turn, moment: Moment) -> Commit | None:
        checkpoint: dict[str, Any] = msgspec.to_builtins(self.controller.snapshot())
        if not turn.events and not turn.facts and checkpoint == self._recorded:
            return None
        self._recorded = checkpoint
        return self.journal.append(turn.events, moment, checkpoint, turn.facts)

    async def _wait_for(self, commit: Commit, commands: list[DeviceCommand], moment: Moment) -> None:
        try:
            durable = await commit.wait(COMMIT_WAIT_S)
        except JournalUnavailable:
            durable = False
        if durable:
            return
        now = self.clock.now()
        waited_ms = round((now.monotonic_s - moment.monotonic_s) * 1000, 1)
        told = [CommandSentBeforeCommit(command_id=c.command_id, waited_ms=waited_ms) for c in commands]
        self.journal.append(told, now)

    async def _send_durable(
        self, commit: Commit, commands: list[DeviceCommand], indications: list[IndicateAtReader]
    ) -> None:
        """Send once durable, or never.

        The first moments are waited for here; then the loop goes on: an exit must not wait for another's record.
        """
        held = _Held(commands, indications)
        self._held.append(held)
        task = self._spawn(self._send_held(held, commit, min(command.expires_s for command in commands)))
        await asyncio.wait({task}, timeout=COMMIT_WAIT_S)

    async def _send_held(self, held: _Held, commit: Commit, expires_s: float) -> None:
        try:
            durable = await commit.wait(max(0.0, expires_s - self.clock.now().monotonic_s))
        except JournalUnavailable:
            durable = False
        position = self._held.index(held)
        if durable and position:
            await self._held[position - 1].gone.wait()  # its record was first, so its commands are
        self._held.remove(held)
        held.gone.set()
        if durable:
            self._send_all(held.commands)
            self._show(held.indications)
            return
        for command in held.commands:
            self._complete(command, CommandOutcome.EXPIRED, NOT_DURABLE)

    def _overtake(self, commands: Sequence[DeviceCommand]) -> None:
        """What is held for the same outputs never goes: it would undo what goes now."""
        outputs = {(command.device, command.output) for command in commands}
        for held in self._held:
            overtaken = [command for command in held.commands if (command.device, command.output) in outputs]
            held.commands = [command for command in held.commands if command not in overtaken]
            for command in overtaken:
                self._complete(command, CommandOutcome.EXPIRED, OVERTAKEN)

    def _send_all(self, commands: Sequence[DeviceCommand]) -> None:
        for command in commands:
            board = self.boards.get(command.device)
            if board is None:
                self._complete(command, CommandOutcome.FAILED, "no such board", never_sent=True)
            else:
                board.submit(command)

    def _show(self, indications: Sequence[IndicateAtReader]) -> None:
        for command in indications:
            indicator = self.indicators.get(command.device)
            if indicator is not None:
                indicator.indicate(command)

    def _complete(
        self, command: DeviceCommand, outcome: CommandOutcome, detail: str, *, never_sent: bool = False
    ) -> None:
        self.inbox.put(CommandCompleted(command.command_id, command.device, outcome, detail, never_sent))

    def _start_swap(self, command: SwapList) -> None:
        if self._swapping != command.command_id:
            self._swapping = command.command_id
            self._spawn(self._swap(command))

    async def _swap(self, command: SwapList) -> None:
        """Open the new list beside the old one, off the loop; then one assignment puts it in force."""
        try:
            opened = await asyncio.to_thread(self.open_list, command.path)
        except (ListInvalid, OSError) as error:
            log.error("access list %s can't be opened, the old one stays: %s", command.path, error)
            faults = error.faults if isinstance(error, ListInvalid) else (str(error),)
            await self.turn(ListRefused(command.version, faults), None)
            return
        finally:
            self._swapping = None
        held = self.access_list
        if held is None or (opened.generation, opened.version) > (held.generation, held.version):
            self.access_list = opened
            self.clock.raise_floor(opened.issued_at)
            log.info("access list version %d is in force", command.version)
            self.inbox.put(ListActivated(command.version, command.digest, command.credentials, command.generation))

    async def _fork(self, command: ForkJournal) -> None:
        """Have the journal fork, and tell it once it is so; the journal's own record of it went along."""
        epoch = await asyncio.wrap_future(self.journal.fork(command, self.clock.now()))
        if epoch is not None:
            log.warning("the history forked: new epoch %s after event %d of %s", epoch, command.seq, command.epoch)
            self.inbox.put(HistoryForked(epoch))

    async def _reply(self, answer: Answer, reply: Reply, commit: Commit | None) -> None:
        if commit is not None:
            try:
                await commit.wait(REPLY_WAIT_S)
            except JournalUnavailable:
                log.warning("a request was answered while the journal can't be written")
        _answer(answer, replace(reply, row_id=self.hub.head_row))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _answer(answer: Answer | None, reply: Reply) -> None:
    if answer is not None:
        answer(reply)
