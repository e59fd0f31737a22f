"""Whatever people, guards and fire do at a compound, in whatever order: who gets in, who gets out, and who is where."""

import copy
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_request import DenialReason, Want
from gateway.domain.cardholder import CardholderKind, Risk
from gateway.domain.commands import PulseOutput
from gateway.domain.controller import Controller, Turn
from gateway.domain.credential import CredentialState, Identifier, Pass, Reading
from gateway.domain.door import DoorPhase
from gateway.domain.door_mode import FREE_MODES, DoorMode
from gateway.domain.listed import AntiPassback, Area, Authentication, PersonsOf, Setting
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.register import Fact, Register
from gateway.domain.schedule import Period, Schedule
from gateway.domain.snapshot import ControllerState
from tests.gateway.domain.compound import SITE, WAYS, compound_list, of, person, pin
from tests.gateway.domain.listing import EVERY_DAY, MemoryAccessList, card
from tests.gateway.domain.plant import GUARD, START, device_commands

CHIEF = sg.Operator("chief", "office")
SOON = Schedule("soon", (Period(EVERY_DAY, 722, 730),))
BUSY = compound_list(
    people=[
        person(2, anti_passback_exempt=True),
        person(3, escort_needed=True, kind=CardholderKind.VISITOR),
        person(4, can_escort=True, groups=("bank",), risk=Risk(2, "watch")),
        person(5, groups=("bank",), kind=CardholderKind.CONTRACTOR, risk=Risk(3, "banned")),
    ],
    credentials={
        card(1): of(1, **pin(1, "2468", duress="8642")),
        card(6): of(2, id="c-6", uses=2, uses_per_day=1),
        card(7): of(1, id="c-7", state=CredentialState.LOST),
        Identifier("PIN4", None, 4711): of(2, id="pin"),
    },
    areas=[Area("yard", AntiPassback.HARD, max_occupancy=2, timed_minutes=5), Area("hall", AntiPassback.SOFT)],
    wants={
        "vault-in": Authentication.TWO_CARDS,
        "south-in": Authentication.CARD_AND_PIN,
        "flap-in": Authentication.CONFIRM,
    },
    points={
        "inner-in": {"settings": (Setting("soon", Authentication.FIRST_CARD),)},
        "vault-in": {"persons": (PersonsOf("bank"), PersonsOf("", 1))},
    },
    schedules=[SOON],
    passes={
        "GHP1.v": Pass("v", "office", None, ("all",), None, datetime(2027, 1, 1, tzinfo=UTC), uses=1),
        "GHP1.r": Pass("r", "phone", "p-1", (), None, datetime(2027, 1, 1, tzinfo=UTC), made_at=START),
    },
)
LISTS: list[MemoryAccessList | None] = [None, compound_list(), BUSY, compound_list(version=3, fallback=True)]
READERS = {reader: point for point in SITE.access_points.values() for reader in point.readers}
ESCAPES = [door for door in SITE.doors.values() if door.escape_route]
LOST_TURNS_MAX = 3


def restored(controller: Controller) -> Controller:
    """The same, gone through checkpoint and facts; keys and the card that is held there now are in neither."""
    state = msgspec.json.decode(msgspec.json.encode(controller.snapshot()), type=ControllerState)
    again = Controller(SITE, state, Register(controller.register.all_facts()))
    again.entry.watches = copy.deepcopy(controller.entry.watches)
    again.list_due_s = controller.list_due_s  # Set anew by each start; this one has none.
    return again


_GroupEvent = ev.LockdownStarted | ev.LockdownReleased | ev.LockOpenStarted | ev.LockOpenReleased


class Model:
    """What the events say, and nothing else: who is where, which requests are open, what is locked down."""

    def __init__(self) -> None:
        self.where: dict[str, str | None] = {}
        self.coming: dict[tuple[str, str | None], tuple[list[str], str]] = {}
        """(door, first credential) -> those people, and the access point."""
        self.requests: set[str] = set()
        self.locked_down: dict[str, set[str | None]] = {door: set() for door in SITE.doors}
        self.locked_open: dict[str, set[str | None]] = {door: set() for door in SITE.doors}
        self.fire = False

    def write(self, event: ev.Event) -> None:
        match event:
            case ev.AccessRequested():
                self.requests.add(event.request)
            case ev.AccessGranted() | ev.AccessDenied():
                if event.request is not None:
                    self.requests.remove(event.request)
            case ev.LockdownStarted() | ev.LockdownReleased():
                self._change(self.locked_down, event, isinstance(event, ev.LockdownStarted))
            case ev.LockOpenStarted() | ev.LockOpenReleased():
                self._change(self.locked_open, event, isinstance(event, ev.LockOpenStarted))
            case ev.FireDetected() | ev.FireCleared():
                self.fire = isinstance(event, ev.FireDetected)
            case ev.AreaEntered():
                self._enter(event)
            case _:
                pass

    @staticmethod
    def _change(held: dict[str, set[str | None]], event: _GroupEvent, begins: bool) -> None:
        for door in event.doors:
            if begins:
                held[door].add(event.group)
            else:
                held[door] = set() if event.group is None else held[door] - {event.group}

    def _enter(self, event: ev.AreaEntered) -> None:
        assert WAYS[event.access_point] == (event.area_from, event.area_to)
        self.where[event.cardholder] = event.area_to


