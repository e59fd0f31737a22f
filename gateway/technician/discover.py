"""`gatehouse discover`: what is on this machine's ports and networks, and what to look at where something is wrong."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from drivers.links import SerialLink
from drivers.mqtt.heard import HeardDevice
from gateway.assembly.devices import place_settings
from gateway.clock import SystemClock
from gateway.errors import GatehouseError, LinkError
from gateway.secret_files import read_secret
from gateway.technician.known_site import KnownSite
from gateway.technician.place import Place
from gateway.technician.serial_ports import serial_ports, trouble

FAMILIES = {"tasmota": "Tasmota", "esphome": "ESPHome"}
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. A scan speaks on its port, so each is asked for; `bauds` empty means the usual ones."""

    modbus: tuple[str, ...] = ()
    osdp: tuple[str, ...] = ()
    bauds: tuple[int, ...] = ()
    addresses: range | None = None
    """Only these; None means all that a device may have."""
    cameras_s: float = 3.0
    mqtt_s: float = 0.0
    """Listening at the site's brokers."""


@dataclass(slots=True)
class Found:
    """What was found, and in `trouble` what couldn't be looked at."""

    ports: Rows = field(default_factory=list)
    modbus: Rows = field(default_factory=list)
    osdp: Rows = field(default_factory=list)
    cameras: Rows = field(default_factory=list)
    mqtt: Rows = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


async def run_discover(search: Search, place: Place | None, *, as_json: bool) -> int:
    """Look, and print what was found; 0. What couldn't be looked at is told and costs nothing else."""
    site = None if place is None else KnownSite(place)
    found = Found(ports=[asdict(port) | {"name": port.name} for port in serial_ports()])
    for what, ports, scan in (("modbus", search.modbus, _modbus), ("osdp", search.osdp, _osdp)):
        for port in ports:
            placed = port if site is None else site.placed(port)
            if fault := trouble(placed):
                found.trouble.append(f"{what} {placed}: {fault}")
            else:
                await scan(placed, search, found)
    if site is not None:
        site.name(found)
    if search.cameras_s > 0:
        await _cameras(search.cameras_s, found)
    if search.mqtt_s > 0 and site is not None:
        await _mqtt(site, search.mqtt_s, found)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    else:
        print("\n".join(_lines(found)))
    return 0


async def _modbus(port: str, search: Search, found: Found) -> None:
    from drivers.relay.modbus_scan import ANSWER_S, BAUD_RATES, UNITS, scan

    bauds = search.bauds or BAUD_RATES
    wanted = [unit for unit in search.addresses or UNITS if unit in UNITS]
    _say(f"{port}: looking for Modbus units; about {len(bauds) * len(wanted) * ANSWER_S:.0f} s where few answer.")
    try:
        units = await scan(port, bauds, wanted, lambda baud: _say(f"{port}: Modbus units at {baud} …"))
    except LinkError as error:
        found.trouble.append(f"modbus {port}: {error}")
        return
    found.modbus += [{"port": port, **asdict(unit), "hint": unit.hint} for unit in units]
    if not units:
        speeds = ", ".join(map(str, bauds))
        remedy = "power, A and B swapped, another speed, another port"
        found.trouble.append(f"modbus {port}: nobody answered at {speeds}: {remedy}")


async def _osdp(port: str, search: Search, found: Found) -> None:
    from drivers.osdp.discovery import discover, longest_s
    from drivers.osdp.frames import ADDRESS_MAX
    from drivers.osdp.settings import BAUD_RATES

    told: set[int] = set()

    def tell(baud: int, _address: int) -> None:
        if baud not in told:
            told.add(baud)
            _say(f"{port}: OSDP readers at {baud} …")

    addresses = [address for address in search.addresses or range(ADDRESS_MAX + 1) if address <= ADDRESS_MAX]
    bauds = search.bauds or BAUD_RATES
    _say(f"{port}: looking for OSDP readers; up to {longest_s(bauds, len(addresses)):.0f} s.")
    try:
        seen = await discover(lambda baud: SerialLink(port, baud), SystemClock(), bauds, addresses, tell)
    except LinkError as error:
        found.trouble.append(f"osdp {port}: {error}")
        return
    found.osdp += [{"port": port, "baud": seen.baud, **asdict(reader)} for reader in seen.readers]
    if seen.hint:
        found.trouble.append(f"osdp {port}: {seen.hint}")


