"""The journal's one writer: SQLite in WAL mode with synchronous=FULL, a queue, and one thread.

A turn (the events and facts of one `append`) is never split over two transactions. Whatever queued while the last
commit was on its way goes together in the next one, up to 500 rows; a lone turn is committed at once. "Durable" is
said after COMMIT and never otherwise. While nothing can be written, events may have to be shed; facts never are.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.clock import Clock
from gateway.domain.commands import ForkJournal
from gateway.domain.events import Event, PersonErased
from gateway.domain.moment import Moment
from gateway.domain.ports import JournalHead
from gateway.domain.register import Fact
from gateway.store.housekeeping import Housekeeping
from gateway.store.journal_commit import TurnCommit
from gateway.store.journal_file import Opening, open_journal_file
from gateway.store.journal_rows import JournalRows
from gateway.store.losses import Losses
from gateway.store.retention import RetentionRules
from gateway.store.shedding import Shed
from gateway.store.turn import Turn, fold_eventless
from gateway.store.wal_folder import WalFolder

log = logging.getLogger(__name__)

QUEUE_BOUND = 20_000
"""Events that wait for the disk at most: about 40 MB, and some hours of a compound's traffic while a disk is full."""

GROUP_BOUND = 500
"""Events and facts in one transaction: keeps a commit near 10 ms, so nobody's turn waits long behind a burst."""

GAP_LOOKED_AT_S = 1.0
"""While nobody appends, room is looked for this often."""

_RETRY_FIRST_S, _RETRY_LAST_S = 0.05, 2.0

OnChange = Callable[[bool, str, int], None]
OnCommit = Callable[[int], None]


