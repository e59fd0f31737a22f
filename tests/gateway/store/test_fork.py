"""A journal that forks: what the office has otherwise is numbered again, in one transaction, and nothing is lost."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain.commands import ForkJournal
from gateway.domain.events import DoorOpened
from gateway.domain.ports import JournalHead, RecordedEvent
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.remembered import untold_fork
from gateway.store.retention import EVERYTHING_IS_THERE
from gateway.store.verification import verify_rows
from tests.gateway.store.kept import DAY, HandClock, Interrupted, Kept, at_once, door

CLOCK = SystemClock()


class Forking:
    """A journal of some events."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.journal, self.reader = SqliteJournal(self.path, CLOCK), SqliteJournalReader(self.path)

    async def record(self, count: int) -> None:
        commits = [self.journal.append([DoorOpened(door=f"d-{n}")], CLOCK.now(), {"n": n}) for n in range(count)]
        for commit in commits:
            assert await commit.wait(5)

    def rows(self) -> list[RecordedEvent]:
        return self.reader.after(0, 5000)

    def point(self, seq: int) -> ForkJournal:
        rows = self.rows()
        digest = rows[seq - 1].hash if seq else "0" * 64
        return ForkJournal("fork", rows[-1].epoch, rows[0].epoch, seq, digest)

    def forking(self, seq: int) -> Callable[[], None]:
        """What forks it after that event, in whatever thread."""
        point = self.point(seq)

        def fork() -> None:
            assert self.journal.fork(point, CLOCK.now()).result(5) is not None

        return fork

    async def fork(self, point: ForkJournal) -> str | None:
        return await asyncio.wrap_future(self.journal.fork(point, CLOCK.now()))

    def close(self) -> None:
        self.reader.close()
        self.journal.close()


@pytest.mark.parametrize("seq", [0, 1, 6, 9, 10])
async def test_what_comes_after_the_common_event_is_numbered_again_and_the_chain_holds(
    tmp_path: Path, seq: int
) -> None:
    kept = Forking(tmp_path)
    await kept.record(10)
    before = kept.rows()
    epoch = await kept.fork(kept.point(seq))
    await kept.record(3)
    after = kept.rows()
    assert epoch is not None
    assert after[:seq] == before[:seq]
    assert [row.event_id for row in after[:10]] == [row.event_id for row in before]
    assert [row.row_id for row in after] == list(range(1, 15))
    assert {row.epoch for row in after[seq:]} == {epoch}
    assert [row.seq for row in after[seq:]] == list(range(1, 15 - seq))
    assert (after[10].type, after[10].body["moved"]) == ("HistoryForked", 10 - seq)
    assert (kept.reader.verify().fault, kept.reader.verify().rows) == ("", 14)
    parent = kept.reader.parents()[epoch]
    assert (parent.parent, parent.seq) == (before[0].epoch, seq)
    assert parent.hash == after[seq].previous_hash
    assert [end.epoch for end in kept.reader.epochs()] == ([before[0].epoch] if seq else []) + [epoch]
    kept.close()
    again = Forking(tmp_path)
    await again.record(1)
    assert again.reader.verify().fault == ""
    assert again.rows()[-1].epoch == epoch
    again.close()


async def test_a_fork_that_is_asked_for_again_or_of_another_history_does_nothing(tmp_path: Path) -> None:
    kept = Forking(tmp_path)
    await kept.record(5)
    point = kept.point(3)
    wrong = ForkJournal("fork", point.current, point.epoch, 3, "f" * 64)
    assert await kept.fork(wrong) is None
    assert await kept.fork(point) is not None
    rows = kept.rows()
    assert await kept.fork(point) is None
    assert kept.rows() == rows
    kept.close()


async def test_a_second_fork_before_the_first_one_leaves_one_epoch_of_both_tails(tmp_path: Path) -> None:
    kept = Forking(tmp_path)
    await kept.record(6)
    await kept.fork(kept.point(4))
    await kept.record(2)
    second = await kept.fork(kept.point(2))
    rows = kept.rows()
    assert [end.epoch for end in kept.reader.epochs()] == [rows[0].epoch, second]
    assert [row.seq for row in rows] == [1, 2, *range(1, 9)]
    assert kept.reader.verify().fault == ""
    kept.close()


