"""What the journal says of guard tours: each round, and how it stands at its points. No I/O, no time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

from gateway.console.door_views import at_text
from gateway.domain.events import TourEvent
from gateway.domain.ports import RecordedEvent

TOUR_EVENTS = tuple(kind.__name__ for kind in get_args(TourEvent) if "round" in kind.__dataclass_fields__)
_MAX_ROUNDS = 300
"""More than a site walks in a day, which is what the page shows."""
_ENDS = {
    "TourCompleted": "completed",
    "TourLeftIncomplete": "incomplete",
    "TourMissed": "missed",
    "TourStopped": "stopped",
}


@dataclass(slots=True)
class PointView:
    """How a round stands at a point: `on_time`, `early`, `late`, `out_of_order`, `overdue` or `missed`, and since when.

    A point of which nothing was said yet has none.
    """

    state: str
    at: str


@dataclass(slots=True)
class RoundView:
    """One round: `awaited`, `under_way`, `completed`, `incomplete`, `missed` or `stopped`."""

    round: str
    tour: str
    because: str
    due_at: str | None
    started_at: str
    actor: str | None
    state: str = "awaited"
    ended_at: str | None = None
    credential: str | None = None
    """The card that was shown at its first point."""
    points: dict[str, PointView] = field(default_factory=dict)
    """By reader."""

    @property
    def open(self) -> bool:
        """Is it awaited or under way?"""
        return self.ended_at is None


class TourViews:
    """Feed it events in row order."""

    def __init__(self) -> None:
        self.rounds: OrderedDict[str, RoundView] = OrderedDict()
        self._takers: dict[str, Callable[[RoundView, RecordedEvent], None]] = {
            "TourPointVisited": self._visited,
            "TourPointOutOfOrder": self._visited,
            "TourPointOverdue": self._not_there,
            "TourPointMissed": self._not_there,
            **dict.fromkeys(_ENDS, self._ended),
        }

    def apply(self, event: RecordedEvent) -> None:
        """Take one event in."""
        if event.type == "TourStarted":
            self._started(event)
            return
        taker, found = self._takers.get(event.type), self.rounds.get(str(event.body.get("round")))
        if taker is not None and found is not None:
            taker(found, event)

    def _started(self, event: RecordedEvent) -> None:
        body, at = event.body, at_text(event)
        self.rounds.pop(body["round"], None)  # A gateway that starts without its state counts from one again.
        self.rounds[body["round"]] = RoundView(
            body["round"], body["tour"], body["because"], body["due_at"], at, body["actor"]
        )
        while len(self.rounds) > _MAX_ROUNDS:
            self.rounds.popitem(last=False)

    @staticmethod
    def _visited(found: RoundView, event: RecordedEvent) -> None:
        state = event.body.get("timing", "out_of_order")
        found.points[event.body["reader"]] = PointView(state, at_text(event))
        found.credential = found.credential or event.body["credential"]
        found.state = "under_way"

    @staticmethod
    def _not_there(found: RoundView, event: RecordedEvent) -> None:
        state = "missed" if event.type == "TourPointMissed" else "overdue"
        found.points[event.body["reader"]] = PointView(state, at_text(event))

    @staticmethod
    def _ended(found: RoundView, event: RecordedEvent) -> None:
        found.state, found.ended_at = _ENDS[event.type], at_text(event)
