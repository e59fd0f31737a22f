"""How long the journal stays: by age what the office has, by size the oldest of it, and only then what it has not.

In small steps on the writer's thread while no turn waits. What is to go is told by an event first; each step removes
some rows and writes what the chain goes on from in one transaction, so no reader ever sees a torn chain.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain

from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.moment import ClockQuality, Moment
from gateway.store import records
from gateway.store.gone import REMOVABLE, Removable, forget_before, ranges_of, remove_rows
from gateway.store.journal_rows import JournalRows
from gateway.store.shedding import CLASSES, EventClass

STEP_ROWS = 24
"""Rows of one step: about 1 ms, which is what a turn may have to wait for it."""
STEP_PAUSE_S = 0.1
"""Between two steps: a day's 50,000 events go in four minutes, and an append flushes one step's pages at most."""
FORCED_ROWS = 200
"""Rows of a step that makes room by class: their ranges stand in one event."""
VOUCHED_ROWS = 1000
"""So far back an event with a sound time is looked for: a few milliseconds."""
LOOK_EVERY_S = 600.0
FIRST_LOOK_S = 60.0
"""A start has better things to do."""
UNKNOWN_OFFICE_S = 3600.0
"""So long after a start the office's cursor is waited for before events are given up that it may have."""
ROOM_MADE = 0.05
"""This part of the bound is made free at once, so that not every turn has to make room."""

EVERYTHING_IS_THERE = ("", 0)
"""The cursor of a site without an office."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How long and how much; the times are of the housekeeping itself."""

    keep_days: int = 30
    keep_bytes: int = 4096 << 20
    look_every_s: float = LOOK_EVERY_S
    first_look_s: float = FIRST_LOOK_S
    pause_s: float = STEP_PAUSE_S
    unknown_office_s: float = UNKNOWN_OFFICE_S


@dataclass(slots=True)
class _Pass:
    """What is being removed: the rows of an epoch up to a row."""

    epoch: str
    through_row: int


