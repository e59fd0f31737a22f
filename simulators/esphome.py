"""An ESPHome node, as an MQTT 3.1.1 client: switches, locks and binary sensors, and a reader of tags.

Topics and words as ESPHome's mqtt, lock, switch, wiegand, rdm6300 and rc522 components have them; `ask` and `pulse` are
the automations that docs/drivers/mqtt.md gives. States are retained, as the firmware's default is.
"""

import asyncio
from collections.abc import Callable

from simulators.card import Card, CardUnreadable, wiegand_payload
from simulators.device import Surroundings
from simulators.mqtt_device import Login, MqttDevice, Will
from simulators.plan import DevicePlan

KEYS = "0123456789*#"


class EsphomeNode(MqttDevice):
    """`outputs` are parts such as `switch/gate` or `lock/front`, `inputs` the ids of binary sensors.

    `mute` are the automations that the node lacks; `heard` is every command, in order.
    """

    def __init__(
        self,
        topic: str,
        login: Login,
        changed: Callable[[], None],
        *,
        outputs: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        chip: str = "wiegand",
        clean_session: bool = False,
    ) -> None:
        super().__init__(topic, login, Will(f"{topic}/status", "offline"), clean_session=clean_session)
        self.topic, self.chip = topic, chip
        self._outputs = dict.fromkeys(outputs, False)
        self._inputs = dict.fromkeys(inputs, False)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.mute: set[str] = set()
        self.heard: list[tuple[str, str]] = []
        self._changed = changed

    @property
    def coils(self) -> list[bool]:
        """Which outputs are on, or unlocked."""
        return list(self._outputs.values())

    @property
    def inputs(self) -> list[bool]:
        """Which sensors are on."""
        return list(self._inputs.values())

    def orders(self) -> list[tuple[str, str]]:
        """The commands that move something."""
        return [each for each in self.heard if each[0] != "ask"]

    def set_input(self, number: int, energised: bool) -> None:
        """Close or open a sensor, and say so when it is news."""
        name = list(self._inputs)[number]
        if self._inputs[name] is not energised:
            self._inputs[name] = energised
            self.speak(self._say_state(f"binary_sensor/{name}"))

    def switch(self, part: str, on: bool, back_after_s: float | None = None) -> None:
        """Move an output; with a time it goes back by itself."""
        if part in self._timers:
            self._timers.pop(part).cancel()
        self._outputs[part] = on
        if back_after_s is not None:
            self._timers[part] = asyncio.get_running_loop().call_later(back_after_s, self.switch, part, not on)
        self._changed()
        self.speak(self._say_state(part))

    async def swipe(self, card: Card) -> bool:
        """Say a card as `on_tag` of its chip's component does; False while it has no connection."""
        return await self.send(f"{self.topic}/tag", _tag(self.chip, card))

    async def press(self, key: str) -> bool:
        """Say a key by its number, as `on_key` does."""
        return await self.send(f"{self.topic}/key", str(KEYS.index(key)))

    async def noise(self, data: bytes) -> None:
        """Say rubbish where a card would stand."""
        await self.send(f"{self.topic}/tag", data)

    def power_up(self) -> None:
        """`restore_mode: ALWAYS_OFF`."""
        self._outputs = dict.fromkeys(self._outputs, False)
        self._changed()

    def power_down(self) -> None:
        """Relays without power fall off."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.power_up()

    def listens_to(self) -> list[tuple[str, int]]:
        """The commands of its outputs, and its automations."""
        parts = [f"{part}/{verb}" for part in self._outputs for verb in ("command", "pulse")]
        return [(f"{self.topic}/{name}", 0) for name in (*parts, "ask")]

    async def greet(self) -> None:
        """Its birth."""
        await self.send(f"{self.topic}/status", "online", retain=True)

    async def settled(self) -> None:
        """Every state, as after each connecting."""
        await self._say_states()

    async def obey(self, topic: str, payload: bytes) -> None:
        """ON, OFF, LOCK, UNLOCK in any case, milliseconds, or the question for all states."""
        name = topic.removeprefix(f"{self.topic}/")
        part, _, verb = name.rpartition("/")
        text = payload.decode("utf-8", "replace")
        self.heard.append((name, text))
        if verb in self.mute:
            return
        if name == "ask":
            await self._say_states()
        elif verb == "pulse" and text.isdecimal():
            self.switch(part, True, int(text) / 1000)
        elif verb == "command" and text.upper() in ("ON", "UNLOCK"):
            self.switch(part, True)
        elif verb == "command" and text.upper() in ("OFF", "LOCK"):
            self.switch(part, False)

    async def _say_states(self) -> None:
        for part in (*self._outputs, *(f"binary_sensor/{name}" for name in self._inputs)):
            await self._say_state(part)

    async def _say_state(self, part: str) -> None:
        kind, _, name = part.partition("/")
        on = self._inputs[name] if kind == "binary_sensor" else self._outputs[part]
        words = ("UNLOCKED", "LOCKED") if kind == "lock" else ("ON", "OFF")
        await self.send(f"{self.topic}/{part}/state", words[0] if on else words[1], retain=True)


def _tag(chip: str, card: Card) -> str:
    """The tag as text. Raises CardUnreadable for a card that this chip doesn't see."""
    if chip in ("rc522", "pn532"):
        size = {"UID32": 4, "UID56": 7}.get(card.format)
        if size is None:
            raise CardUnreadable(f"a 13.56 MHz reader sees fobs, and this card is {card.format}")
        return card.number.to_bytes(size, "big").hex("-").upper()
    if chip == "rdm6300":
        if card.format != "EM4100":
            raise CardUnreadable(f"a 125 kHz reader reads EM4100 (blue) cards only, and this one is {card.format}")
        return str(card.number)
    payload, length = wiegand_payload(card)
    if length not in (26, 34, 37):
        raise CardUnreadable(f"this reader says no card of {length} bits")
    return str(payload)


def make_board(plan: DevicePlan, surroundings: Surroundings) -> EsphomeNode:
    """`driver = "esphome-board"`."""
    outputs, inputs = (tuple(plan.settings.get(name, ())) for name in ("outputs", "inputs"))
    return EsphomeNode(
        plan.settings["topic"], Login(*plan.broker), surroundings.changed, outputs=outputs, inputs=inputs
    )


def make_reader(plan: DevicePlan, surroundings: Surroundings) -> EsphomeNode:
    """`driver = "esphome-reader"`."""
    chip = str(plan.settings.get("chip", "wiegand"))
    return EsphomeNode(plan.settings["topic"], Login(*plan.broker), surroundings.changed, chip=chip)
