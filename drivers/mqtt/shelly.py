"""Shelly relays and inputs of the second generation and later, by RPC over MQTT.

The board times each pulse itself (`toggle_after`), so it locks again when the gateway dies. Not every firmware says a
change that it was told to make [ioBroker.shelly #1542 #1594]: after each command its status is asked for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import Field

from drivers.mqtt.board import INPUT, OUTPUT, Fact, MqttBoard
from drivers.mqtt.broker import BrokerConnection, BrokerMessage, find_broker
from drivers.mqtt.presence import LastWill
from drivers.mqtt.settings import TopicSettings
from drivers.mqtt.shelly_frames import (
    Answer,
    Notice,
    input_faults,
    read_answer,
    read_level,
    read_notice,
    request,
    switch_faults,
)
from drivers.registry import Driver, DriverContext
from gateway.clock import random_bytes
from gateway.domain.commands import PulseOutput
from gateway.errors import CommandFailed

ANSWER_S = 1.5
MOST_OPEN = 64
"""Requests whose answers are awaited; a question for each part of the largest device is half of that."""

MOST_PULSE_S = 86400.0
"""No door is released for longer than a day by one pulse."""

OLD_S = 10.0
"""A notice that says it is so much older than our clock is no fact, but a reason to ask."""

CLOCK_IS_SET = 1_700_000_000
"""A Shelly that has no time yet says the seconds since it started."""

CONFIG, INPUT_CONFIG = "config", "input config"

_STATUS = {OUTPUT: ("Switch", "output"), INPUT: ("Input", "state")}
_CONFIG = {CONFIG: "Switch", INPUT_CONFIG: "Input"}


class ShellySettings(TopicSettings):
    """Settings of `driver = "shelly"`; `topic` is the MQTT prefix, by default the device's id."""

    outputs: int = Field(default=1, ge=0, le=8)
    inputs: int = Field(default=0, ge=0, le=8)
    """The Pro 4PM has four of each; no Shelly has more than eight."""


