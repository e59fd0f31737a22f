"""`gatehouse identify`: which of all the boxes on the wall is this one?"""

import asyncio
import sys
from typing import Any

from config.loader import SiteConfig, load_config
from drivers.contracts import Indicator, RelayBoard
from gateway.clock import SystemClock, random_bytes
from gateway.domain.commands import IndicateAtReader, Indication, PulseOutput
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    FramesRejected,
    InputsChanged,
    KeyPressed,
    LinkChanged,
    LinkState,
    OutputsRead,
    Signal,
    TextRead,
)
from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.technician.hearing import Hearing, running, site_devices
from gateway.technician.place import Place

BLINK_EVERY_S = 1.0
PULSE_S = 1.0
COMMAND_LIFE_S = 2.0


async def identify(place: Place, device: str, seconds: float, output: int | None, *, door_may_open: bool) -> int:
    """Let a device show itself for that long: a reader blinks, a board clicks an output, and both tell what they hear.

    0 when it was there, 1 when it never answered. Raises ConfigError: a gateway runs, there is no such device, or the
    output would open a door and nobody said that it may.
    """
    config = load_config(place.config)
    _check(config, device, output, door_may_open)
    paths = Paths(place.config, place.data)
    paths.prepare()
    with paths.lock("doors"):
        hearing = Hearing()
        kind = config.devices[device].driver.kind
        devices = site_devices(config, place.data, hearing, {kind, "bus"})
        shown = next(each for each in devices if each.device_id == device)
        print(f"{device} {_shows(shown, output)} for {seconds:g} s, once it is online.", file=sys.stderr, flush=True)
        async with running(devices):
            online = asyncio.Event()
            showing = asyncio.create_task(_show(shown, seconds, output, online))
            try:
                return await _tell(hearing, device, seconds, online)
            finally:
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)


def _check(config: SiteConfig, device: str, output: int | None, door_may_open: bool) -> None:
    if device not in config.devices:
        raise ConfigError("DEVICE", device, f"is none of this site; there are {', '.join(config.devices)}")
    if output is None:
        return
    if config.devices[device].driver.kind != "relay_board":
        raise ConfigError("--output", output, f"{device} has no outputs")
    locked = [key for key, door in config.doors.items() if (door.lock.device, door.lock.output) == (device, output)]
    if locked and not door_may_open:
        raise ConfigError("--output", output, f"opens the door {locked[0]}: add --door-may-open if it may")


def _shows(device: Any, output: int | None) -> str:
    """What to look and listen for."""
    if output is not None:
        return f"clicks output {output}, {PULSE_S:g} s on and {PULSE_S:g} s off,"
    if isinstance(device, Indicator):
        return "blinks amber and beeps"
    return "has nothing to show, and is only listened to"


async def _show(device: Any, seconds: float, output: int | None, online: asyncio.Event) -> None:
    """Blink or click, again and again, from when it is there. What can do neither only listens."""
    await online.wait()
    clock = SystemClock()
    until_s = clock.now().monotonic_s + seconds
    while (now_s := clock.now().monotonic_s) < until_s:
        command_id, expires_s = random_bytes(8).hex(), now_s + COMMAND_LIFE_S
        if isinstance(device, Indicator):
            device.indicate(IndicateAtReader(command_id, device.device_id, Indication.WAITING, expires_s))
        if output is not None and isinstance(device, RelayBoard):
            device.submit(PulseOutput(command_id, device.device_id, output, True, PULSE_S, expires_s))
        await asyncio.sleep(BLINK_EVERY_S if output is None else 2 * PULSE_S)


async def _tell(hearing: Hearing, device: str, seconds: float, online: asyncio.Event) -> int:
    """Print what the device says, and set `online` when it is there. 0 when it was online or said anything."""
    there = False
    async for signal in hearing.signals(seconds):
        if isinstance(signal, LinkChanged) and (signal.device, signal.state) == (device, LinkState.ONLINE):
            online.set()
        line = _line(signal, device)
        if line is not None:
            print(line, flush=True)
            there = there or not _is_loss(signal)
    if not there:
        print(f"{device} did not answer.", file=sys.stderr)
    return 0 if there else 1


def _is_loss(signal: Signal) -> bool:
    return isinstance(signal, FramesRejected) or (isinstance(signal, LinkChanged) and signal.state is LinkState.OFFLINE)


def _line(signal: Signal, device: str) -> str | None:
    """What the device itself said, in words; None for anything else."""
    if device not in (getattr(signal, "reader", None), getattr(signal, "device", None)):
        return None
    said = _words(signal)
    return None if said is None else f"{device}: {said}"


def _words(signal: Signal) -> str | None:
    match signal:
        case CardRead() | TextRead() | KeyPressed():
            return {CardRead: "a card is held before it", TextRead: "a text is shown to it"}.get(
                type(signal), "a key is pressed"
            )
        case LinkChanged(state=state, detail=detail):
            return state.value + (f" ({detail})" if detail else "")
        case InputsChanged(inputs=inputs):
            return f"inputs {_numbered(inputs)}"
        case OutputsRead(outputs=outputs):
            return f"outputs {_numbered(outputs)}"
        case CommandCompleted(outcome=outcome, detail=detail):
            return f"output {outcome.value}" + (f" ({detail})" if detail else "")
        case FramesRejected(reason=reason):
            return f"frames that are none: {reason}"
    return None


def _numbered(values: tuple[tuple[int, bool], ...]) -> str:
    return ", ".join(f"{number} {'on' if on else 'off'}" for number, on in values)
