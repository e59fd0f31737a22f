"""The walk test: everything of a site that must be seen to work once, and which recorded event shows that it did."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from config.loader import SiteConfig
from config.references import is_supervised
from drivers.mqtt.broker import BROKER_OFFLINE
from drivers.osdp.settings import BUS_OFFLINE
from gateway.domain.ports import RecordedEvent


class Trial(StrEnum):
    """What can be tested of a thing."""

    READ = "read"
    """A reader has read something."""
    GRANT = "grant"
    """A lock was released by a grant, and its board confirmed it."""
    OPENED = "opened"
    """The door was used after a grant."""
    CLOSED = "closed"
    EXIT = "exit"
    FORCED = "forced"
    HELD = "held"
    FIRE = "fire"
    """The fire signal released the lock, and its board confirmed it."""
    ACTIVE = "active"
    NORMAL = "normal"
    LOST = "lost"
    """Its loss was noticed."""
    RETURNED = "returned"
    SEEN = "seen"
    """A camera saw something move."""
    RECORDED = "recorded"
    """… and kept a clip of it."""
    FLOORS = "floors"
    WORKS = "works"
    """A siren or a light was told to work, and its board did not refuse."""
    LINE_FAULT = "line_fault"
    """A supervised input's cut or shorted line was noticed."""
    CONTACT_FAULT = "contact_fault"
    EXIT_FAULT = "exit_fault"
    EXIT_WIRING = "exit_wiring"
    """With the daemon stopped the exit button opens the door, by the wiring alone."""
    FIRE_WIRING = "fire_wiring"
    """With the daemon stopped the fire contact frees the door, by the wiring alone."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to test: `kind` and `thing` as the console names things (`door`, `north`)."""

    kind: str
    thing: str
    test: Trial


@dataclass(frozen=True, slots=True)
class Proof:
    """That a point works: when, by which row of the journal or by whose word."""

    at: datetime
    row_id: int | None = None
    by: str = ""


WIRING = (Trial.EXIT_WIRING, Trial.FIRE_WIRING)
"""No event can show these: the daemon is stopped, and a person says what happened."""


def points_of(config: SiteConfig) -> list[Point]:
    """Everything of that site that a walk test covers, door by door as one walks."""
    return [
        *_door_points(config),
        *(Point("lift", lift, Trial.FLOORS) for lift in config.lifts),
        *(Point("device", reader, Trial.READ) for reader in _readers(config)),
        *(Point("input", key, test) for key in config.inputs for test in _input_tests(config, key)),
        *(Point("output", key, Trial.WORKS) for key in config.outputs),
        *(Point("device", key, test) for key in _noticed(config) for test in (Trial.LOST, Trial.RETURNED)),
        *(Point("camera", key, test) for key in config.cameras for test in (Trial.SEEN, Trial.RECORDED)),
    ]


def _door_points(config: SiteConfig) -> Iterator[Point]:
    with_readers = {point.door for point in config.access_points.values()}
    has_fire = any(table.purpose == "fire" for table in config.inputs.values())
    for key, door in config.doors.items():
        tests = [Trial.GRANT] if key in with_readers else []
        if door.contact is not None:
            tests += [Trial.OPENED, Trial.CLOSED, Trial.FORCED, Trial.HELD]
            tests += [Trial.CONTACT_FAULT] if is_supervised(config, door.contact) else []
        if door.rex is not None:
            tests.append(Trial.EXIT)
            tests += [Trial.EXIT_FAULT] if is_supervised(config, door.rex) else []
        if door.fire_release and has_fire:
            tests.append(Trial.FIRE)
            # Cutting the supply frees what lets go without power; a fail-secure lock opens by its handle, a barrier by
            # nothing of ours.
            tests += [Trial.FIRE_WIRING] if door.lock.kind == "fail_safe" else []
        if door.escape_route:
            tests.append(Trial.EXIT_WIRING)
        yield from (Point("door", key, test) for test in tests)


def _input_tests(config: SiteConfig, key: str) -> list[Trial]:
    supervised = is_supervised(config, config.inputs[key])
    return [Trial.ACTIVE, Trial.NORMAL] + ([Trial.LINE_FAULT] if supervised else [])


def _readers(config: SiteConfig) -> list[str]:
    at_doors = (reader for point in config.access_points.values() for reader in point.readers)
    on_tours = (point.reader for tour in config.tours.values() for point in tour.points)
    return list(dict.fromkeys((*at_doors, *on_tours)))


def _noticed(config: SiteConfig) -> Iterator[str]:
    """Devices whose own loss can be seen: a scanner behind a broker has no last will, and is lost with it only."""
    return (key for key, device in config.devices.items() if device.driver.name != "mqtt-scanner")


