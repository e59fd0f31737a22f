"""Does everything that a site config names exist, and does nothing collide?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config.card_formats import format_faults, format_table, unknown_formats
from config.tours import check_tours
from gateway.domain.signals import OFFICE_POST

if TYPE_CHECKING:
    from config.loader import ConfiguredDevice, SiteConfig
    from config.model import InputRef, InputTable

Fault = tuple[tuple[str, ...], object, str]
Named = dict[str, frozenset[str]]


def check_references(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """(path, value, remedy) for each dangling or colliding reference.

    `named` holds every id of the file by table, also of tables with faults of their own: those dangle from nothing.
    """
    yield from _doors(config, named)
    yield from _access_points(config, named)
    yield from _lifts(config, named)
    yield from _outputs(config, named)
    yield from _door_sets(config, named)
    yield from _inputs(config, named)
    yield from check_tours(config, named)
    yield from _cameras(config, named)
    yield from _brokers(config, named)
    yield from _ports(config)
    yield from _buses(config, named)
    yield from _unshared(config)
    yield from _office(config)
    yield from _formats(config)
    if config.console.post == OFFICE_POST:
        yield ("console", "post"), OFFICE_POST, "is how the office itself is named in the record: choose another name"


def _formats(config: "SiteConfig") -> Iterator[Fault]:
    """The site's own card formats, and whoever names one; which there are is open until they are right."""
    faults = list(format_faults(config.wiegand_formats, config.track2))
    yield from faults or unknown_formats(format_table(config), config.devices, config.access_points)


def _missing(named: Named, what: str) -> str:
    names = ", ".join(sorted(named[what])) or "none"
    return f"there is no such {what}; known: {names}"


def _board(config: "SiteConfig", named: Named, path: tuple[str, ...], device: str) -> Iterator[Fault]:
    found = config.devices.get(device)
    if device not in named["device"]:
        yield path, device, _missing(named, "device")
    elif found is not None and not _has_channels(found):
        yield path, device, f"is a {found.driver.kind}; a board with inputs and outputs is needed here"


def _has_channels(device: "ConfiguredDevice") -> bool:
    """Is it a board, or a reader with relays or inputs in it that its settings count?"""
    counted = (getattr(device.settings, name, 0) for name in ("outputs", "inputs"))
    return device.driver.kind == "relay_board" or any(counted)


def _channel(config: "SiteConfig", path: tuple[str, ...], device: str, kind: str, number: int) -> Iterator[Fault]:
    """Is there an output or input of this number? `kind` is `output` or `input`; a board says how many it has."""
    found = config.devices.get(device)
    if found is None or not _has_channels(found):
        return
    channels = getattr(found.settings, f"{kind}s", 0)
    count = channels if isinstance(channels, int) else len(channels)
    if number >= count:
        has = f"has {kind}s 0 to {count - 1}" if count else f"has no {kind}s"
        yield (*path, kind), number, f"{device!r} {has}; {kind}s are counted from 0"


