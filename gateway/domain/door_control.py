"""All doors of the site: stimuli in, events and commands out; modes, fire and read-back among them.

Who passed? A contact tells that a door was opened, never by whom. So a release answers everybody it is for: each
grant, exit or guard's release has AccessTaken when the door is opened before its own release time is over, else
AccessNotTaken at that time. Nobody who comes in between takes another's answer away: two who show their cards and
open once have both passed. No answer is owed where nothing can be known: at a door without a contact, at one that
stood open already, and at one that its mode or fire sets free meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.commands import Command, DeviceCommand, PulseOutput, SetOutput
from gateway.domain.door import (
    Action,
    Awaited,
    DoorMachine,
    DoorPhase,
    DoorState,
    Stimulus,
)
from gateway.domain.door_mode import FREE_MODES, DoorMode, ModeRequest, mode_refusal
from gateway.domain.events import (
    AccessNotTaken,
    AccessTaken,
    DoorClosed,
    DoorForcedOpen,
    DoorHeldOpen,
    DoorHeldWarning,
    DoorModeChanged,
    DoorModeOverrideEnded,
    DoorOpened,
    Event,
    LockNotReleased,
    LockReleased,
    LockSecured,
)
from gateway.domain.interlock import holding_door
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.site import Door, Site
from gateway.domain.unlocking import first_card_counts, first_card_until, is_unlocked, may_unlock, next_unlock_change

COMMAND_EXPIRY_S = 2.0
"""GB 50396-2007: credential to actuation at most 2 s; a later release would surprise whoever stands there."""
HOLD_EXPIRY_S = 10.0
"""A release that stays (mode, fire) is right whenever it arrives, and is sent again until it is confirmed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """For whom or why a door is released."""

    because: str
    credential: str | None = None
    cardholder: str | None = None
    extended: bool = False


class _Who(TypedDict):
    because: str
    credential: str | None
    cardholder: str | None


