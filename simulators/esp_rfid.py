"""An esp-rfid device, as an MQTT 3.1.1 client: a card reader with the relay of its door.

Messages as README-MQTT and mqtt.esp of esprfid/esp-rfid have them. It has no last will, and a list of its own that lets
in whom it knows.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from simulators.card import Card, CardUnreadable, wiegand_payload
from simulators.device import Surroundings
from simulators.mqtt_device import Login, MqttDevice
from simulators.plan import DevicePlan


class EspRfidDevice(MqttDevice):
    """`users` are the uids of its own list; `old` says things as versions before 1.0 did."""

    def __init__(
        self,
        topic: str,
        login: Login,
        changed: Callable[[], None],
        *,
        hostname: str = "esp-rfid",
        address: str = "192.168.1.211",
        pulse_s: float = 0.4,
        heartbeat_s: float = 180.0,
    ) -> None:
        super().__init__(f"{topic}-{hostname}", login, None)
        self.topic, self.hostname, self.address = topic, hostname, address
        self.pulse_s, self.heartbeat_s = pulse_s, heartbeat_s
        self.users: set[str] = set()
        self.old = False
        self.mute = False
        self.on = False
        self.heard: list[dict[str, Any]] = []
        self.clock: Callable[[], float] = time.time
        self._changed = changed
        self._end: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None

    @property
    def coils(self) -> tuple[bool]:
        """The door's relay."""
        return (self.on,)

    def orders(self) -> list[dict[str, Any]]:
        """The commands that it was told."""
        return list(self.heard)

    async def swipe(self, card: Card) -> bool:
        """Say a card as its Wiegand reader does, in hex; False while it has no connection."""
        payload, length = wiegand_payload(card)
        if not 24 <= length <= 34:
            raise CardUnreadable(f"this reader sees 24 to 34 bits, not {length}")
        return await self.read(f"{payload:x}")

    async def read(self, uid: str, at_s: float | None = None) -> bool:
        """A card was held to it: whom its own list knows is let in by itself."""
        known = uid in self.users
        if known:
            self.open()
        return await self.access(uid, known=known, user="Somebody" if known else "Unknown", at_s=at_s)

    async def press(self, key: str) -> bool:
        """Raises CardUnreadable: its PINs stay on the device."""
        raise CardUnreadable("this device keeps its keys to itself")

    async def access(self, uid: str, *, known: bool, user: str, at_s: float | None = None) -> bool:
        """The log of an access."""
        at = int(self.clock() if at_s is None else at_s)
        body = {"type": "access", "time": at, "isKnown": "true" if known else "false"}
        body |= {"access": "Always" if known else "Denied", "username": user, "uid": uid}
        return await self.say({"cmd": "log", **body} if self.old else body)

    async def say(self, body: dict[str, Any]) -> bool:
        """On `<topic>/send`, or as old versions on the bare topic."""
        host = {"door": self.hostname} if self.old else {"hostname": self.hostname}
        return await self.send(self.topic if self.old else f"{self.topic}/send", body | host)

    def open(self) -> None:
        """The relay goes on for the time that its page says."""
        if self._end is not None:
            self._end.cancel()
        self.on = True
        self._end = asyncio.get_running_loop().call_later(self.pulse_s, self._close)
        self._changed()

    def power_up(self) -> None:
        """Its relay is off."""

    def power_down(self) -> None:
        """Everything falls off."""
        for timer in (self._end, self._beat):
            if timer is not None:
                timer.cancel()
        self.on = False
        self._changed()

    def listens_to(self) -> list[tuple[str, int]]:
        """Commands, at the firmware's QoS 2."""
        return [(f"{self.topic}/cmd", 2)]

    async def greet(self) -> None:
        """It says that it has booted, and then that it lives."""
        await self.say({"type": "boot", "time": int(self.clock()), "uptime": 0, "ip": self.address})
        self._next_beat()

    async def settled(self) -> None:
        """Nothing more."""

    async def obey(self, topic: str, payload: bytes) -> None:
        """Commands that bear its own address."""
        try:
            command = json.loads(payload)
        except ValueError:
            return
        if not isinstance(command, dict) or command.get("doorip") != self.address:
            return
        self.heard.append(command)
        if command.get("cmd") == "opendoor" and not self.mute:
            await self.access(" ", known=True, user="MQTT")
            self.open()

    def _next_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._beat = asyncio.get_running_loop().call_later(self.heartbeat_s, self._say_beat)

    def _say_beat(self) -> None:
        kind = "hearthbeat" if self.old else "heartbeat"
        self.speak(self._tell({"type": kind, "time": int(self.clock()), "uptime": 999, "ip": self.address}))
        self._next_beat()

    async def _tell(self, body: dict[str, Any]) -> None:
        await self.say(body)

    def _close(self) -> None:
        self.on = False
        self._changed()


def make(plan: DevicePlan, surroundings: Surroundings) -> EspRfidDevice:
    """`driver = "esp-rfid-reader"` or `"esp-rfid-relay"`: each is a device of its own here."""
    settings = plan.settings
    return EspRfidDevice(
        settings["topic"],
        Login(*plan.broker),
        surroundings.changed,
        hostname=str(settings.get("hostname") or plan.device),
        address=str(settings.get("address", "192.168.1.211")),
        pulse_s=float(settings.get("pulse_s", 3.0)),
        heartbeat_s=float(settings.get("heartbeat_s", 180.0)),
    )
