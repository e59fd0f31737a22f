"""From a card at a reader to the relay that moves: each family of readers, and each of boards, through the real doors.

The example sites of `config/sites`, simulated, with the doors in a process of their own. A card's first bit leaves when
it is held to its reader; lines are paced at their speed. What the bits need on the wire alone stands beside: the
reader's frame and the board's command. GATEHOUSE_FAMILY_READS says how many cards each reader gets (60).
"""

import asyncio
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import tomlkit

from gateway.store.access_list import compile_list, parse_list
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key
from simulators.card import Card
from simulators.demo_site import DemoSite, prepare, set_among_simulators
from simulators.device import CardReader
from simulators.hardware import Hardware
from simulators.modbus_board import SILENCE_CHARS
from simulators.people import FIRST_EPC, RESIDENTS, demo_list, named_cards
from simulators.plan import DoorPlan, read_plan
from tests.bench.rows import Row, row
from tests.drivers.mosquitto import Mosquitto
from tests.journeys.doors_process import DoorsProcess

SITES = Path(__file__).parents[2] / "config" / "sites"
READS = int(os.environ.get("GATEHOUSE_FAMILY_READS", "60"))
RELEASE_S = 1.0
TRIES, TRY_S = 50, 0.5
"""Until a reader's first card opens: its channel is up, and reads through a broker count."""
SETTLE_S = 3.0
"""Cards that were held before their reader was heard are read by then."""
MOVES_WITHIN_S = 5.0
TAGS = 20
"""More than pass while one counts as having stayed."""

FRAMES = {
    "rdm6300": (14, 9600),
    "em18": (12, 9600),
    "wie232": (7, 9600),
    "s4a": (12, 9600),
    "serial-frame": (10, 9600),
    "zk-rfid102": (25, 57600),
    "osdp-reader": (45, 115200),
}
"""Bytes of a read on the wire, and its speed; an OSDP reader's with the poll that fetches it."""
COMMANDS = {"modbus-rtu": (8 + SILENCE_CHARS, 9600), "lcus": (4, 9600), "hw-667": (1, 9600), "numato": (12, 1_000_000)}
WAITS = {
    "em18": ", and 60 ms of silence end the read",
    "osdp-reader": ", and up to 50 ms to its next poll",
    "zk-rfid102": ", and up to 50 ms until it is asked",
}


class WatchedHardware(Hardware):
    """Tells when a relay may have moved."""

    def __init__(self, *how: Any) -> None:
        self.moved = asyncio.Event()
        super().__init__(*how)

    def settle(self) -> None:
        super().settle()
        self.moved.set()


def run() -> list[Row]:
    """Site after site."""
    names = ["serial", "osdp", "relays", *(["mqtt"] if shutil.which("mosquitto") else [])]
    return [found for name in names for found in asyncio.run(_measure(SITES / f"{name}.toml"))]


async def _measure(path: Path) -> list[Row]:
    took: dict[str, list[float]] = {}
    async with _site(path) as hardware:
        doors = list({_families(hardware, door): door for door in reversed(hardware.plan.doors)}.values())
        seeded = random.Random(7)
        for door in doors:
            await _first(hardware, door)
        await asyncio.sleep(SETTLE_S)
        for number in range(READS):
            for door in doors:
                await _settled(hardware, door)
                await asyncio.sleep(0.02 + seeded.random() * 0.06)
                took.setdefault(door.id, []).append(await _swipe(hardware, door, TRIES + number))
    return [row(_name(hardware, door), took[door.id], "ms", _note(hardware, door)) for door in doors]


