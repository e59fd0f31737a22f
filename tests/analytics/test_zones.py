"""Facts about zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.motion import Box
from analytics.zones import Zone, ZoneMask

LOWER_HALF = Zone("yard", ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
_shares = st.floats(0.0, 1.0)


def test_a_polygon_has_three_points_within_the_picture() -> None:
    with pytest.raises(ValueError, match="three points"):
        Zone("yard", ((0.0, 0.0), (1.0, 1.0)))
    with pytest.raises(ValueError, match="shares"):
        Zone("yard", ((0.0, 0.0), (1.0, 1.0), (1.5, 0.0)))


def test_what_stands_in_the_zone_is_held_even_if_its_head_is_outside() -> None:
    assert ZoneMask(LOWER_HALF).holds(Box(0.4, 0.2, 0.1, 0.35))


def test_what_stands_outside_is_not_held() -> None:
    assert not ZoneMask(LOWER_HALF).holds(Box(0.4, 0.1, 0.1, 0.35))


def test_most_of_a_thing_in_the_zone_holds_it() -> None:
    upper = Zone("sky", ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)))
    assert ZoneMask(upper).holds(Box(0.4, 0.1, 0.1, 0.45))


def test_a_notch_of_a_polygon_is_outside() -> None:
    notched = Zone(
        "u", ((0.0, 0.0), (0.4, 0.0), (0.4, 0.8), (0.6, 0.8), (0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    )
    assert not notched.contains((0.5, 0.4))
    assert notched.contains((0.2, 0.4))
    assert notched.contains((0.5, 0.9))


@given(x=_shares, y=_shares, w=_shares, h=_shares)
def test_a_share_is_a_share_of_any_box(x: float, y: float, w: float, h: float) -> None:
    box = Box(x, y, min(w, 1 - x), min(h, 1 - y))
    assert 0.0 <= ZoneMask(LOWER_HALF).share_of(box) <= 1.0


@given(st.lists(st.tuples(_shares, _shares), min_size=3, max_size=8), st.tuples(_shares, _shares))
def test_a_point_outside_the_bounds_of_a_polygon_is_outside_it(
    polygon: list[tuple[float, float]], point: tuple[float, float]
) -> None:
    zone = Zone("any", tuple(polygon))
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    if zone.contains(point):
        assert min(xs) - 1e-9 <= point[0] <= max(xs) + 1e-9
        assert min(ys) - 1e-9 <= point[1] <= max(ys) + 1e-9
