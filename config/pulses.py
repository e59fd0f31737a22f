"""Which pulses of a site no board times: if the gateway dies in the middle of one, its output stays on."""

from collections.abc import Iterator

from config.loader import SiteConfig

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
                yield f"door.{door_id}.lock.device", _words(door.lock.device, seconds, stays)
                break
    for lift_id, lift in config.lifts.items():
        for floor, place in lift.floors.items():
            if not _times(config, place.device, True, lift.enable_time_s):
                words = _words(place.device, lift.enable_time_s, "its button stays enabled")
                yield f"lift.{lift_id}.floors.{floor}.device", words
    for output_id, output in config.outputs.items():
        if not _times(config, output.device, output.active_when == "energised", output.limit_s):
            yield f"output.{output_id}.device", _words(output.device, output.limit_s, "it goes on")


def _times(config: SiteConfig, device: str, energise: bool, seconds: float) -> bool:
    found = config.devices.get(device)
    times = None if found is None else getattr(found.settings, "times_pulse", None)
    return times is None or bool(times(energise, seconds))


def _words(device: str, seconds: float, stays: str) -> str:
    return f"{device!r} can't time {seconds:g} s: if the gateway dies in between, {stays} until it runs again"