class Retention:
    """Works on the writer's connection, in the writer's thread. Every method raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, rows: JournalRows, rules: RetentionRules) -> None:
        self._connection, self._rows, self._rules = connection, rows, rules
        self._pass: _Pass | None = None

    def look(self, moment: Moment, office: tuple[str, int] | None) -> bool:
        """Is something to go? If so it is told, and steps follow. `office` is its cursor, None while unknown."""
        limit = self._limit(office)
        row = self._by_age(limit, moment)
        because = "age"
        if row is None:
            row, because = self._by_size(limit), "size"
        if row is None:
            return False
        self._begin(row, because, moment)
        return True

    def is_too_large(self) -> bool:
        """More than the bound is used, and none of it may go by itself."""
        return self._used() > self._rules.keep_bytes

    def step(self) -> bool:
        """Remove some rows of what was told; False when there is nothing left to remove."""
        if self._pass is None:
            return False
        rows = self._removable("row_id <= ? AND +epoch = ?", (self._pass.through_row, self._pass.epoch), STEP_ROWS)
        if not rows:
            self._pass = None
            return False
        run = self._connection.execute
        # Nothing is lost with a step that a power cut takes back, so it needs no fsync.
        run("PRAGMA synchronous = NORMAL")
        try:
            run("BEGIN IMMEDIATE")
            remove_rows(self._connection, rows)
            forget_before(self._connection, self._pass.epoch)
            run("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise
        finally:
            run("PRAGMA synchronous = FULL")
        return True

    def make_room(self, moment: Moment) -> Counter[EventClass]:
        """The office has not got them, but there is no room: remove some of the lowest class, and say which."""
        for kind in EventClass:
            rows = self._of_class(kind)
            if rows:
                self._rows.begin()
                self._rows.add(_gap(kind, rows), moment)
                self._rows.commit(also=partial(remove_rows, self._connection, rows))
                return Counter({kind: len(rows)})
        return Counter()

    def _begin(self, row: Removable, because: str, moment: Moment) -> None:
        self._rows.begin()
        told = ev.JournalPruned(epoch=row.epoch, through_seq=row.seq, hash=row.hash, because=because)
        self._rows.add(told, moment)
        self._rows.commit()
        self._pass = _Pass(row.epoch, row.row_id)

    def _limit(self, office: tuple[str, int] | None) -> int:
        """The last row that may go: the office has it, and a checkpoint and an event come after it."""
        newest = "SELECT coalesce(max(row_id), 0) FROM "
        (checkpoint,) = self._connection.execute(f"{newest} checkpoint").fetchone()
        (head,) = self._connection.execute(f"{newest} event").fetchone()
        return min(int(checkpoint), int(head) - 1, self._acknowledged(office, head))

    def _acknowledged(self, office: tuple[str, int] | None, head: int) -> int:
        if office is None:
            return 0
        if office == EVERYTHING_IS_THERE:
            return int(head)
        row = self._connection.execute("SELECT row_id FROM event WHERE epoch = ? AND seq = ?", office).fetchone()
        return 0 if row is None else int(row[0])

    def _by_age(self, limit: int, moment: Moment) -> Removable | None:
        """The last row that is too old: rows before it were recorded before it, whatever a clock said then.

        A clock that nobody vouches for throws nothing away.
        """
        if moment.quality is not ClockQuality.SYNCHRONISED:
            return None
        cutoff = records.microseconds(moment.wall - timedelta(days=self._rules.keep_days))
        low, high = self._oldest(), limit
        while low <= high:
            row = self._first("row_id >= ? AND row_id <= ?", ((low + high) // 2, limit))
            if row is not None and row.wall_us < cutoff:
                low = row.row_id + 1
            else:
                high = (low + high) // 2 - 1
        vouched = "row_id > ? AND row_id < ? AND row_id <= ? AND +wall_us < ? AND clock_quality = ?"
        values = (low - VOUCHED_ROWS, low, limit, cutoff, ClockQuality.SYNCHRONISED.value)
        return self._first(vouched, values, "DESC")

    def _by_size(self, limit: int) -> Removable | None:
        used = self._used()
        if used <= self._rules.keep_bytes:
            return None
        oldest, newest = self._oldest(), self._oldest("DESC")
        rows = newest - oldest + 1
        surplus = int((used - self._rules.keep_bytes * (1 - ROOM_MADE)) / used * rows)
        return self._first("row_id <= ?", (min(limit, oldest + surplus),), "DESC")

    def _of_class(self, kind: EventClass) -> list[Removable]:
        """The oldest of a class, all of one epoch; the last event of an epoch says where it ends, and stays."""
        if kind is EventClass.RECORD:
            return []
        (checkpoint,) = self._connection.execute("SELECT coalesce(max(row_id), 0) FROM checkpoint").fetchone()
        inner = "seq < (SELECT max(seq) FROM event last WHERE last.epoch = event.epoch) AND row_id <= ?"
        if kind is EventClass.ACCESS:
            named = [cls.__name__ for classes in CLASSES.values() for cls in classes]
            where = f"+type NOT IN ({','.join('?' * len(named))}) AND {inner}"
            rows = self._removable(where, (*named, checkpoint), FORCED_ROWS)
        else:  # Type by type: the index gives each in order.
            each = (
                self._removable(f"type = ? AND {inner}", (cls.__name__, checkpoint), FORCED_ROWS)
                for cls in CLASSES[kind]
            )
            rows = sorted(chain.from_iterable(each), key=lambda row: row.row_id)[:FORCED_ROWS]
        return [row for row in rows if row.epoch == rows[0].epoch]

    def _used(self) -> int:
        """Bytes of pages that hold something: what was freed is used again before the file grows."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _oldest(self, order: str = "ASC") -> int:
        row = self._connection.execute(f"SELECT row_id FROM event ORDER BY row_id {order} LIMIT 1").fetchone()
        return 0 if row is None else int(row[0])

    def _first(self, where: str, values: tuple[int | str, ...], order: str = "ASC") -> Removable | None:
        return next(iter(self._removable(where, values, 1, order)), None)

    def _removable(self, where: str, values: tuple[int | str, ...], limit: int, order: str = "ASC") -> list[Removable]:
        query = f"SELECT {REMOVABLE} FROM event WHERE {where} ORDER BY row_id {order} LIMIT ?"
        return [Removable(*row) for row in self._connection.execute(query, (*values, limit))]

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _gap(kind: EventClass, rows: list[Removable]) -> Event:
    walls = [records.from_microseconds(row.wall_us) for row in rows]
    return ev.JournalGap(
        lost=len(rows),
        reason="the journal has reached its size and the office has not got them",
        classes={kind.name.lower(): len(rows)},
        first_at=min(walls),
        last_at=max(walls),
        epoch=rows[0].epoch,
        ranges=ranges_of(rows),
    )
