"""What the site needs of any simulated device, and the table of who makes which driver's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from simulators.card import Card
from simulators.plan import DevicePlan
from simulators.pty_line import PtyLine


@runtime_checkable
class Simulated(Protocol):
    """Anything with a plug."""

    @property
    def plugged(self) -> bool:
        """Whether it has power and its cable."""
        ...

    def plug(self) -> None:
        """Give it power; nothing happens when it has it."""
        ...

    async def unplug(self) -> None:
        """Pull its plug."""
        ...


@runtime_checkable
class CardReader(Protocol):
    """It sees cards, and may have a keypad."""

    async def swipe(self, card: Card) -> bool:
        """Hold a card before it; False when it can't say it now. Raises CardUnreadable."""
        ...

    async def press(self, key: str) -> bool:
        """Press a key, `0`-`9`, `*` or `#`; False when it can't say it now. Raises CardUnreadable: no such key."""
        ...


@runtime_checkable
class Scanner(Protocol):
    """It sees texts."""

    async def scan(self, text: str) -> bool:
        """Hold a text before it; False when it can't say it now."""
        ...


@runtime_checkable
class Outputs(Protocol):
    """It has relays."""

    @property
    def coils(self) -> Sequence[bool]:
        """Which are energised."""
        ...


@runtime_checkable
class Inputs(Protocol):
    """It has inputs."""

    @property
    def inputs(self) -> Sequence[bool]:
        """Which are energised."""
        ...

    def set_input(self, number: int, energised: bool) -> None:
        """What the wire shows now; said at every settling, so mostly nothing new."""
        ...


@runtime_checkable
class Polled(Protocol):
    """It knows whether somebody asks it."""

    def is_polled(self) -> bool:
        """Whether somebody asked within the last ten seconds."""
        ...

    def frames(self) -> dict[str, int]:
        """How many `frames` and `bad_frames` it has heard."""
        ...


@runtime_checkable
class Noisy(Protocol):
    """Rubbish can be put on its line."""

    async def noise(self, data: bytes) -> None:
        """Put it there."""
        ...


@runtime_checkable
class Online(Protocol):
    """It lives behind the broker."""

    @property
    def is_online(self) -> bool:
        """Whether the broker has it."""
        ...


@dataclass(slots=True)
class Surroundings:
    """What a maker gets besides the plan. `changed` is to be called when a relay may have moved."""

    data: Path
    zone: ZoneInfo
    changed: Callable[[], None]
    _lines: dict[Path, PtyLine] = field(default_factory=dict)
    _members: dict[str, list[Any]] = field(default_factory=dict)

    def line(self, port: str, baud: int = 9600) -> PtyLine:
        """The line at that port: one for all devices on it."""
        path = self.data / port
        if path not in self._lines:
            self._lines[path] = PtyLine(path, baud)
        return self._lines[path]

    def members(self, bus: str) -> list[Any]:
        """The devices on a bus of that name: each puts itself there, whichever is made first."""
        return self._members.setdefault(bus, [])


_MAKERS = {
    "em18": "simulators.readers:make_em18",
    "hw-667": "simulators.usb_relays:make_hw667",
    "lcus": "simulators.usb_relays:make_lcus",
    "modbus-rtu": "simulators.modbus_board:make",
    "mqtt-scanner": "simulators.scanners:make_topic_scanner",
    "numato": "simulators.usb_relays:make_numato",
    "osdp-bus": "simulators.osdp_reader:make_line",
    "osdp-reader": "simulators.osdp_reader:make_reader",
    "rdm6300": "simulators.readers:make_rdm6300",
    "s4a": "simulators.readers:make_s4a",
    "serial-frame": "simulators.frame_reader:make",
    "esp-rfid-reader": "simulators.esp_rfid:make",
    "esp-rfid-relay": "simulators.esp_rfid:make",
    "esphome-board": "simulators.esphome:make_board",
    "esphome-reader": "simulators.esphome:make_reader",
    "shelly": "simulators.shelly:make",
    "tasmota-reader": "simulators.tasmota:make_reader",
    "tasmota-relay": "simulators.tasmota:make_relay",
    "text-scanner": "simulators.scanners:make_serial_scanner",
    "wie232": "simulators.readers:make_wie232",
    "zk-rfid102": "simulators.uhf_reader:make",
}
"""Driver: where `make(plan, surroundings) -> Simulated` is. Imported on use: some want a library of their own."""


def is_simulated(driver: str) -> bool:
    """Whether there is a simulator of that driver's device."""
    return driver in _MAKERS


def make_device(plan: DevicePlan, surroundings: Surroundings) -> Simulated:
    """The simulated device of that plan. Raises KeyError for a driver without a simulator."""
    module, _, name = _MAKERS[plan.driver].partition(":")
    made = getattr(import_module(module), name)(plan, surroundings)
    assert isinstance(made, Simulated)
    return made