async def _cameras(seconds: float, found: Found) -> None:
    try:
        from drivers.onvif.discovery import discover
    except ImportError:
        found.trouble.append("cameras: the `video` extra isn't installed")
        return
    found.cameras += [asdict(camera) for camera in await discover(seconds)]


async def _mqtt(site: KnownSite, seconds: float, found: Found) -> None:
    from gateway.technician.broker_ear import devices_at

    config, data = site.config, site.data
    for name, settings in config.brokers.items():
        _say(f"broker {name}: listening for {seconds:g} s …")
        placed = place_settings(settings, data)
        try:
            heard = await devices_at(name, placed, partial(read_secret, data), seconds)
        except GatehouseError as error:
            found.trouble.append(f"mqtt {name}: {error}")
            continue
        found.mqtt += [{"broker": name, **_heard_row(device)} for device in heard]
        known = {getattr(device.settings, "topic", None) for device in config.devices.values()}
        for row in found.mqtt:
            row["configured"] = row["topic"] in known


def _heard_row(device: HeardDevice) -> dict[str, Any]:
    """`driver` is None where nothing but the family is known yet."""
    driver = device.driver if device.sure else None
    return {"driver": driver, "family": device.driver.partition("-")[0], "topic": device.topic, "parts": device.parts}


def _lines(found: Found) -> Iterator[str]:
    yield "Serial ports" + ("" if found.ports else ": none")
    for port in found.ports:
        yield f"  {port['name']}  {port['description']}" + (f"  ! {port['trouble']}" if port["trouble"] else "")
    for title, rows, line in (
        ("Modbus units", found.modbus, _modbus_line),
        ("OSDP readers", found.osdp, _osdp_line),
        ("Cameras", found.cameras, _camera_line),
        ("MQTT devices", found.mqtt, _mqtt_line),
    ):
        if rows:
            yield title
            yield from (f"  {line(each)}" for each in rows)
    if found.trouble:
        yield "To look at"
        yield from (f"  {text}" for text in found.trouble)


def _modbus_line(unit: dict[str, Any]) -> str:
    hint = f"  ! {unit['hint']}" if unit["hint"] else ""
    lost = f"{unit['errors']} of {unit['asked']} answers lost"
    return f"{unit['port']}  baud {unit['baud']}  unit {unit['unit']}{_ours(unit)}  {lost}{hint}"


def _osdp_line(reader: dict[str, Any]) -> str:
    who = reader["identity"]
    name = "" if who is None else f"  {who['vendor']} model {who['model']} no. {who['serial']} v{who['firmware']}"
    channel = "secure channel" if reader["has_secure_channel"] else "NO secure channel"
    wrong = reader["unanswered"] + reader["damaged"]
    lost = f"  {'! ' if wrong else ''}{wrong} of {reader['asks']} answers lost or damaged"
    where = f"{reader['port']}  baud {reader['baud']}  address {reader['address']}{_ours(reader)}"
    return f"{where}  {channel}{name}{lost}"


def _ours(row: dict[str, Any]) -> str:
    """Which device of the site it is."""
    return f" = {row['device']}" if row.get("device") else ""


def _camera_line(camera: dict[str, Any]) -> str:
    return f"{camera['name']} {camera['hardware']}  {' '.join(camera['addresses'])}"


def _mqtt_line(device: dict[str, Any]) -> str:
    parts = f"  {', '.join(device['parts'])}" if device["parts"] else ""
    state = "in the site's config" if device["configured"] else "not in the site's config"
    unsure = f"{FAMILIES.get(device['family'], device['family'])}: reader or relay not yet heard"
    kind = f"like {device['driver']}" if device["driver"] else unsure
    return f"{device['broker']}  {device['topic']}  {kind}{parts}  ({state})"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
