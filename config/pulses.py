"""Which pulses of a site no board times: if the gateway dies in the middle of one, its output stays on."""

from collections.abc import Iterator

from config.loader import SiteConfig

_OTHER_BOARD = "use a board that times its pulses (docs/drivers/relays.md)"
Untimed = tuple[str, str]
"""(key, what it means)."""


def untimed_pulses(config: SiteConfig) -> Iterator[Untimed]:
    """Locks, lift floors and sirens on boards that can't time their pulses; drivers that say nothing of it time all."""
    for door_id, door in config.doors.items():
        energise = (door.lock.kind == "fail_secure") == (door.lock.wiring == "NO")
        times = {door.pulse_time_s or 1.0} if door.barrier else {door.release_time_s, door.extended_release_time_s}
        for seconds in sorted(times):
            if not _times(config, door.lock.device, energise, seconds):
                stays = "its open input stays closed" if door.barrier else "it stays unlocked"
                keys = "pulse_time_s" if door.barrier else "release_time_s and extended_release_time_s"
                words = _words(door.lock.device, seconds, stays) + _remedy(config, door.lock.device, energise, keys)
                yield f"door.{door_id}.lock.device", words
                break
    for lift_id, lift in config.lifts.items():
        for floor, place in lift.floors.items():
            if not _times(config, place.device, True, lift.enable_time_s):
                words = _words(place.device, lift.enable_time_s, "its button stays enabled")
                words += _remedy(config, place.device, True, "enable_time_s")
                yield f"lift.{lift_id}.floors.{floor}.device", words
    for output_id, output in config.outputs.items():
        if not _times(config, output.device, output.active_when == "energised", output.limit_s):
            words = _words(output.device, output.limit_s, "it goes on")
            yield f"output.{output_id}.device", f"{words}; {_OTHER_BOARD}"


def _times(config: SiteConfig, device: str, energise: bool, seconds: float) -> bool:
    found = config.devices.get(device)
    times = None if found is None else getattr(found.settings, "times_pulse", None)
    return times is None or bool(times(energise, seconds))


def _words(device: str, seconds: float, stays: str) -> str:
    return f"{device!r} can't time {seconds:g} s: if the gateway dies in between, {stays} until it runs again"


def _remedy(config: SiteConfig, device: str, energise: bool, keys: str) -> str:
    """What to write for a board that times one pulse only; else another board."""
    only_s: float | None = getattr(config.devices[device].settings, "only_pulse_s", None)
    if only_s is None or not _times(config, device, energise, only_s):
        return f"; {_OTHER_BOARD}"
    return f"; it times {only_s:g} s: write {only_s} for {keys}, or {_OTHER_BOARD}"
