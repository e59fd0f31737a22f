"""Facts about a list that the office has not confirmed for long: it decides on, and its age is an alarm."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain import signals as sg
from gateway.domain.moment import ClockQuality
from tests.gateway.domain.plant import SITE, Rig, raised, said

HOUR = 3600.0
WITH_OFFICE = replace(SITE, has_office=True)


@pytest.fixture
def rig() -> Rig:
    rig = Rig(WITH_OFFICE).closed_and_ready()
    confirm(rig)
    return rig


def confirm(rig: Rig) -> list[str]:
    assert rig.access_list is not None
    return said(rig.handle(sg.ListCurrent(rig.access_list.version, rig.access_list.generation)))


def open_ages(rig: Rig) -> list[tuple[str, int]]:
    alarms = rig.controller.alarms.open.values()
    return [(alarm.kind, alarm.priority) for alarm in alarms if alarm.active and alarm.kind.startswith("list_o")]


def test_a_list_of_a_day_is_p3_and_of_three_days_p2_and_it_decides_on(rig: Rig) -> None:
    assert raised(rig.after(24 * HOUR - 1)) == []
    assert raised(rig.after(1)) == ["list_old"]
    assert raised(rig.after(60)) == [], "it is told once"
    assert open_ages(rig) == [("list_old", 3)]
    assert "list_outdated" in raised(rig.after(48 * HOUR))
    assert open_ages(rig) == [("list_outdated", 2)]
    assert "AccessGranted" in said(rig.swipe())


def test_the_offices_word_ends_it_and_age_begins_anew(rig: Rig) -> None:
    rig.after(100 * HOUR)
    assert "AlarmNormal" in confirm(rig)
    assert open_ages(rig) == []
    assert raised(rig.after(24 * HOUR - 1)) == []
    assert raised(rig.after(1)) == ["list_old"]


def test_a_new_list_is_as_good_as_the_offices_word(rig: Rig) -> None:
    rig.after(25 * HOUR)
    assert "AlarmNormal" in said(rig.handle(sg.ListActivated(2, "d", 2)))


def test_the_offices_word_about_another_list_is_none(rig: Rig) -> None:
    rig.after(25 * HOUR)
    assert rig.handle(sg.ListCurrent(99)).reply.reason == "ListNotInForce"
    assert open_ages(rig) == [("list_old", 3)]


def test_a_clock_that_jumps_makes_no_list_old_or_young(rig: Rig) -> None:
    rig.wall += timedelta(days=365)
    assert "list_old" not in raised(rig.after(60))
    rig.wall -= timedelta(days=700)
    assert "list_old" in raised(rig.after(24 * HOUR))


@pytest.mark.parametrize(
    ("days", "quality", "kinds"),
    [
        (0.5, ClockQuality.SYNCHRONISED, []),
        (2, ClockQuality.SYNCHRONISED, [("list_old", 3)]),
        (4, ClockQuality.UNSYNCHRONISED, [("list_outdated", 2)]),
        (-9000, ClockQuality.SUSPECT, []),
    ],
)
def test_age_goes_on_over_a_boot_and_the_office_is_waited_for_first(
    rig: Rig, days: float, quality: ClockQuality, kinds: list[tuple[str, int]]
) -> None:
    later = Rig(WITH_OFFICE, state=rig.controller.snapshot(), boot_id="boot-2", start_s=30.0)
    later.wall, later.quality = rig.wall + timedelta(days=days), quality
    later.handle(sg.GatewayStarting("1", True))
    assert open_ages(later) == [], "the office may have said it by then"
    later.after(121)
    assert open_ages(later) == kinds
    later.after(25 * HOUR)
    assert open_ages(later), "so long it is since the boot, whatever the clock says"


def test_what_no_office_can_confirm_is_never_old() -> None:
    rig = Rig(SITE).closed_and_ready()
    assert "list_old" not in raised(rig.after(100 * HOUR))
    assert "list_outdated" not in raised(rig.after(100 * HOUR))


def test_a_list_that_the_office_never_confirmed_is_old_after_a_day() -> None:
    rig = Rig(WITH_OFFICE).closed_and_ready()
    rig.after(60)
    assert "list_old" in raised(rig.after(24 * HOUR))
