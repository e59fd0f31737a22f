"""The controller: signals in, events and commands out. It composes the small machines and holds no rules of its own.

Pure: `handle(signal, moment, access_list)` depends on nothing but its arguments and the state, and the whole state is
`snapshot()`. A checkpoint rides with every turn's events, so a restart goes on exactly where the journal ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.clock_watch import ClockWatch
from gateway.domain.commands import Command, ForkJournal
from gateway.domain.door_control import DoorControl
from gateway.domain.entry import Entry
from gateway.domain.guard_desk import GuardDesk
from gateway.domain.list_age import ListAge
from gateway.domain.list_desk import ListDesk
from gateway.domain.listed import AccessList
from gateway.domain.lock_watch import LockWatch
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.observation_book import END_DEADLINE_S, ObservationBook, WatchedObservation
from gateway.domain.patrol import Patrol
from gateway.domain.ports import Reply
from gateway.domain.register import Fact, Register
from gateway.domain.sirens import Sirens
from gateway.domain.site import Site
from gateway.domain.site_inputs import SiteInputs
from gateway.domain.snapshot import ControllerState

WRONG_PARITY = "WrongParity"
"""Why a read did not count of which no reading has a sound parity."""

COMMAND_NUMBERS_SKIPPED_AT_START = 1000
"""A crash may have lost the numbers of commands that went out before their commit; none may be used twice."""
CLOCK_LOOKED_AT_S = 60.0
FIRST_LIST_S = 10.0
"""A box that was just installed gets its first list within seconds; only a longer wait is an alarm."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one signal came to.

    `urgent`: an exit or fire release, whose commands wait for nothing. `durable_first`: something is used up, so no
    command goes out before it is recorded. `facts`: what changed of what is remembered.
    """

    events: tuple[ev.Event, ...]
    commands: tuple[Command, ...]
    reply: Reply
    urgent: bool = False
    durable_first: bool = False
    facts: tuple[Fact, ...] = ()


@dataclass(slots=True)
class _Reply:
    refusal: str | None = None
    urgent: bool = False


@dataclass(slots=True)
class _Now:
    moment: Moment
    access_list: AccessList | None
    reply: _Reply = field(default_factory=_Reply)


class Controller:
    """One site's controller. Not thread-safe; the site loop is its only caller."""

    def __init__(self, site: Site, state: ControllerState | None = None, register: Register | None = None) -> None:
        state = state or ControllerState()
        self.site, self.state = site, state
        self.alarms = AlarmBook(state.alarms, state.next_alarm)
        self.doors = DoorControl(site, self.alarms, state.doors, state.next_command)
        self.locks = LockWatch(self.doors)
        self.inputs = SiteInputs(site, state, self.doors, self.alarms)
        self.clock = ClockWatch(self.alarms, state, site.unsynchronised_alarm_s)
        self.observations = ObservationBook(state.observations)
        self.register = register or Register()
        self.entry = Entry(site, self.doors, self.alarms, self.register, state.entry)
        self.patrol = Patrol(site, self.doors, self.alarms, self.register, state.patrol)
        self.sirens = Sirens(site, state.sirens, self.doors, self.alarms, state.lost)
        age = ListAge(self.alarms, state, has_office=site.has_office)
        self.lists = ListDesk(self.alarms, self.doors, self.register, age, state.held_list)
        self.guards = GuardDesk(site, state, self.doors, self.alarms, self.entry, self.patrol, self.sirens, self.lists)
        self._next_schedule: datetime | None = None
        self._next_clock_look_s = 0.0
        self.list_due_s: float | None = None
        self._handlers: dict[type, Callable[[Any, _Now], None]] = {
            sg.CardRead: self._card_read,
            sg.TextRead: lambda signal, now: self.entry.text_read(signal, now.moment, now.access_list),
            sg.KeyPressed: lambda signal, now: self.entry.key_pressed(signal, now.moment, now.access_list),
            sg.ReadIgnored: self._read_ignored,
            sg.InputsChanged: self._inputs_changed,
            sg.InputFaultChanged: lambda signal, now: self.inputs.fault_changed(signal, now.moment),
            sg.OutputsRead: self._outputs_read,
            sg.OutputsUnknown: self._outputs_unknown,
            sg.ConsoleWatched: lambda signal, now: self.sirens.watched(signal, now.moment),
            sg.LinkChanged: self._link_changed,
            sg.FramesRejected: self._frames_rejected,
            sg.DeviceFlagged: self._device_flagged,
            sg.ReaderConditionChanged: self._reader_condition,
            sg.CommandCompleted: self._command_completed,
            sg.ListReady: self._list_ready,
            sg.ListCurrent: self._list_current,
            sg.ListRefused: lambda signal, now: self.lists.refused(signal, now.moment),
            sg.OfficeRevoked: lambda signal, now: self.lists.revoke(signal, now.access_list),
            sg.HistoryDiverged: self._history_diverged,
            sg.HistoryForked: lambda signal, now: self._raise(AlarmKind.HISTORY_FORKED, "journal", now),
            sg.Observation: self._observation,
            sg.EvidenceReady: self._evidence_ready,
            sg.ProcessChanged: self._process_changed,
            sg.JournalChanged: self._journal_changed,
            sg.SignalsDropped: self._signals_dropped,
            sg.DeadlineReached: self._deadline_reached,
            sg.GatewayStarting: self._gateway_starting,
            sg.ListActivated: self._list_activated,
        }

    def handle(self, signal: sg.Signal, moment: Moment, access_list: AccessList | None) -> Turn:
        """One turn. Timers that have run out are settled first, so that a late call changes no order."""
        now = _Now(moment, access_list)
        self.doors.events, self.doors.commands = [], []
        if isinstance(signal, sg.GatewayStarting):
            self.doors.start_over(COMMAND_NUMBERS_SKIPPED_AT_START)
            self.entry.grants.counted.start_over()
        self.entry.durable_first = False
        self._tell(*self.clock.look(moment))
        self.doors.run_timers(moment)
        self.entry.run_timers(moment)
        self.patrol.run_timers(moment)
        self.inputs.run_timers(moment)
        self._tell(*self.alarms.settle(moment))
        self._hand_out(signal, now)
        self.entry.grants.settle(self.doors.events, moment)
        self.sirens.settle(moment)
        reply = Reply(accepted=now.reply.refusal is None, reason=now.reply.refusal)
        return Turn(
            tuple(self.doors.events),
            tuple(self.doors.commands),
            reply,
            now.reply.urgent,
            self.entry.durable_first,
            self.register.take_changed(),
        )

    def _hand_out(self, signal: sg.Signal, now: _Now) -> None:
        asked, handler = self.guards.handlers.get(type(signal)), self._handlers.get(type(signal))
        if asked is not None:
            self.guards.urgent = False
            now.reply.refusal = asked(signal, now.moment, now.access_list)
            now.reply.urgent |= self.guards.urgent
        elif handler is not None:
            handler(signal, now)

    def snapshot(self) -> ControllerState:
        """The whole state, sharing what it is made of: encode it before the next turn."""
        self.state.doors = {door: machine.state for door, machine in self.doors.machines.items()}
        self.state.alarms, self.state.next_alarm = self.alarms.open, self.alarms.next_number
        self.state.next_command = self.doors.next_command
        self.state.observations = self.observations.entries
        self.state.held_list = self.lists.held
        return self.state

    def next_deadline(self, moment: Moment) -> float:
        """When to call with `DeadlineReached`, monotonic seconds; at most a minute ahead."""
        times = [self.doors.deadline_s(), self.alarms.deadline_s(), self.observations.deadline_s()]
        times += [self.entry.deadline_s(), self._next_clock_look_s or None, self.list_due_s]
        times += [self.patrol.deadline_s(moment), self.inputs.deadline_s(), self.sirens.deadline_s()]
        if self._next_schedule is not None:
            times.append(moment.monotonic_s + (self._next_schedule - moment.wall).total_seconds())
        latest = moment.monotonic_s + CLOCK_LOOKED_AT_S
        return min([latest, *(t for t in times if t is not None)])

    # Readers

    def _card_read(self, signal: sg.CardRead, now: _Now) -> None:
        """Decided at its access point first; then the tours look at it. A reading of wrong parity never counts."""
        sound = tuple(reading for reading in signal.readings if reading.parity_ok is not False)
        if signal.readings and not sound:
            self._tell(ev.ReadDropped(reader=signal.reader, reason=WRONG_PARITY))
            return
        signal = replace(signal, readings=sound)
        if not self.patrol.stands_alone(signal.reader):
            self.entry.card_read(signal, now.moment, now.access_list)
        self.patrol.card_read(signal, now.moment, now.access_list)

    def _read_ignored(self, signal: sg.ReadIgnored, now: _Now) -> None:
        self._tell(ev.ReadDropped(reader=signal.reader, reason=signal.reason))

    # Inputs and outputs

    def _inputs_changed(self, signal: sg.InputsChanged, now: _Now) -> None:
        now.reply.urgent |= self.inputs.changed(signal, now.moment)

    def _outputs_read(self, signal: sg.OutputsRead, now: _Now) -> None:
        for output, energised in signal.outputs:
            self.locks.output_read(signal.device, output, energised, now.moment)
            self.sirens.output_read(signal.device, output, energised, now.moment)

    def _outputs_unknown(self, signal: sg.OutputsUnknown, now: _Now) -> None:
        self.locks.outputs_unknown(signal.device, now.moment)
        self.sirens.outputs_unknown(signal.device, now.moment)

    def _command_completed(self, signal: sg.CommandCompleted, now: _Now) -> None:
        failed = signal.outcome in (sg.CommandOutcome.FAILED, sg.CommandOutcome.EXPIRED)
        if failed or not self.locks.is_untold(signal.command_id):
            self._tell(
                ev.CommandEnded(
                    command_id=signal.command_id,
                    device=signal.device,
                    outcome=signal.outcome.value,
                    detail=signal.detail[:200],
                )
            )
        expired = signal.outcome is sg.CommandOutcome.EXPIRED
        never_sent = expired or signal.never_sent
        unsent_release = never_sent and self.locks.pulse_unsent(signal.command_id, now.moment, at_once=not expired)
        self.entry.grants.command_ended(signal.command_id, never_sent)
        self.sirens.command_ended(signal.command_id, failed, now.moment)
        if failed:
            undone = unsent_release and not expired
            door = self.locks.command_failed(signal.command_id, now.moment, undone=undone)
            self._raise(AlarmKind.COMMAND_FAILED, signal.device, now, door=door)
        else:
            self._tell(*self.alarms.normal(AlarmKind.COMMAND_FAILED, signal.device))
            self.locks.command_taken(signal.command_id)
        if signal.outcome is sg.CommandOutcome.DONE:
            self.locks.command_done(signal.command_id)

    # Devices, processes, the journal

    def _link_changed(self, signal: sg.LinkChanged, now: _Now) -> None:
        offline = signal.state is sg.LinkState.OFFLINE
        kind = AlarmKind.OFFICE_LOST if signal.device == "office" else AlarmKind.DEVICE_LOST
        if offline:
            self.sirens.board_lost(signal.device)
        if offline and signal.device not in self.state.lost:
            self.state.lost.append(signal.device)
            self._tell(ev.DeviceLost(device=signal.device, detail=signal.detail[:200]))
            camera = signal.device if signal.device in self.site.cameras else None
            self._raise(kind, signal.device, now, camera=camera)
        elif not offline:
            if signal.device in self.state.lost:
                self.state.lost.remove(signal.device)
                self._tell(ev.DeviceReturned(device=signal.device, detail=signal.detail[:200]))
                self._tell(*self.alarms.normal(kind, signal.device))
            self.locks.device_returned(signal.device, now.moment)

    def _frames_rejected(self, signal: sg.FramesRejected, now: _Now) -> None:
        self._tell(ev.RubbishReceived(device=signal.device, count=signal.count, reason=signal.reason[:200]))
        self._raise(AlarmKind.RUBBISH, signal.device, now)
        self._tell(*self.alarms.normal(AlarmKind.RUBBISH, signal.device))

    def _device_flagged(self, signal: sg.DeviceFlagged, now: _Now) -> None:
        if signal.faults:
            self._tell(ev.DeviceMisconfigured(device=signal.device, faults=signal.faults))
            self._raise(AlarmKind.DEVICE_MISCONFIGURED, signal.device, now)
        else:
            self._tell(*self.alarms.normal(AlarmKind.DEVICE_MISCONFIGURED, signal.device))

    def _reader_condition(self, signal: sg.ReaderConditionChanged, now: _Now) -> None:
        """Readers say it again whenever they connect: only what is new is told."""
        reader, state = signal.device, self.state
        told = [
            _note(state.tampered_readers, reader, signal.tampered),
            _note(state.readers_without_power, reader, signal.power_fault),
        ]
        if any(told):
            self._tell(
                ev.ReaderConditionChanged(device=reader, tampered=signal.tampered, power_fault=signal.power_fault)
            )
        point = next((point for point in self.site.access_points.values() if reader in point.readers), None)
        door = None if point is None else point.door
        camera = next((c.id for c in self.site.cameras.values() if door in c.doors), None)
        conditions = {AlarmKind.READER_TAMPER: signal.tampered, AlarmKind.READER_POWER: signal.power_fault}
        for changed, (kind, present) in zip(told, conditions.items(), strict=True):
            if changed and present:
                self._raise(kind, reader, now, door=door, camera=camera)
            elif changed:
                self._tell(*self.alarms.normal(kind, reader))

    def _process_changed(self, signal: sg.ProcessChanged, now: _Now) -> None:
        name = f"process:{signal.process}"
        if signal.state is sg.LinkState.OFFLINE and name not in self.state.lost:
            self.state.lost.append(name)
            self._tell(ev.ProcessLost(process=signal.process, detail=signal.detail[:200]))
            self._raise(AlarmKind.PROCESS_LOST, signal.process, now)
        elif signal.state is sg.LinkState.ONLINE and name in self.state.lost:
            self.state.lost.remove(name)
            self._tell(ev.ProcessReturned(process=signal.process))
            self._tell(*self.alarms.normal(AlarmKind.PROCESS_LOST, signal.process))

    def _journal_changed(self, signal: sg.JournalChanged, now: _Now) -> None:
        if not signal.available:
            self._raise(AlarmKind.JOURNAL_UNAVAILABLE, "journal", now)
            return
        if signal.lost:  # the journal has written the gap's own record already
            self._raise(AlarmKind.EVENTS_LOST, "journal", now)
        self._tell(*self.alarms.normal(AlarmKind.JOURNAL_UNAVAILABLE, "journal"))

    def _signals_dropped(self, signal: sg.SignalsDropped, now: _Now) -> None:
        self._tell(ev.SignalsLost(kind=signal.kind, count=signal.count))
        self._raise(AlarmKind.SIGNALS_LOST, signal.kind, now)
        self._tell(*self.alarms.normal(AlarmKind.SIGNALS_LOST, signal.kind))

    # The office's list

    def _list_ready(self, signal: sg.ListReady, now: _Now) -> None:
        now.reply.refusal = self.lists.ready(signal, now.moment, now.access_list)

    def _list_current(self, signal: sg.ListCurrent, now: _Now) -> None:
        now.reply.refusal = self.lists.current(signal, now.moment, now.access_list)

    def _list_activated(self, signal: sg.ListActivated, now: _Now) -> None:
        self.lists.activated(signal, now.moment)
        self._follow_schedules(now)

    def _history_diverged(self, signal: sg.HistoryDiverged, now: _Now) -> None:
        self.doors.commands.append(
            ForkJournal(f"fork-{signal.current}", signal.current, signal.epoch, signal.seq, signal.hash)
        )

    # Cameras

    def _observation(self, signal: sg.Observation, now: _Now) -> None:
        place = self.site.cameras.get(signal.camera)
        if place is None:
            now.reply.refusal = "CameraUnknown"
        elif signal.state == "ended":
            self._end_observation(signal.observation_id, signal.timed_out)
        elif signal.observation_id not in self.observations.entries:
            # While the clock is suspect nobody knows the hour: rather an alarm too many.
            suspect = now.moment.quality is ClockQuality.SUSPECT
            armed = suspect or place.armed.covers(now.moment.wall, self.site.zone)
            self._tell(
                ev.ObservationStarted(
                    observation=signal.observation_id,
                    camera=signal.camera,
                    rule=signal.rule,
                    zone=signal.zone,
                    armed=armed,
                    started_at=signal.started_at,
                )
            )
            if armed:
                self._raise(AlarmKind.INTRUSION, signal.camera, now, camera=signal.camera)
            alarm = self.alarms.find(AlarmKind.INTRUSION, signal.camera) if armed else None
            ends_s = now.moment.monotonic_s + END_DEADLINE_S
            self.observations.start(
                signal.observation_id,
                WatchedObservation(signal.camera, signal.rule, signal.zone, alarm, ends_s, now.moment.boot_id),
            )

    def _end_observation(self, observation: str, timed_out: bool) -> None:
        found = self.observations.end(observation)
        if found is None:
            return
        self._tell(
            ev.ObservationEnded(
                observation=observation, camera=found.camera, rule=found.rule, zone=found.zone, timed_out=timed_out
            )
        )
        current = self.alarms.find(AlarmKind.INTRUSION, found.camera)
        if found.alarm is not None and found.alarm == current and not self.observations.still_open(found.alarm):
            self._tell(*self.alarms.normal(AlarmKind.INTRUSION, found.camera))

    def _evidence_ready(self, signal: sg.EvidenceReady, now: _Now) -> None:
        """Evidence of an observation, or of the alarm that asked for it by its own id."""
        alarm = self.observations.alarm_of(signal.observation_id)
        if alarm is None and self.alarms.was_raised(signal.observation_id):
            alarm = signal.observation_id
        if alarm is not None and not self.alarms.keep_evidence(alarm, signal.path):
            return  # One recording of several observations is one evidence of their alarm.
        self._tell(
            ev.EvidenceStored(
                observation=signal.observation_id,
                camera=signal.camera,
                alarm=alarm,
                kind=signal.kind,
                path=signal.path,
                sha256=signal.sha256,
                size_bytes=signal.size_bytes,
                started_at=signal.started_at,
                ended_at=signal.ended_at,
            )
        )

    # Time

    def _gateway_starting(self, signal: sg.GatewayStarting, now: _Now) -> None:
        version = now.access_list.version if now.access_list else None
        self._tell(ev.GatewayStarted(software=signal.software, restored=signal.restored, list_version=version))
        self.list_due_s = now.moment.monotonic_s + FIRST_LIST_S
        self.lists.age.start(now.moment)
        # The wiring may have changed while the gateway was down: a door that fire releases now, or no more.
        self.doors.set_fire(self.state.fire_latched, now.moment)
        for link in self.site.insecure_links:
            self._raise_once(AlarmKind.INSECURE_LINK, link, now)
        for alarm in [a for a in self.alarms.open.values() if a.kind == AlarmKind.INSECURE_LINK]:
            if alarm.source not in self.site.insecure_links:
                self._tell(*self.alarms.normal(AlarmKind.INSECURE_LINK, alarm.source))
        if self.site.unsigned_lists:
            self._raise_once(AlarmKind.LISTS_UNSIGNED, "office", now)
        else:
            self._tell(*self.alarms.normal(AlarmKind.LISTS_UNSIGNED, "office"))
        self._deadline_reached(sg.DeadlineReached(), now)

    def _deadline_reached(self, signal: sg.DeadlineReached, now: _Now) -> None:
        for observation in self.observations.overdue(now.moment):
            self._end_observation(observation, timed_out=True)
        self._tell(*self.clock.judge(now.moment), *self.lists.age.judge(now.moment, now.access_list))
        self._next_clock_look_s = now.moment.monotonic_s + CLOCK_LOOKED_AT_S
        if self.list_due_s is not None and now.moment.monotonic_s >= self.list_due_s:
            self.list_due_s = None
            if now.access_list is None:
                self._raise_once(AlarmKind.NO_VALID_LIST, "site", now)
        if now.access_list is not None and now.access_list.fallback:
            self._raise_once(AlarmKind.NO_VALID_LIST, "site", now)
        self._follow_schedules(now)

    def _follow_schedules(self, now: _Now) -> None:
        self.doors.follow_schedules(now.moment, now.access_list)
        self._next_schedule = None
        if now.access_list is None:
            return
        soonest = self.doors.next_schedule_change(now.moment, now.access_list)
        self._next_schedule = soonest + timedelta(milliseconds=1) if soonest else None

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told

    def _raise(
        self, kind: AlarmKind, source: str, now: _Now, *, door: str | None = None, camera: str | None = None
    ) -> None:
        self._tell(*self.alarms.raise_alarm(kind, source, now.moment, door=door, camera=camera))

    def _raise_once(self, kind: AlarmKind, source: str, now: _Now) -> None:
        if self.alarms.find(kind, source) is None:
            self._raise(kind, source, now)


def _note(names: list[str], name: str, present: bool) -> bool:
    """Keep in `names` whether it is so; was it otherwise before?"""
    if present == (name in names):
        return False
    if present:
        names.append(name)
    else:
        names.remove(name)
    return True
