"""A guard tour: the readers that a guard must visit, by when, and one walk of it (a round) as a table.

A round waits for its first point from its start on, is under way from the first visit, and ends when every point was
visited or missed. Between two points a guard may take from `earliest_s` to `latest_s`; who is later is overdue, which
is an alarm, and who hasn't come `grace_s` after that has missed the point.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from gateway.domain.credential import Grade
from gateway.domain.moment import ClockQuality, Moment


@dataclass(frozen=True, slots=True)
class TourPoint:
    """A reader to be visited, so many seconds after the point before it. `grade`: see `ReaderRules`.

    The first point has no time of its own: it is due when the tour is.
    """

    reader: str
    earliest_s: float = 0.0
    latest_s: float = 0.0
    grade: Grade = Grade.CLONABLE


@dataclass(frozen=True, slots=True)
class TourStart:
    """When a tour is due: a minute of the local day, on the given weekdays (0 is Monday)."""

    days: frozenset[int]
    minute: int


@dataclass(frozen=True, slots=True)
class Tour:
    """What the site says of a tour. Cardholders of one of its `groups` may walk it."""

    id: str
    points: tuple[TourPoint, ...]
    groups: frozenset[str]
    starts: tuple[TourStart, ...] = ()
    tolerance_s: float = 600.0
    """So long before or after its start the first point is visited on time."""
    grace_s: float = 300.0
    in_order: bool = True
    start_by_card: bool = True
    """A card at the first point starts it, also when it isn't due."""

    @property
    def readers(self) -> tuple[str, ...]:
        """Its points by their readers, in order."""
        return tuple(point.reader for point in self.points)

    def starts_between(self, after: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
        """When it is due, `after < t <= until`, UTC, by the local clock of `zone`.

        A start that the clock skips is due as long after midnight as ever (02:30 comes as 03:30); one that the clock
        shows twice is due once, the first time.
        """
        first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
        days = (first + timedelta(days=n) for n in range(-1, (last - first).days + 1))
        found = {
            datetime.combine(day, time(start.minute // 60, start.minute % 60), tzinfo=zone).astimezone(UTC)
            for day in days
            for start in self.starts
            if day.weekday() in start.days
        }
        return sorted(at for at in found if after < at <= until)


class RoundPhase(StrEnum):
    """How a round stands."""

    AWAITED = "awaited"
    """It has started; nobody was at its first point yet."""
    LATE = "late"
    """The same, and the time for that is over."""
    UNDER_WAY = "under_way"
    OVERDUE = "overdue"
    """Under way, and the time for the next point is over."""
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    MISSED = "missed"
    """Nobody came."""
    STOPPED = "stopped"


class Stimulus(StrEnum):
    """What moves a round."""

    VISITED = "visited"
    LATEST_PASSED = "latest_passed"
    GRACE_PASSED = "grace_passed"
    ALL_VISITED = "all_visited"
    REST_MISSED = "rest_missed"
    """No point is left, and some were missed."""
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    """The site's config has this tour no more, or with other points."""


class Action(StrEnum):
    """What a transition asks for."""

    COUNT_VISIT = "count_visit"
    TELL_OVERDUE = "tell_overdue"
    MISS_POINT = "miss_point"
    MISS_TOUR = "miss_tour"
    COMPLETE = "complete"
    LEAVE_INCOMPLETE = "leave_incomplete"
    STOP = "stop"


_P, _S, _A = RoundPhase, Stimulus, Action

TABLE: dict[tuple[RoundPhase, Stimulus], tuple[RoundPhase, Action]] = {
    (_P.AWAITED, _S.VISITED): (_P.UNDER_WAY, _A.COUNT_VISIT),
    (_P.AWAITED, _S.LATEST_PASSED): (_P.LATE, _A.TELL_OVERDUE),
    (_P.AWAITED, _S.STOPPED): (_P.STOPPED, _A.STOP),
    (_P.AWAITED, _S.WITHDRAWN): (_P.INCOMPLETE, _A.LEAVE_INCOMPLETE),
    (_P.LATE, _S.VISITED): (_P.UNDER_WAY, _A.COUNT_VISIT),
    (_P.LATE, _S.GRACE_PASSED): (_P.MISSED, _A.MISS_TOUR),
    (_P.LATE, _S.STOPPED): (_P.STOPPED, _A.STOP),
    (_P.LATE, _S.WITHDRAWN): (_P.INCOMPLETE, _A.LEAVE_INCOMPLETE),
    (_P.UNDER_WAY, _S.VISITED): (_P.UNDER_WAY, _A.COUNT_VISIT),
    (_P.UNDER_WAY, _S.LATEST_PASSED): (_P.OVERDUE, _A.TELL_OVERDUE),
    (_P.UNDER_WAY, _S.ALL_VISITED): (_P.COMPLETED, _A.COMPLETE),
    (_P.UNDER_WAY, _S.REST_MISSED): (_P.INCOMPLETE, _A.LEAVE_INCOMPLETE),
    (_P.UNDER_WAY, _S.STOPPED): (_P.STOPPED, _A.STOP),
    (_P.UNDER_WAY, _S.WITHDRAWN): (_P.INCOMPLETE, _A.LEAVE_INCOMPLETE),
    (_P.OVERDUE, _S.VISITED): (_P.UNDER_WAY, _A.COUNT_VISIT),
    (_P.OVERDUE, _S.GRACE_PASSED): (_P.UNDER_WAY, _A.MISS_POINT),
    (_P.OVERDUE, _S.STOPPED): (_P.STOPPED, _A.STOP),
    (_P.OVERDUE, _S.WITHDRAWN): (_P.INCOMPLETE, _A.LEAVE_INCOMPLETE),
}
ENDED = frozenset({_P.COMPLETED, _P.INCOMPLETE, _P.MISSED, _P.STOPPED})
NOT_BEGUN = frozenset({_P.AWAITED, _P.LATE})
BEHIND = frozenset({_P.LATE, _P.OVERDUE})
"""Phases in which somebody should be at a point and isn't: an alarm is active."""


NO_TOUR = "NoTourAwaitsIt"
"""Why a guard's card at a reader that is nothing but a point counts for nothing."""


class Timing(StrEnum):
    """How a visit lies to its time."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


@dataclass(slots=True)
class Round:
    """One walk of a tour: plain values for the checkpoint. Points go by their readers."""

    id: str
    tour: str
    readers: tuple[str, ...]
    """The tour's points when it started."""
    due_at: datetime | None
    """The start by which it is judged; None where a card started it."""
    begun: Moment
    """Its start; from the first visit on, when that was."""
    last: Moment
    """The newest visit; its start before that."""
    phase: RoundPhase = RoundPhase.AWAITED
    walker: str | None = None
    """The cardholder who was at the first point: nobody else's card is a visit of this round."""
    at: str | None = None
    """The point that was visited last."""
    visited: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    early: int = 0
    late: int = 0
    out_of_order: int = 0

    @property
    def pending(self) -> list[str]:
        """The points that are left, in the tour's order."""
        return [reader for reader in self.readers if reader not in self.visited and reader not in self.missed]

    @property
    def next(self) -> str | None:
        """The point that comes next: the first that is left after the last visited one, then those passed over."""
        return next((reader for reader in self._onwards() if reader in self.pending), None)

    def earliest_s(self, tour: Tour, reader: str) -> float:
        """How long after the last visit this one is not too early."""
        if self.at is None:
            return 0.0
        return sum(tour.points[n].earliest_s for n in self._way_to(reader)) if tour.in_order else _of(tour, reader)

    def left_s(self, tour: Tour, moment: Moment) -> float:
        """How long until what is awaited is overdue, or until its grace is over; never while nothing is awaited."""
        if self.phase in ENDED:
            return float("inf")
        if self.at is None:
            since, latest_s = self.begun, tour.tolerance_s
        elif tour.in_order:
            since, latest_s = self.last, sum(_latest_s(tour, n) for n in self._way_to(self.next))
        else:
            since, latest_s = self.begun, sum(point.latest_s for point in tour.points)
        grace_s = tour.grace_s if self.phase in BEHIND else 0.0
        return latest_s + grace_s - elapsed_s(since, moment)

    def _onwards(self) -> Iterator[str]:
        start = 0 if self.at is None else self.readers.index(self.at) + 1
        yield from self.readers[start:]
        yield from self.readers[:start]

    def _way_to(self, reader: str | None) -> list[int]:
        """The numbers of the points from after the last visited one up to this one, round by the first if need be."""
        way: list[int] = []
        for each in self._onwards():
            way.append(self.readers.index(each))
            if each == reader:
                break
        return way


def elapsed_s(since: Moment, moment: Moment) -> float:
    """By the monotonic clock within one boot, else by the wall, never below zero.

    After a reboot with a suspect clock nobody knows how long it was: no time has passed until the clock is right.
    """
    if since.boot_id == moment.boot_id:
        return max(0.0, round(moment.monotonic_s - since.monotonic_s, 6))
    if moment.quality is ClockQuality.SUSPECT:
        return 0.0
    return max(0.0, (moment.wall - since.wall).total_seconds())


def _of(tour: Tour, reader: str) -> float:
    return next(point.earliest_s for point in tour.points if point.reader == reader)


def _latest_s(tour: Tour, number: int) -> float:
    """The first point has no time of its own: who comes back to it has the start's tolerance."""
    return tour.points[number].latest_s if number else tour.tolerance_s