class ShellyBoard(MqttBoard):
    """Output 0 is `switch:0`, input 0 is `input:0`."""

    def __init__(self, settings: ShellySettings, broker: BrokerConnection, context: DriverContext) -> None:
        will = LastWill(f"{settings.topic}/online", b"true", b"false")
        super().__init__(context, broker, will, settings.outputs, settings.inputs)
        self._topic, self._source = settings.topic, f"gatehouse/{settings.topic}"
        self._number = int.from_bytes(random_bytes(4), "big")
        """The last request's: begun anywhere, so that no answer of an earlier run fits."""
        self._open: dict[int, Callable[[Answer], None]] = {}
        broker.subscribe(f"{settings.topic}/events/rpc", self._on_notice)
        broker.subscribe(f"{self._source}/rpc", self._on_answer)

    def questions(self) -> tuple[Fact, ...]:
        """Each output's and input's state and configuration."""
        parts = ((OUTPUT, self.outputs), (CONFIG, self.outputs), (INPUT, self.inputs), (INPUT_CONFIG, self.inputs))
        return tuple((name, number) for name, count in parts for number in range(count))

    async def ask(self, fact: Fact) -> None:
        """`GetStatus` or `GetConfig` of one part."""
        name, number = fact
        if name in _STATUS:
            await self._request(f"{_STATUS[name][0]}.GetStatus", {"id": number}, partial(self._learn_status, fact))
        else:
            await self._request(f"{_CONFIG[name]}.GetConfig", {"id": number}, partial(self._learn_config, fact))

    def find_faults(self) -> tuple[str, ...]:
        """What is set otherwise than safety wants; `=?` where the device did not say."""
        faults: list[str] = []
        for name, number in self.questions():
            value = self.said.get((name, number))
            if value is None:
                faults.append(f"{'switch' if name in (OUTPUT, CONFIG) else 'input'}:{number}.{name}=?")
            elif name == CONFIG and isinstance(value, dict):
                faults += switch_faults(number, value, held=self.said.get((OUTPUT, number)) is True)
            elif name == INPUT_CONFIG and isinstance(value, dict):
                faults += input_faults(number, value)
        return tuple(faults)

    async def pulse(self, command: PulseOutput) -> None:
        """Either way round: the board toggles back by itself."""
        if not 0 < command.duration_s <= MOST_PULSE_S:
            raise CommandFailed(f"a pulse lasts up to {MOST_PULSE_S:.0f} s")
        await self._set(command.output, command.energise, command.expires_s, toggle_after=round(command.duration_s, 1))
        self.pulse_began(command)

    async def hold(self, output: int, energise: bool, expires_s: float) -> None:
        """Held, an output has no auto_off; released, it has one."""
        if energise:
            await self._ensure_auto_off(output, False)
        await self._set(output, energise, expires_s)
        if not energise:
            await self._ensure_auto_off(output, True)

    async def _set(self, output: int, energise: bool, expires_s: float, toggle_after: float | None = None) -> None:
        pulse = {} if toggle_after is None else {"toggle_after": toggle_after}

        async def send() -> None:
            await self._call("Switch.Set", {"id": output, "on": energise, **pulse})
            await self.ask((OUTPUT, output))

        async def take_back() -> None:
            await self._request("Switch.Set", {"id": output, "on": not energise}, _nobody)

        await self.switch(output, energise, send, expires_s, take_back=take_back if pulse else None)

    async def _ensure_auto_off(self, output: int, wanted: bool) -> None:
        config = self.said.get((CONFIG, output))
        if not isinstance(config, dict):
            config = await self._call("Switch.GetConfig", {"id": output})
        if config.get("auto_off") is not wanted:
            await self._call("Switch.SetConfig", {"id": output, "config": {"auto_off": wanted}})
        self.said[CONFIG, output] = config | {"auto_off": wanted}

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Request something and wait for the answer. Raises LinkError, and CommandFailed: refused, or none in time."""
        answers: list[Answer] = []
        number = await self._request(method, params, answers.append)
        give_up_s = self.now_s() + ANSWER_S
        try:
            while not answers:
                await self.wait_until(give_up_s, f"the relay did not answer {method}")
        finally:
            self._open.pop(number, None)
        if answers[0].fault is not None:
            raise CommandFailed(f"{method}: {answers[0].fault}")
        return answers[0].result

    async def _request(self, method: str, params: dict[str, Any], answered: Callable[[Answer], None]) -> int:
        self._number = (self._number + 1) % (1 << 31)
        number = self._number
        while len(self._open) >= MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[number] = answered
        await self.broker.publish(f"{self._topic}/rpc", request(number, self._source, method, params))
        return number

    def _on_answer(self, message: BrokerMessage) -> None:
        """An answer counts once, and only to a question of this run."""
        if not self.counts_as_answer(message):
            return
        try:
            answer = read_answer(message.payload)
        except ValueError:
            self.malformed()
            return
        answered = self._open.pop(answer.number, None) if answer is not None else None
        if answer is not None and answered is not None:
            answered(answer)
            self.wake()

    def _learn_status(self, fact: Fact, answer: Answer) -> None:
        level = read_level(answer.result, _STATUS[fact[0]][1])
        if level is None:
            return
        if fact[0] == INPUT:
            self.hear_inputs([(fact[1], level)], self.now_s())
        else:
            self.hear(fact, level)

    def _learn_config(self, fact: Fact, answer: Answer) -> None:
        if answer.fault is None:
            self.hear(fact, answer.result)

    def _on_notice(self, message: BrokerMessage) -> None:
        if message.flaw is not None and not message.payload:
            return
        try:
            notice = read_notice(message.payload)
        except ValueError:
            self.malformed()
            return
        if not notice.outputs and not notice.inputs and not notice.set_up_anew:
            return  # such as the power that it measures
        if not self.counts_live(message):
            return
        if notice.set_up_anew or self._is_old(notice):
            self.ask_anew()
            return
        for output, energised in notice.outputs:
            if output < self.outputs:
                self.hear((OUTPUT, output), energised)
        self.hear_inputs(notice.inputs, message.received_s)

    def _is_old(self, notice: Notice) -> bool:
        at = notice.said_at
        return at is not None and at > CLOCK_IS_SET and self.wall_s() - at > OLD_S


def _nobody(_answer: Answer) -> None:
    """Nobody waits for this answer."""


def build(settings: ShellySettings, context: DriverContext) -> ShellyBoard:
    """The board for one device of the site config. Raises ConfigError for an unknown broker."""
    return ShellyBoard(settings, find_broker(settings.broker, context), context)


DRIVER = Driver("shelly", "relay_board", ShellySettings, build, "Shelly relays and inputs, generation 2 and later")
