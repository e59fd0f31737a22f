"""What the journal's writer does while no turn waits: erase what was ordered, remove what is too old or too much.

A piece takes a millisecond or two, and there is a pause after each.
"""

import logging
import sqlite3
from collections.abc import Callable

from gateway.clock import Clock
from gateway.store.erasure import Eraser
from gateway.store.journal_rows import JournalRows
from gateway.store.retention import Retention, RetentionRules

log = logging.getLogger(__name__)

ERASING_PAUSE_S = 0.02
"""Between two steps of erasing: most only read, and somebody waits for it."""
AFTER_A_FAULT_S = 60.0
"""A disk that refuses is the writer's to tell; here it is only tried again."""

OfficeCursor = tuple[str, int]


class Housekeeping:
    """Made for a connection of the writer; used by its thread alone."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        rows: JournalRows,
        rules: RetentionRules,
        clock: Clock,
        office: Callable[[], OfficeCursor | None],
        lost: Callable[[int], None],
    ) -> None:
        """`office` tells its cursor; `lost` is told how many events were removed that the office had not got."""
        self._rows, self._clock, self._office, self._lost = rows, clock, office, lost
        self._rules = rules
        self._eraser, self._retention = Eraser(connection), Retention(connection, rows, rules)
        now_s = clock.now().monotonic_s
        self._due_s, self._look_s = now_s, now_s + rules.first_look_s
        self._office_awaited_s = now_s + rules.unknown_office_s

    def wait_s(self) -> float:
        """How long until there may be something to do."""
        return max(0.0, self._due_s - self._clock.now().monotonic_s)

    def wake(self) -> None:
        """Something was ordered."""
        self._due_s = self._clock.now().monotonic_s

    def piece(self) -> None:
        """Do a little. Raises nothing: what is the matter with a disk shows at the next turn."""
        now_s = self._clock.now().monotonic_s
        try:
            pause_s = self._work(now_s)
        except (sqlite3.Error, OSError) as error:
            log.warning("the journal's housekeeping waits: %s", error)
            self._rows.roll_back()
            self._due_s = now_s + AFTER_A_FAULT_S
            return
        self._due_s = self._look_s if pause_s is None else now_s + pause_s

    def _work(self, now_s: float) -> float | None:
        """Do a piece; how long to pause after it, None where nothing is left to do."""
        if self._eraser.step():
            return ERASING_PAUSE_S
        if self._eraser.leaves_log:  # once an order, not once a step: it takes as long as a turn's commit or two
            self._eraser.leaves_log = False
            self._rows.fold()
        if self._retention.step():
            return self._rules.pause_s
        if now_s < self._look_s:
            return None
        moment = self._clock.now()
        office = self._office()
        if self._retention.look(moment, office):
            return self._rules.pause_s
        if self._retention.is_too_large() and (office is not None or now_s >= self._office_awaited_s):
            removed = self._retention.make_room(moment)
            if removed:
                self._lost(removed.total())
                return self._rules.pause_s
        self._look_s = now_s + self._rules.look_every_s
        return None
