"""Relays on a Tasmota device. It carries neither an id nor an expiry: an open goes out once, at once, or not at all.

The device says each change of an output by itself, whoever made it, and `Online` whenever it connects. So one that
restarts before its last will is due is noticed without a question.
"""

import asyncio
from collections import deque
from typing import Any

from drivers.mqtt.broker import BrokerConnection, BrokerMessage, parse_object
from drivers.outputs import ExpectedOutputs
from gateway.clock import Clock
from gateway.domain.commands import DeviceCommand, PulseOutput
from gateway.domain.ports import SignalSink
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    LinkChanged,
    LinkState,
    OutputsRead,
)
from gateway.errors import CommandFailed, LinkError

MAX_QUEUE = 16
"""Commands live for seconds, and each takes some tens of milliseconds."""

ANSWER_S = 1.5
"""A Tasmota on a busy Wi-Fi answers within a few hundred milliseconds."""

SETUP_ANSWER_S = 3.0

LAST_WILL_S = 5.0
"""The broker keeps a device's last will and says it on subscribing; a device without one was never there."""

MOST_PULSE_S = 64800.0
"""PulseTime 64900."""

REQUIRED = (("PowerOnState", ("0",)), ("SetOption140", ("OFF", "0")))
"""Relays stay off at power-up; the broker keeps no commands for a device that is away."""