@pytest.mark.parametrize("at", ["begin", "update", "commit"])
async def test_a_disk_that_fails_within_a_fork_changes_nothing_and_it_is_done_later(
    tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"begin": "BEGIN IMMEDIATE", "update": "UPDATE event", "commit": "COMMIT"}[at]
    fails = [False]

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            if fails[0] and sql.startswith(words):
                fails[0] = False
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *values)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, factory=Failing, **options))
    kept = Forking(tmp_path)
    await kept.record(6)
    fails[0] = True
    assert await kept.fork(kept.point(3)) is not None
    assert [row.seq for row in kept.rows()] == [1, 2, 3, 1, 2, 3, 4]
    assert kept.reader.verify().fault == ""
    kept.close()


async def test_a_fork_of_which_no_alarm_was_recorded_is_told_at_the_next_start(tmp_path: Path) -> None:
    kept = Forking(tmp_path)
    await kept.record(3)
    assert untold_fork(kept.path) is None
    epoch = await kept.fork(kept.point(2))
    await kept.record(2)
    assert untold_fork(kept.path) == epoch
    kept.close()


async def test_rows_that_were_removed_leave_a_place_to_fork_from(tmp_path: Path) -> None:
    kept = Forking(tmp_path)
    await kept.record(6)
    point = kept.point(3)
    first = kept.rows()[0]
    with sqlite3.connect(kept.path) as connection:
        connection.execute("DELETE FROM event WHERE seq <= 3")
        connection.execute("INSERT INTO gone VALUES (?, 1, 3, ?, ?, 3)", (first.epoch, "0" * 64, point.hash))
    assert kept.reader.place(first.epoch, 3) == JournalHead(3, first.epoch, 3, point.hash)
    assert await kept.fork(point) is not None
    assert [row.seq for row in kept.rows()] == [1, 2, 3, 4]
    kept.close()


@pytest.mark.parametrize("calls", range(1, 10))
async def test_a_journal_that_forks_while_it_is_verified_is_sound(tmp_path: Path, calls: int) -> None:
    kept = Forking(tmp_path)
    await kept.record(10)
    verdict = await asyncio.to_thread(verify_rows, Interrupted(kept.reader, calls, kept.forking(4)))
    assert (verdict.fault, verdict.rows) == ("", 11)
    kept.close()


@pytest.mark.parametrize(
    ("removed", "fault"),
    [
        ("= 4", "seq 4 before it is missing, and nothing says that it was removed"),
        ("BETWEEN 2 AND 4", "seq 2 to 4 before it are missing, and nothing says that they were removed"),
        ("<= 4", "seq 1 to 4 before it are missing, and nothing says that they were removed"),
    ],
)
async def test_rows_that_somebody_took_out_just_before_a_fork_are_missed(
    tmp_path: Path, removed: str, fault: str
) -> None:
    kept = Forking(tmp_path)
    await kept.record(6)
    await kept.fork(kept.point(4))
    await kept.record(2)
    kept.close()
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute(f"DELETE FROM event WHERE row_id {removed}")
    verdict = SqliteJournalReader(kept.path).verify()
    assert (verdict.broken_row, verdict.fault) == (5, fault)


async def test_a_fork_from_another_row_than_the_last_that_is_there_is_named(tmp_path: Path) -> None:
    kept = Forking(tmp_path)
    await kept.record(6)
    await kept.fork(kept.point(4))
    kept.close()
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute("UPDATE epoch SET parent_seq = 3 WHERE parent_seq = 4")
    verdict = SqliteJournalReader(kept.path).verify()
    assert (verdict.broken_row, verdict.fault) == (5, "it does not go on from the last row of the epoch that was left")


async def test_a_forked_journal_holds_while_its_epochs_go_by_age_one_after_the_other(tmp_path: Path) -> None:
    clock = HandClock()
    kept = Kept(tmp_path, at_once(), clock)
    await kept.append(*(door(n) for n in range(60)))
    for seq in (50, 30):
        (point,) = [row for row in kept.reader.after(0, 100) if row.row_id == seq]
        at = ForkJournal("fork", kept.head_place()[0], point.epoch, point.seq, point.hash)
        assert await asyncio.wrap_future(kept.journal.fork(at, clock.now())) is not None
        await kept.append(*(door(n) for n in range(40)))
    kept.journal.note_office_cursor(*EVERYTHING_IS_THERE)
    clock.wall += 40 * DAY
    await kept.append(door(1))
    rows = [kept.reader.verify().rows]
    while rows[-1] > 10:
        verdict = await asyncio.to_thread(kept.reader.verify)
        assert verdict.fault == ""
        rows.append(verdict.rows)
    assert len(set(rows)) > 2, "it was verified between the steps"
    kept.close()
