"""The read model of alarms and doors, event by event."""

from datetime import timedelta
from typing import Any

from gateway.console.door_views import ALL_DOORS
from gateway.console.projection import Projection
from gateway.domain import events as ev
from gateway.domain.events import Event
from tests.gateway.console.recorded import START, recorded

BY: dict[str, Any] = {"reason": "drill", "actor": "wei", "post": "gate", "request_id": "r"}


def told(*events: Event) -> Projection:
    """What the projection makes of them, one second apart."""
    projection = Projection()
    for second, event in enumerate(events):
        projection.apply(recorded(event, second))
    return projection


def lockdown(group: str | None, *doors: str) -> ev.LockdownStarted:
    return ev.LockdownStarted(group=group, doors=doors, **BY)


def released(group: str | None, *doors: str) -> ev.LockdownReleased:
    return ev.LockdownReleased(group=group, doors=doors, second="lin", **BY)


def requested(request: str = "r-1", wants: str = "pin") -> ev.AccessRequested:
    return ev.AccessRequested(
        request=request,
        access_point="north",
        door="north",
        reader="r",
        wants=wants,
        credential="c-1",
        cardholder="p-1",
        list_version=1,
        trace=(),
    )


def raised(alarm: str = "a-1", kind: str = "door_forced", priority: int = 2) -> ev.AlarmRaised:
    return ev.AlarmRaised(alarm=alarm, kind=kind, priority=priority, source="yard", door="yard", camera="yard")


def stored(path: str, second: float, seconds: float = 10.0, kind: str = "clip") -> ev.EvidenceStored:
    begun = START + timedelta(seconds=second)
    return ev.EvidenceStored(
        observation="o",
        camera="yard",
        alarm="a-1",
        kind=kind,
        path=path,
        sha256="",
        size_bytes=1,
        started_at=begun,
        ended_at=begun + timedelta(seconds=seconds),
    )


def test_the_release_of_a_group_leaves_what_else_holds_a_door_and_that_of_all_ends_everything() -> None:
    both = (lockdown("gates", "north", "garage"), lockdown(None, "north", "yard"))
    views = told(*both, released("gates", "north", "garage")).views.doors
    assert {name: list(door.lockdowns) for name, door in views.items()} == {
        "north": [ALL_DOORS],
        "yard": [ALL_DOORS],
        "garage": [],
    }
    views = told(*both, released(None, "north", "garage", "yard")).views.doors
    assert all(not door.lockdowns for door in views.values())


def test_an_override_lasts_until_it_is_given_back_or_has_run_out() -> None:
    until = START + timedelta(hours=1)
    override = ev.DoorModeOverridden(door="north", mode="Unlocked", until=until, **BY)
    kept = told(override).views.doors["north"].override
    assert kept is not None
    assert (kept.mode, kept.actor, kept.reason) == ("Unlocked", "wei", "drill")
    for end in (
        ev.DoorModeOverridden(door="north", mode=None, until=None, **BY),
        ev.DoorModeOverrideEnded(door="north", mode="Unlocked"),
    ):
        assert told(override, end).views.doors["north"].override is None


def test_a_gateway_that_starts_without_its_state_holds_no_door_and_lets_nobody_wait() -> None:
    before = (lockdown(None, "north"), requested(), ev.DeviceLost(device="board", detail=""))
    for restored in (True, False):
        start = ev.GatewayStarted(software="1", restored=restored, list_version=None)
        views = told(*before, start).views
        assert bool(views.doors["north"].lockdowns) is restored
        assert bool(views.waiting) is restored
        assert bool(views.lost) is restored


def test_a_request_that_wants_more_and_more_waits_once_and_ends_with_its_answer() -> None:
    asking = (requested(), requested(wants="confirmation"))
    assert [each.wants for each in told(*asking).views.waiting.values()] == ["confirmation"]
    other = ev.AccessConfirmed(request="r-2", allowed=True, actor="wei", post="gate", request_id="r")
    assert len(told(*asking, other).views.waiting) == 1
    answer = ev.AccessConfirmed(request="r-1", allowed=True, actor="wei", post="gate", request_id="r")
    assert not told(*asking, answer).views.waiting


def test_one_file_is_one_piece_of_evidence_however_many_events_name_it() -> None:
    alarm = told(raised(), stored("1.mp4", -5), stored("1.mp4", -5), stored("1.jpg", 0, 0, "snapshot")).find("a-1")
    assert alarm is not None
    assert [kept.path for kept in alarm.evidence] == ["1.mp4", "1.jpg"]


def test_evidence_shows_the_occurrences_that_it_was_recorded_at() -> None:
    again = [ev.AlarmRepeated(alarm="a-1", count=n) for n in (2, 3)]
    alarm = told(raised(), *again, stored("1.mp4", -5, 6.0), stored("2.jpg", 2, 0, "snapshot")).find("a-1")
    assert alarm is not None
    first, second, third = alarm.occurrences
    clip, picture = alarm.evidence
    assert [clip.shows(at) for at in (first, second, third)] == [True, True, True]
    late = told(raised(), *again, stored("1.mp4", -5, 5.5)).find("a-1")
    assert late is not None
    assert [late.evidence[0].shows(at) for at in late.occurrences] == [True, True, False]
    assert all(picture.shows(at) for at in alarm.occurrences)


def test_what_is_active_stands_above_what_is_normal_within_a_priority() -> None:
    events = (
        raised("a-1", "fire", 1),
        raised("a-2", "panic", 1),
        raised("a-3"),
        raised("a-4", "door_held"),
        ev.AlarmNormal(alarm="a-1"),
        ev.AlarmAcknowledged(alarm="a-3", actor="wei", post="gate"),
    )
    assert [alarm.alarm for alarm in told(*events).listed()] == ["a-2", "a-1", "a-4", "a-3"]
