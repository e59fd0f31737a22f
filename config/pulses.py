"""Which pulses of a site no board times: if the gateway dies in the middle of one, its output stays on."""

from collections.abc import Iterator

from config.caution import Caution
from config.loader import SiteConfig

_OTHER_BOARD = (
    "use a board that times its pulses (docs/drivers/relays.md)",
    "请用自己计时的控制板（docs/drivers/relays.md）",
)
_STAYS = {
    "door": ("it stays unlocked", "它会一直开锁"),
    "barrier": ("its open input stays closed", "道闸的开闸输入会一直闭合"),
    "floor": ("its button stays enabled", "楼层按钮会一直可用"),
    "output": ("it goes on", "它会一直响着或亮着"),
}


def untimed_pulses(config: SiteConfig) -> Iterator[Caution]:
    """Locks, lift floors and sirens on boards that can't time their pulses; drivers that say nothing of it time all."""
    for door_id, door in config.doors.items():
        energise = (door.lock.kind == "fail_secure") == (door.lock.wiring == "NO")
        times = {door.pulse_time_s or 1.0} if door.barrier else {door.release_time_s, door.extended_release_time_s}
        for seconds in sorted(times):
            if not _times(config, door.lock.device, energise, seconds):
                only_s = _only_pulse_s(config, door.lock.device, energise)
                keys = ("pulse_time_s",) if door.barrier else ("release_time_s", "extended_release_time_s")
                what = "barrier" if door.barrier else "door"
                yield _caution(f"door.{door_id}.lock.device", door.lock.device, seconds, what, only_s, keys)
                break
    for lift_id, lift in config.lifts.items():
        for floor, place in lift.floors.items():
            if not _times(config, place.device, True, lift.enable_time_s):
                key, only_s = f"lift.{lift_id}.floors.{floor}.device", _only_pulse_s(config, place.device, True)
                yield _caution(key, place.device, lift.enable_time_s, "floor", only_s, ("enable_time_s",))
    for output_id, output in config.outputs.items():
        if not _times(config, output.device, output.active_when == "energised", output.limit_s):
            yield _caution(f"output.{output_id}.device", output.device, output.limit_s, "output")


def _times(config: SiteConfig, device: str, energise: bool, seconds: float) -> bool:
    found = config.devices.get(device)
    times = None if found is None else getattr(found.settings, "times_pulse", None)
    return times is None or bool(times(energise, seconds))


def _only_pulse_s(config: SiteConfig, device: str, energise: bool) -> float | None:
    """The one length that the board can time; None where it times none."""
    only_s: float | None = getattr(config.devices[device].settings, "only_pulse_s", None)
    return only_s if only_s is not None and _times(config, device, energise, only_s) else None


def _caution(
    key: str, device: str, seconds: float, what: str, only_s: float | None = None, keys: tuple[str, ...] = ()
) -> Caution:
    """With `only_s`, what to write for the `keys` of a board that times that one length only."""
    stays, chinese_stays = _STAYS[what]
    english, chinese = _OTHER_BOARD
    if only_s is not None:
        english = f"it times {only_s:g} s: write {only_s} for {' and '.join(keys)}, or {english}"
        chinese = f"它能计时 {only_s:g} 秒：请把 {'、'.join(keys)} 写成 {only_s}，或{chinese}"
    return Caution(
        key,
        None,
        f"{device!r} can't time {seconds:g} s: if the gateway dies in between, {stays} until it runs again; {english}",
        f"{device!r} 不能计时 {seconds:g} 秒：网关若在中途停止，{chinese_stays}，直到网关恢复；{chinese}",
    )
