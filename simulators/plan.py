"""What to simulate: the site's TOML read for its hardware alone, without the gateway's loader."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

OPEN_TIME_S = 20.0

Wire = tuple[str, int]
"""(device, number of its input or output from 0)."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A device on a serial line."""

    device: str
    driver: str
    port: str
    unit: int = 1
    inputs: int = 8
    outputs: int = 4
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A device behind the broker."""

    device: str
    driver: str
    host: str
    port: int
    topic: str
    prefix: str = ""


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
    open_time_s: float = OPEN_TIME_S
    """After that long it counts as held open; the gateway's own default where the site says nothing."""


@dataclass(frozen=True, slots=True)
class SitePlan:
    """The hardware of a site. `buttons` are its named inputs, such as `fire` and `panic`."""

    site: str
    zone: str
    lines: tuple[LinePlan, ...]
    topics: tuple[TopicPlan, ...]
    doors: tuple[DoorPlan, ...]
    buttons: dict[str, Wire]


SERIAL = frozenset({"rdm6300", "s4a", "modbus-rtu", "text-scanner"})
TOPICAL = frozenset({"tasmota-reader", "tasmota-relay", "mqtt-scanner"})
SCANNERS = frozenset({"text-scanner", "mqtt-scanner"})


def read_plan(path: Path) -> SitePlan:
    """The hardware that a site's TOML names; devices of other drivers are left out.

    Raises OSError, tomllib.TOMLDecodeError, or KeyError for a missing part.
    """
    site = tomllib.loads(path.read_text(encoding="utf-8"))
    devices: dict[str, dict[str, Any]] = site.get("device", {})
    return SitePlan(
        site=site["site"]["id"],
        zone=site["site"]["zone"],
        lines=tuple(_line(name, each) for name, each in devices.items() if each["driver"] in SERIAL),
        topics=tuple(
            _topic(name, each, site["broker"][each["broker"]])
            for name, each in devices.items()
            if each["driver"] in TOPICAL
        ),
        doors=tuple(_door(name, each, site) for name, each in site.get("door", {}).items()),
        buttons={name: (each["device"], each["input"]) for name, each in site.get("input", {}).items()},
    )


def _line(name: str, device: dict[str, Any]) -> LinePlan:
    numbers = {key: int(device[key]) for key in ("unit", "inputs", "outputs") if key in device}
    return LinePlan(name, device["driver"], device["port"], **numbers, prefix=device.get("prefix", ""))


def _topic(name: str, device: dict[str, Any], broker: dict[str, Any]) -> TopicPlan:
    host, port = broker["host"], int(broker["port"])
    return TopicPlan(name, device["driver"], host, port, device["topic"], device.get("prefix", ""))


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
        open_time_s=float(door.get("open_time_s", OPEN_TIME_S)),
    )


def _wire(entry: dict[str, Any] | None) -> Wire | None:
    return None if entry is None else (entry["device"], int(entry["input"]))
