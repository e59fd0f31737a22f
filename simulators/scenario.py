"""A scripted day at the site, over and over, with seeded chance: each step is told in one plain line on standard error.

Pauses are divided by the speed; doors, locks and the gateway's own timers stay as fast as life.
"""

import asyncio
import math
import random
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from simulators.client import Request
from simulators.control import Answer, Refused
from simulators.device import CardReader
from simulators.hardware import Hardware
from simulators.passes import USES
from simulators.people import KEYPAD_POINT, RESIDENTS, pin_wanted, pins
from simulators.plan import DoorPlan
from simulators.pty_line import LineDevice

Obey = Callable[[Request], Awaitable[Answer]]

SETTLE_S = 4.0
"""A gateway that has just started gets its list, and ignores MQTT reads for two seconds."""
PATIENCE_S = 3.0
"""How long somebody at a door waits for the lock."""
REST_S = 15.0
"""How long a step waits for the door to be shut and locked after the last one."""
LOOK_S = 0.1
LIFE_PAUSE_S = (40.0, 160.0)
"""Seconds of life between two steps; divided by the speed."""
OFFICE_AWAY_S = 400.0
"""Seconds of life."""
BEFORE_KEYS_S = 0.5
"""From the card to the first key; a converter's frame and a key must not run into each other."""
FIRST_VISITOR = 100
"""The passes after this one are the scripted day's; those up to it are for whoever tries things by hand."""
PATROL = "guard-2"
"""Whose card walks the tours."""
SEEN_DOOR = "yard"
"""The one that the demo's camera sees: who breaks it open walks through the picture."""
HELD_LONGER_S = 3.0
"""Real seconds beyond the door's own open time, so that the alarm comes and is seen to end."""


