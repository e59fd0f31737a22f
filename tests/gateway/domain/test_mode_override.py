"""When a guard's setting of a door ends, and with what a mode refuses."""

from datetime import timedelta

import pytest

from gateway.domain.door_mode import MODES, DoorMode, ModeOverride, ModeRequest, mode_refusal
from gateway.domain.moment import ClockQuality, Moment
from tests.gateway.domain.plant import START

HOUR_S = 3600.0


def an_hour() -> ModeOverride:
    """Set at 1000 s of the boot `one`."""
    return ModeOverride(DoorMode.UNLOCKED, START + timedelta(hours=1), "delivery", "lin", 1000.0 + HOUR_S, "one")


def at(wall_s: float, monotonic_s: float, boot: str = "one", quality: ClockQuality | None = None) -> Moment:
    wall = START + timedelta(seconds=wall_s)
    return Moment(wall, monotonic_s, boot, quality or ClockQuality.SYNCHRONISED)


@pytest.mark.parametrize(
    ("wall_s", "monotonic_s", "over"),
    [
        (HOUR_S - 1, 1000 + HOUR_S - 1, False),
        (HOUR_S, 1000 + HOUR_S - 1, True),
        (-86_400, 1000 + HOUR_S - 1, False),
        (-86_400, 1000 + HOUR_S, True),
    ],
)
def test_it_ends_by_whichever_clock_is_first(wall_s: float, monotonic_s: float, over: bool) -> None:
    assert an_hour().is_over(at(wall_s, monotonic_s)) is over


def test_after_a_reboot_what_was_left_by_the_wall_is_counted_on_by_the_new_boot() -> None:
    override = an_hour()
    assert not override.is_over(at(HOUR_S - 600, 5.0, "two"))
    assert (override.ends_s, override.boot_id) == (605.0, "two")
    assert not override.is_over(at(-86_400, 604.9, "two")), "a clock that is put back prolongs nothing"
    assert override.is_over(at(-86_400, 605.0, "two"))


def test_after_a_reboot_with_a_suspect_clock_nobody_knows_what_is_left_until_it_can_be_trusted() -> None:
    override = an_hour()
    assert not override.is_over(at(10 * HOUR_S, 10 * HOUR_S, "two", ClockQuality.SUSPECT))
    assert (override.ends_s, override.boot_id) == (None, "two")
    assert override.is_over(at(10 * HOUR_S, 10 * HOUR_S, "two"))


def test_a_suspect_wall_ends_nothing_and_the_seconds_of_its_boot_do() -> None:
    assert not an_hour().is_over(at(10 * HOUR_S, 1000.0, quality=ClockQuality.SUSPECT))
    assert an_hour().is_over(at(0, 1000 + HOUR_S, quality=ClockQuality.SUSPECT))


def test_what_the_table_has_no_row_for_is_refused_with_the_modes_own_code() -> None:
    codes = {
        DoorMode.BLOCKED: "DoorBlocked",
        DoorMode.LOCKED_DOWN: "DoorLockedDown",
        DoorMode.LOCKED_OPEN: "DoorLockedOpen",
    }
    for mode in DoorMode:
        for request in ModeRequest:
            expected = None if (mode, request) in MODES else codes.get(mode, "Refused")
            assert mode_refusal(mode, request) == expected
    assert mode_refusal(DoorMode.LOCKED, ModeRequest.ACCESS_END) == "Refused"
