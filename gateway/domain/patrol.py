"""Patrol: every tour of the site, and the rounds that are under way. It looks on at the readers and moves no door.

A swipe counts for one round: of those that its guard walks, the one in which this point comes next, then the oldest in
which it is left; else one that is awaited here; else it starts one. Whoever begins a round walks it: nobody else's
card is a visit of it, so that two guards may walk at once and nobody's errand disturbs a round.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_request import PointRules
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.commands import IndicateAtReader, Indication
from gateway.domain.credential import Grade
from gateway.domain.door_control import COMMAND_EXPIRY_S, DoorControl
from gateway.domain.entry import rules_of
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.reader_watch import ReaderWatch
from gateway.domain.register import Register
from gateway.domain.shown import shown_as
from gateway.domain.site import ReaderRules, Site
from gateway.domain.tour import (
    BEHIND,
    ENDED,
    NO_TOUR,
    NOT_BEGUN,
    TABLE,
    Action,
    Round,
    RoundPhase,
    Stimulus,
    Timing,
    Tour,
    elapsed_s,
)
from gateway.domain.tour_visitor import Visitor, identify

REASON_CHARACTERS_MAX = 200
STARTS_LOOKED_AHEAD = timedelta(days=8)
"""A week and the day on which the clocks change."""


@dataclass(slots=True)
class PatrolState:
    """Plain values for the checkpoint. `last_due`: the newest start of each tour that a round was made of."""

    rounds: dict[str, Round] = field(default_factory=dict)
    next_round: int = 1
    last_due: dict[str, datetime] = field(default_factory=dict)


class Patrol:
    """All tours. Collects events in the turn's list of `doors`."""

    def __init__(
        self, site: Site, doors: DoorControl, alarms: AlarmBook, register: Register, state: PatrolState
    ) -> None:
        self.site, self.doors, self.alarms, self.register, self.state = site, doors, alarms, register, state
        for tour in [name for name in state.last_due if name not in site.tours]:
            del state.last_due[tour]
        self._by_reader: dict[str, list[Tour]] = {}
        for each in site.tours.values():
            for reader in each.readers:
                self._by_reader.setdefault(reader, []).append(each)
        self._points = {reader: point for point in site.access_points.values() for reader in point.readers}
        self._watches: dict[str, ReaderWatch] = {}
        self._no_start: tuple[datetime, datetime] | None = None
        """From when until when no tour is due."""

    def stands_alone(self, reader: str) -> bool:
        """Is the reader a point of tours, and of no access point? What is shown there is nothing but a visit."""
        return reader in self._by_reader and reader not in self._points

    def card_read(self, signal: sg.CardRead, moment: Moment, access_list: AccessList | None) -> None:
        """A card at a point of a tour; at any other reader nothing happens here."""
        tours, reader = self._by_reader.get(signal.reader), signal.reader
        identifiers = tuple(reading.identifier for reading in signal.readings)
        if tours is None or self._watches.setdefault(reader, ReaderWatch()).is_repeat(
            identifiers, signal.received_s, self.site.repeat_read_s
        ):
            return
        grade, rules = self._reader(reader, tours)
        groups = frozenset[str]().union(*(tour.groups for tour in tours))
        shown = shown_as(identifiers, grade, access_list)
        visitor = identify(shown, rules, groups, self.register, moment, access_list)
        found = None
        if visitor.reason is None and visitor.cardholder is not None:
            allowed = [tour for tour in tours if tour.groups & visitor.groups]
            found = self._round_for(visitor.cardholder, reader, allowed, moment)
        if found is not None:
            self._visit(found, reader, visitor, moment)
        elif self.stands_alone(reader):
            self._tell(_denied(reader, visitor) if visitor.reason else ev.ReadDropped(reader=reader, reason=NO_TOUR))
        self._indicate(reader, Indication.DENIED if found is None else Indication.GRANTED, moment)

    # What guards ask at the console

    def start(self, signal: sg.TourStartRequested, moment: Moment) -> str | None:
        """A guard starts a round now; the code with which that is refused."""
        tour = self.site.tours.get(signal.tour)
        if tour is None:
            return "TourUnknown"
        if self._open_rounds(tour):
            return "TourUnderWay"
        soon = self._soon_due(tour, moment)
        if soon is not None:
            self.state.last_due[tour.id] = soon  # This round is the one of that start.
        self._begin(tour, "guard", moment.wall, moment, signal)
        return None

    def stop(self, signal: sg.TourStopRequested, moment: Moment) -> str | None:
        """A guard ends a round; the code with which that is refused."""
        found = self.state.rounds.get(signal.round)
        if not signal.reason.strip():
            return "ReasonMissing"
        if found is None:
            return "RoundOver"
        self._tell(
            ev.TourStopped(
                round=found.id,
                tour=found.tour,
                cardholder=found.walker,
                visited=len(found.visited),
                missed=len(found.readers) - len(found.visited),
                reason=signal.reason[:REASON_CHARACTERS_MAX],
                actor=signal.operator.name,
                post=signal.operator.post,
                request_id=signal.request_id,
            )
        )
        self._give(found, Stimulus.STOPPED, moment)
        return None

    # Time

    def run_timers(self, moment: Moment) -> None:
        """Begin what is due, and tell what is late or was missed."""
        self._begin_due(moment)
        for each in list(self.state.rounds.values()):
            while each.phase not in ENDED and (stimulus := self._timer(each, moment)) is not None:
                self._give(each, stimulus, moment)

    def deadline_s(self, moment: Moment) -> float | None:
        """The next such time, monotonic seconds."""
        left = [self._left_s(each, moment) for each in self.state.rounds.values()]
        if self._no_start is not None:
            left.append((self._no_start[1] - moment.wall).total_seconds())
        return moment.monotonic_s + max(0.0, min(left)) if left else None

    def _begin_due(self, moment: Moment) -> None:
        """While the clock is suspect nobody knows the hour, and no tour is due.

        A start while the gateway was off is made up for while its first point can still be visited.
        """
        if moment.quality is ClockQuality.SUSPECT:
            self._no_start = None
            return
        if self._no_start is not None and self._no_start[0] <= moment.wall < self._no_start[1]:
            return
        for tour in self.site.tours.values():
            for at in self._starts(tour, moment, moment.wall):
                self._begin_start(tour, at, moment)
        ahead = moment.wall + STARTS_LOOKED_AHEAD
        soonest = (tour.starts_between(moment.wall, ahead, self.site.zone) for tour in self.site.tours.values())
        self._no_start = moment.wall, min((starts[0] for starts in soonest if starts), default=ahead)

    def _starts(self, tour: Tour, moment: Moment, until: datetime) -> list[datetime]:
        """The starts up to `until` of which no round was made yet and whose first point can still be visited."""
        after = moment.wall - timedelta(seconds=tour.tolerance_s + tour.grace_s)
        return tour.starts_between(max(after, self.state.last_due.get(tour.id, after)), until, self.site.zone)

    def _begin_start(self, tour: Tour, at: datetime, moment: Moment) -> Round:
        self.state.last_due[tour.id] = at
        return self._begin(tour, "schedule", at, moment)

    def _timer(self, each: Round, moment: Moment) -> Stimulus | None:
        if self._tour_of(each) is None:
            return Stimulus.WITHDRAWN
        if each.phase is RoundPhase.UNDER_WAY and not each.pending:
            return Stimulus.REST_MISSED
        if self._left_s(each, moment) > 0:
            return None
        return Stimulus.GRACE_PASSED if each.phase in BEHIND else Stimulus.LATEST_PASSED

    def _left_s(self, each: Round, moment: Moment) -> float:
        tour = self._tour_of(each)
        return 0.0 if tour is None else each.left_s(tour, moment)

    # Rounds

    def _round_for(self, holder: str, reader: str, allowed: list[Tour], moment: Moment) -> Round | None:
        """The one round that this swipe counts for; begun here if it starts one."""
        walked = [each for each in self.state.rounds.values() if each.walker == holder]
        may_walk = {tour.id for tour in allowed}
        left = [each for each in walked if reader in each.pending and each.tour in may_walk]
        awaited = (each for tour in allowed for each in self._open_rounds(tour) if _begins_at(tour, each, reader))
        found = next((each for each in left if each.next == reader), None) or next(iter(left), None)
        found = found or next(awaited, None)
        if found is not None:
            return found
        beginning = [tour for tour in allowed if tour.readers[0] == reader]
        for tour in beginning:
            soon = self._soon_due(tour, moment)
            if soon is not None:
                return self._begin_start(tour, soon, moment)
        for tour in beginning:
            if tour.start_by_card and not walked and not self._open_rounds(tour):
                return self._begin(tour, "card", None, moment)
        return None

    def _soon_due(self, tour: Tour, moment: Moment) -> datetime | None:
        """A start to come for which the first point may be visited already, if no round was made of it yet."""
        if moment.quality is ClockQuality.SUSPECT:
            return None
        starts = self._starts(tour, moment, moment.wall + timedelta(seconds=tour.tolerance_s))
        return starts[0] if starts else None

    def _begin(
        self,
        tour: Tour,
        because: str,
        due_at: datetime | None,
        moment: Moment,
        asked: sg.TourStartRequested | None = None,
    ) -> Round:
        name = f"t-{self.state.next_round}"
        self.state.next_round += 1
        since = moment if due_at is None else _moment_of(min(due_at, moment.wall), moment)
        found = Round(name, tour.id, tour.readers, due_at, since, since)
        self.state.rounds[name] = found
        self._tell(
            ev.TourStarted(
                round=name,
                tour=tour.id,
                because=because,
                due_at=due_at,
                actor=None if asked is None else asked.operator.name,
                post=None if asked is None else asked.operator.post,
                request_id=None if asked is None else asked.request_id,
            )
        )
        return found

    def _visit(self, found: Round, reader: str, visitor: Visitor, moment: Moment) -> None:
        tour = self.site.tours[found.tour]
        assert visitor.credential is not None
        assert visitor.cardholder is not None
        who = {"credential": visitor.credential, "cardholder": visitor.cardholder}
        expected = found.next
        if tour.in_order and expected is not None and expected != reader:
            found.out_of_order += 1
            self._tell(ev.TourPointOutOfOrder(round=found.id, tour=tour.id, reader=reader, expected=expected, **who))
        else:
            timing = _timing(found, tour, reader, moment)
            found.early += timing is Timing.EARLY
            found.late += timing is Timing.LATE
            self._tell(ev.TourPointVisited(round=found.id, tour=tour.id, reader=reader, timing=timing.value, **who))
        if found.at is None:
            found.begun, found.walker = moment, visitor.cardholder
        found.at, found.last = reader, moment
        found.visited.append(reader)
        self._give(found, Stimulus.VISITED, moment)
        if not found.pending:
            self._give(found, Stimulus.REST_MISSED if found.missed else Stimulus.ALL_VISITED, moment)

    def _give(self, each: Round, stimulus: Stimulus, moment: Moment) -> None:
        each.phase, action = TABLE[each.phase, stimulus]
        actions: dict[Action, Callable[[], None]] = {
            Action.COUNT_VISIT: lambda: None,
            Action.TELL_OVERDUE: lambda: self._overdue(each, moment),
            Action.MISS_POINT: lambda: self._miss_point(each, moment),
            Action.MISS_TOUR: lambda: self._miss_tour(each, moment),
            Action.COMPLETE: lambda: self._complete(each),
            Action.LEAVE_INCOMPLETE: lambda: self._leave(each, stimulus),
            Action.STOP: lambda: None,
        }
        actions[action]()
        if each.phase in ENDED:
            del self.state.rounds[each.id]
        if not any(other.phase in BEHIND for other in self.state.rounds.values() if other.tour == each.tour):
            self._tell(*self.alarms.normal(AlarmKind.TOUR, each.tour))

    def _overdue(self, each: Round, moment: Moment) -> None:
        for reader in self._awaited(each):
            self._tell(ev.TourPointOverdue(round=each.id, tour=each.tour, reader=reader))
        self._tell(*self.alarms.raise_alarm(AlarmKind.TOUR, each.tour, moment))

    def _miss_point(self, each: Round, moment: Moment) -> None:
        for reader in self._awaited(each):
            each.missed.append(reader)
            self._tell(ev.TourPointMissed(round=each.id, tour=each.tour, reader=reader))
        self._tell(*self.alarms.raise_alarm(AlarmKind.TOUR, each.tour, moment))

    def _miss_tour(self, each: Round, moment: Moment) -> None:
        self._tell(ev.TourMissed(round=each.id, tour=each.tour, due_at=each.due_at))
        self._tell(*self.alarms.raise_alarm(AlarmKind.TOUR, each.tour, moment))

    def _complete(self, each: Round) -> None:
        assert each.walker is not None
        counts = {"early": each.early, "late": each.late, "out_of_order": each.out_of_order}
        self._tell(ev.TourCompleted(round=each.id, tour=each.tour, cardholder=each.walker, **counts))

    def _leave(self, each: Round, stimulus: Stimulus) -> None:
        self._tell(
            ev.TourLeftIncomplete(
                round=each.id,
                tour=each.tour,
                because="tour_changed" if stimulus is Stimulus.WITHDRAWN else "points_missed",
                cardholder=each.walker,
                visited=len(each.visited),
                missed=len(each.readers) - len(each.visited),
            )
        )

    def _awaited(self, each: Round) -> list[str]:
        """Where somebody should have been by now: at the next point; in any order, at all that are left."""
        tour = self.site.tours[each.tour]
        return [str(each.next)] if tour.in_order or each.at is None else each.pending

    def _tour_of(self, each: Round) -> Tour | None:
        """The round's tour, if the site still has it with these points."""
        tour = self.site.tours.get(each.tour)
        return tour if tour is not None and tour.readers == each.readers else None

    def _open_rounds(self, tour: Tour) -> list[Round]:
        return [each for each in self.state.rounds.values() if each.tour == tour.id]

    def _reader(self, reader: str, tours: list[Tour]) -> tuple[Grade, PointRules]:
        """What cards are worth there, and what is taken. Without the list in force, the one before it says who."""
        point = self._points.get(reader)
        if point is None:
            grade = next(each.grade for tour in tours for each in tour.points if each.reader == reader)
            return grade, PointRules()
        return point.rules.get(reader, ReaderRules()).grade, PointRules(
            accepts=rules_of(self.site, point, reader).accepts
        )

    def _indicate(self, reader: str, indication: Indication, moment: Moment) -> None:
        """Where nobody else does, the reader shows whether the card was a visit."""
        if self.stands_alone(reader) and reader in self.site.indicators:
            command = self.doors.take_command_id()
            expires_s = moment.monotonic_s + COMMAND_EXPIRY_S
            self.doors.commands.append(IndicateAtReader(command, reader, indication, expires_s))

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told


def _begins_at(tour: Tour, each: Round, reader: str) -> bool:
    """In order a round begins at its first point; else at any."""
    return each.phase in NOT_BEGUN and (reader == each.readers[0] or not tour.in_order)


def _timing(found: Round, tour: Tour, reader: str, moment: Moment) -> Timing:
    if found.phase in BEHIND:
        return Timing.LATE
    gone_s = elapsed_s(found.last, moment)
    return Timing.EARLY if gone_s < found.earliest_s(tour, reader) else Timing.ON_TIME


def _moment_of(wall: datetime, moment: Moment) -> Moment:
    """An earlier time on the clocks of this moment."""
    ago_s = (moment.wall - wall).total_seconds()
    return Moment(wall, round(moment.monotonic_s - ago_s, 6), moment.boot_id, moment.quality)


def _denied(reader: str, visitor: Visitor) -> ev.TourVisitDenied:
    assert visitor.reason is not None
    return ev.TourVisitDenied(
        reader=reader,
        reason=visitor.reason,
        credential=visitor.credential,
        cardholder=visitor.cardholder,
        list_version=visitor.list_version,
        trace=visitor.trace,
    )
