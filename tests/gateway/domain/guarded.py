"""The compound with guard tours: two readers that are nothing but points, and guards who are also residents of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.controller import Turn
from gateway.domain.site import Site
from gateway.domain.tour import Tour, TourPoint, TourStart
from tests.gateway.domain.compound import SITE, Compound, compound_list, person
from tests.gateway.domain.listing import EVERY_DAY, MemoryAccessList
from tests.gateway.domain.plant import GUARD, START

NIGHT = Tour(
    "night",
    (TourPoint("ni"), TourPoint("pump", 60, 300), TourPoint("ii", 60, 300), TourPoint("roof", 120, 600)),
    frozenset({"guards"}),
    (TourStart(EVERY_DAY, 13 * 60),),
    tolerance_s=600,
    grace_s=240,
)
"""Due at one o'clock, an hour after the bench's start; `pump` and `roof` belong to no access point."""
LOOSE = replace(NIGHT, id="loose", in_order=False)
DUE = START + timedelta(hours=1)
OUTCOMES = (ev.TourCompleted, ev.TourLeftIncomplete, ev.TourMissed, ev.TourStopped)


def guarded(*tours: Tour, site: Site = SITE) -> Site:
    """The compound with these tours."""
    return replace(site, tours={tour.id: tour for tour in tours})


def guards_list(**more: Any) -> MemoryAccessList:
    """People 1 and 2 are guards; 3 is of another group, 4 and 5 of none."""
    people = [person(n, groups=("guards",)) for n in (1, 2)] + [person(3, groups=("cleaners",))]
    return compound_list(people=[*people, *more.pop("people", ())], **more)


class GuardedCompound(Compound):
    """A rig on it."""

    def __init__(
        self,
        *tours: Tour,
        access_list: MemoryAccessList | None = None,
        indicators: frozenset[str] = frozenset(),
        site: Site = SITE,
    ) -> None:
        site = replace(guarded(*(tours or (NIGHT,)), site=site), indicators=indicators)
        super().__init__(access_list or guards_list(), site)

    def at(self, wall: datetime) -> Turn:
        """The deadline at that time."""
        return self.after((wall - self.wall).total_seconds())

    def due(self) -> Turn:
        """One o'clock."""
        return self.at(DUE)

    def visit(self, reader: str, seconds: float = 90.0, number: int = 1) -> Turn:
        """A guard's card, so long after what was before."""
        self.after(seconds)
        return self.swipe(number, reader)

    def start_tour(self, tour: str = "night") -> Turn:
        return self.handle(sg.TourStartRequested(self.request(), tour, GUARD))

    def stop_tour(self, name: str, reason: str = "called to the gate") -> Turn:
        return self.handle(sg.TourStopRequested(self.request(), name, reason, GUARD))

    @property
    def rounds(self) -> list[str]:
        """Those that are awaited or under way."""
        return list(self.controller.state.patrol.rounds)


def tour_words(turn: Turn) -> list[str]:
    """What the turn says of tours and their alarms, in short."""
    return [_short(event) for event in turn.events if type(event).__name__.startswith(("Tour", "Alarm"))]


def _short(event: ev.Event) -> str:
    name = type(event).__name__.removeprefix("Tour")
    for field in ("timing", "reason", "because", "reader"):
        if hasattr(event, field):
            name += f" {getattr(event, field)}"
    return name
