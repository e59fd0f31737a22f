"""Guards, fire, schedules, people and restarts in any order: what a door's mode must never do."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.domain import events as ev
from gateway.domain.door import DoorPhase
from gateway.domain.door_mode import (
    ALL_DOORS,
    FREE_MODES,
    DoorMode,
)
from gateway.domain.moment import ClockQuality
from tests.gateway.domain.door_bench import GROUPS, OFFICE_HOURS, SECOND, Bench, M, unlocked_by
from tests.gateway.domain.plant import DOORS, LOBBY, NORTH, releases

ESCAPES = [door for door in DOORS.values() if door.escape_route]
MODES_ASKED = st.sampled_from([None, M.LOCKED, M.UNLOCKED, M.BLOCKED])
GROUPS_ASKED = st.sampled_from([None, *GROUPS])


class AnyModes(RuleBasedStateMachine):
    """Guards, fire, schedules, people and restarts in any order, beside a plain account of what is in force."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(access_list=unlocked_by(OFFICE_HOURS))
        self.down: dict[str, set[str]] = {door: set() for door in DOORS}
        self.wide_open: dict[str, set[str]] = {door: set() for door in DOORS}
        self.override_until: dict[str, datetime] = {}
        self.fire = False
        self.shown = dict.fromkeys(DOORS, M.LOCKED)

    def heard(self) -> None:
        """The journal tells each change of what a door is meant to do, and nothing that is none."""
        for event in self.bench.told(ev.DoorModeChanged):
            assert self.shown[event.door].value != event.mode
            self.shown[event.door] = DoorMode(event.mode)

    @rule(mode=MODES_ASKED, door=st.sampled_from(list(DOORS)), hours=st.sampled_from([0.5, 6.0, 24.0, 25.0]))
    def a_guard_overrides(self, mode: DoorMode | None, door: str, hours: float) -> None:
        had = door in self.override_until
        self.bench.override(mode, hours=hours, door=door)
        held = self.down[door] or self.wide_open[door]
        expected = not held and (had if mode is None else hours <= 24)
        if mode is M.UNLOCKED and self.bench.quality is ClockQuality.SUSPECT:
            expected = False
        assert (self.bench.refusal is None) == expected, self.bench.refusal
        if expected:
            self.override_until.pop(door, None)
            if mode is not None:
                self.override_until[door] = self.bench.wall + timedelta(hours=hours)
        self.heard()

    @rule(group=GROUPS_ASKED, two=st.booleans(), release=st.booleans(), life_safety=st.booleans())
    def a_guard_asks_for_a_group(self, group: str | None, two: bool, release: bool, life_safety: bool) -> None:
        book = self.wide_open if life_safety else self.down
        if life_safety:
            self.bench.release_lock_open(group) if release else self.bench.lock_open(group)
        elif release:
            self.bench.release_lockdown(group, SECOND if two else None)
        else:
            self.bench.lock_down(group)
        if self.bench.refusal is None:
            assert not release or two or life_safety
            for door in DOORS if group is None else GROUPS[group].doors:
                if not release:
                    book[door].add(group or ALL_DOORS)
                elif group is None:
                    book[door].clear()
                else:
                    book[door].discard(group)
        self.heard()

    @rule(latched=st.booleans())
    def fire_comes_or_is_cleared(self, latched: bool) -> None:
        self.fire = latched
        self.bench.fire(latched)
        self.heard()

    @rule(door=st.sampled_from(list(DOORS)))
    def somebody_is_granted_where_the_mode_allows_it(self, door: str) -> None:
        if self.bench.doors.may_open(door) is None:
            self.bench.grant(door)
            self.heard()

    @rule(door=st.sampled_from([NORTH.id, LOBBY.id]), is_open=st.booleans())
    def a_contact_speaks(self, door: str, is_open: bool) -> None:
        self.bench.contact(is_open, door)
        self.heard()

    @rule(door=st.sampled_from([NORTH.id, LOBBY.id]), pressed=st.booleans())
    def an_exit_button_is_worked(self, door: str, pressed: bool) -> None:
        self.bench.rex(pressed, door)
        self.heard()

    @rule(seconds=st.sampled_from([0.0, 1.0, 6.0, 30.0, 1800.0, 6 * 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.after(seconds)
        self.heard()

    @rule(seconds=st.sampled_from([1.0, 3600.0, 48 * 3600.0]), reboot=st.booleans())
    def the_gateway_is_off_for_a_while(self, seconds: float, reboot: bool) -> None:
        self.bench = self.bench.restarted(off_s=seconds, reboot=reboot).starts()
        self.heard()

    @rule(quality=st.sampled_from(list(ClockQuality)))
    def the_clock_changes(self, quality: ClockQuality) -> None:
        self.bench.quality = quality
        self.bench.after(0.0)
        self.heard()

    @invariant()
    def a_lockdown_is_left_by_its_release_alone(self) -> None:
        for door, names in self.down.items():
            assert set(self.bench.state(door).layers.lockdowns) == names
            if names and not self.wide_open[door] and not self.is_burning(door):
                assert self.bench.mode(door) is M.LOCKED_DOWN
                assert self.bench.doors.may_open(door) == "DoorLockedDown"

    @invariant()
    def a_life_safety_release_is_left_by_its_release_alone(self) -> None:
        for door, names in self.wide_open.items():
            assert set(self.bench.state(door).layers.lock_opens) == names
            assert not names or self.bench.state(door).phase is DoorPhase.FREE

    @invariant()
    def an_override_ends_when_its_time_has_come(self) -> None:
        for door in DOORS:
            override = self.bench.state(door).layers.override
            until = self.override_until.get(door)
            if until is not None and self.bench.wall >= until and self.bench.quality is not ClockQuality.SUSPECT:
                del self.override_until[door]
            if override is None:
                self.override_until.pop(door, None)
            else:
                assert self.override_until[door] == override.until

    @invariant()
    def a_door_is_free_exactly_while_its_mode_or_fire_says_so(self) -> None:
        for door in DOORS:
            state = self.bench.state(door)
            assert (state.phase is DoorPhase.FREE) == (state.mode in FREE_MODES)
            assert state.mode is self.shown[door]
            if self.is_burning(door):
                assert state.mode is M.UNLOCKED

    @invariant()
    def an_exit_opens_every_escape_door(self) -> None:
        for door in ESCAPES:
            copy = self.bench.restarted()
            copy.rex(door=door.id)
            assert copy.state(door.id).lock_released
            assert releases(copy.commands(door.id)[-1])

    @invariant()
    def while_the_clock_is_suspect_only_a_life_safety_release_or_fire_frees(self) -> None:
        if self.bench.quality is ClockQuality.SUSPECT:
            for door in DOORS:
                free = self.bench.state(door).phase is DoorPhase.FREE
                assert not free or self.wide_open[door] or self.is_burning(door)

    def is_burning(self, door: str) -> bool:
        return self.fire and DOORS[door].fire_release


TestAnyModes = AnyModes.TestCase
TestAnyModes.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
