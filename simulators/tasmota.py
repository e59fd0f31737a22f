"""Two devices with Tasmota firmware, as MQTT 3.1.1 clients: a Wiegand reader and a one-relay switch.

Topics and answers as Tasmota's MQTT and command references describe them (SetOption19 0, one relay: `POWER`, not
`POWER1`, in answers; both accepted as commands).
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.card import Card, CardUnreadable, wiegand_payload
from simulators.device import Surroundings
from simulators.mqtt_device import Login, MqttDevice, Will
from simulators.plan import DevicePlan

MAX_PAYLOAD = 512
"""The firmware's own command buffer is of this order; longer ones it drops."""
PULSE_TENTHS = 111
"""PulseTime 1 to 111 is 0.1 s each; from 112 on it is seconds, plus 100."""


class TasmotaDevice(MqttDevice):
    """What every such device does: says Online, and answers `cmnd/<topic>/…`."""

    def __init__(self, topic: str, host: str, port: int, zone: ZoneInfo) -> None:
        super().__init__(f"DVES_{topic}", Login(host, port), Will(f"tele/{topic}/LWT", "Offline"))
        self.topic = topic
        self._zone = zone
        self.options: dict[str, str] = {"SetOption140": "OFF"}

    @abstractmethod
    def command(self, name: str, index: str, payload: str) -> list[tuple[str, dict[str, Any] | str]]:
        """What the device says after a command: (topic below `stat/<topic>/`, JSON or text)."""

    @abstractmethod
    def first_words(self) -> list[tuple[str, dict[str, Any] | str]]:
        """What it says under `stat/<topic>/` on connecting."""

    async def publish(self, prefix: str, name: str, body: dict[str, Any] | str, *, retain: bool = False) -> bool:
        """Publish at QoS 0; False while there is no connection."""
        return await self.send(f"{prefix}/{self.topic}/{name}", body, retain=retain)

    def local_time(self) -> str:
        """The firmware's local time, without an offset, as it stands in every telemetry message."""
        return datetime.now(self._zone).strftime("%Y-%m-%dT%H:%M:%S")

    def listens_to(self) -> list[tuple[str, int]]:
        """Every command."""
        return [(f"cmnd/{self.topic}/#", 0)]

    async def greet(self) -> None:
        """It says Online."""
        await self.publish("tele", "LWT", "Online", retain=True)

    async def settled(self) -> None:
        """Its state, once it listens."""
        for name, body in self.first_words():
            await self.publish("stat", name, body)

    async def obey(self, topic: str, payload: bytes) -> None:
        """A command, or several in a Backlog."""
        if len(payload) > MAX_PAYLOAD:
            return
        name = topic.rpartition("/")[2]
        text = payload.decode("utf-8", "replace").strip()
        commands = _backlog(text) if name.upper() == "BACKLOG" else [(name, text)]
        for each, argument in commands:
            await self._answer(each, argument)

    async def _answer(self, name: str, argument: str) -> None:
        word = name.rstrip("0123456789")
        for topic, body in self.command(word.upper(), name[len(word) :], argument):
            await self.publish("stat", topic, body)

    def set_option(self, index: str, payload: str) -> dict[str, Any]:
        """SetOption<index>, asked or set."""
        key = f"SetOption{index}"
        if payload:
            self.options[key] = "ON" if payload.upper() in ("1", "ON") else "OFF"
        return {key: self.options.get(key, "OFF")}


class TasmotaReader(TasmotaDevice):
    """A Wiegand reader: tells each card in `tele/<topic>/SENSOR`."""

    def power_up(self) -> None:
        """Nothing moves in a reader."""

    def power_down(self) -> None:
        """Nothing moves in a reader."""

    async def swipe(self, card: Card) -> bool:
        """Say a card; False while it has no connection. Raises CardUnreadable."""
        uid, size = wiegand_payload(card)
        return await self.say(uid, size)

    async def say(self, uid: int, size: int) -> bool:
        """Publish one reading."""
        body = {"Time": self.local_time(), "Wiegand": {"UID": uid, "Size": size}}
        return await self.publish("tele", "SENSOR", body)

    async def press(self, key: str) -> bool:
        """Raises CardUnreadable: it has no keypad."""
        raise CardUnreadable("this reader has no keypad")

    async def noise(self, data: bytes) -> None:
        """Say rubbish where a card would stand."""
        await self.publish("tele", "SENSOR", data.decode("latin-1"))

    def first_words(self) -> list[tuple[str, dict[str, Any] | str]]:
        """Nothing: a reader has no state."""
        return []

    def command(self, name: str, index: str, payload: str) -> list[tuple[str, dict[str, Any] | str]]:
        """Options and Status; the rest is unknown to it."""
        if name == "SETOPTION":
            return [("RESULT", self.set_option(index, payload))]
        if name == "STATUS":
            return [("STATUS", {"Status": {"DeviceName": self.topic, "Topic": self.topic}})]
        return [("RESULT", {"Command": "Unknown"})]


