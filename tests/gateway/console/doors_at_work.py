"""The doors' side of a console under test: a real controller and a real journal, in this process; no devices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.clock import SystemClock
from gateway.domain.access_request import DenialReason
from gateway.domain.alarm import AlarmKind
from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel
from gateway.domain.controller import Controller
from gateway.domain.credential import Credential, Grade, Identifier, Reading
from gateway.domain.door import DoorState
from gateway.domain.events import AccessDenied, Event
from gateway.domain.listed import Area, Authentication, ListedAccessPoint, Setting
from gateway.domain.ports import Feed, Reply
from gateway.domain.register import Fact, FactValue
from gateway.domain.signals import CardRead, DeadlineReached, LinkChanged, LinkState, Signal, StatusReported
from gateway.domain.site import (
    AccessPoint,
    Door,
    DoorGroup,
    InputPurpose,
    Lock,
    LockKind,
    OutputPurpose,
    Site,
    SiteInput,
    SiteOutput,
    Terminal,
    Wiring,
)
from gateway.domain.tour import Tour, TourPoint
from gateway.domain.trace import TraceStep
from gateway.errors import LinkError
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.domain.listing import ALWAYS, level, listing

_DOORS = ("north", "yard", "garage")
_BOARDS = {"north": "north-board", "yard": "north-board", "garage": "garage-relay"}
SITE = Site(
    id="demo",
    zone=ZoneInfo("Asia/Shanghai"),
    doors={
        door: Door(door, Lock(Terminal(_BOARDS[door], at), LockKind.FAIL_SECURE, Wiring.NO))
        for at, door in enumerate(_DOORS)
    },
    access_points={door: AccessPoint(door, door, (f"{door}-reader",)) for door in _DOORS},
    inputs={"smoke": SiteInput("smoke", InputPurpose.FIRE, Terminal("north-board", 7))},
    outputs={"siren": SiteOutput("siren", OutputPurpose.SIREN, Terminal("north-board", 3))},
    door_groups={"gates": DoorGroup("gates", ("north", "garage"))},
    tours={
        "night": Tour(
            "night",
            (TourPoint("north-reader"), TourPoint("pump-reader", 60, 300), TourPoint("garage-reader", 0, 600)),
            frozenset({"guards"}),
            start_by_card=False,
        )
    },
)
BLUE, VISITOR, WATCHMAN = (Identifier("H10301", 1, number) for number in (1, 2, 3))
LIST = listing(
    version=7,
    credentials={
        BLUE: Credential("c-0001", "p-0001"),
        VISITOR: Credential("c-0002", "p-0002"),
        WATCHMAN: Credential("c-0003", "p-0003"),
    },
    cardholders=(
        Cardholder("p-0001", levels=(HeldLevel("residents"),)),
        Cardholder("p-0002", CardholderKind.VISITOR, (HeldLevel("residents"),)),
        Cardholder("p-0003", CardholderKind.STAFF, (HeldLevel("residents"),), groups=("guards",)),
    ),
    levels=(level("residents", *_DOORS),),
    access_points=(
        ListedAccessPoint("north", settings=(Setting(ALWAYS.id, Authentication.CARD),), area_to="garden"),
        ListedAccessPoint("yard", settings=(Setting(ALWAYS.id, Authentication.CONFIRM),)),
        ListedAccessPoint("garage", settings=(Setting(ALWAYS.id, Authentication.TWO_CARDS),), area_to="garage"),
    ),
    areas=(Area("garden"), Area("garage", max_occupancy=2)),
)
"""The yard wants a guard's yes, the garage two people."""
SECURE = {"phase": "secure", "contact": "closed", "lock": "secured"}


