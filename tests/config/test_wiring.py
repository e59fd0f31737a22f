"""What the TOML says reaches the controller as the values that it is built on."""

import pytest

from config.loader import ConfigFaults, parse_config
from config.wiring import to_site
from gateway.domain.credential import Grade
from gateway.domain.site import (
    AccessPoint,
    DegradedMode,
    DoorGroup,
    Interlock,
    InterlockRule,
    Lift,
    ReaderRules,
    Site,
    Terminal,
)
from tests.config.test_loader import DEMO
from tests.config.test_loader_references import LIFT, SLUICE, with_yard


def site_of(text: str) -> Site:
    return to_site(parse_config(text.encode()))


def test_an_access_point_that_says_nothing_more_is_an_entrance_on_the_last_list_for_everything() -> None:
    expected = AccessPoint("garage", "garage", ("garage-reader",), rules={"garage-reader": ReaderRules()})
    point = site_of(DEMO).access_points["garage"]
    assert point == expected
    assert (point.exit, point.degraded, point.rules["garage-reader"]) == (False, DegradedMode.LAST_LIST, ReaderRules())


def test_all_that_an_access_point_may_say_arrives() -> None:
    lines = """exit = true
perimeter = false
degraded = "facility_code"
facility = { format = "H10301", code = 123 }
accepts = { yard-reader = ["secure", "plate"] }
grades = { yard-reader = "secure" }
position_m = [12, -40.5]"""
    assert site_of(with_yard(lines)).access_points["yard"] == AccessPoint(
        "yard",
        "yard",
        ("yard-reader",),
        exit=True,
        degraded=DegradedMode.FACILITY_CODE,
        facility=("H10301", 123),
        rules={"yard-reader": ReaderRules(Grade.SECURE, frozenset({Grade.SECURE, Grade.PLATE}))},
        position_m=(12.0, -40.5),
    )


def test_lifts_sluices_and_groups_arrive() -> None:
    site = site_of(DEMO + LIFT + SLUICE)
    assert site.access_points["tower"].door is None
    assert site.access_points["tower"].lift == "tower"
    floors = {"1": Terminal("north-board", 2), "2F": Terminal("north-board", 3)}
    assert site.lifts == {"tower": Lift("tower", floors, 10.0)}
    assert site.interlocks == (Interlock("sluice", InterlockRule.ONE_OPEN, ("north", "yard")),)
    assert site.door_groups == {"gates": DoorGroup("gates", ("north", "garage"))}


def test_the_times_of_access_arrive_and_are_what_the_manual_says_without_a_table() -> None:
    times = ("second_credential_s", "confirm_s", "travel_speed_m_s", "repeat_read_s")
    manual = (10.0, 30.0, 8.0, 1.0)
    start = DEMO.index("[access]\n")
    without = DEMO[:start] + DEMO[DEMO.index("\n[", start) :]
    assert tuple(getattr(site_of(without), name) for name in times) == manual
    changed = (
        DEMO[:start] + "[access]\nsecond_credential_s = 20.0\nconfirm_s = 60.0\n" + DEMO[DEMO.index("\n[", start) :]
    )
    site = site_of(changed)
    assert tuple(getattr(site, name) for name in times) == (20.0, 60.0, 8.0, 1.0)


def test_the_doors_that_a_post_sees_arrive() -> None:
    assert parse_config(DEMO.encode()).console.sees == ("north",)


def test_the_journals_bounds_and_the_clocks_patience_are_the_sites() -> None:
    tables = "\n[journal]\nkeep_days = 7\nkeep_mb = 100\n[clock]\nunsynchronised_alarm_h = 0.5\n"
    config = parse_config((DEMO + tables).encode())
    assert (config.journal.keep_days, config.journal.keep_mb) == (7, 100)
    assert to_site(config).unsynchronised_alarm_s == 1800.0
    assert to_site(parse_config(DEMO.encode())).unsynchronised_alarm_s == 86_400.0


@pytest.mark.parametrize("line", ["keep_days = 0", "keep_mb = 63", "keep_days = 4000"])
def test_a_journal_without_room_or_time_is_refused(line: str) -> None:
    with pytest.raises(ConfigFaults, match="journal"):
        parse_config(f"{DEMO}\n[journal]\n{line}\n".encode())