class Scenario:
    """One day after the other. It waits whenever no gateway polls the hardware."""

    def __init__(self, obey: Obey, hardware: Hardware, *, seed: int, speed: float) -> None:
        self.speed = speed
        self.steps = 0
        self._obey = obey
        self._hardware = hardware
        self._random = random.Random(seed)
        self._visitors = FIRST_VISITOR
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the day goes on."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Let the day go on from its beginning; nothing when it runs already."""
        if not self.running:
            self._task = asyncio.get_running_loop().create_task(self._days(), name="scenario")

    async def stop(self) -> None:
        """Stop at once."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def day(self) -> list[Callable[[], Awaitable[None]]]:
        """The steps of one day, in order."""
        return [
            self.resident_enters,
            self.stranger_tries,
            self.door_is_forced,
            *[self.resident_enters] * 2,
            self.resident_leaves,
            self.resident_enters,
            self.bad_burst,
            self.expired_card_tries,
            self.guard_walks,
            self.resident_leaves,
            self.door_is_held,
            self.resident_enters,
            self.visitor_comes_with_a_pass,
            self.somebody_in_the_yard,
            self.office_goes_away,
            *[self.resident_enters] * 2,
            self.office_comes_back,
            self.resident_leaves,
            *[self.resident_enters] * 2,
            self.resident_comes_late,
        ]

    async def _days(self) -> None:
        while True:
            for step in self.day():
                await self._until_polled()
                try:
                    await step()
                except Refused as refusal:
                    tell(f"That went wrong in the simulation: {refusal}.")
                self.steps += 1
                await asyncio.sleep(self._random.uniform(*LIFE_PAUSE_S) / self.speed)

    async def resident_enters(self) -> None:
        """A card, a released lock, a push."""
        door = self._entrance()
        await self._enter(door, self._resident(door))

    async def resident_leaves(self) -> None:
        """The exit button where there is one, a card where there is none."""
        door = self._entrance()
        if door.rex is None:
            await self._enter(door, self._resident(door), "goes out")
            return
        await self._until_at_rest(door)
        tell(f"A resident leaves by {door.id}: exit button.")
        await self._obey({"do": "press", "target": door.id})
        await self._push_when_released(door)

    async def resident_comes_late(self) -> None:
        """By the door with the keypad: by night it wants card and PIN."""
        door = next((door for door in self._hardware.plan.doors if door.id == KEYPAD_POINT), None)
        if door is not None:
            await self._enter(door, self._resident(door), "comes home late")

    async def visitor_comes_with_a_pass(self) -> None:
        """A QR pass that is good for two times, shown three times."""
        door = next((door for door in self._hardware.plan.doors if door.scanner is not None), None)
        if door is None:
            return
        self._visitors += 1
        name = f"pass-{self._visitors}"
        for time in ("for the first time", "again", f"once more than its {USES} times"):
            await self._until_at_rest(door)
            tell(f"A visitor shows {name} at {door.id} {time}.")
            await self._obey({"do": "scan", "scanner": door.scanner, "text": name})
            await self._push_when_released(door)

    async def stranger_tries(self) -> None:
        """A card that nobody gave out."""
        await self._enter(self._entrance(), "stranger", "tries to come in")

    async def expired_card_tries(self) -> None:
        """A card that was valid last year."""
        await self._enter(self._entrance(), "expired-1", "tries to come in")

    async def guard_walks(self) -> None:
        """Every tour of the site, from point to point: through its doors, and past readers that are nothing else."""
        doors = {door.reader: door for door in self._hardware.plan.doors}
        for reader in (reader for tour in self._hardware.plan.tours for reader in tour):
            door = doors.get(reader)
            if door is not None:
                await self._enter(door, PATROL, "is on patrol")
            else:
                tell(f"{PATROL} is on patrol at {reader}.")
                await self._obey({"do": "swipe", "reader": reader, "card": PATROL})

    async def bad_burst(self) -> None:
        """A bad cable for a moment."""
        if not self._noisy_readers():
            return
        name = self._random.choice(sorted(self._noisy_readers()))
        tell(f"A bad burst of bytes on the line of {name}.")
        await self._obey({"do": "noise", "device": name})

    async def door_is_held(self) -> None:
        """Somebody unloads a car and keeps the door open past its time."""
        door = self._door_with_contact()
        await self._until_at_rest(door)
        tell(f"A resident comes in by {door.id} and keeps it open.")
        await self._show(door, self._resident(door))
        if not await self._released(door):
            tell(f"{door.id} stays locked.")
            return
        await self._obey({"do": "open", "door": door.id, "hold": True})
        await asyncio.sleep(door.open_time_s + HELD_LONGER_S)
        tell(f"The resident lets {door.id} close.")
        await self._obey({"do": "close", "door": door.id})

    async def door_is_forced(self) -> None:
        """Somebody with a crowbar comes to the door that the camera sees."""
        door = next((door for door in self._hardware.plan.doors if door.id == SEEN_DOOR), None)
        door = door or self._door_with_contact()
        await self._until_at_rest(door)
        tell(f"Somebody breaks {door.id} open.")
        await self._obey({"do": "force", "door": door.id})

    async def somebody_in_the_yard(self) -> None:
        """Somebody whom only the camera sees."""
        tell("Somebody walks through the yard.")
        await self._obey({"do": "person"})

    async def office_goes_away(self) -> None:
        """The line to the office is cut."""
        tell("The office is gone.")
        await self._obey({"do": "office", "up": False})

    async def office_comes_back(self) -> None:
        """And mended."""
        await asyncio.sleep(OFFICE_AWAY_S / self.speed)
        tell("The office is back.")
        await self._obey({"do": "office", "up": True})

    async def _enter(self, door: DoorPlan, card: str, does: str = "comes home") -> None:
        await self._until_at_rest(door)
        tell(f"{card} {does} by {door.id}.")
        await self._show(door, card)
        await self._push_when_released(door)

    async def _show(self, door: DoorPlan, card: str) -> None:
        """The card, and its PIN where and while the office's list wants one."""
        await self._obey({"do": "swipe", "reader": door.reader, "card": card})
        pin = pins().get(card)
        if pin is not None and pin_wanted(door.id, self._local_time()):
            tell(f"{card} types a PIN.")
            await asyncio.sleep(BEFORE_KEYS_S)
            await self._obey({"do": "press", "target": door.reader, "key": f"{pin}#"})

    def _local_time(self) -> datetime:
        """What a clock at the site shows."""
        return datetime.now(ZoneInfo(self._hardware.plan.zone))

    async def _push_when_released(self, door: DoorPlan) -> None:
        if await self._released(door):
            await self._obey({"do": "open", "door": door.id})
            tell(f"{door.id} opens.")
        else:
            tell(f"{door.id} stays locked.")

    async def _released(self, door: DoorPlan) -> bool:
        """Whether the lock lets go within a person's patience."""
        lock = self._hardware.doors[door.id].lock
        return await self._comes_true(lock.released_by_coil, PATIENCE_S)

    async def _until_at_rest(self, door: DoorPlan) -> None:
        """Nobody walks in behind the one before: the door is shut and locked first, or it stays open for long."""
        physical = self._hardware.doors[door.id]
        await self._comes_true(lambda: not physical.contact_open and not physical.lock.released(), REST_S)

    async def _until_polled(self) -> None:
        if self._hardware.is_polled():
            return
        if self.steps:  # before the first one the gateway is only on its way
            tell("The gateway does not ask for the inputs any more; the day waits for it.")
        await self._comes_true(self._hardware.is_polled, math.inf)
        await asyncio.sleep(SETTLE_S)

    async def _comes_true(self, condition: Callable[[], bool], within_s: float) -> bool:
        end = self._hardware.now() + within_s
        while self._hardware.now() < end:
            if condition():
                return True
            await asyncio.sleep(LOOK_S)
        return False

    def _resident(self, door: DoorPlan) -> str:
        """Somebody whose card the door's reader sees."""
        return f"blue-{self._random.randint(1, RESIDENTS)}" if door.card == "blue" else f"{door.card}-1"

    def _noisy_readers(self) -> list[str]:
        """Card readers on a line of their own."""
        devices = self._hardware.devices.items()
        return [name for name, each in devices if isinstance(each, LineDevice) and isinstance(each, CardReader)]

    def _entrance(self) -> DoorPlan:
        return self._any_door(lambda door: door.reader is not None, "reader for cards")

    def _door_with_contact(self) -> DoorPlan:
        return self._any_door(lambda door: door.contact is not None and door.reader is not None, "contact")

    def _any_door(self, fits: Callable[[DoorPlan], bool], what: str) -> DoorPlan:
        """Raises Refused where no door has that."""
        doors = [door for door in self._hardware.plan.doors if fits(door)]
        if not doors:
            raise Refused(f"no door of this site has a {what}")
        return self._random.choice(doors)


def tell(sentence: str) -> None:
    """One line for whoever watches."""
    print(f"[site] {sentence}", file=sys.stderr, flush=True)