class SqliteJournal:
    """The one writer of a journal file; implements `gateway.domain.ports.JournalWriter`.

    `on_change(available, detail, lost)` is called once when writing fails and once when it works again; `lost` then
    counts the events that had to be shed and for which a `JournalGap` ALREADY stands in the journal.
    `on_commit(row_id)` is called after each commit. Both are called on the writer's thread and must not block.
    Raises ConfigError for a file of a newer program. A disk that can't be written at the start raises nothing:
    `on_change` tells it, and opening is tried again.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        on_change: OnChange | None = None,
        on_commit: OnCommit | None = None,
        queue_bound: int = QUEUE_BOUND,
        rules: RetentionRules | None = None,
    ) -> None:
        self._path, self._clock = path, clock
        self._on_change, self._on_commit = on_change or (lambda *_: None), on_commit or (lambda _: None)
        self._queue_bound = queue_bound
        self._changed = threading.Condition()
        self._queue: deque[Turn] = deque()
        self._queued_events = 0
        self._forks: deque[tuple[ForkJournal, Moment, Future[str | None]]] = deque()
        self._losses = Losses(path, lambda: 0 if self._rows is None else self._rows.free_bytes())
        self._rules = rules or RetentionRules()
        self._office: tuple[str, int] | None = None
        self._housekeeping: Housekeeping | None = None
        self._failure: str | None = None
        self._closing = False
        self._rows: JournalRows | None = None
        self.opening: Opening | None = None
        """What was found when the file was opened; None until it could be opened."""
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._become_unavailable(str(error))
        self._thread = threading.Thread(target=self._write_forever, name="journal", daemon=True)
        self._thread.start()
        self._folding = WalFolder(self._path)

    @property
    def available(self) -> bool:
        """Whether the last try to write worked."""
        return self._failure is None

    @property
    def last_wall(self) -> datetime | None:
        """The last persisted wall time that was not suspect when the file was opened: the clock's floor."""
        return None if self.opening is None else self.opening.last_wall

    def head(self) -> JournalHead | None:
        """Where the journal ended at the last commit."""
        return None if self._rows is None else self._rows.head

    def note_office_cursor(self, epoch: str, through: int) -> None:
        """The office has all events of `epoch` up to `through`, and of the epochs before: they may age."""
        self._office = (epoch, through)

    def append(
        self,
        events: Sequence[Event],
        moment: Moment,
        checkpoint: dict[str, Any] | None = None,
        facts: Sequence[Fact] = (),
    ) -> TurnCommit:
        """Queue the events and facts of one turn as one transaction. Never blocks.

        Of turns that are committed together the newest checkpoint and the newest value of each fact are kept.
        """
        state = None if checkpoint is None else msgspec.json.encode(checkpoint)  # now: the caller may change it later
        turn = Turn(list(events), moment, state, {(f.kind, f.key): f.value for f in facts}, TurnCommit())
        with self._changed:
            if self._closing:
                turn.commit.fail("the journal is closed")
                return turn.commit
            if self._failure is not None:
                turn.commit.fail(self._failure)
                self._relieve(turn)
            self._queue.append(turn)
            self._queued_events += len(turn.events)
            if self._queued_events > self._queue_bound:
                self._queued_events -= self._losses.shed_queue(self._queue, max(1, self._queue_bound // 20))
                fold_eventless(self._queue)
            self._changed.notify()
        return turn.commit

    def fork(self, point: ForkJournal, moment: Moment) -> "Future[str | None]":
        """Open a new epoch after an event that the office has too, as soon as it can be written. Never blocks.

        Answers the epoch, or None where the journal is not as `point` says (it has forked already). What waits in the
        queue comes behind it. A `HistoryForked` is in the same transaction.
        """
        done: Future[str | None] = Future()
        done.set_running_or_notify_cancel()  # whoever asked may go; it is done all the same
        with self._changed:
            self._forks.append((point, moment, done))
            self._changed.notify()
        return done

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued, then close.

        While the disk refuses, gives up after one more try; the waiting turns have been told.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)
        self._folding.close()

    def _relieve(self, turn: Turn) -> None:
        """While nothing can be written, one state in memory is enough, and one place for what has no events."""
        if not self._queue:
            return
        if turn.checkpoint is not None:
            self._queue[-1].checkpoint = None
        if not self._queue[-1].events:
            turn.take_over(self._queue.pop())

    def _open(self) -> None:
        connection, self.opening = open_journal_file(self._path, self._clock.now())
        self._rows = JournalRows(connection)
        self._housekeeping = Housekeeping(
            connection, self._rows, self._rules, self._clock, lambda: self._office, self._made_room
        )

    def _made_room(self, lost: int) -> None:
        self._on_change(True, "the journal has reached its size", lost)

    def _write_forever(self) -> None:
        retry_s = _RETRY_FIRST_S
        while True:
            group = self._next_group()
            if not group and self._failure is None and not self._forks and not self._gap_is_due():
                if self._closing:
                    break
                self._keep_house()
                continue
            if self._attempt(group):
                retry_s = _RETRY_FIRST_S
                continue
            if self._closing:
                break
            self._pause(retry_s)
            retry_s = min(retry_s * 2, _RETRY_LAST_S)
        if self._rows is not None:
            self._rows.close()

    def _attempt(self, group: list[Turn]) -> bool:
        """Write these turns; where that fails they wait in front again."""
        try:
            if self._rows is None:
                self._open()
            self._fork_as_asked()
            self._write(group)
        except (sqlite3.Error, OSError) as error:
            self._put_back(group)
            self._become_unavailable(str(error))
            self._reopen_unless_full(error)
            return False
        except Exception as error:
            # A fault of our own is told as a disk's is, and tried again: the doors must go on, and nothing is hidden.
            log.exception("the journal's writer has a fault of its own")
            self._put_back(group)
            self._become_unavailable(f"a fault of the program: {error}")
            return False
        return True

    def _fork_as_asked(self) -> None:
        assert self._rows is not None
        while self._forks:
            point, moment, done = self._forks[0]
            epoch = self._rows.fork(point, moment)
            self._forks.popleft()
            done.set_result(epoch)

    def _next_group(self) -> list[Turn]:
        """Wait for turns and take whole ones up to the bound.

        Empty when closing, when there may be housekeeping, or when only to see whether the disk is back.
        """
        with self._changed:
            if not (self._queue or self._forks or self._closing) and self._failure is None:
                self._changed.wait(self._idle_s())
            group: list[Turn] = []
            size = 0
            while self._queue and (not group or size + self._queue[0].rows <= GROUP_BOUND):
                turn = self._queue.popleft()
                size += turn.rows
                self._queued_events -= len(turn.events)
                group.append(turn)
            return group

    def _write(self, group: list[Turn]) -> None:
        assert self._rows is not None
        rows = self._rows
        if self._losses.log_crowds_disk():
            rows.fold()
        now = self._clock.now()
        with self._changed:
            self._losses.spare(group, now.monotonic_s)
            lost, gap = self._losses.record(self._failure) if self._gap_is_due() else (Shed(), None)
        rows.begin()
        try:
            if gap is not None:
                rows.add(gap, now)
            _put(rows, group)
            rows.commit(touch=self._failure is not None)
        except Exception:
            rows.roll_back()
            raise
        with self._changed:
            self._losses.told(lost)
            was, self._failure = self._failure, None
        for turn in group:
            turn.commit.succeed()
        if was is not None or gap is not None:
            again = self._losses.because if was is None else f"the journal can be written again, after: {was}"
            self._on_change(True, again, lost.count)
        if self._housekeeping is not None and any(isinstance(e, PersonErased) for turn in group for e in turn.events):
            self._housekeeping.wake()
        if rows.head is not None:
            self._on_commit(rows.head.row_id)

    def _gap_is_due(self) -> bool:
        return self._losses.is_due(self._clock.now().monotonic_s, self._closing)

    def _idle_s(self) -> float | None:
        """How long to wait for a turn, None for ever."""
        if self._losses:
            return GAP_LOOKED_AT_S
        return None if self._housekeeping is None else self._housekeeping.wait_s()

    def _keep_house(self) -> None:
        if self._housekeeping is None or self._rows is None or self._housekeeping.wait_s() > 0:
            return
        before = self._rows.head
        self._housekeeping.piece()
        if self._rows.head is not None and self._rows.head != before:
            self._on_commit(self._rows.head.row_id)

    def _put_back(self, group: list[Turn]) -> None:
        with self._changed:
            self._queue.extendleft(reversed(group))
            self._queued_events += sum(len(turn.events) for turn in group)
            fold_eventless(self._queue)

    def _become_unavailable(self, detail: str) -> None:
        with self._changed:
            first = self._failure is None
            self._failure = detail
            for turn in self._queue:
                turn.commit.fail(detail)
        if first:
            self._on_change(False, detail, 0)

    def _reopen_unless_full(self, error: sqlite3.Error | OSError) -> None:
        """A full disk leaves the connection sound; after any other fault a new connection is the better start."""
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL and self._rows is not None:
            self._rows.close()
            self._rows = self._housekeeping = None

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)


def _put(rows: JournalRows, group: list[Turn]) -> None:
    for turn in group:
        for event in turn.events:
            rows.add(event, turn.moment)
        rows.put_facts(turn.facts)
    newest = next((turn.checkpoint for turn in reversed(group) if turn.checkpoint is not None), None)
    if newest is not None:
        rows.put_checkpoint(newest)
