"""Doors of a sluice."""

from dataclasses import replace

from gateway.domain.door import RELEASE_GRACE_S
from gateway.domain.site import (
    Interlock,
    InterlockRule,
)
from tests.gateway.domain.door_bench import PLACE, Bench, M


def sluice(rule: InterlockRule, *doors: str) -> Bench:
    return Bench(site=replace(PLACE, interlocks=(Interlock("sluice", rule, doors),)))


def test_one_open_forbids_the_other_doors_while_a_contact_says_open_and_no_longer() -> None:
    bench = sluice(InterlockRule.ONE_OPEN, "north", "lobby")
    assert bench.doors.interlocked_by("lobby") == "", "a contact that never spoke counts as closed"
    bench.grant("north")
    assert bench.doors.interlocked_by("lobby") == ""
    bench.contact(True, "north")
    assert bench.doors.interlocked_by("lobby") == "north"
    assert bench.doors.interlocked_by("north") == "", "a door doesn't forbid itself"
    assert bench.doors.interlocked_by("shed") == ""
    bench.contact(False, "north")
    assert bench.doors.interlocked_by("lobby") == ""


def test_one_unlocked_forbids_the_other_doors_also_while_a_lock_is_released() -> None:
    bench = sluice(InterlockRule.ONE_UNLOCKED, "north", "barrier")
    bench.grant("barrier")
    assert bench.doors.interlocked_by("north") == "barrier"
    bench.after(5.0 + RELEASE_GRACE_S)
    assert bench.doors.interlocked_by("north") == ""
    bench.override(M.UNLOCKED, door="barrier")
    assert bench.doors.interlocked_by("north") == "barrier"
    bench.override(None, door="barrier")
    bench.contact(True, "north")
    assert bench.doors.interlocked_by("barrier") == "north"


def test_a_door_without_a_contact_forbids_nothing_where_only_open_doors_count() -> None:
    bench = sluice(InterlockRule.ONE_OPEN, "north", "barrier").grant("barrier")
    assert bench.doors.interlocked_by("north") == ""
