"""All simulated hardware of a site, wired as its plan says: relay coils to locks, contacts and buttons to inputs."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.device import Inputs, Outputs, Polled, Simulated, Surroundings, is_simulated, make_device
from simulators.door import Door, Lock
from simulators.plan import DoorPlan, SitePlan, Wire


class Hardware:
    """Devices and doors by name. `settle` carries every change along the wires and lets time pass."""

    def __init__(self, plan: SitePlan, data: Path) -> None:
        self.plan = plan
        self.doors = {each.id: _hang(each) for each in plan.doors}
        self.pressed: dict[str, bool] = dict.fromkeys(plan.buttons, False)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        surroundings = Surroundings(data, ZoneInfo(plan.zone), self.settle)
        self.devices: dict[str, Simulated] = {
            each.device: make_device(each, surroundings) for each in plan.devices if is_simulated(each.driver)
        }

    def power_up(self) -> None:
        """Plug everything in."""
        for device in self.devices.values():
            device.plug()
        self.settle()

    async def power_down(self) -> None:
        """Pull every plug."""
        for device in self.devices.values():
            await device.unplug()
        if self._timer is not None:
            self._timer.cancel()

    def now(self) -> float:
        """The clock of all physics, in seconds."""
        return self._loop.time()

    def is_polled(self) -> bool:
        """Whether a gateway is at work: somebody polls each board."""
        return all(device.is_polled() for device in self.devices.values() if isinstance(device, Polled))

    def has_button(self, door: str) -> bool:
        """Is there something to press at the door: at an input, or in the supply of its lock?"""
        planned = next(each for each in self.plan.doors if each.id == door)
        return planned.rex is not None or self.doors[door].lock.cut_by_exit

    def settle(self) -> None:
        """Coils act on locks, time passes, contacts and buttons show at the inputs."""
        now = self.now()
        for each in self.plan.doors:
            door = self.doors[each.id]
            door.advance(now)
            door.set_coil(now, self.coil(each.lock))
            self._show(each.contact, door.contact_open)
            self._show(each.rex, door.rex_pressed)
        for name, wire in self.plan.buttons.items():
            self._show(wire, self.pressed[name])
        if self._timer is not None:
            self._timer.cancel()
        due = [at for door in self.doors.values() if (at := door.deadline()) is not None]
        self._timer = self._loop.call_at(min(due), self.settle) if due else None

    def find(self, name: str) -> object:
        """The device of that name, for asking what it can do; None where there is none."""
        return self.devices.get(name)

    def coil(self, wire: Wire) -> bool:
        """Whether a relay's coil is energised; never where that device isn't simulated."""
        device, number = wire
        board = self.find(device)
        return isinstance(board, Outputs) and board.coils[number]

    def outputs(self) -> dict[str, bool]:
        """Which sirens and lights work."""
        return {name: self.coil(each.wire) == each.energised for name, each in self.plan.outputs.items()}

    def set_button(self, name: str, on: bool) -> None:
        """Close or open a named input; a fire signal also cuts fail-safe locks in the wiring."""
        self.pressed[name] = on
        if name == "fire":
            for door in self.doors.values():
                door.set_fire(self.now(), on)
        self.settle()

    def _show(self, wire: Wire | None, energised: bool) -> None:
        if wire is None:
            return
        board = self.find(wire[0])
        if isinstance(board, Inputs):
            board.set_input(wire[1], energised)


def _hang(plan: DoorPlan) -> Door:
    """A door; its exit button and the fire contact cut a fail-safe lock's power, as the wiring rules want."""
    return Door(plan.id, Lock(plan.kind, plan.wiring, cut_by_exit=plan.kind == "fail_safe"))
