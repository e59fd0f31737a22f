"""docs/access.md says what the code does: the order of checks, every reason, everything that can be wanted."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from gateway.domain.access import CHECKS
from gateway.domain.access_request import MISSING, DenialReason
from gateway.domain.events_tour import TourEvent, TourVisitDenied
from gateway.domain.listed import Authentication
from gateway.domain.tour import Tour
from gateway.domain.tour_visitor import WHO

PAGE = (Path(__file__).parents[3] / "docs" / "access.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| `(\w+)` \| ([^|]+) \|", PAGE, flags=re.MULTILINE)


def test_the_order_of_checks_is_the_table_s() -> None:
    assert [name for _, name, _ in ROWS] == [check.name for check in CHECKS]
    assert [int(number) for number, _, _ in ROWS] == list(range(1, len(CHECKS) + 1))


def test_every_reason_stands_in_the_row_of_a_check_that_gives_it() -> None:
    told = set(re.findall(r"[A-Z]\w+", " ".join(reasons for _, _, reasons in ROWS)))
    assert told == {reason.value for reason in DenialReason}
    assert {reason.value for reason in MISSING.values()} <= told


def test_the_way_out_is_bound_by_the_checks_that_the_page_says() -> None:
    assert "checks 4 to 22 are not asked" in PAGE
    assert [check.bound_out for check in CHECKS] == [False] * 3 + [True] * 19


def test_every_authentication_has_its_row() -> None:
    told = re.findall(r"^\| `(\w+)` \| [^|]+\|$", PAGE, flags=re.MULTILINE)
    assert set(told) == {each.value for each in Authentication}


def test_every_event_of_a_guard_tour_has_its_row() -> None:
    told = re.findall(r"^\| (Tour\w+) \| [^|]+\|$", PAGE, flags=re.MULTILINE)
    assert told == [each.__name__ for each in get_args(TourEvent) if each is not TourVisitDenied]


def test_whoever_walks_a_tour_is_asked_the_checks_that_the_page_says() -> None:
    assert "(checks 1, 3 to 8)" in PAGE
    asked = {1, *range(3, 9)}
    assert {int(number) for number, name, _ in ROWS if name in (*WHO, "grade")} == asked


def test_every_setting_of_a_tour_that_decides_something_is_explained() -> None:
    section = PAGE[PAGE.index("## Guard tours") : PAGE.index("## What a guard can do")]
    settings = {field.name for field in fields(Tour)} - {"id", "points", "starts"}
    assert [name for name in sorted(settings) if f"`{name}" not in section] == []
