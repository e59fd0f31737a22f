"""What a site config says of guard tours can be walked."""

from pathlib import Path

import pytest

from config.loader import ConfigFaults, parse_config
from config.wiring import to_site
from gateway.commands.check import check_site
from gateway.domain.tour import TourStart
from tests.config.test_loader import DEMO, faults, line_of

POINTS = """    { reader = "north-reader" },
    { reader = "yard-reader", latest_s = 300.0 },
    { reader = "garage-reader", latest_s = 600.0 },
"""
ROOF = """
[device.roof]
driver = "rdm6300"
port = "tty/roof"
"""


def with_points(*points: str, more: str = "") -> str:
    return DEMO.replace(POINTS, "".join(f"    {point},\n" for point in points), 1) + more


def with_due(due: str, more: str = "") -> str:
    start = DEMO.index("due = [")
    return DEMO[:start] + f"due = [{due}]\n{more}" + DEMO[DEMO.index("\n", start) + 1 :]


def test_the_demo_s_tour_is_what_its_config_says() -> None:
    tour = to_site(parse_config(DEMO.encode())).tours["night"]
    assert tour.readers == ("north-reader", "yard-reader", "garage-reader")
    assert [point.latest_s for point in tour.points] == [0.0, 300.0, 600.0]
    assert tour.groups == {"guards"}
    assert tour.starts == (TourStart(frozenset(range(7)), 1380), TourStart(frozenset(range(7)), 180))
    assert (tour.in_order, tour.start_by_card, tour.tolerance_s, tour.grace_s) == (True, True, 600.0, 300.0)


def test_a_reader_of_no_access_point_may_be_a_point() -> None:
    text = with_points(
        '{ reader = "roof", name = { zh-CN = "楼顶", en = "Roof" }, grade = "secure" }',
        '{ reader = "yard-reader", earliest_s = 30, latest_s = 90.5 }',
        more=ROOF,
    )
    site = to_site(parse_config(text.encode()))
    assert site.tours["night"].points[0].grade == "secure"
    assert all("roof" not in point.readers for point in site.access_points.values())


@pytest.mark.parametrize(
    ("points", "key", "remedy"),
    [
        ((), "points", "2 or more are needed"),
        (('{ reader = "north-reader" }',), "points", "2 or more are needed"),
        (('{ reader = "north-reader" }', '{ reader = "yard-raeder", latest_s = 9 }'), "points.1.reader", "yard-reader"),
        (('{ reader = "north-board" }', '{ reader = "yard-reader", latest_s = 9 }'), "points.0.reader", "not a reader"),
        (
            ('{ reader = "north-reader" }', '{ reader = "north-reader", latest_s = 9 }'),
            "points.1.reader",
            "is a point of this tour already",
        ),
        (('{ reader = "north-reader" }', '{ reader = "yard-reader" }'), "points.1.latest_s", "is needed"),
        (
            ('{ reader = "north-reader" }', '{ reader = "yard-reader", earliest_s = 9, latest_s = 9 }'),
            "points.1.earliest_s",
            "must be less than latest_s",
        ),
        (
            ('{ reader = "north-reader", latest_s = 5 }', '{ reader = "yard-reader", latest_s = 9 }'),
            "points.0.latest_s",
            "the first point is due when the tour is",
        ),
        (
            ('{ reader = "north-reader", grade = "secure" }', '{ reader = "yard-reader", latest_s = 9 }'),
            "points.0.grade",
            "is said by access point 'north'",
        ),
        (
            ('{ reader = "north-reader" }', '{ reader = "yard-reader", latest_s = 9000 }'),
            "points.1.latest_s",
            "must be 7200 or less",
        ),
    ],
)
def test_a_tour_that_nobody_can_walk_is_refused(points: tuple[str, ...], key: str, remedy: str) -> None:
    found = faults(with_points(*points))
    ((told, line),) = found.values()
    assert list(found) == [f"tour.night.{key}"]
    assert remedy in told
    assert line == line_of(DEMO, "points = [")


@pytest.mark.parametrize(
    ("due", "remedy"),
    [
        ('{ days = ["mon"], at = ["23:00", "23:00"] }', "is named twice"),
        ('{ days = ["mon"], at = ["23:00"] }, { days = ["mon"], at = ["23:25"] }', "must be more than 1500 s"),
        ('{ days = ["sun"], at = ["23:50"] }, { days = ["mon"], at = ["00:10"] }', "must be more than 1500 s"),
    ],
)
def test_two_starts_that_a_card_could_be_for_are_refused(due: str, remedy: str) -> None:
    found = faults(with_due(due))
    assert list(found) == ["tour.night.due"]
    assert remedy in found["tour.night.due"][0]


def test_the_same_two_starts_of_every_day_are_one_fault() -> None:
    week = 'days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
    with pytest.raises(ConfigFaults) as caught:
        parse_config(with_due(f'{{ {week}, at = ["23:00", "23:10", "04:00", "04:00"] }}').encode())
    named, near = sorted(map(str, caught.value.faults), key=len)
    assert "'mon 04:00'" in named
    assert "is named twice" in named
    assert "'mon 23:10'" in near
    assert "must be more than 1500 s after mon 23:00, the start before" in near


def test_a_point_that_stands_at_no_door_and_has_no_name_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    for point, told in (('{ reader = "roof" }', 1), ('{ reader = "roof", name = { zh-CN = "楼顶", en = "Roof" } }', 0)):
        path.write_text(with_points(point, '{ reader = "yard-reader", latest_s = 90.5 }', more=ROOF), encoding="utf-8")
        assert check_site(path, None) == 0
        warning = "): the reader 'roof' stands at no door: give it a name"
        assert capsys.readouterr().err.count(warning) == told


def test_starts_that_are_far_enough_apart_are_taken() -> None:
    due = '{ days = ["sun"], at = ["23:50"] }, { days = ["mon"], at = ["00:16"] }'
    assert len(to_site(parse_config(with_due(due).encode())).tours["night"].starts) == 2
    assert parse_config(with_due("", "tolerance_s = 60\n").encode()).tours["night"].due == ()


@pytest.mark.parametrize(
    ("due", "remedy"),
    [
        ('{ days = ["mon"], at = ["24:00"] }', "HH:MM"),
        ('{ days = [], at = ["23:00"] }', "1 or more"),
        ('{ days = ["mon"], at = [] }', "1 or more"),
    ],
)
def test_a_start_is_a_time_of_some_day(due: str, remedy: str) -> None:
    ((told, _),) = faults(with_due(due)).values()
    assert remedy in told


def test_somebody_must_be_able_to_walk_it() -> None:
    found = faults(DEMO.replace('groups = ["guards"]', "groups = []", 1))
    assert "1 or more" in found["tour.night.groups"][0]
