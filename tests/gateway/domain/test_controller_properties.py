"""Whatever comes, in whatever order: what a controller must never do.

Random signals drive a controller and its twin, which is restored from JSON now and then, and a board that does what
it is told. Every turn is checked by `TurnRules`; crashes lose the newest turns as a lost transaction would.
"""

import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_request import DenialReason
from gateway.domain.alarm import EACH_TIME_ANEW
from gateway.domain.commands import DeviceCommand, PulseOutput, SwapList
from gateway.domain.controller import Controller, Turn
from gateway.domain.credential import Reading
from gateway.domain.door import AWAITED_MAX, DoorPhase, DoorState
from gateway.domain.door_mode import FREE_MODES, DoorMode
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.register import Fact, Register
from gateway.domain.schedule import Period, Schedule
from gateway.domain.site import Door
from gateway.domain.snapshot import ControllerState
from tests.gateway.domain.listing import EVERY_DAY, card, resident_listing
from tests.gateway.domain.plant import DOORS, GUARD, START, device_commands, door_of, releases
from tests.gateway.domain.plant import SITE as BENCH

SITE = replace(BENCH, indicators=frozenset({"north-reader", "shed-reader"}))

LISTS: list[AccessList | None] = [
    None,
    resident_listing(version=1),
    resident_listing(version=2, unlock=Schedule("noon", (Period(EVERY_DAY, 720, 722),))),
]
ESCAPES = [door for door in DOORS.values() if door.escape_route]
JOURNAL_LOST_TURNS_MAX = 4
NEARLY_S = 0.002
"""Pulses are told to the millisecond."""


@dataclass
class Board:
    """Every relay of the site, as a board that times its own pulses would work them, on a clock that never restarts."""

    released: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(DOORS, False))
    ends_s: dict[str, float] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    """Doors whose newest command didn't get through."""

    def obey(self, told: DeviceCommand, real_s: float) -> None:
        door = door_of(told).id
        self.deaf.discard(door)
        self.released[door] = releases(told)
        self.ends_s.pop(door, None)
        if isinstance(told, PulseOutput):
            self.ends_s[door] = real_s + told.duration_s

    def let_time_pass(self, real_s: float) -> None:
        for door in [d for d, at_s in self.ends_s.items() if at_s <= real_s]:
            del self.ends_s[door]
            self.released[door] = False

    def read(self, device: str) -> sg.OutputsRead:
        locks = [door.lock for door in DOORS.values() if door.lock.output.device == device]
        of = {door.lock.output: self.released[door.id] for door in DOORS.values()}
        return sg.OutputsRead(device, tuple((k.output.number, of[k.output] == k.release_energised) for k in locks))


@dataclass
class Journal:
    """What the events say: the alarms that are open, those that ever were, and the locks that are released."""

    open_alarms: dict[str, int] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    momentary: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    not_released: set[str] = field(default_factory=set)

    def write(self, turn: Turn, signal: sg.Signal) -> None:
        for event in turn.events:
            match event:
                case ev.LockReleased():
                    self.released.add(event.door)
                case ev.LockSecured():
                    self.released.remove(event.door)
                case ev.LockNotReleased():
                    assert event.command_id not in self.not_released, "one command is told of once"
                    self.not_released.add(event.command_id)
                    self.released.discard(event.door)
                case ev.EvidenceStored():
                    assert event.alarm is None or event.alarm in self.ever
                case _:
                    self._write_alarm(event, signal)

    def _write_alarm(self, event: ev.Event, signal: sg.Signal) -> None:
        match event:
            case ev.AlarmRaised():
                assert event.alarm not in self.ever
                self.ever.add(event.alarm)
                self.open_alarms[event.alarm] = event.priority
                if event.kind in EACH_TIME_ANEW:
                    self.momentary.add(event.alarm)
                self.active.add(event.alarm)
            case ev.AlarmRepeated():
                assert event.alarm in self.open_alarms
                if event.alarm not in self.active or event.alarm in self.momentary:
                    self.acknowledged.discard(event.alarm)
                self.active.add(event.alarm)
            case ev.AlarmNormal():
                self.active.remove(event.alarm)
            case ev.AlarmAcknowledged():
                assert event.alarm in self.open_alarms
                self.acknowledged.add(event.alarm)
            case ev.AlarmResolved():
                self.active.discard(event.alarm)
                self.acknowledged.discard(event.alarm)
                priority = self.open_alarms.pop(event.alarm)
                by_guard = isinstance(signal, sg.AlarmResolveRequested) and event.actor == GUARD.name
                assert by_guard or priority >= 3, "P1 and P2 end by a guard's outcome only"
            case _:
                pass