class AccessDay(RuleBasedStateMachine):
    """Signals in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.live, self.twin = Controller(SITE), Controller(SITE)
        self.model = Model()
        self.wall, self.monotonic_s, self.boot = START, 1000.0, 1
        self.quality = ClockQuality.SYNCHRONISED
        self.list_number = 2
        self.requests = 0
        self.kept: list[tuple[bytes, tuple[Fact, ...], Model]] = []
        for door in SITE.doors.values():
            if door.contact is not None:
                self.give(sg.InputsChanged("board", ((door.contact.number, False),), self.monotonic_s))

    @property
    def moment(self) -> Moment:
        return Moment(self.wall, self.monotonic_s, f"boot-{self.boot}", self.quality)

    def mode(self, door: str) -> DoorMode:
        return self.live.doors.mode_of(door)

    def give(self, signal: sg.Signal) -> Turn:
        before = {door: self.mode(door) for door in SITE.doors}
        pressed = {door: self.live.doors.machines[door].state.rex_pressed for door in SITE.doors}
        turn = self.live.handle(signal, self.moment, LISTS[self.list_number])
        assert self.twin.handle(signal, self.moment, LISTS[self.list_number]) == turn, "a restart changes nothing"
        self.check_answers(turn, before)
        self.check_releases(turn, pressed)
        self.check_passages(turn)
        for event in turn.events:
            self.model.write(event)
        facts = self.live.register.all_facts()
        self.kept.append((msgspec.json.encode(self.live.snapshot()), facts, copy.deepcopy(self.model)))
        del self.kept[: -LOST_TURNS_MAX - 1]
        return turn

    def check_answers(self, turn: Turn, before: dict[str, DoorMode]) -> None:
        """A denial has one reason, its one failed check; nobody is let into a door that is locked down or blocked."""
        for event in turn.events:
            passed = [step.passed for step in getattr(event, "trace", ())]
            match event:
                case ev.AccessDenied():
                    assert event.reason in {reason.value for reason in DenialReason}
                    assert passed == [True] * (len(passed) - 1) + [False]
                case ev.AccessRequested():
                    assert event.wants in {want.value for want in Want}
                    assert passed == [True] * (len(passed) - 1) + [False]
                case ev.AccessGranted():
                    assert all(passed)
                    if event.door is not None and not SITE.access_points[event.access_point].exit:
                        assert before[event.door] not in (DoorMode.LOCKED_DOWN, DoorMode.BLOCKED)
                case _:
                    pass

    def check_releases(self, turn: Turn, pressed: dict[str, bool]) -> None:
        """No lock is released without a grant, an exit, a guard, or a mode that says so."""
        asked = {e.door for e in turn.events if isinstance(e, ev.AccessGranted | ev.ExitPressed | ev.OpenedByGuard)}
        floors = [e for e in turn.events if isinstance(e, ev.FloorsEnabled)]
        for told in device_commands(turn):
            if told.device == "car":
                assert floors
                continue
            door = next(d.id for d in SITE.doors.values() if d.lock.output.number == told.output)
            if not told.energise:
                continue
            state = self.live.doors.machines[door].state
            if isinstance(told, PulseOutput):
                assert door in asked or pressed[door] or state.rex_pressed
            else:
                changed = any(isinstance(e, ev.DoorModeChanged) and e.door == door for e in turn.events)
                assert changed or state.phase is DoorPhase.FREE

    def check_passages(self, turn: Turn) -> None:
        """Who enters an area was granted: the door opened for them, or could not tell."""
        for event in turn.events:
            point = SITE.access_points.get(getattr(event, "access_point", ""))
            if isinstance(event, ev.AccessGranted) and point is not None and point.door is not None:
                who = [name for name in (event.credential, *event.accompanied) if name is not None]
                self.model.coming[point.door, event.credential] = (who, point.id)
        taken = {(e.door, e.credential) for e in turn.events if isinstance(e, ev.AccessTaken)}
        for event in turn.events:
            if isinstance(event, ev.AreaEntered):
                door = SITE.access_points[event.access_point].door
                assert door is not None
                leaders = [
                    key
                    for key, (who, at) in self.model.coming.items()
                    if key[0] == door and event.credential in who and at == event.access_point
                ]
                assert leaders, "nobody enters ungranted"
                assert event.because != "taken" or any(leader in taken for leader in leaders)

    def request(self) -> str:
        self.requests += 1
        return f"q-{self.requests}"

    @property
    def soon(self) -> datetime:
        return self.wall + timedelta(seconds=5)

    # Time, restarts, lists

    @rule(seconds=st.sampled_from([0.3, 2.0, 6.0, 11.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds
        self.give(sg.DeadlineReached())
        assert self.live.next_deadline(self.moment) > self.monotonic_s

    @rule()
    def the_twin_is_restored(self) -> None:
        self.twin = restored(self.live)

    @rule(lost=st.integers(0, LOST_TURNS_MAX), reboot=st.booleans())
    def the_process_dies(self, lost: int, reboot: bool) -> None:
        checkpoint, facts, self.model = copy.deepcopy(self.kept[-1 - min(lost, len(self.kept) - 1)])
        self.live = Controller(SITE, msgspec.json.decode(checkpoint, type=ControllerState), Register(facts))
        self.twin = Controller(SITE, msgspec.json.decode(checkpoint, type=ControllerState), Register(facts))
        if reboot:
            self.boot, self.monotonic_s, self.wall = self.boot + 1, 5.0, self.wall + timedelta(seconds=60)
        self.kept = []
        self.give(sg.GatewayStarting("0", restored=True))

    @rule(quality=st.sampled_from(list(ClockQuality)))
    def the_clock_changes(self, quality: ClockQuality) -> None:
        self.quality = quality
        self.give(sg.DeadlineReached())

    @rule(number=st.integers(0, len(LISTS) - 1))
    def another_list_is_in_force(self, number: int) -> None:
        self.list_number = number
        self.give(sg.ListActivated(number, "digest", 2))

    # People

    @rule(number=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 99]), reader=st.sampled_from([*READERS, "cellar"]))
    def somebody_shows_a_card(self, number: int, reader: str) -> None:
        self.give(sg.CardRead(reader, (Reading(card(number)),), self.monotonic_s))

    @rule(digits=st.sampled_from(["2468", "8642", "4711", "0000", ""]), reader=st.sampled_from(["ni", "si", "vi"]))
    def somebody_types(self, digits: str, reader: str) -> None:
        for key in digits + "#":
            self.give(sg.KeyPressed(reader, key, self.monotonic_s))

    @rule(text=st.sampled_from(["GHP1.v", "GHP1.r", "GHP1.x", "car", ""]), reader=st.sampled_from(["ni", "so"]))
    def somebody_scans(self, text: str, reader: str) -> None:
        self.give(sg.TextRead(reader, text, self.monotonic_s))

    @rule(door=st.sampled_from([d.id for d in SITE.doors.values() if d.contact]), is_open=st.booleans())
    def a_door_moves(self, door: str, is_open: bool) -> None:
        contact = SITE.doors[door].contact
        assert contact is not None
        self.give(sg.InputsChanged("board", ((contact.number, is_open),), self.monotonic_s))

    @rule(door=st.sampled_from([d.id for d in SITE.doors.values() if d.rex]), pressed=st.booleans())
    def somebody_presses_exit(self, door: str, pressed: bool) -> None:
        rex = SITE.doors[door].rex
        assert rex is not None
        self.give(sg.InputsChanged("board", ((rex.number, pressed),), self.monotonic_s))

    @rule(burns=st.booleans())
    def the_fire_input_changes(self, burns: bool) -> None:
        self.give(sg.InputsChanged("alarms", ((0, not burns),), self.monotonic_s))

    # Guards

    @rule(door=st.sampled_from(list(SITE.doors)))
    def a_guard_opens(self, door: str) -> None:
        refused = self.mode(door) in (DoorMode.LOCKED_DOWN, DoorMode.BLOCKED)
        turn = self.give(sg.OpenRequested(self.request(), door, "visitor", GUARD, self.soon))
        assert turn.reply.accepted is not refused

    @rule(door=st.sampled_from(list(SITE.doors)), mode=st.sampled_from(["Locked", "Unlocked", "Blocked", "Odd", None]))
    def a_guard_sets_a_mode(self, door: str, mode: str | None) -> None:
        until = None if mode is None else self.wall + timedelta(minutes=3)
        self.give(sg.DoorModeRequested(self.request(), door, mode, "works", GUARD, self.soon, until))

    @rule(
        group=st.sampled_from([None, "gates", "cellar"]),
        release=st.booleans(),
        second=st.sampled_from([None, GUARD, CHIEF]),
    )
    def a_guard_locks_down_or_releases(self, group: str | None, release: bool, second: sg.Operator | None) -> None:
        if not release:
            self.give(sg.LockdownRequested(self.request(), group, "threat", GUARD, self.soon))
            return
        turn = self.give(sg.LockdownReleaseRequested(self.request(), group, "over", GUARD, second, self.soon))
        assert second is CHIEF or not turn.reply.accepted, "it takes two people"

    @rule(group=st.sampled_from([None, "gates"]), release=st.booleans())
    def a_guard_locks_open_or_takes_it_back(self, group: str | None, release: bool) -> None:
        asked = sg.LockOpenReleaseRequested if release else sg.LockOpenRequested
        self.give(asked(self.request(), group, "evacuation", GUARD, self.soon))

    @rule()
    def a_guard_clears_the_fire(self) -> None:
        self.give(sg.FireResetRequested(self.request(), GUARD))

    @rule(subject=st.sampled_from(["credential:c-1", "cardholder:p-2", "nobody"]), blocked=st.booleans())
    def a_guard_blocks(self, subject: str, blocked: bool) -> None:
        self.give(sg.BlockRequested(self.request(), subject, blocked, "seen", GUARD))

    @rule(credential=st.sampled_from(["c-5", "c-7"]), hours=st.sampled_from([None, 1, 25]))
    def a_guard_lets_in(self, credential: str, hours: int | None) -> None:
        until = None if hours is None else self.wall + timedelta(hours=hours)
        self.give(sg.LocalGrantRequested(self.request(), credential, ("north-in",), until, "known", GUARD))

    @rule(cardholder=st.sampled_from([None, "p-1", "p-9"]))
    def a_guard_forgives(self, cardholder: str | None) -> None:
        self.give(sg.ForgiveRequested(self.request(), cardholder, "tailgated", GUARD))

    @precondition(lambda self: self.model.requests)
    @rule(allow=st.booleans(), data=st.data())
    def a_guard_confirms(self, allow: bool, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.model.requests)))
        self.give(sg.AccessConfirmRequested(self.request(), request, allow, GUARD))

    # What always holds

    @invariant()
    def an_exit_opens_every_escape_door(self) -> None:
        for door in ESCAPES:
            assert door.rex is not None
            if self.live.doors.machines[door.id].state.rex_pressed:
                assert self.live.doors.machines[door.id].state.lock_released
                continue
            pressed = sg.InputsChanged("board", ((door.rex.number, True),), self.monotonic_s)
            turn = restored(self.live).handle(pressed, self.moment, LISTS[self.list_number])
            told = [c for c in device_commands(turn) if c.output == door.lock.output.number and c.device == "board"]
            assert told
            assert told[-1].energise
            assert turn.urgent

    @invariant()
    def everybody_is_where_their_last_taken_passage_led(self) -> None:
        where = {name: fact.area for name, fact in self.live.register.whereabouts.items()}
        assert where == self.model.where
        inside = {area: sum(1 for at in where.values() if at == area) for area in ("yard", "hall")}
        assert all(self.live.register.inside.get(area, 0) == count for area, count in inside.items())

    @invariant()
    def a_lockdown_is_left_only_by_its_release_and_is_back_after_a_fire(self) -> None:
        assert self.live.state.fire_latched == self.model.fire
        for door, machine in self.live.doors.machines.items():
            if machine.state.fire:
                assert self.mode(door) is DoorMode.UNLOCKED
            elif self.model.locked_open[door]:
                assert self.mode(door) is DoorMode.LOCKED_OPEN
            else:
                assert (self.mode(door) is DoorMode.LOCKED_DOWN) == bool(self.model.locked_down[door])
            assert (machine.state.phase is DoorPhase.FREE) == (machine.state.mode in FREE_MODES)

    @invariant()
    def a_request_is_open_until_it_is_answered_once(self) -> None:
        assert {waiting.request for waiting in self.live.entry.state.waiting.values()} == self.model.requests


TestAccessDay = AccessDay.TestCase
TestAccessDay.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
