"""Everything that can be done to the simulated site: each request of the control socket, and what it answers."""

import asyncio
import contextlib
import difflib
import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulators.card import Card, CardUnreadable
from simulators.client import Request
from simulators.control import Answer, Refused, pass_on
from simulators.demo_site import PASS_KEY_FILE
from simulators.device import CardReader, Inputs, Noisy, Online, Outputs, Polled, Scanner, Simulated
from simulators.door import Door
from simulators.hardware import Hardware
from simulators.loops import WIRE_FAULTS, Supervised
from simulators.passes import VisitorPasses
from simulators.people import named_cards
from simulators.scenario import SEEN_DOOR, Scenario

MAX_NOISE = 2048
"""Bytes of one burst, half of what a line holds."""
MAX_TEXT = 1000
"""Characters of a scanned text; a pass has about 300."""
BUTTON_S = 1.0
"""How long `press` keeps a named button down."""
KEYS = frozenset("0123456789*#")
MAX_KEYS = 32
KEY_PAUSE_S = 0.15
"""From one key to the next: a finger that knows its PIN."""


class Acts:
    """Obeys the requests of the control socket."""

    def __init__(self, hardware: Hardware, run: Path, *, seed: int = 1, speed: float = 20.0) -> None:
        self.hardware = hardware
        self.scenario = Scenario(self.obey, hardware, seed=seed, speed=speed)
        self._run = run
        self._cards = named_cards()
        self._passes = VisitorPasses(run.parent / PASS_KEY_FILE)
        self._random = random.Random(seed)
        self._verbs: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "swipe": self._swipe,
            "scan": self._scan,
            "press": self._press,
            "open": self._open,
            "close": self._close,
            "force": self._force,
            "fire": self._button,
            "panic": self._button,
            "noise": self._noise,
            "wire": self._wire,
            "plug": self._plug,
            "unplug": self._unplug,
            "office": self._orchestrate,
            "broker": self._orchestrate,
            "person": self._camera,
            "camera_fault": self._camera,
            "scenario": self._scenario,
            "status": self._status,
        }

    async def obey(self, request: Request) -> Answer:
        """Do one request. Raises Refused."""
        verb = self._verbs.get(request["do"])
        if verb is None:
            raise Refused(f"nothing here does {request['do']!r}; known: {', '.join(sorted(self._verbs))}")
        answer = await verb(request)
        return {"ok": True, **answer}

    async def _swipe(self, request: Request) -> Answer:
        reader, wanted = str(request.get("reader")), request.get("card")
        card = self._card(wanted)
        said = f"{wanted if isinstance(wanted, str) else 'A card'} is held before {reader}."
        try:
            sent = await self._reader(reader).swipe(card)
        except CardUnreadable as problem:
            raise Refused(f"{reader} stays silent: {problem}") from problem
        said = said if sent else f"{reader} saw the card but has no power or no connection."
        return {"said": said, "card": asdict(card)}

    async def _scan(self, request: Request) -> Answer:
        name, text = str(request.get("scanner")), request.get("text")
        scanner = self.hardware.find(name)
        if not isinstance(scanner, Scanner):
            raise Refused(f"there is no scanner {name!r}; there are {self._names(Scanner)}")
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or not text.isprintable():
            raise Refused(f"a text is 1 to {MAX_TEXT} characters on one line")
        shown = self._pass(text) or text
        sent = await scanner.scan(shown)
        return {"said": f"{name} sees {text!r}" + ("." if sent else " but has no power or no broker."), "text": shown}

    async def _press(self, request: Request) -> Answer:
        target = str(next((request[k] for k in ("target", "door", "reader", "input") if k in request), None))
        key = request.get("key")
        if key is not None:
            return await self._press_keys(target, str(key))
        if target in self.hardware.doors:
            if not self.hardware.has_button(target):
                raise Refused(f"{target} has no exit button: its [door.{target}] has no rex")
            self.hardware.doors[target].press_rex(self.hardware.now())
            self.hardware.settle()
            return {"said": f"Somebody presses the exit button of {target}."}
        if target in self.hardware.pressed:
            self.hardware.set_button(target, True)
            asyncio.get_running_loop().call_later(BUTTON_S, self.hardware.set_button, target, False)
            return {"said": f"Somebody presses {target}."}
        raise Refused(f"{target!r} is no door and no button; a key of a reader's keypad wants the key too")

    async def _press_keys(self, reader: str, keys: str) -> Answer:
        device = self._reader(reader)
        if not 0 < len(keys) <= MAX_KEYS or not KEYS.issuperset(keys):
            raise Refused(f"keys are 1 to {MAX_KEYS} of 0-9, * and #, such as 1005#")
        for number, key in enumerate(keys):
            if number:
                await asyncio.sleep(KEY_PAUSE_S)
            try:
                await device.press(key)
            except CardUnreadable as problem:
                raise Refused(str(problem)) from problem
        said = f"Key {keys} of {reader} is pressed." if len(keys) == 1 else f"Keys {keys} of {reader} are pressed."
        return {"said": said}

    async def _open(self, request: Request) -> Answer:
        door = self._door(request)
        opened = door.push(self.hardware.now(), _seconds(request), held=bool(request.get("hold")))
        self.hardware.settle()
        kept = " and keeps it open" if request.get("hold") else ""
        said = f"Somebody opens {door.id}{kept}." if opened else f"Somebody pushes {door.id}; its lock holds."
        return {"said": said, "opened": opened}

    async def _close(self, request: Request) -> Answer:
        door = self._door(request)
        door.close(self.hardware.now())
        self.hardware.settle()
        return {"said": f"Somebody pushes {door.id} shut."}

    async def _force(self, request: Request) -> Answer:
        door = self._door(request)
        if door.id == SEEN_DOOR:
            with contextlib.suppress(Refused):  # a site without a camera is forced unseen
                await self._camera({"do": "person"})
        door.force(self.hardware.now(), _seconds(request))
        self.hardware.settle()
        return {"said": f"Somebody breaks {door.id} open."}

    async def _button(self, request: Request) -> Answer:
        name, on = request["do"], request.get("on")
        if name not in self.hardware.pressed or not isinstance(on, bool):
            raise Refused(f'{name} wants "on": true or false, and a site with such an input')
        self.hardware.set_button(name, on)
        return {"said": f"The {name} signal is {'on' if on else 'off'}."}

    async def _noise(self, request: Request) -> Answer:
        name = str(request.get("device"))
        text = request.get("bytes_hex")
        try:
            data = self._random.randbytes(40) if text is None else bytes.fromhex(str(text))
        except ValueError as problem:
            raise Refused(f"{text!r} is not hexadecimal") from problem
        if len(data) > MAX_NOISE:
            raise Refused(f"a burst has at most {MAX_NOISE} bytes")
        device = self.hardware.find(name)
        if not isinstance(device, Noisy):
            raise Refused(f"{name!r} has no line for noise; there are {self._names(Noisy)}")
        await device.noise(data)
        return {"said": f"{len(data)} bytes of rubbish on the line of {name}.", "bytes_hex": data.hex()}

    async def _wire(self, request: Request) -> Answer:
        name, device = self._device(request)
        number, state = request.get("input"), request.get("state")
        if not isinstance(device, Supervised) or not isinstance(number, int) or number not in device.loops.levels:
            raise Refused(f"{name} has no supervised input {number}: a site's config names them under supervised")
        if state not in ("normal", "active", *WIRE_FAULTS):
            raise Refused("a wire is normal, active, short or open")
        device.loops.damage(number, str(state))
        device.set_input(number, state == "active")
        self.hardware.settle()
        return {"said": f"The wire of input {number} of {name} is {state}."}

    async def _plug(self, request: Request) -> Answer:
        name, device = self._device(request)
        device.plug()
        return {"said": f"{name} is plugged in."}

    async def _unplug(self, request: Request) -> Answer:
        name, device = self._device(request)
        await device.unplug()
        return {"said": f"{name} is unplugged."}

    async def _orchestrate(self, request: Request) -> Answer:
        if not isinstance(request.get("up"), bool):
            raise Refused(f'{request["do"]} wants "up": true or false')
        answer = await pass_on(self._run / "sim-demo.sock", request, "the demo's own process")
        if not answer.get("ok"):
            raise Refused(str(answer.get("error")))
        return answer

    async def _camera(self, request: Request) -> Answer:
        name = str(request.get("camera") or self._first_camera())
        command: Request = {"cmd": "person"}
        if request["do"] == "camera_fault":
            command = {"cmd": "fault", "kind": request.get("kind")}
        answer = await pass_on(self._run / f"sim-camera-{name}.sock", command, f"the camera {name}")
        if not answer.get("ok"):
            raise Refused(f"the camera {name} says: {answer.get('error')}")
        said = (
            "Somebody walks into the yard."
            if request["do"] == "person"
            else f"The camera has the fault {request.get('kind')!r}."
        )
        return {"said": said, **answer}

    def _first_camera(self) -> str:
        cameras = sorted(path.stem.removeprefix("sim-camera-") for path in self._run.glob("sim-camera-*.sock"))
        if not cameras:
            raise Refused("this site has no camera")
        return cameras[0]

    async def _scenario(self, request: Request) -> Answer:
        speed = request.get("speed", self.scenario.speed)
        if not isinstance(speed, int | float) or not 0.1 <= speed <= 1000:
            raise Refused("the speed is a number from 0.1 to 1000")
        self.scenario.speed = float(speed)
        if request.get("run"):
            self.scenario.start()
            return {"said": f"The scripted day runs, {speed:g} times faster than life."}
        await self.scenario.stop()
        return {"said": "The scripted day stands still."}

    async def _status(self, _request: Request) -> Answer:
        hardware = self.hardware
        hardware.settle()
        now, devices = hardware.now(), hardware.devices.items()
        doors = {name: door.describe(now) for name, door in hardware.doors.items()}
        outputs = hardware.outputs()
        seen = [f"{name} {door['leaf']}, {door['lock']}" for name, door in doors.items()]
        seen += [f"{name} {'on' if on else 'off'}" for name, on in outputs.items()]
        return {
            "said": "; ".join(seen) + ".",
            "doors": doors,
            "outputs": outputs,
            "coils": {n: list(each.coils) for n, each in devices if isinstance(each, Outputs)},
            "inputs": {n: list(each.inputs) for n, each in devices if isinstance(each, Inputs)},
            "buttons": dict(hardware.pressed),
            "devices": {n: {"plugged": each.plugged} for n, each in devices},
            "boards": {n: each.frames() for n, each in devices if isinstance(each, Polled)},
            "mqtt": {n: each.is_online for n, each in devices if isinstance(each, Online)},
            "polled": hardware.is_polled(),
            "scenario": {"run": self.scenario.running, "speed": self.scenario.speed, "steps": self.scenario.steps},
        }

    def _reader(self, name: str) -> CardReader:
        reader = self.hardware.find(name)
        if not isinstance(reader, CardReader):
            raise Refused(f"there is no reader {name!r}; there are {self._names(CardReader)}")
        return reader

    def _device(self, request: Request) -> tuple[str, Simulated]:
        name = str(request.get("device"))
        if name not in self.hardware.devices:
            raise Refused(f"there is no device {name!r}; there are {', '.join(self.hardware.devices)}")
        return name, self.hardware.devices[name]

    def _names(self, kind: type) -> str:
        return ", ".join(name for name, each in self.hardware.devices.items() if isinstance(each, kind)) or "none"

    def _door(self, request: Request) -> Door:
        name = str(request.get("door"))
        if name not in self.hardware.doors:
            raise Refused(f"there is no door {name!r}; there are {', '.join(self.hardware.doors)}")
        return self.hardware.doors[name]

    def _pass(self, name: str) -> str | None:
        try:
            return self._passes.text(name)
        except OSError as problem:
            raise Refused(f"the demo's key for passes can't be read: {problem.strerror}") from problem

    def _card(self, wanted: object) -> Card:
        if isinstance(wanted, dict):
            return card_from(wanted)
        if wanted not in self._cards:
            close = difflib.get_close_matches(str(wanted), self._cards, n=1)
            hint = f"the nearest is {close[0]}; " if close else ""
            raise Refused(f"there is no card {wanted!r}; {hint}`sim swipe --help` names them all")
        return self._cards[str(wanted)]


def card_from(wanted: dict[str, Any]) -> Card:
    """A card from `{format, facility_code, number}`. Raises Refused."""
    name, facility, number = wanted.get("format"), wanted.get("facility_code"), wanted.get("number")
    if not isinstance(name, str) or not isinstance(number, int) or not 0 <= number < 1 << 128:
        raise Refused('a card is a name, or {"format": …, "facility_code": …, "number": …}')
    if facility is not None and (not isinstance(facility, int) or not 0 <= facility < 1 << 32):
        raise Refused(f"{facility!r} is no facility code")
    return Card(name, number, facility)


def _seconds(request: Request) -> float | None:
    """How long the leaf is kept open, where the request says so."""
    wanted = request.get("hold_s")
    if wanted is None:
        return None
    if not isinstance(wanted, int | float) or not 0 <= wanted <= 3600:
        raise Refused('"hold_s" is 0 to 3600 seconds')
    return float(wanted)