def _doors(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    taken: dict[tuple[str, int], str] = {}
    for door_id, door in config.doors.items():
        yield from _board(config, named, ("door", door_id, "lock", "device"), door.lock.device)
        yield from _channel(config, ("door", door_id, "lock"), door.lock.device, "output", door.lock.output)
        owner = taken.setdefault((door.lock.device, door.lock.output), door_id)
        if owner != door_id:
            yield ("door", door_id, "lock"), door.lock.output, f"door {owner!r} has this output already"
        for name in ("contact", "rex"):
            terminal = getattr(door, name)
            if terminal is not None:
                yield from _supervised(config, ("door", door_id, name), terminal)
                yield from _board(config, named, ("door", door_id, name, "device"), terminal.device)
                yield from _channel(config, ("door", door_id, name), terminal.device, "input", terminal.input)


def _supervised(config: "SiteConfig", path: tuple[str, ...], terminal: "InputRef | InputTable") -> Iterator[Fault]:
    """A supervised input is energised while it is active, whatever its contact does: there is nothing to turn round."""
    if terminal.active_when == "not_energised" and is_supervised(config, terminal):
        remedy = "this input is supervised, and energised while it is active: remove this, and swap its two ranges"
        yield (*path, "active_when"), terminal.active_when, remedy


def is_supervised(config: "SiteConfig", terminal: "InputRef | InputTable") -> bool:
    """Does its board measure the input's line?"""
    device = config.devices.get(terminal.device)
    return device is not None and terminal.input in getattr(device.settings, "supervised_inputs", {})


def _access_points(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    for point_id, point in config.access_points.items():
        for key, place in (("door", point.door), ("lift", point.lift)):
            yield from _place(named, ("access_point", point_id, key), place)
        for key, readers in (("accepts", point.accepts), ("grades", point.grades)):
            for reader in readers:
                if reader not in point.readers:
                    remedy = f"is no reader of this access point; its readers are {', '.join(point.readers)}"
                    yield ("access_point", point_id, key, reader), reader, remedy
        for reader in point.readers:
            found = config.devices.get(reader)
            if reader not in named["device"]:
                yield ("access_point", point_id, "readers"), reader, _missing(named, "device")
            elif found is not None and found.driver.kind != "reader":
                yield ("access_point", point_id, "readers"), reader, f"is a {found.driver.kind}, not a reader"
            owner = taken.setdefault(reader, point_id)
            if owner != point_id:
                yield ("access_point", point_id, "readers"), reader, f"belongs to access point {owner!r} already"


def _place(named: Named, path: tuple[str, ...], place: str | None) -> Iterator[Fault]:
    if place is not None and place not in named[path[-1]]:
        yield path, place, _missing(named, path[-1])


def _lifts(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    taken = {(door.lock.device, door.lock.output): f"the lock of door {key!r}" for key, door in config.doors.items()}
    for lift_id, lift in config.lifts.items():
        for floor, place in lift.floors.items():
            path = ("lift", lift_id, "floors", floor)
            yield from _board(config, named, (*path, "device"), place.device)
            yield from _channel(config, path, place.device, "output", place.output)
            mine = f"floor {floor!r} of lift {lift_id!r}"
            owner = taken.setdefault((place.device, place.output), mine)
            if owner != mine:
                yield (*path, "output"), place.output, f"{owner} has this output already"


def _outputs(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """Sirens and lights: on outputs of their own."""
    taken = {(door.lock.device, door.lock.output): f"the lock of door {key!r}" for key, door in config.doors.items()}
    taken |= {
        (place.device, place.output): f"floor {floor!r} of lift {key!r}"
        for key, lift in config.lifts.items()
        for floor, place in lift.floors.items()
    }
    for output_id, output in config.outputs.items():
        path = ("output", output_id)
        yield from _board(config, named, (*path, "device"), output.device)
        yield from _channel(config, path, output.device, "output", output.output)
        mine = f"output {output_id!r}"
        owner = taken.setdefault((output.device, output.output), mine)
        if owner != mine:
            yield (*path, "output"), output.output, f"{owner} has this output already"


def _door_sets(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """Interlocks, door groups and the doors that a post sees: every door exists and is named once."""
    sets = [
        *((("interlock", key, "doors"), table.doors) for key, table in config.interlocks.items()),
        *((("door_group", key, "doors"), table.doors) for key, table in config.door_groups.items()),
        (("console", "sees"), config.console.sees),
    ]
    for path, doors in sets:
        for at, door in enumerate(doors):
            if door not in named["door"]:
                yield path, door, _missing(named, "door")
            elif door in doors[:at]:
                yield path, door, "is named twice"


def _inputs(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """No input says two things: a contact that is the exit button as well would make every break-in an exit."""
    taken: dict[tuple[str, int], str] = {}
    for door_id, door in config.doors.items():
        for name, terminal in (("contact", door.contact), ("rex", door.rex)):
            if terminal is not None:
                mine = f"the {name} of door {door_id!r}"
                owner = taken.setdefault((terminal.device, terminal.input), mine)
                if owner != mine:
                    yield ("door", door_id, name, "input"), terminal.input, _twice(owner, terminal.device)
    for input_id, site_input in config.inputs.items():
        yield from _board(config, named, ("input", input_id, "device"), site_input.device)
        yield from _channel(config, ("input", input_id), site_input.device, "input", site_input.input)
        owner = taken.setdefault((site_input.device, site_input.input), f"input {input_id!r}")
        if owner != f"input {input_id!r}":
            yield ("input", input_id, "input"), site_input.input, _twice(owner, site_input.device)
        device = config.devices.get(site_input.device)
        yield from _supervised(config, ("input", input_id), site_input)
        if site_input.delay_s and site_input.purpose in ("fire", "panic", "tamper"):
            remedy = f"a {site_input.purpose} input never waits: remove it"
            yield ("input", input_id, "delay_s"), site_input.delay_s, remedy
        if site_input.purpose == "fire" and device is not None and hasattr(device.settings, "broker"):
            remedy = "MQTT may not be the only source of a fire signal: wire it to a board on a serial line"
            yield ("input", input_id, "device"), site_input.device, remedy


def _twice(owner: str, device: str) -> str:
    return f"{owner} has this input of {device!r} already: wire each to an input of its own"


def _cameras(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    for camera_id, camera in config.cameras.items():
        if camera_id in config.devices:
            yield ("camera", camera_id), camera_id, "a device has this id already; ids are unique over both"
        if camera.armed not in named["schedule"]:
            yield ("camera", camera_id, "armed"), camera.armed, _missing(named, "schedule")
        for door in camera.doors:
            if door not in named["door"]:
                yield ("camera", camera_id, "doors"), door, _missing(named, "door")


def _office(config: "SiteConfig") -> Iterator[Fault]:
    office = config.office
    if office is None or not office.url.startswith("http://"):
        return
    if office.ca_file is not None:
        yield (
            ("office", "ca_file"),
            office.ca_file,
            "http:// is without TLS: use https:// in office.url, or remove ca_file",
        )
    if office.insecure:
        return
    if urlsplit(office.url).hostname not in ("127.0.0.1", "::1", "localhost"):
        remedy = "the token would cross the network in clear: use https://, or say insecure = true on purpose"
        yield ("office", "url"), office.url, remedy


def _brokers(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    for device_id, device in config.devices.items():
        broker = getattr(device.settings, "broker", None)
        if broker is not None and broker not in named["broker"]:
            yield ("device", device_id, "broker"), broker, _missing(named, "broker")
    yield from _topics(config)
    shown = config.home_assistant
    if shown is not None and shown.broker not in named["broker"]:
        yield ("home_assistant", "broker"), shown.broker, _missing(named, "broker")


def _topics(config: "SiteConfig") -> Iterator[Fault]:
    """A topic at a broker is one device's for each driver; several may share one where a host name tells them apart."""
    taken: dict[tuple[object, ...], str] = {}
    for device_id, device in config.devices.items():
        topic = getattr(device.settings, "topic", None)
        if topic is None:
            continue
        place = (device.driver.name, getattr(device.settings, "broker", None), topic)
        owner = taken.setdefault((*place, getattr(device.settings, "hostname", "")), device_id)
        if owner != device_id:
            yield ("device", device_id, "topic"), topic, f"device {owner!r} has this topic already"


def _ports(config: "SiteConfig") -> Iterator[Fault]:
    """A serial port is one device's, or that of one family whose devices have addresses of their own on it."""
    taken: dict[str, tuple[str, ConfiguredDevice]] = {}
    addresses: dict[tuple[str, object], str] = {}
    for device_id, device in config.devices.items():
        port = getattr(device.settings, "port", None)
        if not isinstance(port, str):
            continue
        path, key = ("device", device_id), device.settings.port_address
        owner, first = taken.setdefault(port, (device_id, device))
        if owner != device_id and (not key or device.driver.name != first.driver.name):
            yield (*path, "port"), port, f"{owner!r} has this port already"
        elif (
            key
            and owner != device_id
            and (speed := getattr(first.settings, "baud", None)) != getattr(device.settings, "baud", None)
        ):
            yield (*path, "baud"), getattr(device.settings, "baud", None), f"{owner!r} is on this line at {speed}"
        if key:
            address = getattr(device.settings, key)
            other = addresses.setdefault((port, address), device_id)
            if other != device_id:
                yield (*path, key), address, f"{other!r} has this address on the line already: give each its own"


def _buses(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """Devices on a bus name one that is there, and no two have the same address on it."""
    taken: dict[tuple[str, int], str] = {}
    for device_id, device in config.devices.items():
        bus, address = getattr(device.settings, "bus", None), getattr(device.settings, "address", 0)
        if bus is None:
            continue
        found = config.devices.get(bus)
        if bus not in named["device"]:
            yield ("device", device_id, "bus"), bus, _missing(named, "device")
        elif found is not None and found.driver.kind != "bus":
            yield ("device", device_id, "bus"), bus, f"is a {found.driver.kind}, not a bus"
        owner = taken.setdefault((bus, address), device_id)
        if owner != device_id:
            yield ("device", device_id, "address"), address, f"{owner!r} has this address on {bus!r} already"


def _unshared(config: "SiteConfig") -> Iterator[Fault]:
    """Values that are one device's own, such as the key of an OSDP reader."""
    taken: dict[tuple[str, object], str] = {}
    for device_id, device in config.devices.items():
        for key in device.settings.unshared:
            value = getattr(device.settings, key)
            owner = device_id if value is None else taken.setdefault((key, value), device_id)
            if owner != device_id:
                yield ("device", device_id, key), value, f"{owner!r} has this {key} already: give each its own"