def releases_have_their_reason(turn: Turn, before: dict[str, DoorState], after: dict[str, DoorState]) -> None:
    """No lock is released without a grant, an exit, a guard, a schedule or fire, or because it must last."""
    pulse_reasons = {e.door for e in turn.events if isinstance(e, (ev.AccessGranted, ev.ExitPressed, ev.OpenedByGuard))}
    freed = {e.door for e in turn.events if isinstance(e, ev.DoorModeChanged) and e.mode == DoorMode.UNLOCKED.value}
    for told in device_commands(turn):
        if not releases(told):
            continue
        door = door_of(told).id
        if isinstance(told, PulseOutput):
            assert door in pulse_reasons or before[door].rex_pressed or after[door].rex_pressed
            assert 0 < told.duration_s <= DOORS[door].extended_release_time_s
        else:
            assert door in freed or before[door].phase is DoorPhase.FREE
            assert after[door].fire or after[door].mode is DoorMode.UNLOCKED or not is_last(told, turn)
    ids = {told.command_id for told in turn.commands}
    assert all(e.command_id in ids for e in turn.events if isinstance(e, ev.LockReleased))


def is_last(told: DeviceCommand, turn: Turn) -> bool:
    """Is it the newest command to its output in this turn?"""
    return [c for c in device_commands(turn) if door_of(c) is door_of(told)][-1] is told


def decisions_are_whole(turn: Turn) -> None:
    """One swipe, one answer; a denial has one reason: its one failed check, the last."""
    answers = [e for e in turn.events if isinstance(e, (ev.AccessGranted, ev.AccessDenied))]
    assert len(answers) <= 1
    for answer in answers:
        passed = [step.passed for step in answer.trace]
        if isinstance(answer, ev.AccessDenied):
            assert answer.reason in {reason.value for reason in DenialReason}
            assert passed == [True] * (len(passed) - 1) + [False]
        else:
            assert all(passed)
            assert answer.credential
            assert answer.cardholder


def restored(controller: Controller) -> Controller:
    """The same, gone through a checkpoint. A reader's short memory (digits!) is in none, so it is handed over."""
    state = msgspec.json.decode(msgspec.json.encode(controller.snapshot()), type=ControllerState)
    again = Controller(SITE, state, Register(controller.register.all_facts()))
    again.entry.watches = copy.deepcopy(controller.entry.watches)
    again.list_due_s = controller.list_due_s  # Set anew by each start; this one has none.
    return again


