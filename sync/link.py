"""What is known of the line to the office: two directions, one state, the last error."""

import asyncio
import logging
from enum import StrEnum

from gateway.domain.signals import LinkState

log = logging.getLogger(__name__)

CAUSES_LOGGED = 10
"""Of one outage: a line that fails in ever new words fills no log."""


class Direction(StrEnum):
    """Events go up, lists come down; one can fail without the other."""

    UP = "events to the office"
    DOWN = "lists from the office"


class OfficeLink:
    """Both directions must work for the office to be online; until both were tried it is neither."""

    def __init__(self) -> None:
        self._errors: dict[Direction, str | None] = {}
        self._refusals: dict[Direction, str] = {}
        self._logged: dict[Direction, list[str]] = {direction: [] for direction in Direction}
        self.nonsense = 0
        """Answers that could not be used, since the start."""
        self.changed = asyncio.Event()
        self.returned = asyncio.Event()
        """Set when lists come down again after a failure: the office may have lost its memory meanwhile."""

    @property
    def state(self) -> LinkState | None:
        """Online, offline, or None while not known."""
        if any(error is not None for error in self._errors.values()):
            return LinkState.OFFLINE
        return LinkState.ONLINE if len(self._errors) == len(Direction) else None

    @property
    def last_error(self) -> str | None:
        """What is wrong now, None when nothing is."""
        return next((error for error in self._errors.values() if error is not None), None)

    @property
    def refusal(self) -> str | None:
        """The protocol's code with which the office refuses this box now, None while it doesn't."""
        return next(iter(self._refusals.values()), None)

    def works(self, direction: Direction) -> bool:
        """Whether the direction's last try worked."""
        return direction in self._errors and self._errors[direction] is None

    def good(self, direction: Direction) -> None:
        """The direction worked."""
        before = self._errors.get(direction, "")
        self._refusals.pop(direction, None)
        self._errors[direction] = None
        self._logged[direction].clear()
        if before is not None:
            if before:
                log.info("%s: go again", direction.value)
                if direction is Direction.DOWN:
                    self.returned.set()
            self.changed.set()

    def bad(self, direction: Direction, error: str, *, nonsense: bool = False, refusal: str | None = None) -> None:
        """The direction failed; each cause is said once until the direction works again."""
        self.nonsense += nonsense
        if refusal is None:
            self._refusals.pop(direction, None)
        else:
            self._refusals[direction] = refusal
        if self._errors.get(direction) != error:
            logged = self._logged[direction]
            if error not in logged and len(logged) < CAUSES_LOGGED:
                logged.append(error)
                log.warning("%s: %s", direction.value, error)
            else:
                log.debug("%s: %s", direction.value, error)
            self._errors[direction] = error
            self.changed.set()
