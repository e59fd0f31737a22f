"""Events of guard tours. `round` is one walk of a `tour`; a point goes by its reader."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.domain.event import Occurrence
from gateway.domain.trace import TraceStep


@dataclass(frozen=True, slots=True, kw_only=True)
class TourStarted(Occurrence):
    """A round began to be awaited at its first point: `because` of its `schedule`, a `card` or a `guard`.

    `due_at` is the start by which it is judged. Each round ends once: as TourCompleted, TourLeftIncomplete, TourMissed
    or TourStopped.
    """

    round: str
    tour: str
    because: str
    due_at: datetime | None
    actor: str | None = None
    post: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TourPointVisited(Occurrence):
    """A guard was at the point that came next, early, on time or late (`timing`)."""

    round: str
    tour: str
    reader: str
    timing: str
    credential: str
    cardholder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TourPointOutOfOrder(Occurrence):
    """A guard was at a point of the round while another came next (`expected`); the visit counts."""

    round: str
    tour: str
    reader: str
    expected: str
    credential: str
    cardholder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TourPointOverdue(Occurrence):
    """Nobody has come to a point by its latest time."""

    round: str
    tour: str
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TourPointMissed(Occurrence):
    """Nobody came to a point within its grace either."""

    round: str
    tour: str
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TourCompleted(Occurrence):
    """Every point was visited; so many of them early, late or out of order."""

    round: str
    tour: str
    cardholder: str
    early: int
    late: int
    out_of_order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TourLeftIncomplete(Occurrence):
    """A round is over and not every point was visited: `points_missed`, or the site's config has it no more."""

    round: str
    tour: str
    because: str
    cardholder: str | None
    visited: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TourMissed(Occurrence):
    """Nobody came to a round's first point."""

    round: str
    tour: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TourStopped(Occurrence):
    """A guard at the console ended a round."""

    round: str
    tour: str
    cardholder: str | None
    visited: int
    missed: int
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TourVisitDenied(Occurrence):
    """A card at a reader that is nothing but a point of tours is no visit, for exactly one reason."""

    reader: str
    reason: str
    credential: str | None
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]


TourEvent: TypeAlias = (
    TourStarted
    | TourPointVisited
    | TourPointOutOfOrder
    | TourPointOverdue
    | TourPointMissed
    | TourCompleted
    | TourLeftIncomplete
    | TourMissed
    | TourStopped
    | TourVisitDenied
)
