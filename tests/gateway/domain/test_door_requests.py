"""What a guard may ask of the doors' modes, and when it is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.door_requests import USED_REQUESTS_KEPT, DoorRequest
from gateway.domain.moment import ClockQuality
from tests.gateway.domain.door_bench import SECOND, Bench, M
from tests.gateway.domain.plant import GUARD, START


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"door": "cellar"}, "DoorUnknown"),
        ({"reason": " "}, "ReasonMissing"),
        ({"expires_at": START}, "RequestExpired"),
        ({"expires_at": START + timedelta(seconds=30.5)}, "RequestExpired"),
        ({"mode": "LockedDown"}, "ModeUnknown"),
        ({"mode": "locked"}, "ModeUnknown"),
        ({"until": None}, "EndMissing"),
        ({"until": START}, "EndPassed"),
        ({"until": START + timedelta(hours=24, seconds=1)}, "TooLong"),
        ({"mode": None}, "NotOverridden"),
    ],
)
def test_an_override_that_may_not_be_is_refused_and_recorded(
    bench: Bench, changed: dict[str, object], refusal: str
) -> None:
    good = sg.DoorModeRequested(
        "r-1", "north", "Blocked", "x", GUARD, START + timedelta(seconds=30), START + timedelta(hours=24)
    )
    bench.ask(replace(good, **changed))  # type: ignore[arg-type]
    assert bench.refusal == refusal
    (told,) = bench.told(ev.RequestRefused)
    assert (told.request, told.reason, told.actor) == ("door_mode", refusal, "guard-1")
    assert bench.doors.commands == []
    assert bench.mode() is M.LOCKED
    assert bench.used == []
    assert bench.ask(good).refusal is None


def test_nothing_but_its_own_release_is_accepted_where_a_door_is_locked_down_or_open(bench: Bench) -> None:
    bench.lock_down()
    assert bench.override(M.UNLOCKED).refusal == "DoorLockedDown"
    assert bench.override(None).refusal == "DoorLockedDown"
    bench.lock_open()
    assert bench.override(M.LOCKED).refusal == "DoorLockedOpen"


def test_while_the_clock_is_suspect_no_guard_leaves_a_door_unlocked(bench: Bench) -> None:
    bench.quality = ClockQuality.SUSPECT
    assert bench.override(M.UNLOCKED).refusal == "ClockSuspect"


@pytest.mark.parametrize("second", [None, GUARD, sg.Operator(GUARD.name, "office"), sg.Operator(" ", "office")])
def test_a_lockdown_is_released_by_two_different_people(bench: Bench, second: sg.Operator | None) -> None:
    bench.lock_down()
    assert bench.release_lockdown(second=second).refusal == "SecondPersonMissing"
    assert bench.mode() is M.LOCKED_DOWN
    bench.release_lockdown()
    (told,) = bench.told(ev.LockdownReleased)
    assert (told.actor, told.second, told.doors) == ("guard-1", "guard-2", ("north", "lobby"))


def test_a_request_for_a_group_that_is_unknown_or_would_change_nothing_is_refused(bench: Bench) -> None:
    assert bench.lock_down("cellar").refusal == "GroupUnknown"
    assert bench.release_lockdown().refusal == "NotLockedDown"
    assert bench.release_lock_open().refusal == "NotLockedOpen"
    bench.lock_down()
    assert bench.lock_down().refusal == "AlreadyLockedDown"
    bench.lock_open(None)
    assert bench.lock_open(None).refusal == "AlreadyLockedOpen"
    assert [e.subject for e in bench.told(ev.RequestRefused)] == ["all"]


@pytest.mark.parametrize(
    "signal",
    [
        sg.LockdownRequested("r-1", "front", "x", GUARD, START + timedelta(seconds=5)),
        sg.LockOpenRequested("r-1", "front", "x", GUARD, START + timedelta(seconds=5)),
        sg.DoorModeRequested(
            "r-1", "north", "Blocked", "x", GUARD, START + timedelta(seconds=5), START + timedelta(hours=1)
        ),
    ],
)
def test_a_click_is_good_for_one_request_in_its_time_and_with_a_reason(bench: Bench, signal: DoorRequest) -> None:
    assert bench.ask(replace(signal, reason="")).refusal == "ReasonMissing"
    assert bench.ask(signal).refusal is None
    assert bench.ask(signal).refusal == "RequestUsed"
    bench.wall += timedelta(seconds=5)
    assert bench.ask(replace(signal, request_id="r-2")).refusal == "RequestExpired"


def test_a_release_of_either_kind_needs_a_reason_and_its_time_too(bench: Bench) -> None:
    bench.lock_down().lock_open()
    down = sg.LockdownReleaseRequested("r-8", "front", "x", GUARD, SECOND, bench.soon)
    wide_open = sg.LockOpenReleaseRequested("r-9", "front", "x", GUARD, bench.soon)
    for signal in (down, wide_open):
        assert bench.ask(replace(signal, reason="")).refusal == "ReasonMissing"
        assert bench.ask(replace(signal, expires_at=bench.wall)).refusal == "RequestExpired"
        assert bench.ask(signal).refusal is None
        assert bench.ask(signal).refusal == "RequestUsed"


def test_used_requests_are_kept_up_to_a_bound_and_long_reasons_are_cut(bench: Bench) -> None:
    for _ in range(USED_REQUESTS_KEPT // 2 + 1):
        bench.override(M.BLOCKED).override(None)
    assert len(bench.used) == USED_REQUESTS_KEPT
    bench.ask(sg.LockdownRequested("r-x", None, "x" * 10_000, GUARD, bench.soon))
    assert len(bench.told(ev.LockdownStarted)[0].reason) == 200
