"""A start goes on from what can be read, and never fails for what can't."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.domain.door import DoorState
from gateway.domain.events import DoorOpened
from gateway.domain.moment import Moment
from gateway.domain.register import Block, Fact
from gateway.domain.snapshot import ControllerState
from gateway.errors import JournalUnavailable
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.remembered import Remembered, read_remembered
from tests.small_disk import fill_disk

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BLOCKED = Fact("block", "credential:c-1", Block("lost", "li", "gate", NOON))
LATCHED = ControllerState(doors={"north": DoorState(open=True)}, fire_latched=True)


async def _record(path: Path, state: dict[str, Any] | None = None) -> SqliteJournal:
    journal = SqliteJournal(path, SystemClock())
    state = msgspec.to_builtins(LATCHED) if state is None else state
    assert await journal.append([DoorOpened(door="north")], Moment(NOON, 1.0, "b"), state, [BLOCKED]).wait(5)
    return journal


async def test_state_and_facts_come_back_as_they_were(tmp_path: Path) -> None:
    journal = await _record(tmp_path / "journal.db")
    assert read_remembered(tmp_path / "journal.db") == Remembered(LATCHED, [BLOCKED])
    journal.close()


def test_first_start_remembers_nothing(tmp_path: Path) -> None:
    assert read_remembered(tmp_path / "journal.db") == Remembered(None, [])


async def test_state_that_cannot_be_read_takes_no_fact_along(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (await _record(tmp_path / "journal.db", {"doors": 7})).close()
    with caplog.at_level(logging.ERROR):
        assert read_remembered(tmp_path / "journal.db") == Remembered(None, [BLOCKED])
    assert "checkpoint" in caplog.text


async def test_a_bit_that_flipped_in_the_newest_state_leaves_the_one_before(tmp_path: Path) -> None:
    journal = await _record(tmp_path / "journal.db")
    journal.close()
    (await _record(tmp_path / "journal.db", msgspec.to_builtins(ControllerState()))).close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
        (newest,) = connection.execute("SELECT max(row_id) FROM checkpoint").fetchone()
        connection.execute(
            "UPDATE checkpoint SET state = CAST(x'7b22737461ff65223a317d' AS TEXT) WHERE row_id = ?", (newest,)
        )
    assert read_remembered(tmp_path / "journal.db") == Remembered(LATCHED, [BLOCKED])


def test_journal_in_a_place_that_is_none_is_told_and_nothing_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("in the way")
    with caplog.at_level(logging.ERROR):
        assert read_remembered(tmp_path / "data" / "journal.db") == Remembered(None, [])
    assert "can't be read" in caplog.text


async def test_start_on_a_full_disk_remembers_what_a_clean_end_left(small_disk: Path) -> None:
    path = small_disk / "journal.db"
    (await _record(path)).close()
    fill_disk(small_disk / "filler")
    with pytest.raises(JournalUnavailable):
        SqliteJournalReader(path).facts()
    assert read_remembered(path) == Remembered(LATCHED, [BLOCKED])


async def test_file_with_a_log_beside_it_is_not_read_as_if_it_had_none(tmp_path: Path) -> None:
    journal = await _record(tmp_path / "journal.db")
    with pytest.raises(JournalUnavailable, match="not closed"):
        SqliteJournalReader(tmp_path / "journal.db", at_rest=True).facts()
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SqliteJournalReader(tmp_path / "journal.db", at_rest=True).facts() == [BLOCKED]
