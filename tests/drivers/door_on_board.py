"""A controller whose doors hang on one real Modbus driver, in real time: what it tells, and what it is told."""

import asyncio
from collections import deque
from typing import TypeVar

from drivers.registry import DriverContext, find_driver
from drivers.relay.board import SerialBoard
from drivers.relay.settings import ModbusSettings
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.controller import Controller
from gateway.domain.credential import Reading
from gateway.domain.events import Event
from gateway.domain.signals import CardRead, CommandCompleted, DeadlineReached, InputsChanged, OutputsRead, Signal
from gateway.domain.site import Site
from tests.gateway.domain.listing import MemoryAccessList, card

BOARD = "board"
_E = TypeVar("_E")


class DoorsOnBoard:
    """The site's loop in small: signals in turn, commands to the board, timers when they are due."""

    def __init__(self, site: Site, access_list: MemoryAccessList, settings: ModbusSettings) -> None:
        self.controller, self._list, self._clock = Controller(site), access_list, SystemClock()
        driver = find_driver("modbus-rtu")
        assert driver is not None
        self.board: SerialBoard = driver.build(settings, DriverContext(BOARD, self, self._clock, {}, str))
        self.events: list[Event] = []
        self.reads: list[OutputsRead] = []
        self.done: list[CommandCompleted] = []
        self._waiting: deque[Signal] = deque()
        self._news = asyncio.Event()

    def put(self, signal: Signal) -> bool:
        """As the inbox: nothing is handled within a driver's call."""
        self._waiting.append(signal)
        self._news.set()
        return True

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    def swipe(self, door: str, number: int = 1) -> None:
        self.put(CardRead(f"{door}-reader", (Reading(card(number)),), self._clock.now().monotonic_s))

    def input(self, device: str, number: int, energised: bool) -> None:
        self.put(InputsChanged(device, ((number, energised),), self._clock.now().monotonic_s))

    async def run(self) -> None:
        """Serve the board and the doors until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.board.run())
            group.create_task(self._take_turns())

    async def _take_turns(self) -> None:
        while True:
            self._turn(self._waiting.popleft() if self._waiting else DeadlineReached())
            if self._waiting:
                continue
            self._news.clear()
            moment = self._clock.now()
            try:
                async with asyncio.timeout(max(0.0, self.controller.next_deadline(moment) - moment.monotonic_s)):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _turn(self, signal: Signal) -> None:
        if isinstance(signal, OutputsRead):
            self.reads.append(signal)
        if isinstance(signal, CommandCompleted):
            self.done.append(signal)
        turn = self.controller.handle(signal, self._clock.now(), self._list)
        self.events += turn.events
        for command in turn.commands:
            if isinstance(command, (PulseOutput, SetOutput)):
                self.board.submit(command)