class DoorControl:
    """The doors' machines and what their actions mean. Collects events and commands of one turn in the lists given."""

    def __init__(self, site: Site, alarms: AlarmBook, states: dict[str, DoorState], next_command: int) -> None:
        self.site, self.alarms, self.next_command = site, alarms, next_command
        self.machines = {door.id: DoorMachine(door, states.get(door.id)) for door in site.doors.values()}
        self._points: dict[str, list[str]] = {door: [] for door in site.doors}
        for point in site.access_points.values():
            if point.door in site.doors:
                self._points[point.door].append(point.id)
        self.events: list[Event] = []
        self.commands: list[Command] = []

    def start_over(self, numbers_skipped: int) -> None:
        """A new process: before any timer speaks, leave out command numbers, and believe no button until it is read."""
        self.next_command += numbers_skipped
        for machine in self.machines.values():
            machine.state.rex_pressed, machine.state.rex_since_s, machine.state.stuck_told_s = False, None, None

    def give(self, door: str, stimulus: Stimulus, moment: Moment, cause: Cause | None = None) -> bool:
        """Stimulate a door; False when its table has no such row."""
        machine = self.machines[door]
        state = machine.state
        if cause is not None and state.phase is not DoorPhase.FREE:
            state.because, state.extended = cause.because, cause.extended or (state.extended and machine.under_way)
        actions = machine.stimulate(stimulus, moment)
        for action in actions:
            self._carry_out(action, machine, moment)
        if state.phase is not DoorPhase.RELEASED:
            state.awaited = []
        elif cause is not None and state.release_ends_s is not None:
            awaited = Awaited(cause.because, cause.credential, cause.cardholder, state.release_ends_s)
            self._not_taken(machine, machine.await_passage(awaited))
        if state.rex_pressed and not state.lock_released:
            # A latched exit button can't be pressed again: whatever secured the lock, it is released.
            self.give(door, Stimulus.REX, moment, Cause("rex"))
        return bool(actions)

    def contact(self, door: str, is_open: bool, moment: Moment) -> None:
        """The contact says so; the first report after a start alarms only if the door stands open unexplained."""
        machine = self.machines[door]
        state = machine.state
        if state.open == is_open:
            return
        first = state.open is None
        state.open = is_open
        if not (first and not is_open):
            self.events.append(DoorOpened(door=door) if is_open else DoorClosed(door=door))
        if is_open and state.phase is DoorPhase.SECURE and state.lock_released:
            self.give(door, Stimulus.REOPENED, moment)
        else:
            self.give(door, Stimulus.CONTACT_OPENED if is_open else Stimulus.CONTACT_CLOSED, moment)

    def rex(self, door: str, pressed: bool, moment: Moment) -> None:
        """The exit button; it releases in every phase."""
        state = self.machines[door].state
        let_go = state.rex_pressed and not pressed
        self.machines[door].press(pressed, moment)
        if pressed:
            self.give(door, Stimulus.REX, moment, Cause("rex"))
        else:
            self.events += self.alarms.normal(AlarmKind.REX_STUCK, door)
        if let_go:
            self.never_sent(door, state.command_id, moment)  # Not said while the button asks again and again.

    def never_sent(self, door: str, command_id: str, moment: Moment) -> None:
        """A command may never have gone out: its release ends with the last one that did, or it never was one."""
        if not self.machines[door].end_with_pulses(command_id):
            self.give(door, Stimulus.NEVER_RELEASED, moment)

    def mode_of(self, door: str) -> DoorMode:
        """The mode that the door shows."""
        return self.machines[door].mode

    def may_open(self, door: str) -> str | None:
        """The code with which the door's mode refuses a guard's opening. The way out never asks this."""
        return mode_refusal(self.machines[door].mode, ModeRequest.ACCESS)

    def interlocked_by(self, door: str) -> str:
        """The door of a sluice that keeps this one from being granted; empty if none does."""
        return holding_door(door, self.site.interlocks, self.machines)

    def awaits(self, door: str, credential: str | None) -> bool:
        """Is the door released for this credential's grant, and not opened yet?"""
        awaited = self.machines[door].state.awaited
        return any(each.because == "grant" and each.credential == credential for each in awaited)

    def set_fire(self, latched: bool, moment: Moment) -> None:
        """Lay the fire overlay over every door that it releases, or take it away."""
        for door, machine in self.machines.items():
            fire = latched and machine.door.fire_release
            if machine.state.fire != fire:
                machine.state.fire, before = fire, machine.state.mode
                self.follow_mode(door, moment, "fire" if latched else "fire_cleared")
                if fire and machine.door.barrier and machine.state.mode is before:
                    self._open_barrier(machine, moment, "fire")  # It was unlocked, and may have closed by itself.

    def follow_schedules(self, moment: Moment, access_list: AccessList | None) -> None:
        """Set each door's lowest layer to what the settings of its access points say now."""
        because = "clock_suspect" if moment.quality is ClockQuality.SUSPECT else "schedule"
        for door, machine in self.machines.items():
            layers, points = machine.state.layers, self._points[door]
            if access_list is not None and may_unlock(moment, access_list):
                layers.first_cards = {
                    point: until
                    for point, until in layers.first_cards.items()
                    if point in points and first_card_counts(until, moment, access_list)
                }
            unlocked = is_unlocked(points, layers.first_cards, moment, access_list)
            layers.scheduled = DoorMode.UNLOCKED if unlocked else DoorMode.LOCKED
            self.follow_mode(door, moment, because)

    def first_card(self, access_point: str, moment: Moment, access_list: AccessList) -> None:
        """Somebody was granted where the first card unlocks: until its setting's end, at most to local midnight."""
        door, listed = self.site.access_points[access_point].door, access_list.access_point(access_point)
        if door is None or listed is None or not may_unlock(moment, access_list):
            return
        until = first_card_until(listed, moment, access_list)
        self.machines[door].state.layers.first_cards[access_point] = until
        self.follow_schedules(moment, access_list)

    def next_schedule_change(self, moment: Moment, access_list: AccessList) -> datetime | None:
        """The next time (UTC) at which `follow_schedules` may set a door otherwise."""
        times = [
            next_unlock_change(points, self.machines[door].state.layers.first_cards, moment, access_list)
            for door, points in self._points.items()
        ]
        return min((at for at in times if at is not None), default=None)

    def follow_mode(self, door: str, moment: Moment, because: str) -> None:
        """Tell and carry out what the door's layers, and fire, come to now."""
        machine = self.machines[door]
        state = machine.state
        mode = DoorMode.UNLOCKED if state.fire else state.layers.mode(moment.quality)
        free, changed = mode in FREE_MODES, mode is not state.mode
        if changed:
            state.mode = mode
            self.events.append(DoorModeChanged(door=door, mode=mode.value, because=because))
        if machine.door.barrier:
            state.pulse_owed = state.pulse_owed and free
            if free and changed:
                self._open_barrier(machine, moment, because)
        elif free and state.phase is not DoorPhase.FREE:
            state.because = because
            self.give(door, Stimulus.FREED, moment)
        elif not free and state.phase is DoorPhase.FREE:
            self.give(door, Stimulus.LOCKED_OPEN if state.open else Stimulus.LOCKED_CLOSED, moment)

    def run_timers(self, moment: Moment) -> None:
        """Give each door the timers that have run out, end overrides, and send again what failed."""
        for door, machine in self.machines.items():
            ended = machine.override_ended(moment)
            if ended is not None:
                self.events.append(DoorModeOverrideEnded(door=door, mode=ended.mode.value))
                self.follow_mode(door, moment, "override_ended")
            for stimulus in machine.due(moment):
                if stimulus is Stimulus.RELEASE_ENDED and machine.state.rex_pressed:
                    self._renew(machine, moment)
                else:
                    self.give(door, stimulus, moment)
            self._not_taken(machine, machine.given_up(moment))
            if machine.stuck_due(moment):
                self._stuck(machine, moment)
            if machine.retry_due(moment):
                self.say_again(machine, moment)

    def deadline_s(self) -> float | None:
        """The doors' next timer, monotonic seconds."""
        times = [machine.deadline_s() for machine in self.machines.values()]
        return min((t for t in times if t is not None), default=None)

    def take_command_id(self) -> str:
        """The next command's id; none is given twice."""
        command_id = f"c-{self.next_command}"
        self.next_command += 1
        return command_id

    def _renew(self, machine: DoorMachine, moment: Moment) -> None:
        """The exit button is still pressed at its release's end: the lock stays released, for nobody else's time."""
        state = machine.state
        state.extended = state.extended and state.phase is not DoorPhase.RELEASED
        self.give(machine.door.id, Stimulus.REX, moment, Cause("rex"))

    def _stuck(self, machine: DoorMachine, moment: Moment) -> None:
        """One alarm for one stuck button, also when a restart finds it stuck still."""
        if not self.alarms.is_active(AlarmKind.REX_STUCK, machine.door.id):
            self._alarm(AlarmKind.REX_STUCK, machine.door, moment)

    def _carry_out(self, action: Action, machine: DoorMachine, moment: Moment) -> None:
        """What concerns the lock is done here; the rest is told."""
        if action is Action.RELEASE:
            self._pulse(machine, moment)
        elif action is Action.HOLD_RELEASED:
            self._hold(machine, moment)
        elif action is Action.SECURE:
            self._secure(machine, moment)
        elif action is Action.NOT_RELEASED:
            self.events.append(LockNotReleased(door=machine.door.id, command_id=machine.state.command_id))
        elif action is Action.SECURED_BY_BOARD:
            machine.state.lock_released = False
            self.events.append(LockSecured(door=machine.door.id, command_id=machine.last_pulse()))
        else:
            self._tell(action, machine, moment)

    def _tell(self, action: Action, machine: DoorMachine, moment: Moment) -> None:
        door, awaited = machine.door, machine.state.awaited
        if action is Action.TAKEN:
            self.events += [AccessTaken(door=door.id, **_who(a)) for a in awaited]
        elif action is Action.NOT_TAKEN:
            self._not_taken(machine, awaited)
        elif action is Action.FORCED:
            self.events.append(DoorForcedOpen(door=door.id))
            self._alarm(AlarmKind.DOOR_FORCED, door, moment)
        elif action is Action.WARN:
            self.events.append(DoorHeldWarning(door=door.id))
        elif action is Action.HELD:
            self.events.append(DoorHeldOpen(door=door.id))
            self._alarm(AlarmKind.DOOR_HELD, door, moment)
        elif action is Action.NORMAL:
            for kind in (AlarmKind.DOOR_FORCED, AlarmKind.DOOR_HELD):
                self.events += self.alarms.normal(kind, door.id)

    def _not_taken(self, machine: DoorMachine, awaited: list[Awaited]) -> None:
        """The release is over for them. Whose own command never went out was not let in: of the lock that is told."""
        let_in = [a for a in awaited if not a.unsent_command]
        if machine.sees_passage:
            self.events += [AccessNotTaken(door=machine.door.id, **_who(a)) for a in let_in]
        for command_id in dict.fromkeys(a.unsent_command for a in awaited if a.unsent_command):
            self.events.append(LockNotReleased(door=machine.door.id, command_id=command_id))

    def _alarm(self, kind: AlarmKind, door: Door, moment: Moment) -> None:
        camera = next((c.id for c in self.site.cameras.values() if door.id in c.doors), None)
        self.events += self.alarms.raise_alarm(kind, door.id, moment, door=door.id, camera=camera)

    def _pulse(self, machine: DoorMachine, moment: Moment) -> None:
        lock, seconds = machine.door.lock, machine.release_left_s(moment)
        if machine.door.barrier:
            seconds = min(seconds, machine.door.pulse_time_s)
        command = PulseOutput(
            self._command_id(machine),
            lock.output.device,
            lock.output.number,
            lock.release_energised,
            seconds,
            moment.monotonic_s + COMMAND_EXPIRY_S,
        )
        self.commands.append(command)
        machine.note_pulse(command.command_id)
        if machine.tells_release(moment):
            self.events.append(self._released(machine, command, seconds))
        else:
            machine.state.untold_command = command.command_id

    def _hold(self, machine: DoorMachine, moment: Moment) -> None:
        command = self.set_lock(machine.door, True, moment)
        self.events.append(self._released(machine, command, None))

    def _secure(self, machine: DoorMachine, moment: Moment) -> None:
        """Relock: at once after a lasting release; after a pulse only where the door relocks on closing."""
        state = machine.state
        pulse_runs = state.release_ends_s is not None
        if not state.lock_released:
            return
        if pulse_runs and not machine.door.relock_on_close:
            return
        state.lock_released, state.release_ends_s = False, None
        command = self.set_lock(machine.door, False, moment)
        if state.stuck_told_s is None:  # A stuck exit button releases it again in the same turn.
            self.events.append(LockSecured(door=machine.door.id, command_id=command.command_id))

    def _open_barrier(self, machine: DoorMachine, moment: Moment, because: str) -> None:
        """One pulse, for nobody in particular; it is said again until its board has taken it."""
        machine.state.because, machine.state.pulse_owed = because, True
        self.give(machine.door.id, Stimulus.GRANT, moment)

    def say_again(self, machine: DoorMachine, moment: Moment) -> None:
        """Tell a lock once more what it should do: stay released, rest, or (a barrier) open."""
        if machine.state.pulse_owed:
            self._open_barrier(machine, moment, machine.state.because)
            return
        self.set_lock(machine.door, machine.state.phase is DoorPhase.FREE, moment)

    def set_lock(self, door: Door, release: bool, moment: Moment) -> SetOutput:
        """Command a lock to stay released, or to rest; the command."""
        energise = door.lock.release_energised == release
        command = SetOutput(
            self._command_id(self.machines[door.id]),
            door.lock.output.device,
            door.lock.output.number,
            energise,
            moment.monotonic_s + HOLD_EXPIRY_S,
        )
        self.commands.append(command)
        return command

    def _command_id(self, machine: DoorMachine) -> str:
        command_id = self.take_command_id()
        machine.state.command_id, machine.state.retry_at_s = command_id, None
        return command_id

    @staticmethod
    def _released(machine: DoorMachine, command: DeviceCommand, seconds: float | None) -> LockReleased:
        return LockReleased(
            door=machine.door.id, because=machine.state.because, command_id=command.command_id, seconds=seconds
        )


def _who(awaited: Awaited) -> _Who:
    return {"because": awaited.because, "credential": awaited.credential, "cardholder": awaited.cardholder}
