"""What every relay and input board behind a broker does; a family says how it asks, pulses and holds.

Firmwares carry neither an id nor an expiry of ours: an open goes out once, at once, or not at all. So nothing is sent
while the device is away, and what waits for it then fails. What a device said before it went away counts no more.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from drivers.mqtt.broker import EARLY, BrokerConnection, BrokerMessage
from drivers.mqtt.presence import Heartbeat, LastWill, Presence
from drivers.outputs import ExpectedOutputs
from drivers.registry import DriverContext
from gateway.domain.commands import DeviceCommand, PulseOutput
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    InputsChanged,
    OutputsRead,
    OutputsUnknown,
)
from gateway.errors import CommandFailed, LinkError

MAX_QUEUE = 16
"""Commands live for seconds, and each takes some tens of milliseconds."""

ANSWER_S = 1.5
"""A firmware on a busy Wi-Fi answers within a few hundred milliseconds."""

SETUP_ANSWER_S = 3.0
"""Longer than reads count as early: what was ignored as such is asked for again."""

Fact = tuple[str, int]
"""What a device says: a name, and the number of the output or input that it is about (0 where it is about none)."""

Send = Callable[[], Awaitable[None]]
"""Publishes something. Raises LinkError."""

OUTPUT, INPUT = "output", "input"
"""Facts of every family; their values are whether it is energised."""


class MqttBoard(ABC):
    """Implements `drivers.contracts.RelayBoard` and, with inputs, `InputBoard`."""

    blind = False
    """The firmware can't say how its outputs stand."""

    def __init__(
        self, context: DriverContext, broker: BrokerConnection, sign: LastWill | Heartbeat, outputs: int, inputs: int
    ) -> None:
        self._device_id, self._sink, self._clock = context.device_id, context.sink, context.clock
        self.broker, self.outputs, self.inputs = broker, outputs, inputs
        self.said: dict[Fact, object] = {}
        """What the device said since it came online."""
        self.presence = Presence(context, broker, sign, self._present)
        self._queue: deque[DeviceCommand] = deque()
        self._news = asyncio.Event()
        self._expected = ExpectedOutputs()
        self._awaited: tuple[Fact, object] | None = None
        """What the device is to confirm just now."""
        self._confirmed = False
        self._switching: int | None = None
        """The output that is being told just now: what it says meanwhile is its answer."""
        self._asked_at_s: float | None = None
        self._asks = 0
        self._told_outputs = self._told_inputs = False
        self._faults: tuple[str, ...] = ()
        self._counts = dict.fromkeys(("commands", "failed", "expired", "ignored", "malformed"), 0)

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return dict(self._counts)

    def submit(self, command: DeviceCommand) -> None:
        """Take a command; while the device is offline it fails at once and is never kept."""
        fault = None
        if not self.presence.online:
            fault = "the relay is offline"
        elif len(self._queue) >= MAX_QUEUE:
            fault = "too many commands wait for this relay"
        elif not 0 <= command.output < self.outputs:
            fault = f"the relay has outputs 0 to {self.outputs - 1}" if self.outputs else "it has no outputs"
        if fault is not None:
            self._complete(command, CommandOutcome.FAILED, fault, never_sent=True)
            return
        self._queue.append(command)
        self._news.set()

    async def run(self) -> None:
        """Serve the device until cancelled."""
        while True:
            self._news.clear()
            self.presence.look()
            if self.presence.online and self._asked_at_s is None:
                self._asks = 0
                await self._ask(self.questions())
            if self._asks == 1 and self._unanswered() and self._setup_overdue():
                # QoS 0 may lose a question or its answer: once more before it is a fault.
                await self._ask(self._unanswered())
            self._judge_setup()
            if self._queue:
                await self._do(self._queue.popleft())
            else:
                await self._wait_for_news(self._patience_s())

    # What a family says

    @abstractmethod
    def questions(self) -> tuple[Fact, ...]:
        """What is asked for when it comes online: the outputs, the inputs, and everything that safety depends on."""

    @abstractmethod
    async def ask(self, fact: Fact) -> None:
        """Ask the device for one of the `questions`; changes nothing. Raises LinkError."""

    @abstractmethod
    def find_faults(self) -> tuple[str, ...]:
        """What is set otherwise than safety wants, or was not said."""

    @abstractmethod
    async def pulse(self, command: PulseOutput) -> None:
        """Have the device time a pulse. Raises TimeoutError, LinkError, CommandFailed."""

    @abstractmethod
    async def hold(self, output: int, energise: bool, expires_s: float) -> None:
        """Set an output until told otherwise. Raises TimeoutError, LinkError, CommandFailed."""

    # What a family calls

    def counts_live(self, message: BrokerMessage) -> bool:
        """Whether a message may count as something that happens now.

        One that came too early after connecting is no fact, for it may be a replay, but it is a reason to ask.
        """
        if message.flaw is not None:
            self._counts["ignored"] += 1
        if message.flaw == EARLY:
            self.ask_anew()
        return message.flaw is None

    def counts_as_answer(self, message: BrokerMessage) -> bool:
        """Whether it may be an answer to a question of ours: those may come at once after connecting."""
        return message.flaw == EARLY or self.counts_live(message)

    def malformed(self) -> None:
        """Count a message that can't be understood."""
        self._counts["malformed"] += 1

    def hear(self, fact: Fact, value: object) -> None:
        """The device says so."""
        self.said[fact] = value
        self._confirmed |= self._awaited == (fact, value)
        self._news.set()
        if fact[0] == OUTPUT:
            self._hear_output(fact[1], value is True)

    def hear_inputs(self, inputs: Iterable[tuple[int, bool]], received_s: float) -> None:
        """The device says how these inputs are: told together once all are known, later those that changed."""
        known = [(number, on) for number, on in inputs if 0 <= number < self.inputs]
        changed = tuple((number, on) for number, on in known if self.said.get((INPUT, number)) is not on)
        for number, on in known:
            self.hear((INPUT, number), on)
        if self._told_inputs:
            if changed:
                self._told_inputs = self._sink.put(InputsChanged(self._device_id, changed, received_s))
            return
        every = tuple((number, self.said.get((INPUT, number))) for number in range(self.inputs))
        if self.inputs and None not in [on for _, on in every]:
            report = tuple((number, on is True) for number, on in every)
            self._told_inputs = self._sink.put(InputsChanged(self._device_id, report, received_s))

    async def switch(
        self, output: int, energise: bool, send: Send, expires_s: float, *, take_back: Send | None = None
    ) -> None:
        """Send what switches an output, and wait until the device says that it did; see `confirm`.

        `take_back` follows a pulse that was not confirmed. A broker that stands still may hand the pulse on when it
        goes on, much later: then its end comes right behind it.
        """
        self._switching = output
        self._expected.forget(output)
        try:
            await self.confirm((OUTPUT, output), energise, send, expires_s)
        except CommandFailed:
            if take_back is not None:
                with suppress(LinkError):
                    await take_back()
            raise
        finally:
            self._switching = None
        self._expected.hold(output, energise)

    def pulse_began(self, command: PulseOutput) -> None:
        """The device times a pulse from now on."""
        self._expected.pulse(command.output, command.energise, command.duration_s, self.now_s())

    async def confirm(self, fact: Fact, wanted: object, send: Send, expires_s: float) -> None:
        """Send one command and wait until the device says what is wanted.

        Raises TimeoutError when it is too late to send it, LinkError when the device is or goes away, CommandFailed
        when it does not say so in time.
        """
        if self.now_s() >= expires_s:
            raise TimeoutError
        if not self.presence.online:
            raise LinkError("the relay went offline")
        self.said.pop(fact, None)
        self._awaited, self._confirmed = (fact, wanted), False
        give_up_s = self.now_s() + ANSWER_S
        try:
            await send()
            while not self._confirmed:
                await self.wait_until(give_up_s, f"the relay did not confirm {describe(fact, wanted)}")
        finally:
            self._awaited = None

    async def wait_until(self, give_up_s: float, fault: str) -> None:
        """Wait for anything that the device says. Raises LinkError when it is away, CommandFailed when it is late."""
        if not self.presence.online:
            raise LinkError("the relay went offline before it confirmed")
        if self.now_s() >= give_up_s:
            raise CommandFailed(fault)
        self._news.clear()
        await self._wait_for_news(give_up_s - self.now_s())

    def ask_anew(self) -> None:
        """What it said before counts no more: it may have lost its power, or been set up anew."""
        self._asked_at_s = None
        self.said.clear()
        self._told_outputs = self._told_inputs = False
        self.wake()

    def wake(self) -> None:
        """Something was heard that somebody may wait for."""
        self._news.set()

    def now_s(self) -> float:
        """The monotonic time in seconds."""
        return self._clock.now().monotonic_s

    def wall_s(self) -> float:
        """The Unix time in seconds."""
        return self._clock.now().wall.timestamp()

    # The rest

    async def _do(self, command: DeviceCommand) -> None:
        if self.now_s() >= command.expires_s:
            self._complete(command, CommandOutcome.EXPIRED, "too late to send it")
            return
        try:
            if isinstance(command, PulseOutput):
                await self.pulse(command)
            else:
                await self.hold(command.output, command.energise, command.expires_s)
        except TimeoutError:
            self._complete(command, CommandOutcome.EXPIRED, "too late to send it")
        except (LinkError, CommandFailed) as error:
            self._complete(command, CommandOutcome.FAILED, str(error))
        else:
            self._complete(command, CommandOutcome.DONE)

    async def _ask(self, facts: Iterable[Fact]) -> None:
        self._asked_at_s, self._asks = self.now_s(), self._asks + 1
        try:
            for fact in facts:
                await self.ask(fact)
        except LinkError:
            self._asked_at_s = None  # the broker went away just now, and says so itself

    def _unanswered(self) -> list[Fact]:
        return [fact for fact in self.questions() if fact not in self.said]

    def _setup_overdue(self) -> bool:
        return self._asked_at_s is not None and self.now_s() - self._asked_at_s >= SETUP_ANSWER_S

    def _judge_setup(self) -> None:
        """Report the outputs once all are known, and faults once everything was said or the time is over."""
        if self._asked_at_s is None or not self.presence.online:
            return
        self._tell_outputs()
        if self._unanswered() and not self._setup_overdue():
            return
        faults = self.find_faults()
        if faults != self._faults:
            self._faults = faults
            self._sink.put(DeviceFlagged(self._device_id, faults))

    def _tell_outputs(self) -> None:
        if self.blind and not self._told_outputs:
            self._told_outputs = self._sink.put(OutputsUnknown(self._device_id))
        states = [self.said.get((OUTPUT, number)) for number in range(self.outputs)]
        if self._told_outputs or None in states:
            return
        self._told_outputs = True
        outputs = tuple((number, on is True) for number, on in enumerate(states))
        told = not outputs or self._sink.put(OutputsRead(self._device_id, outputs))
        self._expected.start_over(outputs if told else ())

    def _hear_output(self, output: int, on: bool) -> None:
        """An output that nobody told to change is told: somebody pressed the device's button, or it has restarted."""
        if not self._told_outputs or output == self._switching or not self.presence.online:
            return
        astray = self._expected.surprises([(output, on)], self.now_s())
        if astray and not self._sink.put(OutputsRead(self._device_id, astray)):
            self._expected.forget(output)

    def _present(self) -> None:
        self.ask_anew()
        if not self.presence.online:
            while self._queue:
                gone = self._queue.popleft()
                self._complete(gone, CommandOutcome.FAILED, "the relay went offline", never_sent=True)

    def _patience_s(self) -> float | None:
        if self._asked_at_s is None:
            return self.presence.patience_s()
        left_s = self._asked_at_s + SETUP_ANSWER_S - self.now_s()
        return left_s + 0.01 if left_s > 0 else self.presence.patience_s()

    async def _wait_for_news(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    def _complete(
        self, command: DeviceCommand, outcome: CommandOutcome, detail: str = "", *, never_sent: bool = False
    ) -> None:
        counter = {CommandOutcome.FAILED: "failed", CommandOutcome.EXPIRED: "expired"}.get(outcome, "commands")
        self._counts[counter] += 1
        self._sink.put(CommandCompleted(command.command_id, self._device_id, outcome, detail, never_sent))


def describe(fact: Fact, value: object) -> str:
    """A fact as people read it."""
    name, number = fact
    place = f"{name} {number}" if name in (OUTPUT, INPUT) else name
    return f"{place} {('on' if value else 'off') if isinstance(value, bool) else value}"
