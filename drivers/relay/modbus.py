"""A Modbus RTU relay and input board: commands first, then the next poll. At start it only reads.

The outputs are read again every few seconds: a board that restarts between two questions has dropped its relays, and
says nothing of it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from drivers.links import Backoff
from drivers.outputs import ExpectedOutputs
from drivers.registry import Driver, DriverContext
from drivers.relay.modbus_line import FLASH_OFF, FLASH_ON, OFF, ON, ModbusLine, flash_value
from drivers.relay.settings import ModbusSettings
from gateway.clock import Clock
from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.ports import SignalSink
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    InputsChanged,
    LinkChanged,
    LinkState,
    OutputsRead,
)
from gateway.errors import CommandFailed, DeviceError, LinkError, RemoteProtocolError

MAX_QUEUE = 32
"""Two seconds (a command's usual life) of commands at 9600 baud are about this many."""

LOST_AFTER = 3
"""Unanswered questions in a row; one lost frame on RS-485 is noise."""

STEADY_AFTER_S = 10.0

_COUNTED = (
    "polls",
    "output_polls",
    "outputs_astray",
    "commands",
    "unanswered",
    "refused",
    "connects",
    "queue_full",
    "pulses_timed_here",
)

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Fallback:
    """A pulse that this driver times: what the coil must return to, and when."""

    value: int
    due_s: float


class ModbusBoard:
    """Implements `drivers.contracts.RelayBoard` and `InputBoard` for one board."""

    def __init__(self, device_id: str, settings: ModbusSettings, sink: SignalSink, clock: Clock) -> None:
        self._device_id, self._settings, self._sink, self._clock = device_id, settings, sink, clock
        self._line = ModbusLine(settings.port, settings.baud, settings.unit, settings.timeout_s)
        self._queue: deque[DeviceCommand] = deque()
        self._wake = asyncio.Event()
        self._fallbacks: dict[int, _Fallback] = {}
        self._expected = ExpectedOutputs()
        self._inputs: tuple[bool, ...] | None = None
        self._state: LinkState | None = None
        self._missed = 0
        self._counts = dict.fromkeys(_COUNTED, 0)

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start; `pulses_timed_here` are pulses that a dying gateway would leave on.

        `outputs_astray` read otherwise than they were told.
        """
        return dict(self._counts)

    def submit(self, command: DeviceCommand) -> None:
        """Queue a command. A full queue, an unknown output or an impossible time fails at once."""
        fault = self._fault_of(command)
        if fault is not None:
            self._complete(command, CommandOutcome.FAILED, fault)
            return
        self._queue.append(command)
        self._wake.set()

    async def run(self) -> None:
        """Serve the board until cancelled. Cancelling writes nothing: a pulse that the board times ends by itself."""
        backoff = Backoff()
        try:
            while True:
                started_s = self._now_s()
                try:
                    await self._session()
                except DeviceError as error:
                    self._line.close()
                    self._say(LinkState.OFFLINE, str(error))
                if self._now_s() - started_s >= STEADY_AFTER_S:
                    backoff.reset()
                await self._pause(self._now_s() + backoff.next_s())
        finally:
            self._line.close()

    async def _session(self) -> None:
        """From opening the port to losing the board. Raises DeviceError."""
        await self._line.open()
        self._counts["connects"] += 1
        self._missed, self._inputs = 0, None
        outputs = enumerate(await self._insist(partial(self._line.read_coils, self._settings.outputs)))
        self._say(LinkState.ONLINE)
        self._tell_outputs(tuple(outputs))
        inputs_due_s = self._now_s()
        outputs_due_s = self._now_s() + self._settings.outputs_poll_s
        while True:
            await self._end_pulses()
            if self._queue:
                await self._do(self._queue.popleft())
            elif self._now_s() >= outputs_due_s:
                # Unanswered, it is asked again at once: where there are no inputs, nothing else tells a lost board.
                if await self._poll_outputs():
                    outputs_due_s = self._now_s() + self._settings.outputs_poll_s
            elif self._settings.inputs and self._now_s() >= inputs_due_s:
                inputs_due_s = max(inputs_due_s + self._settings.poll_s, self._now_s())
                await self._poll()
            else:
                await self._idle(min(outputs_due_s, inputs_due_s) if self._settings.inputs else outputs_due_s)

    async def _poll(self) -> None:
        """Ask all inputs once; a change is told at once, and one shorter than a poll is never seen."""
        self._counts["polls"] += 1
        inputs = await self._try(partial(self._line.read_inputs, self._settings.inputs))
        if inputs is None:
            return
        before, self._inputs = self._inputs, inputs
        changed = tuple(
            (number, state) for number, state in enumerate(inputs) if before is None or before[number] is not state
        )
        if changed:
            self._sink.put(InputsChanged(self._device_id, changed, self._now_s()))

    async def _poll_outputs(self) -> bool:
        """Ask all outputs once, and tell those that are not as they were told or last read. False: no answer."""
        self._counts["output_polls"] += 1
        asked_s = self._now_s()
        outputs = await self._try(partial(self._line.read_coils, self._settings.outputs))
        if outputs is None:
            return False
        read = [(number, on) for number, on in enumerate(outputs) if number not in self._fallbacks]
        astray = self._expected.surprises(read, asked_s)
        if astray:
            self._counts["outputs_astray"] += len(astray)
            if not self._sink.put(OutputsRead(self._device_id, astray)):
                for number, _ in astray:
                    self._expected.forget(number)
        return True

    async def _do(self, command: DeviceCommand) -> None:
        """Send one command while it is valid, again if unanswered, and tell how it ended: repeating one is harmless."""
        detail = ""
        while self._now_s() < command.expires_s:
            try:
                await self._send(command)
            except CommandFailed as error:
                self._counts["refused"] += 1
                self._complete(command, CommandOutcome.FAILED, self._advice(command, str(error)))
                return
            except LinkError as error:
                self._complete(command, CommandOutcome.FAILED, str(error))
                raise
            except RemoteProtocolError as error:
                detail = str(error)
                self._counts["unanswered"] += 1
                self._missed += 1
                if self._missed >= LOST_AFTER:
                    self._complete(command, CommandOutcome.FAILED, detail)
                    raise LinkError(detail) from None
            else:
                self._counts["commands"] += 1
                self._missed = 0
                self._complete(command, CommandOutcome.DONE)
                return
        outcome = CommandOutcome.FAILED if detail else CommandOutcome.EXPIRED
        self._complete(command, outcome, detail or "too late to send it")

    async def _send(self, command: DeviceCommand) -> None:
        """Write the command; for an output that stays, read it back. Raises DeviceError."""
        on = ON if command.energise else OFF
        match command:
            case PulseOutput(output=output, duration_s=duration_s) if self._settings.flash:
                self._fallbacks.pop(output, None)
                self._expected.pulse(output, command.energise, duration_s, self._now_s())
                kind = FLASH_ON if command.energise else FLASH_OFF
                await self._line.write_coil(kind + output, flash_value(duration_s))
            case PulseOutput(output=output, duration_s=duration_s):
                # Noted before the write: an echo that gets lost must not leave the door open.
                self._fallbacks[output] = _Fallback(ON ^ on, self._now_s() + duration_s)
                await self._line.write_coil(output, on)
                self._counts["pulses_timed_here"] += 1
            case SetOutput(output=output):
                self._fallbacks.pop(output, None)
                self._expected.forget(output)
                await self._line.write_coil(output, on)
                stands = (await self._line.read_coils(self._settings.outputs))[output]
                self._expected.hold(output, stands)
                if stands is not command.energise:
                    raise CommandFailed("the board confirmed, but the output reads otherwise")

    async def _end_pulses(self) -> None:
        """Let the outputs fall back whose time is over; also after the board was away."""
        for output, fallback in list(self._fallbacks.items()):
            if self._now_s() >= fallback.due_s:
                await self._insist(partial(self._line.write_coil, output, fallback.value))
                del self._fallbacks[output]
                self._expected.hold(output, fallback.value == ON)

    async def _try(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """One question; None when it went unanswered. Raises LinkError after the third in a row, or when refused."""
        try:
            answer = await ask()
        except RemoteProtocolError as error:
            self._counts["unanswered"] += 1
            self._miss(str(error))
            return None
        self._missed = 0
        return answer

    async def _insist(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """A question that must be answered, repeated until the board counts as lost."""
        while True:
            try:
                answer = await ask()
            except RemoteProtocolError as error:
                self._counts["unanswered"] += 1
                self._miss(str(error))
            else:
                self._missed = 0
                return answer

    def _miss(self, detail: str) -> None:
        self._missed += 1
        if self._missed >= LOST_AFTER:
            raise LinkError(detail)

    async def _idle(self, until_s: float) -> None:
        """Wait for a command, the next poll or the end of a pulse."""
        due_s = min([until_s, *(fallback.due_s for fallback in self._fallbacks.values())])
        self._wake.clear()
        if not self._queue and due_s > self._now_s():
            try:
                async with asyncio.timeout(due_s - self._now_s()):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _pause(self, until_s: float) -> None:
        """Wait before the next attempt to connect, while commands that wait meanwhile expire in time."""
        while (now_s := self._now_s()) < until_s:
            for command in [command for command in self._queue if now_s >= command.expires_s]:
                self._queue.remove(command)
                self._complete(command, CommandOutcome.EXPIRED, "the board is offline")
            due_s = min([until_s, *(command.expires_s for command in self._queue)])
            self._wake.clear()
            try:
                async with asyncio.timeout(max(0.001, due_s - now_s)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _fault_of(self, command: DeviceCommand) -> str | None:
        if len(self._queue) >= MAX_QUEUE:
            self._counts["queue_full"] += 1
            return "too many commands wait for this board"
        if not 0 <= command.output < self._settings.outputs:
            return f"the board has outputs 0 to {self._settings.outputs - 1}"
        if isinstance(command, PulseOutput):
            try:
                flash_value(command.duration_s)
            except ValueError as error:
                return str(error)
        return None

    def _advice(self, command: DeviceCommand, detail: str) -> str:
        if isinstance(command, PulseOutput) and self._settings.flash:
            return f"{detail}; if this board can't time a pulse, set flash = false"
        return detail

    def _tell_outputs(self, outputs: tuple[tuple[int, bool], ...]) -> None:
        told = self._sink.put(OutputsRead(self._device_id, outputs))
        self._expected.start_over(outputs if told else ())

    def _complete(self, command: DeviceCommand, outcome: CommandOutcome, detail: str = "") -> None:
        self._sink.put(CommandCompleted(command.command_id, self._device_id, outcome, detail))

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


def build(settings: ModbusSettings, context: DriverContext) -> ModbusBoard:
    """The board for one device of the site config."""
    return ModbusBoard(context.device_id, settings, context.sink, context.clock)


DRIVER = Driver(
    "modbus-rtu", "relay_board", ModbusSettings, build, "Modbus RTU relay and input boards (Waveshare and kin)"
)
