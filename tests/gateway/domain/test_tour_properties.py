"""Tours under whatever may happen: each visit is a guard's swipe, each round ends once, and no door is moved by one."""

from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.domain.controller import Turn
from gateway.domain.moment import ClockQuality
from gateway.domain.tour import Tour, TourPoint, TourStart
from tests.gateway.domain.compound import SITE, Compound
from tests.gateway.domain.guarded import LOOSE, NIGHT, OUTCOMES, GuardedCompound, guards_list
from tests.gateway.domain.listing import EVERY_DAY
from tests.gateway.domain.plant import device_commands

OFTEN = replace(NIGHT, starts=tuple(TourStart(EVERY_DAY, minute) for minute in range(0, 1440, 45)), start_by_card=False)
INNER = Tour("inner", (TourPoint("ii"), TourPoint("ni", 30, 300), TourPoint("roof", 0, 200)), frozenset({"guards"}))
LATE = replace(LOOSE, groups=frozenset({"guards", "cleaners"}), starts=(TourStart(EVERY_DAY, 12 * 60 + 30),))
TOURS = (OFTEN, INNER, LATE)

Step: TypeAlias = tuple[str, int, str, float]
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("swipe"),
            st.sampled_from([1, 1, 1, 2, 3, 4, 99]),
            st.sampled_from(["ni", "pump", "ii", "roof", "si"]),
            st.sampled_from([1.5, 20.0, 70.0, 130.0, 400.0]),
        ),
        st.tuples(st.just("wait"), st.just(0), st.just(""), st.sampled_from([1.0, 60.0, 299.0, 600.0, 2700.0])),
        st.tuples(
            st.sampled_from(["start", "stop", "reboot", "suspect", "lockdown"]),
            st.integers(1, 4),
            st.sampled_from([tour.id for tour in TOURS]),
            st.just(5.0),
        ),
    ),
    max_size=40,
)


def walk(rig: Compound, steps: list[Step], *, restarts: frozenset[int] = frozenset()) -> list[Turn]:
    """What each step came to; before those of `restarts` the process is killed and started again."""
    turns: list[Turn] = []
    for number, step in enumerate(steps):
        if number in restarts:
            rig.restarted()
        turns += _take(rig, step)
    return turns


def _take(rig: Compound, step: Step) -> list[Turn]:
    what, number, name, seconds = step
    told = [rig.after(seconds)]
    if what == "swipe":
        told.append(rig.swipe(number, name))
    elif what == "lockdown":
        told.append(rig.lock_down())
    elif what == "suspect":
        suspect = rig.quality is ClockQuality.SUSPECT
        rig.quality = ClockQuality.SYNCHRONISED if suspect else ClockQuality.SUSPECT
        told.append(rig.after(0))
    elif what == "reboot":
        rig.boot_id, rig.monotonic_s = f"{rig.boot_id}+", 50.0
        told.append(rig.after(0))
    elif isinstance(rig, GuardedCompound):
        told.append(rig.start_tour(name) if what == "start" else rig.stop_tour(f"t-{number}"))
    return told


def events_of(turns: list[Turn]) -> list[ev.Event]:
    return [event for turn in turns for event in turn.events]


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_visit_is_one_swipe_of_somebody_who_may_walk_and_nothing_is_visited_twice(steps: list[Step]) -> None:
    rig = GuardedCompound(*TOURS)
    seen: set[tuple[str, str]] = set()
    groups = {"p-1": "guards", "p-2": "guards", "p-3": "cleaners"}
    for step in steps:
        for turn in _take(rig, step):
            visits = [e for e in turn.events if isinstance(e, ev.TourPointVisited | ev.TourPointOutOfOrder)]
            assert len(visits) <= (step[0] == "swipe" and turn is rig.turns[-1])
            for visit in visits:
                assert (visit.reader, visit.cardholder) == (step[2], f"p-{step[1]}")
                assert groups[visit.cardholder] in rig.site.tours[visit.tour].groups
                assert (visit.round, visit.reader) not in seen
                seen.add((visit.round, visit.reader))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_round_that_started_ends_once_and_tells_of_every_point_once(steps: list[Step]) -> None:
    rig = GuardedCompound(*TOURS)
    walk(rig, steps)
    rig.quality = ClockQuality.SYNCHRONISED
    rig.site = replace(rig.site, tours={name: replace(tour, starts=()) for name, tour in rig.site.tours.items()})
    rig.restarted()
    rig.after(100_000)
    told = events_of(rig.turns)
    started = [event.round for event in told if isinstance(event, ev.TourStarted)]
    ends = [event for event in told if isinstance(event, OUTCOMES)]
    assert sorted(started) == sorted(end.round for end in ends)
    assert len(set(started)) == len(started)
    assert rig.rounds == []
    assert not any(alarm.active for alarm in rig.controller.alarms.open.values() if alarm.kind == "tour")
    points = (ev.TourPointVisited, ev.TourPointOutOfOrder, ev.TourPointMissed)
    for end in ends:
        mine = [event.reader for event in told if isinstance(event, points) and event.round == end.round]
        assert len(set(mine)) == len(mine)
        whole = isinstance(end, ev.TourCompleted | ev.TourLeftIncomplete)
        assert not whole or set(mine) == set(rig.site.tours[end.tour].readers)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.frozensets(st.integers(0, 40)))
def test_a_restart_between_any_two_steps_changes_nothing_of_the_tours(steps: list[Step], at: frozenset[int]) -> None:
    def told(restarts: frozenset[int]) -> list[ev.Event]:
        rig = GuardedCompound(*TOURS)
        walk(rig, steps, restarts=restarts)
        return [event for event in events_of(rig.turns) if type(event).__name__.startswith("Tour")]

    assert told(frozenset()) == told(at)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_access_is_decided_and_doors_are_moved_as_if_there_were_no_tours(steps: list[Step]) -> None:
    walked, plain = GuardedCompound(*TOURS), Compound(guards_list(), SITE)
    with_tours, without = walk(walked, steps), walk(plain, steps)
    doors = (ev.AccessGranted, ev.AccessDenied, ev.AccessRequested, ev.LockReleased, ev.AreaEntered)
    assert [e for e in events_of(with_tours) if isinstance(e, doors)] == [
        e for e in events_of(without) if isinstance(e, doors)
    ]
    assert [device_commands(turn) for turn in with_tours if device_commands(turn)] == [
        device_commands(turn) for turn in without if device_commands(turn)
    ]


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 7200, allow_nan=False), st.floats(1, 7200, allow_nan=False))
def test_waking_up_when_the_controller_asks_for_it_is_never_late(before: float, after: float) -> None:
    """Whoever follows `next_deadline` tells each thing at its time: nothing is left for the next turn."""
    rig = GuardedCompound(*TOURS)
    rig.after(before)
    rig.show(1, "ni")
    end = rig.wall + timedelta(seconds=after)
    for _ in range(1000):
        wait_s = max(0.001, rig.controller.next_deadline(rig.moment) - rig.monotonic_s)
        if rig.wall + timedelta(seconds=wait_s) > end:
            break
        rig.after(wait_s)
        assert not [event for event in rig.after(0).events if type(event).__name__.startswith("Tour")]