@asynccontextmanager
async def _site(path: Path) -> AsyncIterator[WatchedHardware]:
    """The example site with its doors at work."""
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        doors = DoorsProcess(Path(folder) / "s", [1])
        site = set_among_simulators(_quickly(path), 0)
        prepare(doors.data, site)
        doors.config.write_text(site.toml, encoding="utf-8")
        _put_list_in_force(doors.data, site)
        broker = Mosquitto(
            "mosquitto", doors.data, "allow_anonymous true\nset_tcp_nodelay true\n", port=site.ports.broker
        )
        hardware = WatchedHardware(read_plan(doors.config), doors.data)
        try:
            if "[broker." in site.toml:
                await broker.start()
            hardware.power_up()
            await asyncio.to_thread(doors.start)
            yield hardware
        finally:
            await asyncio.to_thread(doors.stop)
            await hardware.power_down()
            await broker.stop()


def _quickly(path: Path) -> str:
    """The site with doors that lock again soon."""
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    for door in document["door"].values():
        door.setdefault("release_time_s", RELEASE_S)
    return tomlkit.dumps(document)


def _put_list_in_force(data: Path, site: DemoSite) -> None:
    listed = demo_list(2, site=site.listed)
    listed["credentials"] += [
        {
            "id": f"c-t{number}",
            "cardholder": "p-0001",
            "format": "EPC96",
            "facility_code": None,
            "number": _tag(number).number,
            "label": "",
        }
        for number in range(TAGS)
    ]
    lists = data / "lists"
    set_current(lists, compile_list(parse_list(json.dumps(listed).encode()), load_site_key(data / "secrets"), lists))


def _tag(number: int) -> Card:
    return Card("EPC96", FIRST_EPC + 100 + number % TAGS)


def _card(door: DoorPlan, number: int) -> Card:
    if door.card == "tag":
        return _tag(number)
    count = RESIDENTS if door.card == "blue" else 2
    return named_cards()[f"{door.card}-{number % count + 1}"]


async def _first(hardware: WatchedHardware, door: DoorPlan) -> None:
    for number in range(TRIES):
        with suppress(TimeoutError):
            await _swipe(hardware, door, number, TRY_S)
            return
    raise TimeoutError(f"{door.id} never opens")


async def _swipe(hardware: WatchedHardware, door: DoorPlan, number: int, within_s: float = MOVES_WITHIN_S) -> float:
    """Milliseconds from the card's being held to the relay's moving. Raises TimeoutError."""
    reader = hardware.find(str(door.reader))
    assert isinstance(reader, CardReader)
    began_s = time.perf_counter()
    await reader.swipe(_card(door, number))
    async with asyncio.timeout(within_s):
        await _until(hardware, door, released=True)
    return (time.perf_counter() - began_s) * 1000


async def _settled(hardware: WatchedHardware, door: DoorPlan) -> None:
    """Its lock holds again."""
    async with asyncio.timeout(MOVES_WITHIN_S):
        await _until(hardware, door, released=False)


async def _until(hardware: WatchedHardware, door: DoorPlan, *, released: bool) -> None:
    while hardware.doors[door.id].lock.released_by_coil() is not released:
        hardware.moved.clear()
        await hardware.moved.wait()


def _families(hardware: Hardware, door: DoorPlan) -> tuple[str, str]:
    drivers = {each.device: each.driver for each in hardware.plan.devices}
    return drivers[str(door.reader)], drivers[door.lock[0]]


def _name(hardware: Hardware, door: DoorPlan) -> str:
    return "{}, {}: card to relay".format(*_families(hardware, door))


def _note(hardware: Hardware, door: DoorPlan) -> str:
    """What the wire alone takes; nothing of that is known behind a broker."""
    reader, board = _families(hardware, door)
    parts = [each for each in (FRAMES.get(reader), COMMANDS.get(board)) if each is not None]
    if not parts:
        return "through a broker on the same machine"
    units = len([each for each in hardware.plan.devices if each.driver == board == "modbus-rtu"])
    shared = f", {units} units polled on the board's line" if units > 1 else ""
    return f"wire {sum(size * 10_000 / baud for size, baud in parts):.1f} ms" + WAITS.get(reader, "") + shared
