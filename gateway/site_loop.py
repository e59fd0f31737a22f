"""The doors process's one loop: inbox -> controller -> journal and drivers. The only mutator, so there are no locks."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from drivers.contracts import RelayBoard
from gateway.clock import Clock
from gateway.domain.access import AccessList
from gateway.domain.commands import Command, DeviceCommand, SwapList
from gateway.domain.controller import Controller, Turn
from gateway.domain.events import CommandSentBeforeCommit
from gateway.domain.moment import Moment
from gateway.domain.ports import Commit, JournalWriter, Reply
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
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

OpenList = Callable[[str], AccessList]


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
    ) -> None:
        self.controller, self.journal, self.clock, self.boards = controller, journal, clock, boards
        self.open_list, self.access_list, self.hub = open_list, access_list, hub
        self.inbox = Inbox()
        self._tasks: set[asyncio.Task[None]] = set()
        self._swapping: int | None = None
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
        devices = [command for command in turn.commands if not isinstance(command, SwapList)]
        if devices and commit is not None and not turn.urgent:
            await self._wait_for(commit, devices, moment)
        for command in turn.commands:
            self._send(command)
        if turn.events:
            self.hub.changed()
        if answer is not None:
            self._spawn(self._reply(answer, turn.reply, commit))

    def _record(self, turn: Turn, moment: Moment) -> Commit | None:
        checkpoint: dict[str, Any] = msgspec.to_builtins(self.controller.snapshot())
        if not turn.events and checkpoint == self._recorded:
            return None
        self._recorded = checkpoint
        return self.journal.append(turn.events, moment, checkpoint)

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

    def _send(self, command: Command) -> None:
        if isinstance(command, SwapList):
            if self._swapping != command.version:
                self._swapping = command.version
                self._spawn(self._swap(command))
            return
        board = self.boards.get(command.device)
        if board is None:
            self.inbox.put(CommandCompleted(command.command_id, command.device, CommandOutcome.FAILED, "no such board"))
            return
        board.submit(command)

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
        if self.access_list is None or opened.version > self.access_list.version:
            self.access_list = opened
            self.clock.raise_floor(opened.issued_at)
            log.info("access list version %d is in force", command.version)
            self.inbox.put(ListActivated(command.version, command.digest, command.credentials))

    async def _reply(self, answer: Answer, reply: Reply, commit: Commit | None) -> None:
        if commit is not None:
            try:
                await commit.wait(REPLY_WAIT_S)
            except JournalUnavailable:
                log.warning("a request was answered while the journal can't be written")
        _answer(answer, replace(reply, row_id=self.hub.head_row))

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _answer(answer: Answer | None, reply: Reply) -> None:
    if answer is not None:
        answer(reply)
