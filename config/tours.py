"""Can a site's guard tours be walked: does every point exist, and can it be reached in its time?"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from config.caution import Caution

if TYPE_CHECKING:
    from config.loader import SiteConfig
    from config.model import TourTable

Fault = tuple[tuple[str, ...], object, str]
Named = dict[str, frozenset[str]]
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S = 86_400.0


def check_tours(config: "SiteConfig", named: Named) -> Iterator[Fault]:
    """(path, value, remedy) for each fault of a tour."""
    for tour_id, tour in config.tours.items():
        yield from _points(config, named, tour_id, tour)
        yield from _times(tour_id, tour)
        yield from _starts(tour_id, tour)


def nameless_points(config: "SiteConfig") -> Iterator[Caution]:
    """Each tour point that guards would see by its reader's id: no door lends it a name."""
    owned = {reader for point in config.access_points.values() for reader in point.readers}
    for tour_id, tour in config.tours.items():
        for at, point in enumerate(tour.points):
            if point.name is None and point.reader not in owned:
                name = 'name = { zh-CN = "车棚", en = "Shed" }'
                yield Caution(
                    f"tour.{tour_id}.points.{at}",
                    None,
                    f"the reader {point.reader!r} stands at no door: give it a name, such as {name}",
                    f"读卡器 {point.reader!r} 不在任何门旁：请给它起名，例如 {name}",
                )


def _points(config: "SiteConfig", named: Named, tour_id: str, tour: "TourTable") -> Iterator[Fault]:
    owners = {reader: key for key, point in config.access_points.items() for reader in point.readers}
    seen: set[str] = set()
    for at, point in enumerate(tour.points):
        path, found = ("tour", tour_id, "points", str(at)), config.devices.get(point.reader)
        if point.reader not in named["device"]:
            names = ", ".join(sorted(named["device"])) or "none"
            yield (*path, "reader"), point.reader, f"there is no such device; known: {names}"
        elif found is not None and found.driver.kind != "reader":
            yield (*path, "reader"), point.reader, f"is a {found.driver.kind}, not a reader"
        if point.reader in seen:
            yield (*path, "reader"), point.reader, "is a point of this tour already; each reader is one point of it"
        seen.add(point.reader)
        if point.grade is not None and point.reader in owners:
            remedy = f"what its cards are worth is said by access point {owners[point.reader]!r}: remove it"
            yield (*path, "grade"), point.grade, remedy


def _times(tour_id: str, tour: "TourTable") -> Iterator[Fault]:
    for at, point in enumerate(tour.points):
        path = ("tour", tour_id, "points", str(at))
        if at == 0:
            for key in ("earliest_s", "latest_s"):
                if key in point.model_fields_set:
                    value = getattr(point, key)
                    yield (*path, key), value, "the first point is due when the tour is: remove it, or set tolerance_s"
        elif point.latest_s is None:
            yield (*path, "latest_s"), None, "is needed: how long a guard may take from the point before it"
        elif point.earliest_s >= point.latest_s:
            yield (*path, "earliest_s"), point.earliest_s, "must be less than latest_s, or nobody is ever on time"


def _starts(tour_id: str, tour: "TourTable") -> Iterator[Fault]:
    """Two starts so near that a card at the first point could be for either."""
    named = ((day, at) for due in tour.due for day in due.days for at in due.at)
    starts = sorted((_WEEK.index(day) * _DAY_S + _seconds(at), f"{day} {at}") for day, at in named)
    if not starts:
        return
    told: set[tuple[str, str]] = set()
    least_s = 2 * tour.tolerance_s + tour.grace_s
    for (before_s, before), (after_s, name) in pairwise([*starts, (starts[0][0] + 7 * _DAY_S, starts[0][1])]):
        times = (before.split()[1], name.split()[1])
        if after_s - before_s > least_s or times in told:
            continue
        told.add(times)  # Of the same two times on every day the first day tells enough.
        if after_s == before_s:
            yield ("tour", tour_id, "due"), name, "is named twice"
        else:
            remedy = (
                f"must be more than {least_s:g} s after {before}, the start before (twice tolerance_s, and grace_s)"
            )
            yield ("tour", tour_id, "due"), name, remedy


def _seconds(at: str) -> float:
    hours, minutes = at.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
