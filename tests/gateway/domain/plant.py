"""A small site on a bench: four doors, fire, panic and tamper inputs, a camera, and a hand that works them."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.commands.event_catalogue import WORDS
from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.controller import Controller, Turn
from gateway.domain.credential import Reading
from gateway.domain.door import DoorPhase, DoorState
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.site import (
    AccessPoint,
    CameraPlace,
    Door,
    InputPurpose,
    Lock,
    LockKind,
    Site,
    SiteInput,
    Terminal,
    Wiring,
)
from gateway.domain.snapshot import ControllerState
from tests.gateway.domain.listing import ALWAYS, card, resident_listing

_E = TypeVar("_E")
_CODES: dict[str, list[tuple[str, frozenset[str | None]]]] = {}
for (_type, _field), _words in WORDS.items():
    _CODES.setdefault(_type, []).append((_field, frozenset({*_words.codes, None})))

NORTH = Door(
    "north",
    Lock(Terminal("board", 0), LockKind.FAIL_SECURE, Wiring.NO),
    contact=Terminal("board", 0, inverted=True),
    rex=Terminal("board", 1),
    escape_route=True,
)
"""Its contact is energised while closed, so that a cut wire reads as open."""
LOBBY = Door(
    "lobby",
    Lock(Terminal("board", 1), LockKind.FAIL_SAFE, Wiring.NO),
    contact=Terminal("board", 2, inverted=True),
    rex=Terminal("board", 3),
    escape_route=True,
    relock_on_close=False,
)
"""Fail-safe on a normally open contact: the relay is off while the lock is released."""
BARRIER = Door("barrier", Lock(Terminal("pole", 0), LockKind.FAIL_SECURE, Wiring.NO), fire_release=True)
"""No contact, no exit button."""
SHED = Door(
    "shed",
    Lock(Terminal("board", 2), LockKind.FAIL_SECURE, Wiring.NO),
    contact=Terminal("board", 4, inverted=True),
    fire_release=False,
)
DOORS = {door.id: door for door in (NORTH, LOBBY, BARRIER, SHED)}
SITE = Site(
    id="bench",
    zone=ZoneInfo("Asia/Shanghai"),
    doors=DOORS,
    access_points={door: AccessPoint(door, door, (f"{door}-reader",)) for door in DOORS},
    inputs={
        "smoke": SiteInput("smoke", InputPurpose.FIRE, Terminal("alarms", 0, inverted=True)),
        "panic": SiteInput("panic", InputPurpose.PANIC, Terminal("alarms", 1)),
        "lid": SiteInput("lid", InputPurpose.TAMPER, Terminal("alarms", 2)),
    },
    cameras={"yard": CameraPlace("yard", ALWAYS, ("north",)), "hall": CameraPlace("hall", ALWAYS, ())},
)
GUARD = sg.Operator("guard-1", "gatehouse")
START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""A Monday noon in Shanghai."""


def has_known_codes(event: ev.Event) -> bool:
    """Does every field that holds a code hold one of those that offices are told of (docs/events.md)?"""
    return all(getattr(event, field) in codes for field, codes in _CODES.get(type(event).__name__, ()))


