"""The one shell of every relay and input board on a serial line: commands first, then the next poll.

At start it only reads. Where the board can answer, outputs are read again every few seconds: a board that restarts
between two questions has dropped its relays, and says nothing of it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from drivers.links import PORT_MOST_S, Backoff
from drivers.outputs import PULSE_DRIFT, ExpectedOutputs
from drivers.relay.board_line import BoardLine, InputValue
from drivers.relay.input_states import InputStates
from drivers.relay.settings import BoardSettings
from gateway.clock import Clock
from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.ports import SignalSink
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    LinkChanged,
    LinkState,
    OutputsRead,
    OutputsUnknown,
)
from gateway.errors import CommandFailed, DeviceError, LinkError, RemoteProtocolError

MAX_QUEUE = 32
"""Two seconds (a command's usual life) of commands at 9600 baud are about this many."""

LOST_AFTER = 3
"""Unanswered questions in a row; one lost frame on RS-485 is noise."""

STEADY_AFTER_S = 10.0

MOVES_NOTHING = "it confirms a pulse and its output doesn't move: if it can't time one, set flash = false"

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
    """A pulse that this shell times: what the output must return to, and when."""

    energise: bool
    due_s: float


class SerialBoard:
    """Implements `drivers.contracts.RelayBoard` and `InputBoard` for one board; `line` speaks its protocol."""

    def __init__(
        self, device_id: str, line: BoardLine, settings: BoardSettings, sink: SignalSink, clock: Clock
    ) -> None:
        self._device_id, self._line, self._settings, self._sink, self._clock = device_id, line, settings, sink, clock
        self._queue: deque[DeviceCommand] = deque()
        self._wake = asyncio.Event()
        self._fallbacks: dict[int, _Fallback] = {}
        self._expected = ExpectedOutputs()
        self._inputs = InputStates(device_id, settings.supervised_inputs, sink)
        self._state: LinkState | None = None
        self._opened = False
        """Was the port there at the last attempt?"""
        self._missed = 0
        self._flagged = ""
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
            self._complete(command, CommandOutcome.FAILED, fault, never_sent=True)
            return
        self._queue.append(command)
        self._wake.set()

    async def run(self) -> None:
        """Serve the board until cancelled. Cancelling writes nothing: a pulse that the board times ends by itself."""
        port_pauses, board_pauses = Backoff(most_s=PORT_MOST_S), Backoff()
        try:
            while True:
                started_s, self._opened = self._now_s(), False
                try:
                    await self._session()
                except DeviceError as error:
                    await self._line.close()
                    self._say(LinkState.OFFLINE, str(error))
                if self._now_s() - started_s >= STEADY_AFTER_S:
                    port_pauses.reset()
                    board_pauses.reset()
                # A board that is silent on an open port is asked less often: the others of its line wait meanwhile.
                pauses = board_pauses if self._opened else port_pauses
                await self._pause(self._now_s() + pauses.next_s())
        finally:
            await self._line.close()

    async def _session(self) -> None:
        """From opening the port to losing the board. Raises DeviceError."""
        await self._line.open()
        self._opened = True
        self._counts["connects"] += 1
        # A board that is lost already gets one question: on a line that it shares, each costs the others its time-out.
        self._missed = LOST_AFTER - 1 if self._state is LinkState.OFFLINE else 0
        self._inputs.start_over()
        outputs = await self._insist(self._line.read_outputs)
        self._say(LinkState.ONLINE)
        self._tell_outputs(outputs)
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
            elif self._settings.input_count and self._now_s() >= inputs_due_s:
                inputs_due_s = max(inputs_due_s + self._settings.input_poll_s, self._now_s())
                await self._poll()
            else:
                await self._idle(min(outputs_due_s, inputs_due_s) if self._settings.input_count else outputs_due_s)

    async def _poll(self) -> None:
        """Ask all inputs once; a change is told at once, and one shorter than a poll is never seen."""
        self._counts["polls"] += 1
        values: dict[int, InputValue] = {}
        for number, ask in enumerate(self._line.input_questions()):
            while number and self._queue:
                await self._do(self._queue.popleft())
            part = await self._try(ask)
            if part is None:
                return
            values |= part
        self._inputs.take(values, self._now_s())

    async def _poll_outputs(self) -> bool:
        """Ask all outputs once, and tell those that are not as they were told or last read. False: no answer."""
        self._counts["output_polls"] += 1
        asked_s, unanswered = self._now_s(), self._counts["unanswered"]
        outputs = await self._try(self._line.read_outputs)
        if outputs is None:
            return self._counts["unanswered"] == unanswered
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
            sent_s = self._now_s()
            try:
                outcome = await self._send(command)
            except CommandFailed as error:
                self._counts["refused"] += 1
                self._complete(command, CommandOutcome.FAILED, str(error))
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
                self._complete(command, outcome)
                if isinstance(command, PulseOutput) and outcome is CommandOutcome.DONE and not self._queue:
                    await self._look_at_pulse(command, sent_s)
                return
        outcome = CommandOutcome.FAILED if detail else CommandOutcome.EXPIRED
        self._complete(command, outcome, detail or "too late to send it")

    async def _send(self, command: DeviceCommand) -> CommandOutcome:
        """Write the command; what the board doesn't confirm, or what stays, is read back. Raises DeviceError."""
        match command:
            case PulseOutput(output=output, energise=energise, duration_s=duration_s):
                if self._settings.times_pulse(energise, duration_s):
                    self._fallbacks.pop(output, None)
                    self._expected.pulse(output, energise, duration_s, self._now_s())
                    confirmed = await self._line.pulse(output, energise, duration_s)
                else:
                    # Noted before the write: an echo that gets lost must not leave the door open.
                    self._fallbacks[output] = _Fallback(not energise, self._now_s() + duration_s)
                    confirmed = await self._line.switch(output, energise)
                    self._counts["pulses_timed_here"] += 1
                return CommandOutcome.DONE if confirmed else await self._read_back(output, energise)
            case SetOutput(output=output, energise=energise):
                self._fallbacks.pop(output, None)
                self._expected.forget(output)
                await self._line.switch(output, energise)
                outcome = await self._read_back(output, energise)
                self._expected.hold(output, energise)
                return outcome

    async def _look_at_pulse(self, command: PulseOutput, sent_s: float) -> None:
        """A board may echo a pulse that it doesn't know. While it must be under way, its output has to read so."""
        outputs = await self._try(self._line.read_outputs)
        if outputs is not None and self._now_s() < sent_s + command.duration_s * (1 - PULSE_DRIFT):
            self._flag("" if outputs[command.output] is command.energise else MOVES_NOTHING)

    async def _read_back(self, output: int, energise: bool) -> CommandOutcome:
        """Does the output stand so? `sent` from a board that can't say. Raises DeviceError."""
        outputs = await self._line.read_outputs()
        if outputs is None:
            return CommandOutcome.SENT
        if outputs[output] is not energise:
            self._expected.hold(output, outputs[output])
            raise CommandFailed("the board took it, but the output reads otherwise")
        return CommandOutcome.DONE

    async def _end_pulses(self) -> None:
        """Let the outputs fall back whose time is over; also after the board was away."""
        for output, fallback in list(self._fallbacks.items()):
            if self._now_s() >= fallback.due_s:
                await self._insist(partial(self._line.switch, output, fallback.energise))
                del self._fallbacks[output]
                self._expected.hold(output, fallback.energise)

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
        return self._settings.pulse_fault(command.duration_s) if isinstance(command, PulseOutput) else None

    def _tell_outputs(self, outputs: tuple[bool, ...] | None) -> None:
        if outputs is None:
            self._sink.put(OutputsUnknown(self._device_id))
            return
        numbered = tuple(enumerate(outputs))
        told = self._sink.put(OutputsRead(self._device_id, numbered))
        self._expected.start_over(numbered if told else ())

    def _flag(self, fault: str) -> None:
        if fault != self._flagged and self._sink.put(DeviceFlagged(self._device_id, (fault,) if fault else ())):
            self._flagged = fault

    def _complete(
        self, command: DeviceCommand, outcome: CommandOutcome, detail: str = "", *, never_sent: bool = False
    ) -> None:
        self._sink.put(CommandCompleted(command.command_id, self._device_id, outcome, detail, never_sent))

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s