class TasmotaRelay:
    """Implements `drivers.contracts.RelayBoard`. Output 0 is POWER1 (POWER where there is only one)."""

    def __init__(
        self,
        device_id: str,
        topic: str,
        outputs: int,
        broker: BrokerConnection,
        sink: SignalSink,
        clock: Clock,
    ) -> None:
        self._device_id, self._topic, self._outputs = device_id, topic, outputs
        self._broker, self._sink, self._clock = broker, sink, clock
        self._queue: deque[DeviceCommand] = deque()
        self._news = asyncio.Event()
        self._known: dict[str, str] = {}
        """What the device said since it came online: POWER1, PulseTime1, PowerOnState, SetOption140."""
        self._state: LinkState | None = None
        self._asked_at_s: float | None = None
        self._asks = 0
        self._told_outputs = False
        self._expected = ExpectedOutputs()
        self._switching: int | None = None
        """The output that is being told just now: what it says meanwhile is its answer."""
        self._faults: tuple[str, ...] = ()
        self._restore: dict[int, str] = {}
        """PulseTime that an output gets back when it is no longer held."""
        self._counts = dict.fromkeys(("commands", "failed", "expired", "malformed"), 0)
        broker.subscribe(f"tele/{topic}/LWT", self._on_last_will, self._on_link)
        broker.subscribe(f"stat/{topic}/RESULT", self._on_result)
        for name in ("POWER", *(f"POWER{number + 1}" for number in range(outputs))):
            broker.subscribe(f"stat/{topic}/{name}", self._on_power)

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
        if self._state is not LinkState.ONLINE:
            fault = "the relay is offline"
        elif len(self._queue) >= MAX_QUEUE:
            fault = "too many commands wait for this relay"
        elif not 0 <= command.output < self._outputs:
            fault = f"the relay has outputs 0 to {self._outputs - 1}"
        if fault is not None:
            self._complete(command, CommandOutcome.FAILED, fault)
            return
        self._queue.append(command)
        self._news.set()

    async def run(self) -> None:
        """Serve the device until cancelled."""
        started_s = self._now_s()
        while True:
            self._news.clear()
            if self._state is None and self._now_s() - started_s >= LAST_WILL_S:
                self._say(LinkState.OFFLINE, "it never said Online")
            if self._state is LinkState.ONLINE and self._asked_at_s is None:
                await self._ask_setup()
            if self._asks == 1 and self._unanswered() and self._setup_overdue():
                await self._ask_again(self._unanswered())
            self._judge_setup()
            if self._queue:
                await self._do(self._queue.popleft())
            else:
                await self._wait_for_news(self._setup_patience_s())

    async def _do(self, command: DeviceCommand) -> None:
        if self._now_s() >= command.expires_s:
            self._complete(command, CommandOutcome.EXPIRED, "too late to send it")
            return
        try:
            if isinstance(command, PulseOutput):
                await self._pulse(command)
            else:
                await self._set(command.output, command.energise, command.expires_s)
        except TimeoutError:
            self._complete(command, CommandOutcome.EXPIRED, "too late to send it")
        except (LinkError, CommandFailed) as error:
            self._complete(command, CommandOutcome.FAILED, str(error))
        else:
            self._complete(command, CommandOutcome.DONE)

    async def _pulse(self, command: PulseOutput) -> None:
        """The device times it: first its PulseTime, if it differs, and only then ON."""
        if not command.energise:
            raise CommandFailed("Tasmota times energised outputs only: wire the lock so that energising releases it")
        if not 0 < command.duration_s <= MOST_PULSE_S:
            raise CommandFailed(f"Tasmota times pulses up to {MOST_PULSE_S:.0f} s")
        wanted = pulse_time(command.duration_s)
        await self._ensure_pulse_time(command.output, wanted, command.expires_s)
        await self._switch(command.output, "ON", command.expires_s)
        self._expected.pulse(command.output, True, command.duration_s, self._now_s())

    async def _set(self, output: int, energise: bool, expires_s: float) -> None:
        """Hold or release an output. Held, it has no PulseTime; released, it gets its own back."""
        if energise:
            before = self._known.get(f"PulseTime{output + 1}", "0")
            await self._ensure_pulse_time(output, "0", expires_s)
            if before != "0":
                self._restore[output] = before
            await self._switch(output, "ON", expires_s)
            return
        await self._switch(output, "OFF", expires_s)
        if (restored := self._restore.pop(output, None)) is not None:
            self._known[f"PulseTime{output + 1}"] = restored  # until the device says how it stands
            await self._publish(f"PulseTime{output + 1}", restored)

    async def _ensure_pulse_time(self, output: int, wanted: str, expires_s: float) -> None:
        name = f"PulseTime{output + 1}"
        if self._known.get(name) != wanted:
            await self._say_and_hear(name, wanted, wanted, expires_s)

    async def _switch(self, output: int, state: str, expires_s: float) -> None:
        self._switching = output
        self._expected.forget(output)
        try:
            await self._say_and_hear(f"POWER{output + 1}", state, state, expires_s)
        finally:
            self._switching = None
        self._expected.hold(output, state == "ON")

    async def _say_and_hear(self, name: str, payload: str, wanted: str, expires_s: float) -> None:
        """Send one command and wait until the device says so. Raises TimeoutError when it is too late to send it."""
        if self._now_s() >= expires_s:
            raise TimeoutError
        if self._state is not LinkState.ONLINE:
            raise LinkError("the relay went offline")
        self._known.pop(name, None)
        await self._publish(name, payload)
        give_up_s = self._now_s() + ANSWER_S
        while self._known.get(name) != wanted:
            if self._state is not LinkState.ONLINE:
                raise LinkError(f"the relay went offline before it confirmed {name}")
            if self._now_s() >= give_up_s:
                raise CommandFailed(f"the relay did not confirm {name} {payload}")
            self._news.clear()
            await self._wait_for_news(give_up_s - self._now_s())

    async def _ask_setup(self) -> None:
        """Ask for everything that safety depends on, and for the outputs; changes nothing."""
        self._asks, self._told_outputs = 0, False
        numbered = [f"{name}{number + 1}" for number in range(self._outputs) for name in ("PulseTime", "POWER")]
        names = [*(name for name, _ in REQUIRED), *numbered]
        for name in names:  # what it said before it went away is judged no more
            self._known.pop(name, None)
        await self._ask_again(names)

    async def _ask_again(self, names: list[str]) -> None:
        """QoS 0 may lose a question or its answer: what was not said is asked for once more before it is a fault."""
        self._asked_at_s, self._asks = self._now_s(), self._asks + 1
        try:
            for name in names:
                await self._publish(name, "")
        except LinkError:
            self._asked_at_s = None

    def _unanswered(self) -> list[str]:
        names = [*(name for name, _ in REQUIRED), *(f"PulseTime{number + 1}" for number in range(self._outputs))]
        return [name for name in names if name not in self._known]

    def _setup_overdue(self) -> bool:
        return self._asked_at_s is not None and self._now_s() - self._asked_at_s >= SETUP_ANSWER_S

    def _judge_setup(self) -> None:
        """Report the outputs once all are known, and faults once everything was said or the time is over."""
        if self._asked_at_s is None or self._state is not LinkState.ONLINE:
            return
        powers = [self._known.get(f"POWER{number + 1}") for number in range(self._outputs)]
        if not self._told_outputs and None not in powers:
            self._told_outputs = True
            outputs = tuple((number, power == "ON") for number, power in enumerate(powers))
            told = self._sink.put(OutputsRead(self._device_id, outputs))
            self._expected.start_over(outputs if told else ())
        if self._unanswered() and not self._setup_overdue():
            return
        faults = self._find_faults()
        if faults != self._faults:
            self._faults = faults
            self._sink.put(DeviceFlagged(self._device_id, faults))

    def _find_faults(self) -> tuple[str, ...]:
        """What is set otherwise than safety wants, as `Name=value`; `?` where the device did not say."""
        faults = [
            f"{name}={self._known.get(name, '?')}" for name, good in REQUIRED if self._known.get(name) not in good
        ]
        for number in range(self._outputs):
            name = f"PulseTime{number + 1}"
            if number not in self._restore and self._known.get(name, "0") == "0":
                faults.append(f"{name}={self._known.get(name, '?')}")
        return tuple(faults)

    def _setup_patience_s(self) -> float | None:
        if self._state is None:
            return LAST_WILL_S
        if self._asked_at_s is None:
            return None
        left_s = self._asked_at_s + SETUP_ANSWER_S - self._now_s()
        return left_s + 0.01 if left_s > 0 else None

    async def _wait_for_news(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    async def _publish(self, command: str, payload: str) -> None:
        await self._broker.publish(f"cmnd/{self._topic}/{command}", payload)

    def _on_last_will(self, message: BrokerMessage) -> None:
        if message.payload in (b"Online", b"Offline"):
            online = message.payload == b"Online"
            if online and self._state is LinkState.ONLINE:
                self._ask_anew()  # it connected again before the broker missed it
            self._say(LinkState.ONLINE if online else LinkState.OFFLINE, "" if online else "its last will")

    def _on_link(self, up: bool) -> None:
        if not up:
            self._say(LinkState.OFFLINE, "the broker is offline")

    def _on_result(self, message: BrokerMessage) -> None:
        """Answers count only live: a retained one says what was."""
        if message.flaw in (None, "too early after connecting"):
            try:
                report = parse_object(message.payload)
            except ValueError:
                self._counts["malformed"] += 1
                return
            for name, value in list(report.items())[:64]:
                self._learn(name, value)

    def _on_power(self, message: BrokerMessage) -> None:
        if message.flaw in (None, "too early after connecting"):
            self._learn(message.topic.rpartition("/")[2], message.payload.decode("ascii", "replace"))

    def _learn(self, name: str, value: object) -> None:
        if name.startswith("PulseTime"):
            self._learn_pulse_time(name, value)
            return
        name = "POWER1" if name == "POWER" else name
        if name in (*(required for required, _ in REQUIRED), *_powers(self._outputs)):
            self._known[name] = str(value)
            self._news.set()
            if name.startswith("POWER"):
                self._hear_power(_number_of(name.removeprefix("POWER")), value == "ON")

    def _hear_power(self, output: int, on: bool) -> None:
        """An output that nobody told to change is told: somebody pressed the device's button, or it has restarted."""
        if not self._told_outputs or output == self._switching or self._state is not LinkState.ONLINE:
            return
        astray = self._expected.surprises([(output, on)], self._now_s())
        if astray and not self._sink.put(OutputsRead(self._device_id, astray)):
            self._expected.forget(output)

    def _learn_pulse_time(self, name: str, value: Any) -> None:
        """`{"PulseTime1":{"Set":50,"Remaining":0}}`; a device that answers for all has lists under `PulseTime`."""
        setting = value.get("Set") if isinstance(value, dict) else value
        settings = setting if isinstance(setting, list) else [setting]
        first = 0 if name == "PulseTime" else _number_of(name.removeprefix("PulseTime"))
        for number, one in enumerate(settings[: self._outputs], start=first):
            if isinstance(one, int):
                self._known[f"PulseTime{number + 1}"] = str(one)
                self._news.set()

    def _say(self, state: LinkState, detail: str) -> None:
        if state is self._state:
            return
        self._state = state
        self._sink.put(LinkChanged(self._device_id, state, detail))
        self._ask_anew()
        if state is LinkState.OFFLINE:
            while self._queue:
                self._complete(self._queue.popleft(), CommandOutcome.FAILED, "the relay went offline")

    def _ask_anew(self) -> None:
        """What it said before counts no more: a device that lost its power may have forgotten its PulseTime too."""
        self._asked_at_s = None
        self._known.clear()
        self._news.set()

    def _complete(self, command: DeviceCommand, outcome: CommandOutcome, detail: str = "") -> None:
        counter = {CommandOutcome.FAILED: "failed", CommandOutcome.EXPIRED: "expired"}.get(outcome, "commands")
        self._counts[counter] += 1
        self._sink.put(CommandCompleted(command.command_id, self._device_id, outcome, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


def pulse_time(duration_s: float) -> str:
    """Tasmota's PulseTime: 1 to 111 are tenths of a second, from 112 whole seconds plus 100."""
    if duration_s <= 11.1:
        return str(max(1, round(duration_s * 10)))
    return str(round(duration_s) + 100)


def _powers(outputs: int) -> tuple[str, ...]:
    return tuple(f"POWER{number + 1}" for number in range(outputs))


def _number_of(text: str) -> int:
    """An output's number from 0 in a name's tail that counts from 1; beyond every output where there is none."""
    return int(text) - 1 if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) > 0 else 1 << 16