class Walk:
    """Collects proofs from recorded events, in their order."""

    def __init__(self, config: SiteConfig) -> None:
        self.points = points_of(config)
        self._wanted = frozenset(self.points)
        self._released: dict[str, tuple[str, Trial]] = {}
        self._boards = {key: output.device for key, output in config.outputs.items()}
        self._told: list[str] = []
        """Sirens and lights that were told to work, and whose board has not answered yet."""
        self._taken_along: set[str] = set()
        """Devices that are away only because their broker or bus is."""
        self.proofs: dict[Point, Proof] = {}

    def take(self, events: Iterable[RecordedEvent]) -> list[Point]:
        """The points that these events are the first to prove."""
        return [point for event in events for point in self._shown(event) if self._note(point, event)]

    def missing(self) -> list[Point]:
        """What was not tested yet, in the order of the walk."""
        return [point for point in self.points if point not in self.proofs]

    def _note(self, point: Point, event: RecordedEvent) -> bool:
        if point not in self._wanted or point in self.proofs:
            return False
        self.proofs[point] = Proof(event.wall, event.row_id)
        return True

    def _shown(self, event: RecordedEvent) -> Iterator[Point]:
        """What an event shows by itself, or as the end of a command that was noted before."""
        body = event.body
        if event.type == "LockReleased":
            self._note_release(body)
        elif event.type == "CommandEnded":
            yield from self._command_shown(body)
        elif event.type in ("SirenTested", "SirenStarted"):
            outputs = body.get("outputs", (body.get("output"),))
            self._told = [*self._told, *map(str, outputs)][-COMMANDS_BOUND:]
        elif event.type in ("InputFaultChanged", "DoorInputFaultChanged"):
            yield from _line_shown(body)
        elif event.type in ("DeviceLost", "DeviceReturned"):
            yield from self._link_shown(event.type, body)
        for shows in _SHOWN_BY.get(event.type, ()):
            yield shows(body)

    def _command_shown(self, body: dict[str, Any]) -> Iterator[Point]:
        """What a command's end says: of a door that was released, or of the siren of that board that waits longest."""
        worked = body.get("outcome") in ("done", "sent")
        door, test = self._released.pop(str(body.get("command_id")), ("", Trial.GRANT))
        siren = next((each for each in self._told if self._boards.get(each) == body.get("device")), None)
        if door:
            yield from [Point("door", door, test)] if worked else []
        elif siren is not None:
            self._told.remove(siren)
            yield from [Point("output", siren, Trial.WORKS)] if worked else []

    def _link_shown(self, type_name: str, body: dict[str, Any]) -> Iterator[Point]:
        """A broker's or a bus's loss takes its devices along and says nothing of whether one's own would be noticed."""
        device = str(body.get("device"))
        if type_name == "DeviceLost" and str(body.get("detail")).startswith((BROKER_OFFLINE, BUS_OFFLINE)):
            self._taken_along.add(device)
        elif device in self._taken_along:
            self._taken_along.remove(device)
        else:
            yield Point("device", device, Trial.LOST if type_name == "DeviceLost" else Trial.RETURNED)

    def _note_release(self, body: dict[str, Any]) -> None:
        test = {"grant": Trial.GRANT, "fire": Trial.FIRE}.get(str(body.get("because")))
        if test is not None:
            if len(self._released) >= COMMANDS_BOUND:
                self._released.pop(next(iter(self._released)))
            self._released[str(body["command_id"])] = (str(body["door"]), test)


def _line_shown(body: dict[str, Any]) -> Iterator[Point]:
    """A line that is at fault; that it is whole again shows nothing new."""
    if body.get("fault") is None:
        return
    if "input" in body:
        yield Point("input", str(body["input"]), Trial.LINE_FAULT)
    else:
        yield Point("door", str(body["door"]), Trial.EXIT_FAULT if body["part"] == "rex" else Trial.CONTACT_FAULT)


COMMANDS_BOUND = 256
"""Commands end within seconds; more than these have lost their end."""


def _shows(kind: str, key: str, test: Trial) -> Callable[[dict[str, Any]], Point]:
    return lambda body: Point(kind, str(body.get(key)), test)


_SHOWN_BY: dict[str, tuple[Callable[[dict[str, Any]], Point], ...]] = {
    "AccessGranted": (_shows("device", "reader", Trial.READ),),
    "AccessDenied": (_shows("device", "reader", Trial.READ),),
    "AccessRequested": (_shows("device", "reader", Trial.READ),),
    "TourPointVisited": (_shows("device", "reader", Trial.READ),),
    "TourPointOutOfOrder": (_shows("device", "reader", Trial.READ),),
    "TourVisitDenied": (_shows("device", "reader", Trial.READ),),
    "AccessTaken": (_shows("door", "door", Trial.OPENED),),
    "DoorClosed": (_shows("door", "door", Trial.CLOSED),),
    "ExitPressed": (_shows("door", "door", Trial.EXIT),),
    "DoorForcedOpen": (_shows("door", "door", Trial.FORCED),),
    "DoorHeldOpen": (_shows("door", "door", Trial.HELD),),
    "FloorsEnabled": (_shows("lift", "lift", Trial.FLOORS),),
    "InputActivated": (_shows("input", "input", Trial.ACTIVE),),
    "InputNormal": (_shows("input", "input", Trial.NORMAL),),
    "FireDetected": (_shows("input", "input", Trial.ACTIVE),),
    "ObservationStarted": (_shows("camera", "camera", Trial.SEEN),),
    "EvidenceStored": (_shows("camera", "camera", Trial.RECORDED),),
}
