"""Which observations are under way, and which alarm each belongs to."""

from dataclasses import dataclass

from gateway.domain.moment import Moment

OBSERVATIONS_MAX = 200
"""Enough for every zone of every camera at once; the oldest that has ended is forgotten first."""
END_DEADLINE_S = 600.0
"""An observation whose end was never told ends by itself, as timed out."""


@dataclass(slots=True)
class WatchedObservation:
    """`alarm` is what its evidence belongs to; `open` until its end was told."""

    camera: str
    rule: str
    zone: str
    alarm: str | None
    ends_s: float
    boot_id: str
    open: bool = True


class ObservationBook:
    """Insertion-ordered and bounded."""

    def __init__(self, entries: dict[str, WatchedObservation] | None = None) -> None:
        self.entries = entries or {}

    def start(self, observation: str, watched: WatchedObservation) -> None:
        """Remember it; beyond the bound forget the oldest that has ended, else the oldest."""
        self.entries[observation] = watched
        while len(self.entries) > OBSERVATIONS_MAX:
            ended = (name for name, entry in self.entries.items() if not entry.open)
            del self.entries[next(ended, next(iter(self.entries)))]

    def end(self, observation: str) -> WatchedObservation | None:
        """Its entry, if it was open; kept for evidence that comes later."""
        found = self.entries.get(observation)
        if found is None or not found.open:
            return None
        found.open = False
        return found

    def alarm_of(self, observation: str) -> str | None:
        """The alarm that its evidence belongs to."""
        found = self.entries.get(observation)
        return None if found is None else found.alarm

    def still_open(self, alarm: str) -> bool:
        """Does any observation still hold this alarm active?"""
        return any(e.open and e.alarm == alarm for e in self.entries.values())

    def overdue(self, moment: Moment) -> list[str]:
        """Observations whose end is overdue."""
        return [
            name
            for name, e in self.entries.items()
            if e.open and (e.boot_id != moment.boot_id or e.ends_s <= moment.monotonic_s)
        ]

    def deadline_s(self) -> float | None:
        """When the next one is overdue."""
        return min((e.ends_s for e in self.entries.values() if e.open), default=None)