class TasmotaRelay(TasmotaDevice):
    """A one-relay switch; `changed` is called when the relay may have moved."""

    def __init__(
        self,
        topic: str,
        host: str,
        port: int,
        zone: ZoneInfo,
        changed: Callable[[], None],
        *,
        pulse_time: int = 50,
        inputs: int = 0,
    ) -> None:
        super().__init__(topic, host, port, zone)
        self._switches = [False] * inputs
        self.switch_modes = [1] * inputs
        self.options["SetOption114"] = "ON" if inputs else "OFF"
        self.on = False
        self.pulse_time = pulse_time
        self.power_on_state = 0
        self.switched_on = 0
        self._changed = changed
        self._end: asyncio.TimerHandle | None = None

    @property
    def coils(self) -> tuple[bool]:
        """The one relay."""
        return (self.on,)

    @property
    def inputs(self) -> list[bool]:
        """Which switches are closed."""
        return list(self._switches)

    def set_input(self, number: int, energised: bool) -> None:
        """Close or open a switch; with SetOption114 it says so and works no relay."""
        if self._switches[number] is energised:
            return
        self._switches[number] = energised
        body = {f"Switch{number + 1}": {"Action": "ON" if energised else "OFF"}}
        self.speak(self._say_action(body))

    def power_up(self) -> None:
        """PowerOnState 1 switches on; 0 leaves off (2 and 3, toggle and last, are not imitated)."""
        self.switch(self.power_on_state == 1)

    def power_down(self) -> None:
        """A relay without power falls off."""
        self.switch(False)

    def switch(self, on: bool) -> None:
        """Move the relay; on starts the pulse that PulseTime asks for."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        self.switched_on += on and not self.on
        self.on = on
        if on and self.pulse_time:
            self._end = asyncio.get_running_loop().call_later(pulse_seconds(self.pulse_time), self._pulse_over)
        self._changed()

    def first_words(self) -> list[tuple[str, dict[str, Any] | str]]:
        """The state of the relay."""
        return self._state()

    def command(self, name: str, index: str, payload: str) -> list[tuple[str, dict[str, Any] | str]]:
        """POWER, PulseTime, PowerOnState, SetOption, Status, State."""
        match name:
            case "POWER" if index in ("", "0", "1"):
                return self._power(payload.upper())
            case "PULSETIME" if index in ("", "1"):
                return [("RESULT", self._pulse_time(payload))]
            case "POWERONSTATE":
                if payload.isdecimal() and int(payload) <= 5:
                    self.power_on_state = int(payload)
                return [("RESULT", {"PowerOnState": self.power_on_state})]
            case "SETOPTION":
                return [("RESULT", self.set_option(index, payload))]
            case "SWITCHMODE" if index.isdecimal() and 0 < int(index) <= len(self._switches):
                return [("RESULT", {f"SwitchMode{index}": self.switch_modes[int(index) - 1]})]
            case "STATUS":
                return self._status(payload)
            case "STATE":
                return [("RESULT", {"Time": self.local_time(), "POWER": self._word()})]
            case _:
                return [("RESULT", {"Command": "Unknown"})]

    def _power(self, payload: str) -> list[tuple[str, dict[str, Any] | str]]:
        wanted = {"ON": True, "1": True, "OFF": False, "0": False, "TOGGLE": not self.on, "2": not self.on}
        if payload in wanted:
            self.switch(wanted[payload])
        return self._state()

    def _pulse_time(self, payload: str) -> dict[str, Any]:
        if payload.isdecimal() and int(payload) <= 64900:
            self.pulse_time = int(payload)
        return {"PulseTime1": {"Set": self.pulse_time, "Remaining": self.pulse_time if self.on else 0}}

    def _status(self, payload: str) -> list[tuple[str, dict[str, Any] | str]]:
        whole: dict[str, Any] = {
            "Status": {
                "DeviceName": self.topic,
                "FriendlyName": [self.topic],
                "Topic": self.topic,
                "Power": int(self.on),
                "PowerOnState": self.power_on_state,
            }
        }
        if payload == "10":
            states = {f"Switch{number}": "ON" if on else "OFF" for number, on in enumerate(self._switches, start=1)}
            return [("STATUS10", {"StatusSNS": {"Time": self.local_time(), **states}})]
        running = {"StatusSTS": {"Time": self.local_time(), "POWER": self._word()}}
        if payload == "11":
            return [("STATUS11", running)]
        return [("STATUS", whole), ("STATUS11", running)] if payload == "0" else [("STATUS", whole)]

    def _state(self) -> list[tuple[str, dict[str, Any] | str]]:
        return [("RESULT", {"POWER": self._word()}), ("POWER", self._word())]

    def _word(self) -> str:
        return "ON" if self.on else "OFF"

    def _pulse_over(self) -> None:
        self._end = None
        self.switch(False)
        self.speak(self._say_state())

    async def _say_action(self, body: dict[str, Any]) -> None:
        await self.publish("stat", "RESULT", body)

    async def _say_state(self) -> None:
        for name, body in self._state():
            await self.publish("stat", name, body)


def make_reader(plan: DevicePlan, surroundings: Surroundings) -> TasmotaReader:
    """`driver = "tasmota-reader"`."""
    return TasmotaReader(plan.settings["topic"], *plan.broker, surroundings.zone)


def make_relay(plan: DevicePlan, surroundings: Surroundings) -> TasmotaRelay:
    """`driver = "tasmota-relay"`."""
    inputs = int(plan.settings.get("inputs", 0))
    return TasmotaRelay(plan.settings["topic"], *plan.broker, surroundings.zone, surroundings.changed, inputs=inputs)


def pulse_seconds(pulse_time: int) -> float:
    """PulseTime's two scales."""
    return pulse_time / 10 if pulse_time <= PULSE_TENTHS else float(pulse_time - 100)


def _backlog(text: str) -> list[tuple[str, str]]:
    """`A 1; B 2` as commands; the firmware takes 30 at most."""
    parts = [part.strip().partition(" ") for part in text.split(";") if part.strip()]
    return [(name, argument.strip()) for name, _, argument in parts[:30]]
