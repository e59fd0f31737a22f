"""A Shelly relay of the second generation, as an MQTT 3.1.1 client that answers JSON-RPC.

Topics and frames as Shelly's API documentation describes them, and as devices say them in
ALLTERCO/shelly-script-examples #4 and ioBroker.shelly #813 #1594.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from simulators.device import Surroundings
from simulators.mqtt_device import Login, MqttDevice, Will
from simulators.plan import DevicePlan


class ShellySwitch:
    """One relay with its timer and its configuration."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.on = False
        self.source = "init"
        self.config: dict[str, Any] = {
            "id": number,
            "name": None,
            "in_mode": "detached",
            "initial_state": "off",
            "auto_on": False,
            "auto_on_delay": 60.0,
            "auto_off": True,
            "auto_off_delay": 5.0,
        }
        self.timer: asyncio.TimerHandle | None = None

    def status(self) -> dict[str, Any]:
        return {"id": self.number, "source": self.source, "output": self.on, "temperature": {"tC": 48.4, "tF": 119.2}}


class ShellyRelay(MqttDevice):
    """Relays `switch:0` … and inputs `input:0` …; `changed` is called when a relay may have moved.

    Faults of a device that a test asks for: `mute` are the methods that it doesn't answer, `silent` stops its notices.
    `buttons` are the inputs that are set up as buttons; `heard` is every request, in order.
    """

    def __init__(
        self,
        topic: str,
        login: Login,
        changed: Callable[[], None],
        *,
        outputs: int = 1,
        inputs: int = 1,
        clean_session: bool = True,
    ) -> None:
        super().__init__(topic, login, Will(f"{topic}/online", "false"), clean_session=clean_session)
        self.topic = topic
        self.switches = [ShellySwitch(number) for number in range(outputs)]
        self._levels = [False] * inputs
        self.buttons: set[int] = set()
        self.mute: set[str] = set()
        self.silent = False
        self.heard: list[dict[str, Any]] = []
        self._changed = changed

    @property
    def coils(self) -> list[bool]:
        """Which relays are on."""
        return [switch.on for switch in self.switches]

    @property
    def inputs(self) -> list[bool]:
        """Which inputs are closed."""
        return list(self._levels)

    def orders(self) -> list[dict[str, Any]]:
        """The requests that change something."""
        return [frame for frame in self.heard if frame["method"] in ("Switch.Set", "Switch.SetConfig")]

    def set_input(self, number: int, energised: bool) -> None:
        """Close or open an input, and say so when it is news."""
        if self._levels[number] is energised:
            return
        self._levels[number] = energised
        if number in self.buttons:
            self.speak(self._press(number, energised))
        else:
            self.speak(self.notify(f"input:{number}", {"id": number, "state": energised}))

    def switch(self, number: int, on: bool, source: str, back_after_s: float | None = None) -> None:
        """Move a relay; it goes back by itself when told so, or when it is on and set up with auto_off."""
        switch = self.switches[number]
        if switch.timer is not None:
            switch.timer.cancel()
            switch.timer = None
        switch.on, switch.source = on, source
        if back_after_s is None and on and switch.config["auto_off"]:
            back_after_s = switch.config["auto_off_delay"]
        if back_after_s is not None:
            loop = asyncio.get_running_loop()
            switch.timer = loop.call_later(back_after_s, self.switch, number, not on, "timer")
        self._changed()
        self.speak(self.notify(f"switch:{number}", {"id": number, "output": on, "source": source}))

    def power_up(self) -> None:
        """`initial_state` off and on; the others are not imitated."""
        for switch in self.switches:
            switch.on, switch.source = switch.config["initial_state"] == "on", "init"
        self._changed()

    def power_down(self) -> None:
        """Relays without power fall off."""
        for switch in self.switches:
            if switch.timer is not None:
                switch.timer.cancel()
                switch.timer = None
            switch.on = False
        self._changed()

    def listens_to(self) -> list[tuple[str, int]]:
        """Requests, at the firmware's QoS 1."""
        return [(f"{self.topic}/rpc", 1)]

    async def greet(self) -> None:
        """Online, and everything that it knows."""
        await self.send(f"{self.topic}/online", "true", retain=True, qos=1)
        whole = {f"switch:{switch.number}": switch.status() for switch in self.switches}
        whole |= {f"input:{number}": self._input(number) for number in range(len(self._levels))}
        await self._say("NotifyFullStatus", {"mqtt": {"connected": True}} | whole)

    async def settled(self) -> None:
        """Nothing more."""

    async def obey(self, topic: str, payload: bytes) -> None:
        """Answer a request on `<src>/rpc`; what is none is dropped."""
        try:
            frame = json.loads(payload)
        except ValueError:
            return
        if not isinstance(frame, dict) or "method" not in frame:
            return
        self.heard.append(frame)
        answer: dict[str, Any] = {"id": frame.get("id"), "src": self.topic, "dst": frame.get("src")}
        answer |= self._do(frame["method"], frame.get("params") or {})
        if frame["method"] not in self.mute and isinstance(frame.get("src"), str):
            await self.send(f"{frame['src']}/rpc", answer, qos=1)

    async def notify(self, component: str, status: dict[str, Any]) -> None:
        """Say that a part has changed."""
        await self._say("NotifyStatus", {component: status})

    async def event(self, component: str, name: str) -> None:
        """Say that something happened to a part."""
        number, at = int(component.partition(":")[2]), round(time.time(), 2)
        await self._say("NotifyEvent", {"events": [{"component": component, "id": number, "event": name, "ts": at}]})

    async def _press(self, number: int, down: bool) -> None:
        await self.event(f"input:{number}", "btn_down" if down else "btn_up")
        if not down:
            await self.event(f"input:{number}", "single_push")

    async def _say(self, method: str, params: dict[str, Any]) -> None:
        if not self.silent:
            frame = {"src": self.topic, "dst": f"{self.topic}/events", "method": method}
            await self.send(
                f"{self.topic}/events/rpc", frame | {"params": {"ts": round(time.time(), 2)} | params}, qos=1
            )

    def _do(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        kind, _, verb = method.partition(".")
        number = params.get("id", -1)
        parts = {"Switch": len(self.switches), "Input": len(self._levels)}
        if not isinstance(number, int) or not 0 <= number < parts.get(kind, 0):
            return {"error": {"code": -105, "message": f"Argument 'id', value {number} not found!"}}
        match kind, verb:
            case "Switch", "GetStatus":
                return {"result": self.switches[number].status()}
            case "Switch", "GetConfig":
                return {"result": self.switches[number].config}
            case "Switch", "SetConfig":
                self.switches[number].config |= params["config"]
                return {"result": {"restart_required": False}}
            case "Switch", "Set":
                before = self.switches[number].on
                self.switch(number, params["on"], "MQTT", params.get("toggle_after"))
                return {"result": {"was_on": before}}
            case "Input", "GetStatus":
                return {"result": self._input(number)}
            case "Input", "GetConfig":
                kind = "button" if number in self.buttons else "switch"
                return {"result": {"id": number, "name": None, "type": kind, "enable": True, "invert": False}}
            case _:
                return {"error": {"code": 404, "message": f"No handler for {method}"}}

    def _input(self, number: int) -> dict[str, Any]:
        return {"id": number, "state": None if number in self.buttons else self._levels[number]}


def make(plan: DevicePlan, surroundings: Surroundings) -> ShellyRelay:
    """`driver = "shelly"`."""
    outputs, inputs = int(plan.settings.get("outputs", 1)), int(plan.settings.get("inputs", 0))
    return ShellyRelay(
        plan.settings["topic"], Login(*plan.broker), surroundings.changed, outputs=outputs, inputs=inputs
    )
