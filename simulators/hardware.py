"""All simulated hardware of a site, wired as its plan says: relay coils to locks, contacts and buttons to inputs."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.door import Door, Lock
from simulators.modbus_board import BoardOnLine, ModbusBoard
from simulators.plan import DoorPlan, LinePlan, SitePlan, TopicPlan, Wire
from simulators.pty_line import PtyLine
from simulators.readers import Rdm6300, S4a
from simulators.scanners import SerialScanner, TopicScanner
from simulators.tasmota import TasmotaReader, TasmotaRelay

Device = PtyLine | TasmotaReader | TasmotaRelay | TopicScanner


class Hardware:
    """Devices and doors by name. `settle` carries every change along the wires and lets time pass."""

    def __init__(self, plan: SitePlan, data: Path) -> None:
        self.plan = plan
        self.lines: dict[str, PtyLine] = {}
        self.boards: dict[str, BoardOnLine] = {}
        self.serial_readers: dict[str, Rdm6300 | S4a] = {}
        self.topic_readers: dict[str, TasmotaReader] = {}
        self.scanners: dict[str, SerialScanner | TopicScanner] = {}
        self.relays: dict[str, TasmotaRelay] = {}
        self.doors = {each.id: _hang(each) for each in plan.doors}
        self.pressed: dict[str, bool] = dict.fromkeys(plan.buttons, False)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        for line in plan.lines:
            self._add_line(line, data)
        for topic in plan.topics:
            self._add_topic(topic)

    def power_up(self) -> None:
        """Plug everything in."""
        for device in self.devices().values():
            device.plug()
        self.settle()

    async def power_down(self) -> None:
        """Pull every plug."""
        for line in self.lines.values():
            line.unplug()
        for device in (*self.topic_readers.values(), *self.relays.values()):
            await device.unplug()
        if self._timer is not None:
            self._timer.cancel()

    def devices(self) -> dict[str, Device]:
        """Everything with a plug, by name."""
        topic_scanners = {name: each for name, each in self.scanners.items() if isinstance(each, TopicScanner)}
        return {**self.lines, **self.topic_readers, **self.relays, **topic_scanners}

    def now(self) -> float:
        """The clock of all physics, in seconds."""
        return self._loop.time()

    def is_polled(self) -> bool:
        """Whether a gateway is at work: somebody polls each board."""
        return all(board.is_polled() for board in self.boards.values())

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

    def coil(self, wire: Wire) -> bool:
        """Whether a relay's coil is energised."""
        device, number = wire
        relay = self.relays.get(device)
        return relay.on if relay is not None else self.boards[device].board.coils[number]

    def set_button(self, name: str, on: bool) -> None:
        """Close or open a named input; a fire signal also cuts fail-safe locks in the wiring."""
        self.pressed[name] = on
        if name == "fire":
            for door in self.doors.values():
                door.set_fire(self.now(), on)
        self.settle()

    def _show(self, wire: Wire | None, energised: bool) -> None:
        if wire is not None:
            self.boards[wire[0]].board.inputs[wire[1]] = energised

    def _add_line(self, each: LinePlan, data: Path) -> None:
        line = self.lines[each.device] = PtyLine(data / each.port)
        if each.driver == "rdm6300":
            self.serial_readers[each.device] = Rdm6300(line)
        elif each.driver == "s4a":
            self.serial_readers[each.device] = S4a(line)
        elif each.driver == "text-scanner":
            self.scanners[each.device] = SerialScanner(line, each.prefix)
        else:
            board = ModbusBoard(each.unit, [False] * each.outputs, [False] * each.inputs)
            self.boards[each.device] = BoardOnLine(board, line, self.settle)

    def _add_topic(self, each: TopicPlan) -> None:
        zone = ZoneInfo(self.plan.zone)
        if each.driver == "tasmota-reader":
            self.topic_readers[each.device] = TasmotaReader(each.topic, each.host, each.port, zone)
        elif each.driver == "mqtt-scanner":
            self.scanners[each.device] = TopicScanner(each.topic, each.host, each.port, each.prefix)
        else:
            self.relays[each.device] = TasmotaRelay(each.topic, each.host, each.port, zone, self.settle)


def _hang(plan: DoorPlan) -> Door:
    """A door; its exit button and the fire contact cut a fail-safe lock's power, as the wiring rules want."""
    return Door(plan.id, Lock(plan.kind, plan.wiring, cut_by_exit=plan.kind == "fail_safe"))
