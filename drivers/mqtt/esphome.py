"""ESPHome nodes: switches, locks and binary sensors by their object id; readers through automations of the node.

ESPHome retains its states and has no question for them, and no switch that goes back by itself: both are automations of
the node that docs/drivers/mqtt.md gives. `ask` has it say every state, `pulse` takes milliseconds.
"""

from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from drivers.mqtt.board import INPUT, OUTPUT, Fact, MqttBoard, Send
from drivers.mqtt.broker import BrokerConnection, BrokerMessage, find_broker
from drivers.mqtt.esphome_frames import Chip, read_key_text, read_level, read_tag, words_for
from drivers.mqtt.presence import LastWill
from drivers.mqtt.reader import MqttReader, ReadValue
from drivers.mqtt.settings import TopicSettings, check_topic
from drivers.registry import Driver, DriverContext, FormatNames, to_tuple
from drivers.wiegand.formats import FormatTable
from drivers.wiegand.keypad import Keypad, KeypadSettings
from gateway.domain.commands import PulseOutput
from gateway.domain.moment import Moment
from gateway.errors import CommandFailed

MOST_PULSE_S = 3600.0
"""The node's automation counts milliseconds in 32 bits; no door is released for longer."""

ASK_PAUSE_S = 0.2
"""One question is answered for all parts."""

ONLINE, OFFLINE = b"online", b"offline"

Output = Annotated[str, Field(pattern=r"^(switch|lock)/[a-z0-9_-]{1,64}$")]
Input = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]


class EsphomeBoardSettings(TopicSettings):
    """Settings of `driver = "esphome-board"`; `topic` is the node's `topic_prefix`."""

    outputs: Annotated[tuple[Output, ...], BeforeValidator(to_tuple), Field(max_length=16)] = ()
    inputs: Annotated[tuple[Input, ...], BeforeValidator(to_tuple), Field(max_length=16)] = ()
    """A node has some twenty usable pins."""

    pulses_energised_only: ClassVar[bool] = True

    def times_pulse(self, energise: bool, _duration_s: float) -> bool:
        """The node's automation energises and lets go."""
        return energise


class EsphomeReaderSettings(TopicSettings, KeypadSettings):
    """Settings of `driver = "esphome-reader"`. Tags are in `TOPIC/tag`, keys in `TOPIC/key`, unless told otherwise."""

    chip: Literal["wiegand", "rdm6300", "rc522", "pn532"] = "wiegand"
    tag_topic: str | None = None
    key_topic: str | None = None
    formats: FormatNames = ()

    @property
    def reads_formats(self) -> bool:
        """Whether its tags are messages of a card format, and not what a chip says of itself."""
        return self.chip == "wiegand"

    @field_validator("tag_topic", "key_topic")
    @classmethod
    def _own_topics(cls, topic: str | None) -> str | None:
        return None if topic is None else check_topic(topic)


class EsphomeBoard(MqttBoard):
    """Outputs and inputs in the order of the settings. A lock is energised while it is UNLOCKED."""

    def __init__(self, settings: EsphomeBoardSettings, broker: BrokerConnection, context: DriverContext) -> None:
        will = LastWill(f"{settings.topic}/status", ONLINE, OFFLINE)
        super().__init__(context, broker, will, len(settings.outputs), len(settings.inputs))
        self._topic, self._parts = settings.topic, settings.outputs
        self._names = {(OUTPUT, number): name for number, name in enumerate(settings.outputs)} | {
            (INPUT, number): f"binary_sensor/{name}" for number, name in enumerate(settings.inputs)
        }
        self._asked_s = float("-inf")
        for fact, name in self._names.items():
            broker.subscribe(f"{settings.topic}/{name}/state", partial(self._on_state, fact))

    def questions(self) -> tuple[Fact, ...]:
        """Each output and input."""
        return tuple(self._names)

    async def ask(self, fact: Fact) -> None:
        """Have the node say every state."""
        if self.now_s() - self._asked_s >= ASK_PAUSE_S:
            self._asked_s = self.now_s()
            await self.broker.publish(f"{self._topic}/ask", "")

    def find_faults(self) -> tuple[str, ...]:
        """The parts that the node did not say when it was asked."""
        return tuple(
            f"{name} did not answer {self._topic}/ask" for fact, name in self._names.items() if fact not in self.said
        )

    async def pulse(self, command: PulseOutput) -> None:
        """The node's automation times it."""
        if not command.energise:
            raise CommandFailed("the node times energised outputs only: wire the lock so that energising releases it")
        if not 0 < command.duration_s <= MOST_PULSE_S:
            raise CommandFailed(f"the node times pulses up to {MOST_PULSE_S:.0f} s")
        part, milliseconds = self._parts[command.output], str(round(command.duration_s * 1000))
        send = self._words(part, "pulse", milliseconds)
        take_back = self._words(part, "command", words_for(part, False))
        await self.switch(command.output, True, send, command.expires_s, take_back=take_back)
        self.pulse_began(command)

    async def hold(self, output: int, energise: bool, expires_s: float) -> None:
        """By the part's own command."""
        part = self._parts[output]
        await self.switch(output, energise, self._words(part, "command", words_for(part, energise)), expires_s)

    def _words(self, part: str, verb: str, payload: str) -> Send:
        return partial(self.broker.publish, f"{self._topic}/{part}/{verb}", payload)

    def _on_state(self, fact: Fact, message: BrokerMessage) -> None:
        """States are retained: only one that is said now says how things are now."""
        level = read_level(message.payload)
        if level is None or not self.counts_live(message):
            return
        if fact[0] == INPUT:
            self.hear_inputs([(fact[1], level)], message.received_s)
        else:
            self.hear(fact, level)


def build_board(settings: EsphomeBoardSettings, context: DriverContext) -> EsphomeBoard:
    """The board for one device of the site config. Raises ConfigError for an unknown broker."""
    return EsphomeBoard(settings, find_broker(settings.broker, context), context)


def build_reader(settings: EsphomeReaderSettings, context: DriverContext) -> MqttReader:
    """The reader for one device of the site config. Raises ConfigError for an unknown broker."""
    will = LastWill(f"{settings.topic}/status", ONLINE, OFFLINE)
    reader = MqttReader(context, find_broker(settings.broker, context), will)
    tags = partial(_tags, Chip(settings.chip), context.formats, settings.formats, settings.make_keypad())
    reader.understand(settings.tag_topic or f"{settings.topic}/tag", tags)
    reader.understand(settings.key_topic or f"{settings.topic}/key", _keys)
    return reader


def _tags(
    chip: Chip, formats: FormatTable, names: tuple[str, ...], keypad: Keypad, payload: bytes, _at: Moment
) -> list[ReadValue]:
    return [*read_tag(payload, chip, formats, names, keypad)]


def _keys(payload: bytes, _at: Moment) -> list[ReadValue]:
    return [read_key_text(payload)]


BOARD = Driver("esphome-board", "relay_board", EsphomeBoardSettings, build_board, "ESPHome switches, locks and inputs")
READER = Driver(
    "esphome-reader", "reader", EsphomeReaderSettings, build_reader, "Readers and keypads on an ESPHome node"
)
