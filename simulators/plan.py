"""What to simulate: the site's TOML read for its hardware alone, without the gateway's loader."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

OPEN_TIME_S = 20.0

Wire = tuple[str, int]
"""(device, number of its input or output from 0)."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """A device: its own table, and where its broker is if it names one."""

    device: str
    driver: str
    settings: dict[str, Any]
    broker: tuple[str, int] = ("", 0)

    @property
    def loops(self) -> dict[int, dict[str, int]]:
        """What each supervised input measures in each state: the middle of its range."""
        loops = self.settings.get("supervised", {})
        return {int(number): {state: sum(ends) // 2 for state, ends in each.items()} for number, each in loops.items()}

    @property
    def port(self) -> str:
        """The serial port that it is on. Raises KeyError."""
        return str(self.settings["port"])


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """A door and where its wires go."""

    id: str
    lock: Wire
    kind: Literal["fail_safe", "fail_secure"]
    wiring: Literal["NO", "NC"]
    contact: Wire | None
    rex: Wire | None
    reader: str | None
    """The first one that reads cards."""
    scanner: str | None = None
    card: str = "blue"
    """Which of the residents' cards that reader sees."""
    open_time_s: float = OPEN_TIME_S
    """After that long it counts as held open; the gateway's own default where the site says nothing."""


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """A siren or a light: where its wire goes, and how the coil stands while it works."""

    wire: Wire
    energised: bool


@dataclass(frozen=True, slots=True)
class SitePlan:
    """The hardware of a site. `buttons` are its named inputs, such as `fire` and `panic`; `outputs` sirens and lights.

    `tours`: the readers of each guard tour, in order.
    """

    site: str
    zone: str
    devices: tuple[DevicePlan, ...]
    doors: tuple[DoorPlan, ...]
    buttons: dict[str, Wire]
    tours: tuple[tuple[str, ...], ...] = ()
    outputs: dict[str, OutputPlan] = field(default_factory=dict)


SCANNERS = frozenset({"text-scanner", "mqtt-scanner"})


def read_plan(path: Path) -> SitePlan:
    """The hardware that a site's TOML names.

    Raises OSError, tomllib.TOMLDecodeError, or KeyError for a missing part.
    """
    site = tomllib.loads(path.read_text(encoding="utf-8"))
    devices: dict[str, dict[str, Any]] = site.get("device", {})
    return SitePlan(
        site=site["site"]["id"],
        zone=site["site"]["zone"],
        devices=tuple(_device(name, each, site) for name, each in devices.items()),
        doors=tuple(_door(name, each, site) for name, each in site.get("door", {}).items()),
        buttons={name: (each["device"], each["input"]) for name, each in site.get("input", {}).items()},
        tours=tuple(tuple(point["reader"] for point in each["points"]) for each in site.get("tour", {}).values()),
        outputs={name: _output(each) for name, each in site.get("output", {}).items()},
    )


def _device(name: str, device: dict[str, Any], site: dict[str, Any]) -> DevicePlan:
    if "broker" not in device:
        return DevicePlan(name, device["driver"], device)
    broker = site["broker"][device["broker"]]
    return DevicePlan(name, device["driver"], device, (broker["host"], int(broker["port"])))


def _door(name: str, door: dict[str, Any], site: dict[str, Any]) -> DoorPlan:
    lock = door["lock"]
    points = [point for point in site.get("access_point", {}).values() if point.get("door") == name]
    readers = [reader for point in points for reader in point.get("readers", [])]
    scanners = [reader for reader in readers if site["device"][reader]["driver"] in SCANNERS]
    cards = [reader for reader in readers if reader not in scanners]
    return DoorPlan(
        id=name,
        lock=(lock["device"], int(lock["output"])),
        kind=lock["kind"],
        wiring=lock["wiring"],
        contact=_wire(door.get("contact")),
        rex=_wire(door.get("rex")),
        reader=cards[0] if cards else None,
        scanner=scanners[0] if scanners else None,
        card=_seen_by(site["device"][cards[0]]) if cards else "blue",
        open_time_s=float(door.get("open_time_s", OPEN_TIME_S)),
    )


def _seen_by(reader: dict[str, Any]) -> str:
    """Which of the residents' cards a reader sees: by its chip, where the site tells it."""
    if reader["driver"] == "zk-rfid102":
        return "tag"
    chip = reader.get("chip") or (reader["driver"] == "esp-rfid-reader" and reader.get("reads", "uid"))
    return "fob" if chip in ("rc522", "pn532", "uid") else "blue"


def _output(entry: dict[str, Any]) -> OutputPlan:
    return OutputPlan((entry["device"], int(entry["output"])), entry.get("active_when", "energised") == "energised")


def _wire(entry: dict[str, Any] | None) -> Wire | None:
    return None if entry is None else (entry["device"], int(entry["input"]))
