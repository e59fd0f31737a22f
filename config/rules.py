"""What the tables of a site config must have together: ways in and out, times that fit, rules of safety."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.references import Fault, Named

if TYPE_CHECKING:
    from config.loader import SiteConfig
    from config.model import AccessPointTable, DoorTable


def check_rules(config: "SiteConfig", named: Named, whole: Named) -> Iterator[Fault]:
    """(path, value, remedy) for each rule that is not met by tables without faults of their own.

    `named` holds every id of the file by table, `whole` those of such tables: another may lack only what is misspelt.
    """
    for door_id, door in config.doors.items():
        if door_id in whole["door"]:
            yield from _door_rules(config, door_id, door)
    for point_id, point in config.access_points.items():
        if point_id in whole["access_point"]:
            yield from _leads_somewhere(point_id, point)
            yield from _degraded(config, point_id, point)
    if whole["access_point"] == named["access_point"]:
        yield from _unreached(config)
    yield from _interlock_rules(config, whole)


def _door_rules(config: "SiteConfig", door_id: str, door: "DoorTable") -> Iterator[Fault]:
    if door.pre_alarm_time_s >= door.open_time_s:
        yield (
            ("door", door_id, "pre_alarm_time_s"),
            door.pre_alarm_time_s,
            "must be shorter than open_time_s: it is how long before the alarm the warning comes",
        )
    if door.escape_route and door.rex is None and door.lock.kind == "fail_secure":
        yield (
            ("door", door_id, "escape_route"),
            True,
            "an escape route needs a rex input, or a fail_safe lock whose exit button cuts its power",
        )
    yield from _barrier(door_id, door)
    yield from _released_by(config, door_id, door)


def _released_by(config: "SiteConfig", door_id: str, door: "DoorTable") -> Iterator[Fault]:
    """Some boards time energised outputs only: they would never release a lock that is released by letting go."""
    found = config.devices.get(door.lock.device)
    releases_energised = (door.lock.kind == "fail_secure") == (door.lock.wiring == "NO")
    if found is not None and getattr(found.settings, "pulses_energised_only", False) and not releases_energised:
        wiring = "NO" if door.lock.kind == "fail_secure" else "NC"
        remedy = f"{door.lock.device!r} pulses energised outputs only: wire this {door.lock.kind} lock to {wiring}"
        yield ("door", door_id, "lock", "wiring"), door.lock.wiring, remedy
    pulse_s = None if found is None else getattr(found.settings, "pulse_s", None)
    if pulse_s is not None and pulse_s != door.release_time_s:
        remedy = f"{door.lock.device!r} times {pulse_s:g} s by itself: write release_time_s = {pulse_s:g}"
        yield ("door", door_id, "release_time_s"), door.release_time_s, remedy


def _barrier(door_id: str, door: "DoorTable") -> Iterator[Fault]:
    """A barrier is opened by closing its controller's open input for a moment, and is no way out for people."""
    path = ("door", door_id)
    if not door.barrier:
        if door.pulse_time_s is not None:
            yield (
                (*path, "pulse_time_s"),
                door.pulse_time_s,
                "is a barrier's: say barrier = true, or use release_time_s",
            )
        return
    if (door.lock.kind, door.lock.wiring) != ("fail_secure", "NO"):
        remedy = 'a barrier\'s open input wants a closing contact: say kind = "fail_secure" and wiring = "NO"'
        yield (*path, "lock", "kind"), door.lock.kind, remedy
    if door.escape_route:
        yield (*path, "escape_route"), True, "a barrier is no way out for people: give them a door beside it"


def _unreached(config: "SiteConfig") -> Iterator[Fault]:
    """Doors and lifts that no access point names."""
    for door_id in config.doors:
        if not any(point.door == door_id for point in config.access_points.values()):
            yield ("door", door_id), door_id, "no access_point names this door; add one with its readers"
    for lift_id in config.lifts:
        if not any(point.lift == lift_id for point in config.access_points.values()):
            yield ("lift", lift_id), lift_id, "no access_point names this lift; add one with its readers"


def _leads_somewhere(point_id: str, point: "AccessPointTable") -> Iterator[Fault]:
    """Through a door, or to the floors of a lift; and only a door has a way out."""
    path = ("access_point", point_id)
    if point.door is not None and point.lift is not None:
        yield (*path, "lift"), point.lift, "an access point opens a door or works a lift: remove one of the two"
        return
    if point.door is None and point.lift is None:
        yield (*path, "door"), None, "name the door that its readers open, or the lift that they work"
    if point.exit and point.door is None:
        yield (*path, "exit"), True, "a lift is no way out: remove it, or name the door"


def _degraded(config: "SiteConfig", point_id: str, point: "AccessPointTable") -> Iterator[Fault]:
    """Any card of the facility code may pass only inside the site, and only where such cards can be read."""
    path = ("access_point", point_id)
    if point.degraded == "facility_code" and point.perimeter:
        remedy = (
            "any card of the facility code would pass the perimeter: use last_list or locked, "
            "or say perimeter = false where this access point lies inside"
        )
        yield (*path, "degraded"), point.degraded, remedy
    if point.degraded == "facility_code" and point.facility is None:
        yield (*path, "degraded"), point.degraded, 'needs facility = { format = "H10301", code = … } beside it'
    devices = [config.devices.get(reader) for reader in point.readers]
    named = [getattr(device.settings, "formats", ()) for device in devices if device is not None]
    formats = {name for names in named for name in names}
    if point.facility is not None and named and all(named) and point.facility.format not in formats:
        read = ", ".join(sorted(formats))
        yield (*path, "facility", "format"), point.facility.format, f"its readers read {read}"


def _interlock_rules(config: "SiteConfig", whole: Named) -> Iterator[Fault]:
    for key, interlock in config.interlocks.items():
        if key not in whole["interlock"] or interlock.rule != "one_open":
            continue
        for door in interlock.doors:
            if door in whole["door"] and config.doors[door].contact is None:
                remedy = 'has no contact to say that it is open: wire one, or use rule = "one_unlocked"'
                yield ("interlock", key, "doors"), door, remedy
