"""The door's table: what holds for every row, and which pairs can't meet."""

from collections import deque
from datetime import UTC, datetime

import pytest

from gateway.domain.door import TABLE, Action, DoorMachine, DoorPhase, DoorState, Stimulus
from gateway.domain.moment import Moment
from tests.gateway.domain.plant import NORTH

P, S, A = DoorPhase, Stimulus, Action
NOW = Moment(datetime(2026, 11, 23, 4, 0, tzinfo=UTC), 100.0, "boot-1")
OPEN_PHASES = {P.PASSING, P.WARNING, P.HELD, P.FORCED}

MEANINGLESS: dict[tuple[DoorPhase, Stimulus], str] = {
    # An open door can't open, a closed one can't close; what a fire or a schedule frees, it alone locks again.
    **dict.fromkeys([(phase, S.CONTACT_OPENED) for phase in OPEN_PHASES], "it is open"),
    **dict.fromkeys([(phase, S.CONTACT_CLOSED) for phase in (P.SECURE, P.RELEASED)], "it is closed"),
    **dict.fromkeys([(phase, S.REOPENED) for phase in P if phase is not P.SECURE], "asked for while secure only"),
    **dict.fromkeys([(P.FREE, S.CONTACT_OPENED), (P.FREE, S.CONTACT_CLOSED)], "it may be used as one likes"),
    **dict.fromkeys([(P.FREE, S.GRANT), (P.FREE, S.FREED)], "it is released already"),
    **dict.fromkeys([(P.FREE, S.RELEASE_ENDED)], "a lasting release has no end"),
    **dict.fromkeys(
        [(phase, s) for phase in P if phase is not P.FREE for s in (S.LOCKED_CLOSED, S.LOCKED_OPEN)], "it is locked"
    ),
    **dict.fromkeys(
        [(phase, S.NEVER_RELEASED) for phase in P if phase is not P.RELEASED], "somebody opened it, or nobody waits"
    ),
    **dict.fromkeys([(phase, S.WARNING_DUE) for phase in P if phase is not P.PASSING], "the timer belongs to passing"),
    **dict.fromkeys([(phase, S.HELD_DUE) for phase in P if phase is not P.WARNING], "a warning comes first"),
}


def test_every_pair_of_phase_and_stimulus_is_a_row_or_has_its_reason_why_not() -> None:
    pairs = {(phase, stimulus) for phase in P for stimulus in S}
    assert set(TABLE) | set(MEANINGLESS) == pairs
    assert not set(TABLE) & set(MEANINGLESS)


@pytest.mark.parametrize(("phase", "stimulus"), sorted(TABLE), ids=str)
def test_a_row_moves_the_machine_and_hands_out_its_actions(phase: DoorPhase, stimulus: Stimulus) -> None:
    machine = DoorMachine(NORTH, DoorState(phase=phase))
    following, actions = TABLE[(phase, stimulus)]
    assert machine.stimulate(stimulus, NOW) == actions
    assert machine.state.phase is following


@pytest.mark.parametrize(("phase", "stimulus"), sorted(MEANINGLESS), ids=str)
def test_a_pair_without_a_row_changes_nothing(phase: DoorPhase, stimulus: Stimulus) -> None:
    machine = DoorMachine(NORTH, DoorState(phase=phase))
    assert machine.stimulate(stimulus, NOW) == ()
    assert machine.state == DoorState(phase=phase)


def test_every_phase_is_reached_from_secure_and_leads_back_to_it() -> None:
    def reached(start: DoorPhase) -> set[DoorPhase]:
        found, waiting = {start}, deque([start])
        while waiting:
            phase = waiting.popleft()
            following = {row[0] for (at, _), row in TABLE.items() if at is phase} - found
            found |= following
            waiting.extend(following)
        return found

    assert reached(P.SECURE) == set(P)
    assert all(P.SECURE in reached(phase) for phase in P)


@pytest.mark.parametrize("phase", list(P))
def test_an_exit_releases_in_every_phase(phase: DoorPhase) -> None:
    assert {A.RELEASE, A.HOLD_RELEASED} & set(TABLE[(phase, S.REX)][1])


@pytest.mark.parametrize("phase", [phase for phase in P if phase is not P.FREE])
def test_fire_and_schedule_free_a_door_in_every_phase(phase: DoorPhase) -> None:
    following, actions = TABLE[(phase, S.FREED)]
    assert following is P.FREE
    assert A.HOLD_RELEASED in actions


def test_a_lock_is_released_only_for_a_grant_an_exit_or_a_door_set_free() -> None:
    releasing = {
        stimulus for (_, stimulus), (_, actions) in TABLE.items() if {A.RELEASE, A.HOLD_RELEASED} & set(actions)
    }
    assert releasing == {S.GRANT, S.REX, S.FREED}


def test_a_door_that_is_closed_or_freed_leaves_no_open_timer_running() -> None:
    for (phase, stimulus), (_, actions) in TABLE.items():
        if stimulus in (S.CONTACT_CLOSED, S.FREED) and phase in OPEN_PHASES:
            assert A.STOP_OPEN_TIMERS in actions
            assert A.NORMAL in actions


def test_a_timer_speaks_once_and_in_the_order_in_which_it_ran_out() -> None:
    state = DoorState(release_ends_s=90.0, warning_at_s=70.0, held_at_s=80.0, boot_id="boot-1")
    machine = DoorMachine(NORTH, state)
    assert machine.due(NOW) == [S.WARNING_DUE, S.HELD_DUE, S.RELEASE_ENDED]
    assert machine.due(NOW) == []


def test_a_timer_of_another_boot_counts_as_expired() -> None:
    machine = DoorMachine(NORTH, DoorState(release_ends_s=9e9, boot_id="boot-0"))
    assert machine.due(NOW) == [S.RELEASE_ENDED]


def test_the_next_deadline_is_the_earliest_of_all_timers() -> None:
    assert DoorMachine(NORTH, DoorState()).deadline_s() is None
    state = DoorState(release_ends_s=130.0, warning_at_s=120.0, held_at_s=140.0, boot_id="boot-1")
    assert DoorMachine(NORTH, state).deadline_s() == 120.0
    state.retry_at_s = 110.0
    assert DoorMachine(NORTH, state).deadline_s() == 110.0