class Rig:
    """A controller and the time that passes for it; every turn is kept."""

    def __init__(
        self,
        site: Site = SITE,
        access_list: AccessList | None = None,
        *,
        state: ControllerState | None = None,
        boot_id: str = "boot-1",
        start_s: float = 1000.0,
    ) -> None:
        self.controller = Controller(site, state)
        self.site = site
        self.access_list: AccessList | None = access_list if access_list is not None else resident_listing()
        self.wall, self.monotonic_s, self.boot_id = START, start_s, boot_id
        self.quality = ClockQuality.SYNCHRONISED
        self.turns: list[Turn] = []
        self._requests = 0

    @property
    def moment(self) -> Moment:
        return Moment(self.wall, self.monotonic_s, self.boot_id, self.quality)

    def door(self, door: str = "north") -> DoorState:
        return self.controller.doors.machines[door].state

    def handle(self, signal: sg.Signal) -> Turn:
        turn = self.controller.handle(signal, self.moment, self.access_list)
        assert [event for event in turn.events if not has_known_codes(event)] == []
        self.turns.append(turn)
        return turn

    def pass_time(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s = round(self.monotonic_s + seconds, 6)

    def after(self, seconds: float) -> Turn:
        """Let time pass, then give the deadline: what the timers said."""
        self.pass_time(seconds)
        return self.handle(sg.DeadlineReached())

    def swipe(self, number: int = 1, reader: str = "north-reader") -> Turn:
        return self.handle(sg.CardRead(reader, (Reading(card(number)),), self.monotonic_s))

    def inputs(self, device: str, *values: tuple[int, bool]) -> Turn:
        return self.handle(sg.InputsChanged(device, values, self.monotonic_s))

    def contact(self, is_open: bool, door: str = "north") -> Turn:
        terminal = self.site.doors[door].contact
        assert terminal is not None
        return self.inputs(terminal.device, (terminal.number, is_open != terminal.inverted))

    def open(self, door: str = "north") -> Turn:
        return self.contact(True, door)

    def close(self, door: str = "north") -> Turn:
        return self.contact(False, door)

    def rex(self, pressed: bool = True, door: str = "north") -> Turn:
        terminal = self.site.doors[door].rex
        assert terminal is not None
        return self.inputs(terminal.device, (terminal.number, pressed))

    def site_input(self, name: str, active: bool) -> Turn:
        terminal = self.site.inputs[name].terminal
        return self.inputs(terminal.device, (terminal.number, active != terminal.inverted))

    def fire(self, active: bool = True) -> Turn:
        return self.site_input("smoke", active)

    def clear_fire(self) -> Turn:
        return self.handle(sg.FireResetRequested(self.request(), GUARD))

    def request(self) -> str:
        self._requests += 1
        return f"r-{self._requests}"

    def guard_opens(
        self, door: str = "north", *, reason: str = "delivery", request: str = "", left_s: float = 10.0
    ) -> Turn:
        expires_at = self.wall + timedelta(seconds=left_s)
        return self.handle(sg.OpenRequested(request or self.request(), door, reason, GUARD, expires_at))

    def acknowledge(self, alarm: str) -> Turn:
        return self.handle(sg.AlarmAcknowledgeRequested(self.request(), alarm, GUARD))

    def resolve(self, alarm: str, outcome: str = "real", note: str = "") -> Turn:
        return self.handle(sg.AlarmResolveRequested(self.request(), alarm, outcome, note, GUARD))

    def complete(
        self, command: DeviceCommand, outcome: sg.CommandOutcome = sg.CommandOutcome.DONE, *, never_sent: bool = False
    ) -> Turn:
        ended = sg.CommandCompleted(command.command_id, command.device, outcome, never_sent=never_sent)
        return self.handle(ended)

    def closed_and_ready(self) -> "Rig":
        """Every contact has said closed."""
        for door in self.site.doors.values():
            if door.contact:
                self.close(door.id)
        return self

    def all_events(self, kind: type[_E]) -> list[_E]:
        return [event for turn in self.turns for event in turn.events if isinstance(event, kind)]


def said(turn: Turn) -> list[str]:
    """The types of the turn's events, in order."""
    return [type(event).__name__ for event in turn.events]


def only(turn: Turn, kind: type[_E]) -> _E:
    """The one event of that type."""
    found = [event for event in turn.events if isinstance(event, kind)]
    assert len(found) == 1, said(turn)
    return found[0]


def device_commands(turn: Turn) -> list[DeviceCommand]:
    return [command for command in turn.commands if isinstance(command, (PulseOutput, SetOutput))]


def command(turn: Turn) -> DeviceCommand:
    """The one command to a device."""
    found = device_commands(turn)
    assert len(found) == 1, turn.commands
    return found[0]


def door_of(told: DeviceCommand, site: Site = SITE) -> Door:
    """The door whose lock hangs on the command's output."""
    return next(
        d for d in site.doors.values() if (d.lock.output.device, d.lock.output.number) == (told.device, told.output)
    )


def releases(told: DeviceCommand, site: Site = SITE) -> bool:
    """Does the command let somebody through?"""
    return told.energise == door_of(told, site).lock.release_energised


def is_free(state: DoorState) -> bool:
    return state.phase is DoorPhase.FREE


def raised(turn: Turn) -> list[str]:
    """The kinds of the alarms that the turn raised."""
    return [event.kind for event in turn.events if isinstance(event, ev.AlarmRaised)]