class DoorsAtWork:
    """A `DoorsPort` over a controller: signals are handled, events and facts journalled, followers woken."""

    def __init__(self, folder: Path, clock: SystemClock) -> None:
        self.clock = clock
        self.journal = SqliteJournal(folder / "journal.db", clock)
        self.reader = SqliteJournalReader(folder / "journal.db")
        self.controller = Controller(SITE)
        self.signals: list[Signal] = []
        self.reachable = True
        self.fire_active = False
        self.list_held: dict[str, int] | None = None
        self.now = {door: dict(SECURE) for door in _DOORS}
        """What the status says of the doors' contacts, locks and phases."""
        self.now["yard"] |= {"phase": "forced", "contact": "open"}
        self.now["garage"] |= {"contact": "none"}
        self.devices: dict[str, Any] = {
            name: {"state": "online", "counters": {}} for name in ("north-reader", "north-board", "garage-relay")
        }
        self.devices["north-reader"]["counters"] = {"frames": 12}
        self.sirens: list[str] = []
        """Those that call."""
        self.sync: dict[str, Any] = {"state": "online", "office": "online", "queue": 3, "oldest_age_s": 1.5}
        self.changed = asyncio.Condition()

    async def record(self, *events: Event, facts: tuple[Fact, ...] = ()) -> int:
        assert await self.journal.append(list(events), self.clock.now(), facts=facts).wait(5.0)
        head = self.reader.head()
        assert head is not None
        await self.tell()
        return head.row_id

    async def at(self, wall: datetime, *events: Event) -> None:
        """Events of another time."""
        assert await self.journal.append(list(events), replace(self.clock.now(), wall=wall)).wait(5.0)
        await self.tell()

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def alarm(self, kind: AlarmKind, source: str, **where: str) -> str:
        await self.record(*self.controller.alarms.raise_alarm(kind, source, self.clock.now(), **where))
        found = self.controller.alarms.find(kind, source)
        assert found is not None
        return found

    async def normal(self, kind: AlarmKind, source: str) -> None:
        await self.record(*self.controller.alarms.normal(kind, source))

    async def remember(self, *facts: tuple[str, str, FactValue], **and_then: Event) -> None:
        """Keep facts as if a turn had; an event wakes the pages."""
        for kind, key, value in facts:
            self.controller.register.put(kind, key, value)
        await self.record(*and_then.values(), facts=self.controller.register.take_changed())

    async def show(self, card: Identifier, reader: str) -> None:
        """Somebody shows a card."""
        await self.turn(CardRead(reader, (Reading(card),), self.clock.now().monotonic_s))

    async def later(self, seconds: float) -> None:
        """The timers, as if so much time had passed."""
        await self.turn(DeadlineReached(), seconds)

    async def link(self, device: str, state: LinkState) -> None:
        """A device is lost or back."""
        self.devices[device]["state"] = state.value
        await self.turn(LinkChanged(device, state))

    async def turn(self, signal: Signal, seconds: float = 0.0) -> Reply:
        now = self.clock.now()
        turn = self.controller.handle(signal, replace(now, monotonic_s=now.monotonic_s + seconds), LIST)
        row = await self.record(*turn.events, facts=turn.facts) if turn.events or turn.facts else None
        return Reply(turn.reply.accepted, turn.reply.reason, row)

    async def set_fire(self, *, latched: bool, active: bool) -> None:
        self.controller.state.fire_latched, self.fire_active = latched, active
        self.controller.state.active_inputs = ["smoke"] if active else []
        await self.tell()

    async def set_reachable(self, reachable: bool) -> None:
        self.reachable = reachable
        await self.tell()

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        if not self.reachable:
            raise LinkError("gone")
        if isinstance(signal, StatusReported):
            return Reply(True)
        self.signals.append(signal)
        return await self.turn(signal)

    async def feed(self) -> AsyncIterator[Feed]:
        while True:
            if self.reachable:
                head = self.reader.head()
                yield Feed(True, None if head is None else head.row_id, self.status())
            else:
                yield Feed(False)
            async with self.changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 1.0)

    def door(self, door: str) -> DoorState:
        return self.controller.doors.machines[door].state

    def status(self) -> dict[str, Any]:
        latched = self.controller.state.fire_latched
        return {
            "doors": {
                door: {**now, "mode": self.controller.doors.mode_of(door).value, "fire": latched and door == "north"}
                for door, now in self.now.items()
            },
            "devices": self.devices,
            "sirens": self.sirens,
            "processes": {
                "doors": {"state": "online"},
                "console": {"state": "online"},
                "sync": self.sync,
                "cameras": {"state": "online", "yard.state": "online", "yard.fps": 9.9},
            },
            "list": {"version": 7, "issued_at": "2026-11-23T08:00:00Z", "credentials": 240},
            "list_held": self.list_held,
            "journal": {"available": True, "head_row": 1},
            "clock": {"quality": "synchronised"},
            "fire": {"latched": latched, "active": self.fire_active},
            "alarms_open": len(self.controller.alarms.open),
        }


def denied(
    reason: DenialReason = DenialReason.CREDENTIAL_LOST, *trace: TraceStep, shown: Grade = Grade.CLONABLE
) -> AccessDenied:
    """The blue card is refused at the north gate; or what else is `shown`."""
    return AccessDenied(
        access_point="north",
        door="north",
        reader="north-reader",
        reason=reason.value,
        credential="c-0001",
        cardholder="p-0001",
        list_version=7,
        trace=trace,
        circumstances={} if shown is Grade.CLONABLE else {"shown": [{"id": "c-0001", "grade": shown.value}]},
    )
