"""Relays and switches of a Tasmota device.

The device says each change of an output by itself, whoever made it, and `Online` whenever it connects. So one that
restarts before its last will is due is noticed without a question.
"""

from functools import partial
from typing import Any

from drivers.mqtt.board import INPUT, OUTPUT, Fact, MqttBoard
from drivers.mqtt.broker import BrokerConnection, BrokerMessage, parse_object
from drivers.mqtt.presence import LastWill
from drivers.registry import DriverContext
from gateway.domain.commands import PulseOutput
from gateway.errors import CommandFailed

MOST_PULSE_S = 64800.0
"""PulseTime 64900."""

REQUIRED = (("PowerOnState", ("0",)), ("SetOption140", ("OFF", "0")))
"""Relays stay off at power-up; the broker keeps no commands for a device that is away."""

REQUIRED_OF_INPUTS = (("SetOption114", ("ON", "1")),)
"""Without it each switch works its relay by itself, and the gateway hears nothing of it."""

FOLLOWS = ("1", "2", "15", "16")
"""The SwitchModes that say both ends of a press: follow, inverted follow, and the same without a relay."""


class TasmotaRelay(MqttBoard):
    """Output 0 is POWER1 (POWER where there is only one), input 0 is Switch1."""

    def __init__(self, topic: str, outputs: int, inputs: int, broker: BrokerConnection, context: DriverContext) -> None:
        super().__init__(context, broker, LastWill(f"tele/{topic}/LWT", b"Online", b"Offline"), outputs, inputs)
        self._topic = topic
        self._required = REQUIRED + (REQUIRED_OF_INPUTS if inputs else ())
        self._restore: dict[int, str] = {}
        """PulseTime that an output gets back when it is no longer held."""
        broker.subscribe(f"stat/{topic}/RESULT", self._on_result)
        for name in ("POWER", *(f"POWER{number + 1}" for number in range(outputs))):
            broker.subscribe(f"stat/{topic}/{name}", self._on_power)
        if inputs:
            broker.subscribe(f"stat/{topic}/STATUS10", self._on_sensors)

    def questions(self) -> tuple[Fact, ...]:
        """What safety depends on, then each output and input."""
        return (
            *((name, 0) for name, _ in self._required),
            *((f"SwitchMode{number + 1}", 0) for number in range(self.inputs)),
            *(fact for number in range(self.outputs) for fact in ((f"PulseTime{number + 1}", 0), (OUTPUT, number))),
            *((INPUT, number) for number in range(self.inputs)),
        )

    async def ask(self, fact: Fact) -> None:
        """A command without a payload asks; all switches stand in one status."""
        if fact[0] == OUTPUT:
            await self._publish(f"POWER{fact[1] + 1}", "")
        elif fact == (INPUT, 0):
            await self._publish("STATUS", "10")
        elif fact[0] != INPUT:
            await self._publish(fact[0], "")

    def find_faults(self) -> tuple[str, ...]:
        """What is set otherwise than safety wants, as `Name=value`; `?` where the device did not say."""
        wanted = [*self._required, *((f"SwitchMode{number + 1}", FOLLOWS) for number in range(self.inputs))]
        faults = [f"{name}={self.said.get((name, 0), '?')}" for name, good in wanted if self._setting(name) not in good]
        for number in range(self.outputs):
            name = f"PulseTime{number + 1}"
            if number not in self._restore and self._setting(name) in ("0", None):
                faults.append(f"{name}={self.said.get((name, 0), '?')}")
        unsaid = [f"Switch{number + 1}=?" for number in range(self.inputs) if (INPUT, number) not in self.said]
        return (*faults, *unsaid)

    async def pulse(self, command: PulseOutput) -> None:
        """The device times it: first its PulseTime, if it differs, and only then ON."""
        if not command.energise:
            raise CommandFailed("Tasmota times energised outputs only: wire the lock so that energising releases it")
        if not 0 < command.duration_s <= MOST_PULSE_S:
            raise CommandFailed(f"Tasmota times pulses up to {MOST_PULSE_S:.0f} s")
        await self._ensure_pulse_time(command.output, pulse_time(command.duration_s), command.expires_s)
        name = f"POWER{command.output + 1}"
        send, take_back = partial(self._publish, name, "ON"), partial(self._publish, name, "OFF")
        await self.switch(command.output, True, send, command.expires_s, take_back=take_back)
        self.pulse_began(command)

    async def hold(self, output: int, energise: bool, expires_s: float) -> None:
        """Held, an output has no PulseTime; released, it gets its own back."""
        name = f"PulseTime{output + 1}"
        if energise:
            before = str(self._setting(name) or "0")
            await self._ensure_pulse_time(output, "0", expires_s)
            if before != "0":
                self._restore[output] = before
            await self._switch(output, True, expires_s)
            return
        await self._switch(output, False, expires_s)
        if (restored := self._restore.pop(output, None)) is not None:
            self.said[name, 0] = restored  # until the device says how it stands
            await self._publish(name, restored)

    async def _ensure_pulse_time(self, output: int, wanted: str, expires_s: float) -> None:
        name = f"PulseTime{output + 1}"
        if self._setting(name) != wanted:
            await self.confirm((name, 0), wanted, partial(self._publish, name, wanted), expires_s)

    async def _switch(self, output: int, energise: bool, expires_s: float) -> None:
        send = partial(self._publish, f"POWER{output + 1}", "ON" if energise else "OFF")
        await self.switch(output, energise, send, expires_s)

    async def _publish(self, command: str, payload: str) -> None:
        await self.broker.publish(f"cmnd/{self._topic}/{command}", payload)

    def _setting(self, name: str) -> object:
        return self.said.get((name, 0))

    def _on_result(self, message: BrokerMessage) -> None:
        """Answers count only live: a retained one says what was. A switch's action is no answer."""
        report = self._read(message)
        for name, value in list(report.items())[:64]:
            if name.startswith("Switch") and isinstance(value, dict):
                if self.counts_live(message):
                    self._hear_switches({name: value.get("Action")}, message.received_s)
            else:
                self._learn(name, value)

    def _on_power(self, message: BrokerMessage) -> None:
        if self.counts_as_answer(message):
            self._learn(message.topic.rpartition("/")[2], message.payload.decode("ascii", "replace"))

    def _on_sensors(self, message: BrokerMessage) -> None:
        """`{"StatusSNS":{"Time":"…","Switch1":"ON"}}`."""
        sensors = self._read(message).get("StatusSNS")
        if isinstance(sensors, dict):
            self._hear_switches(sensors, message.received_s)

    def _read(self, message: BrokerMessage) -> dict[str, Any]:
        if not self.counts_as_answer(message):
            return {}
        try:
            return parse_object(message.payload)
        except ValueError:
            self.malformed()
            return {}

    def _learn(self, name: str, value: object) -> None:
        if name.startswith("PulseTime"):
            self._learn_pulse_time(name, value)
        elif name.startswith("POWER"):
            output = 0 if name == "POWER" else _number_of(name.removeprefix("POWER"))
            if output < self.outputs and value in ("ON", "OFF"):
                self.hear((OUTPUT, output), value == "ON")
        elif (name, 0) in self.questions():
            self.hear((name, 0), str(value))

    def _learn_pulse_time(self, name: str, value: Any) -> None:
        """`{"PulseTime1":{"Set":50,"Remaining":0}}`; a device that answers for all has lists under `PulseTime`."""
        setting = value.get("Set") if isinstance(value, dict) else value
        settings = setting if isinstance(setting, list) else [setting]
        first = 0 if name == "PulseTime" else _number_of(name.removeprefix("PulseTime"))
        for number, one in enumerate(settings[: self.outputs], start=first):
            if isinstance(one, int) and number < self.outputs:
                self.hear((f"PulseTime{number + 1}", 0), str(one))

    def _hear_switches(self, states: dict[str, Any], received_s: float) -> None:
        """`Switch<x>` is ON or OFF; the other actions, such as HOLD, are no state."""
        numbers = ((_number_of(name.removeprefix("Switch")), state) for name, state in list(states.items())[:64])
        self.hear_inputs([(number, state == "ON") for number, state in numbers if state in ("ON", "OFF")], received_s)


def pulse_time(duration_s: float) -> str:
    """Tasmota's PulseTime: 1 to 111 are tenths of a second, from 112 whole seconds plus 100."""
    if duration_s <= 11.1:
        return str(max(1, round(duration_s * 10)))
    return str(round(duration_s) + 100)


def _number_of(text: str) -> int:
    """A number from 0 in a name's tail that counts from 1; beyond every output where there is none."""
    return int(text) - 1 if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) > 0 else 1 << 16
