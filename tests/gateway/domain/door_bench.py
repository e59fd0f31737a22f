"""Doors, guards and the time that passes for them, without readers: a bench for what doors are meant to do."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmBook
from gateway.domain.commands import DeviceCommand, PulseOutput, SetOutput
from gateway.domain.door import DoorState, Stimulus
from gateway.domain.door_control import Cause, DoorControl
from gateway.domain.door_mode import (
    DoorMode,
    ModeRequest,
)
from gateway.domain.door_requests import DoorRequest, DoorRequests
from gateway.domain.listed import AccessList, Authentication, ListedAccessPoint, Setting
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Period, Schedule
from gateway.domain.site import (
    DoorGroup,
    Site,
)
from tests.gateway.domain.listing import ALWAYS, EVERY_DAY, listing
from tests.gateway.domain.plant import GUARD, SITE, START, door_of

M, R = DoorMode, ModeRequest
_E = TypeVar("_E")
SECOND = sg.Operator("guard-2", "office")
GROUPS = {
    "front": DoorGroup("front", ("north", "lobby")),
    "inner": DoorGroup("inner", ("lobby", "shed")),
}
PLACE = replace(SITE, door_groups=GROUPS)
OFFICE_HOURS = Schedule("office", (Period(EVERY_DAY, 480, 1080),))
"""08:00 to 18:00; the bench starts at noon."""


@dataclass
class Bench:
    """Doors and guards without readers, and the time that passes for them."""

    site: Site = PLACE
    access_list: AccessList | None = None
    states: dict[str, DoorState] = field(default_factory=dict)
    wall: datetime = START
    monotonic_s: float = 1000.0
    boot_id: str = "boot-1"
    quality: ClockQuality = ClockQuality.SYNCHRONISED
    used: list[str] = field(default_factory=list)
    refusal: str | None = None
    requests: int = 0

    def __post_init__(self) -> None:
        self.doors = DoorControl(self.site, AlarmBook(), self.states, 1)
        self.guards = DoorRequests(self.doors, self.used)

    @property
    def moment(self) -> Moment:
        return Moment(self.wall, self.monotonic_s, self.boot_id, self.quality)

    def state(self, door: str = "north") -> DoorState:
        return self.doors.machines[door].state

    def mode(self, door: str = "north") -> DoorMode:
        return self.doors.mode_of(door)

    def turn(self) -> "Bench":
        """A new turn: its timers first."""
        self.doors.events, self.doors.commands, self.refusal = [], [], None
        self.doors.run_timers(self.moment)
        return self

    def after(self, seconds: float) -> "Bench":
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s = round(self.monotonic_s + seconds, 6)
        self.turn()
        self.doors.follow_schedules(self.moment, self.access_list)
        return self

    def ask(self, signal: DoorRequest) -> "Bench":
        self.turn()
        self.refusal = self.guards.handle(signal, self.moment)
        return self

    def request(self) -> str:
        self.requests += 1
        return f"r-{self.requests}"

    @property
    def soon(self) -> datetime:
        return self.wall + timedelta(seconds=10)

    def override(self, mode: DoorMode | None, *, hours: float = 2.0, door: str = "north") -> "Bench":
        until = None if mode is None else self.wall + timedelta(hours=hours)
        value = None if mode is None else mode.value
        return self.ask(sg.DoorModeRequested(self.request(), door, value, "delivery", GUARD, self.soon, until))

    def lock_down(self, group: str | None = "front") -> "Bench":
        return self.ask(sg.LockdownRequested(self.request(), group, "intruder", GUARD, self.soon))

    def release_lockdown(self, group: str | None = "front", second: sg.Operator | None = SECOND) -> "Bench":
        return self.ask(sg.LockdownReleaseRequested(self.request(), group, "over", GUARD, second, self.soon))

    def lock_open(self, group: str | None = "front") -> "Bench":
        return self.ask(sg.LockOpenRequested(self.request(), group, "gas", GUARD, self.soon))

    def release_lock_open(self, group: str | None = "front") -> "Bench":
        return self.ask(sg.LockOpenReleaseRequested(self.request(), group, "over", GUARD, self.soon))

    def fire(self, latched: bool = True) -> "Bench":
        self.turn()
        self.doors.set_fire(latched, self.moment)
        return self

    def grant(self, door: str = "north") -> "Bench":
        self.turn()
        self.doors.give(door, Stimulus.GRANT, self.moment, Cause("grant", "c-1", "p-1"))
        return self

    def contact(self, is_open: bool, door: str = "north") -> "Bench":
        self.turn()
        self.doors.contact(door, is_open, self.moment)
        return self

    def rex(self, pressed: bool = True, door: str = "north") -> "Bench":
        self.turn()
        self.doors.rex(door, pressed, self.moment)
        return self

    def restarted(self, *, off_s: float = 0.0, reboot: bool = False, site: Site | None = None) -> "Bench":
        """The same state, gone through a checkpoint, in a new process; `off_s` have passed meanwhile."""
        states = {door: machine.state for door, machine in self.doors.machines.items()}
        kept = msgspec.convert(msgspec.json.decode(msgspec.json.encode(states)), dict[str, DoorState])
        again = replace(self, site=site or self.site, states=kept, wall=self.wall + timedelta(seconds=off_s))
        again.boot_id = f"{self.boot_id}+" if reboot else self.boot_id
        again.monotonic_s = 5.0 if reboot else self.monotonic_s + off_s
        return again

    def starts(self) -> "Bench":
        """What the controller does at a start."""
        self.doors.start_over(1000)
        self.turn()
        self.doors.follow_schedules(self.moment, self.access_list)
        return self

    def told(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.doors.events if isinstance(event, kind)]

    def changes(self) -> list[tuple[str, str, str]]:
        return [(e.door, e.mode, e.because) for e in self.told(ev.DoorModeChanged)]

    def commands(self, door: str = "north") -> list[DeviceCommand]:
        told = [c for c in self.doors.commands if isinstance(c, (PulseOutput, SetOutput))]
        return [c for c in told if door_of(c, self.site).id == door]


def unlocked_by(schedule: Schedule, authentication: Authentication = Authentication.UNLOCKED) -> AccessList:
    point = ListedAccessPoint("north", settings=(Setting(schedule.id, authentication),))
    return listing(schedules={s.id: s for s in (ALWAYS, schedule)}.values(), access_points=(point,))