class AnyDay(RuleBasedStateMachine):
    """Signals in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.live = Controller(SITE)
        self.twin = Controller(SITE)
        self.board, self.journal = Board(), Journal()
        self.wall, self.monotonic_s, self.boot, self.real_s = START, 1000.0, 1, 0.0
        self.quality = ClockQuality.SYNCHRONISED
        self.list_number = 1
        self.used_ids: set[str] = set()
        self.pending: list[tuple[DeviceCommand, bool]] = []
        self.kept: list[tuple[bytes, tuple[Fact, ...], Journal]] = []
        self.requests = 0

    @property
    def moment(self) -> Moment:
        return Moment(self.wall, self.monotonic_s, f"boot-{self.boot}", self.quality)

    def states(self) -> dict[str, DoorState]:
        return {door: machine.state for door, machine in self.live.doors.machines.items()}

    def give(self, signal: sg.Signal, *, broken: bool = False) -> Turn:
        self.board.let_time_pass(self.real_s)
        before = copy.deepcopy(self.states())
        access_list = LISTS[self.list_number]
        turn = self.live.handle(signal, self.moment, access_list)
        assert self.twin.handle(signal, self.moment, access_list) == turn, "a restored controller goes on the same"
        releases_have_their_reason(turn, before, self.states())
        decisions_are_whole(turn)
        self.journal.write(turn, signal)
        alarms = self.live.alarms.open
        assert set(alarms) == set(self.journal.open_alarms)
        assert {name for name, a in alarms.items() if a.active and not a.held_back} == self.journal.active
        assert {name for name, a in alarms.items() if a.acknowledged} == self.journal.acknowledged
        assert {door for door, state in self.states().items() if state.lock_released} == self.journal.released
        ids = [c.command_id for c in turn.commands if not isinstance(c, SwapList)]
        assert len(set(ids)) == len(ids)
        assert not self.used_ids & set(ids), "a command id is used once"
        self.used_ids |= set(ids)
        exits = any(isinstance(e, (ev.ExitPressed, ev.FireDetected)) for e in turn.events)
        assert turn.urgent or not exits
        for told in device_commands(turn):
            if broken:
                self.board.deaf.add(door_of(told).id)
            else:
                self.board.obey(told, self.real_s)
            self.pending.append((told, not broken))
        facts = self.live.register.all_facts()
        self.kept.append((msgspec.json.encode(self.live.snapshot()), facts, copy.deepcopy(self.journal)))
        del self.kept[: -JOURNAL_LOST_TURNS_MAX - 1]
        return turn

    def request(self) -> str:
        self.requests += 1
        return f"r-{self.requests}"

    # Time and restarts

    @rule(seconds=st.sampled_from([0.25, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds
        self.real_s += seconds
        self.give(sg.DeadlineReached())
        assert self.live.next_deadline(self.moment) > self.monotonic_s, "a deadline that was met is not asked for again"

    @rule(seconds=st.sampled_from([0.25, 1.0, 6.0, 30.0]))
    def nobody_calls_for_a_while(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds
        self.real_s += seconds

    @rule()
    def the_twin_is_restored(self) -> None:
        self.twin = restored(self.live)

    @rule(lost_turns=st.integers(0, JOURNAL_LOST_TURNS_MAX), reboot=st.booleans())
    def the_process_dies(self, lost_turns: int, reboot: bool) -> None:
        if not self.kept:
            return
        checkpoint, facts, self.journal = copy.deepcopy(self.kept[-1 - min(lost_turns, len(self.kept) - 1)])
        self.live = Controller(SITE, msgspec.json.decode(checkpoint, type=ControllerState), Register(facts))
        self.twin = Controller(SITE, msgspec.json.decode(checkpoint, type=ControllerState), Register(facts))
        self.pending.clear()
        if reboot:
            self.boot += 1
            self.monotonic_s = 5.0
            self.real_s += 60.0
            self.wall += timedelta(seconds=60)
        self.kept = []
        self.give(sg.GatewayStarting("0", restored=True))
        for device in ("board", "pole"):
            self.give(sg.LinkChanged(device, sg.LinkState.ONLINE))
            self.give(self.board.read(device))

    @rule(quality=st.sampled_from(list(ClockQuality)))
    def the_clock_changes(self, quality: ClockQuality) -> None:
        self.quality = quality

    @rule(number=st.integers(0, len(LISTS) - 1))
    def another_list_is_in_force(self, number: int) -> None:
        self.list_number = number
        self.give(sg.ListActivated(number, "digest", 2))

    # People

    @rule(number=st.sampled_from([1, 2, 99]), door=st.sampled_from([*DOORS, "cellar"]), broken=st.booleans())
    def somebody_swipes(self, number: int, door: str, broken: bool) -> None:
        self.give(sg.CardRead(f"{door}-reader", (Reading(card(number)),), self.monotonic_s), broken=broken)

    @rule(keys=st.text("0123456789*#A", max_size=5), door=st.sampled_from(list(DOORS)))
    def somebody_types(self, keys: str, door: str) -> None:
        for key in keys + "#":
            self.give(sg.KeyPressed(f"{door}-reader", key, self.monotonic_s))

    @rule(values=st.dictionaries(st.integers(0, 5), st.booleans(), min_size=1), broken=st.booleans())
    def contacts_and_buttons_change(self, values: dict[int, bool], broken: bool) -> None:
        self.give(sg.InputsChanged("board", tuple(values.items()), self.monotonic_s), broken=broken)

    @rule(values=st.dictionaries(st.integers(0, 3), st.booleans(), min_size=1))
    def site_inputs_change(self, values: dict[int, bool]) -> None:
        self.give(sg.InputsChanged("alarms", tuple(values.items()), self.monotonic_s))

    @rule(
        wire=st.sampled_from([("board", number) for number in range(5)] + [("alarms", number) for number in range(4)]),
        fault=st.sampled_from([None, *sg.InputFault]),
    )
    def a_supervised_loop_changes(self, wire: tuple[str, int], fault: sg.InputFault | None) -> None:
        latched = self.live.state.fire_latched
        turn = self.give(sg.InputFaultChanged(*wire, fault))
        assert self.live.state.fire_latched == latched, "a fault is no fire, and ends none"
        assert not any(isinstance(e, (ev.DoorOpened, ev.DoorClosed, ev.ExitPressed)) for e in turn.events)

    @rule(
        door=st.sampled_from([*DOORS, "cellar"]),
        left_s=st.sampled_from([-1.0, 5.0, 90.0]),
        reason=st.sampled_from(["", "x"]),
    )
    def a_guard_opens(self, door: str, left_s: float, reason: str) -> None:
        expires_at = self.wall + timedelta(seconds=left_s)
        reachable = door in DOORS and DOORS[door].lock.output.device not in self.live.state.lost
        turn = self.give(sg.OpenRequested(self.request(), door, reason, GUARD, expires_at))
        assert turn.reply.accepted == (reachable and left_s == 5.0 and bool(reason))
        assert turn.reply.accepted == any(isinstance(e, ev.OpenedByGuard) for e in turn.events)

    @rule()
    def a_guard_clears_the_fire(self) -> None:
        self.give(sg.FireResetRequested(self.request(), GUARD))

    @rule(number=st.integers(1, 12), outcome=st.sampled_from([None, "real", "nonsense"]))
    def a_guard_deals_with_an_alarm(self, number: int, outcome: str | None) -> None:
        if outcome is None:
            self.give(sg.AlarmAcknowledgeRequested(self.request(), f"a-{number}", GUARD))
        else:
            self.give(sg.AlarmResolveRequested(self.request(), f"a-{number}", outcome, "", GUARD))

    # Devices

    @precondition(lambda self: bool(self.pending))
    @rule(failure=st.sampled_from([sg.CommandOutcome.FAILED, sg.CommandOutcome.EXPIRED]), never_sent=st.booleans())
    def a_command_ends(self, failure: sg.CommandOutcome, never_sent: bool) -> None:
        told, done = self.pending.pop(0)
        outcome = sg.CommandOutcome.DONE if done else failure
        unsent = never_sent and outcome is sg.CommandOutcome.FAILED
        self.give(sg.CommandCompleted(told.command_id, told.device, outcome, never_sent=unsent))

    @rule(device=st.sampled_from(["board", "pole", "office", "yard"]), state=st.sampled_from(list(sg.LinkState)))
    def a_link_changes(self, device: str, state: sg.LinkState) -> None:
        self.give(sg.LinkChanged(device, state))

    @rule(door=st.sampled_from(list(DOORS)))
    def somebody_bridges_a_relay_and_it_is_read(self, door: str) -> None:
        self.board.released[door] = True
        self.board.ends_s.pop(door, None)
        self.give(self.board.read(DOORS[door].lock.output.device))

    @rule(
        signal=st.sampled_from(
            [
                sg.FramesRejected("board", 1, "crc"),
                sg.OutputsUnknown("board"),
                sg.OutputsUnknown("pole"),
                sg.DeviceFlagged("pole", ("fault",)),
                sg.DeviceFlagged("pole", ()),
                sg.ReaderConditionChanged("north-reader", True, False),
                sg.ReaderConditionChanged("north-reader", False, True),
                sg.ReaderConditionChanged("north-reader", False, False),
                sg.ProcessChanged("cameras", sg.LinkState.OFFLINE),
                sg.ProcessChanged("cameras", sg.LinkState.ONLINE),
                sg.JournalChanged(False, "full"),
                sg.JournalChanged(True, "", 3),
                sg.SignalsDropped("Observation", 2),
                sg.ReadIgnored("north-reader", "retained"),
                sg.ListRefused(3, ("fault",)),
                sg.StatusReported("sync", {}),
                sg.ConsoleWatched(False),
                sg.ConsoleWatched(True),
            ]
        )
    )
    def something_else_is_said(self, signal: sg.Signal) -> None:
        self.give(signal)

    # Cameras

    @rule(
        number=st.integers(1, 4),
        camera=st.sampled_from(["yard", "hall", "roof"]),
        state=st.sampled_from(["started", "ended"]),
    )
    def a_camera_sees(self, number: int, camera: str, state: str) -> None:
        self.give(sg.Observation(f"o-{number}", camera, "motion", "drive", state, self.wall))

    @rule(name=st.sampled_from(["o-1", "o-2", "o-9", "a-1", "a-2", "a-9"]))
    def evidence_is_stored(self, name: str) -> None:
        self.give(sg.EvidenceReady(name, "yard", "clip", "e/1.mp4", "0" * 64, 9, self.wall, self.wall))

    # What always holds

    @invariant()
    def an_exit_opens_every_escape_door(self) -> None:
        for door in ESCAPES:
            if self.live.doors.machines[door.id].state.rex_pressed:
                continue
            turn = pressed_on_a_copy(self.live, door, self.moment)
            told = [c for c in device_commands(turn) if door_of(c) is door]
            assert told
            assert releases(told[-1])
            assert turn.urgent

    @invariant()
    def while_an_exit_button_is_pressed_its_lock_is_released(self) -> None:
        assert all(state.lock_released for state in self.states().values() if state.rex_pressed)

    @invariant()
    def somebody_is_awaited_at_a_released_door_only_and_not_for_ever(self) -> None:
        for door, state in self.states().items():
            assert state.phase is DoorPhase.RELEASED or not state.awaited
            assert len({(a.because, a.credential) for a in state.awaited}) == len(state.awaited) <= AWAITED_MAX
            latest_s = self.monotonic_s + DOORS[door].extended_release_time_s
            assert all(a.ends_s <= latest_s for a in state.awaited)

    @invariant()
    def an_alarm_is_held_back_only_while_it_is_active(self) -> None:
        assert all(a.active or not a.held_back for a in self.live.alarms.open.values())

    @invariant()
    def a_door_is_free_exactly_while_fire_or_its_mode_says_so(self) -> None:
        for door, state in self.states().items():
            assert (state.phase is DoorPhase.FREE) == (state.fire or state.mode in FREE_MODES)
            assert state.fire == (self.live.state.fire_latched and DOORS[door].fire_release)

    @invariant()
    def no_lock_is_released_that_the_controller_believes_secured(self) -> None:
        for door, state in self.states().items():
            if self.board.released[door] and not state.lock_released and door not in self.board.deaf:
                left_s = self.board.ends_s.get(door, float("inf")) - self.real_s
                assert left_s < NEARLY_S, door


def pressed_on_a_copy(controller: Controller, door: Door, moment: Moment) -> Turn:
    """What pressing the exit button would come to, without pressing it."""
    assert door.rex
    signal = sg.InputsChanged(door.rex.device, ((door.rex.number, True),), moment.monotonic_s)
    return restored(controller).handle(signal, moment, None)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
