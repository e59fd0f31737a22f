"""A journal with bad pages: what a start still goes on from."""

import logging
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.domain.door import DoorState
from gateway.domain.door_mode import ALL_DOORS, ModeLayers
from gateway.domain.events import DoorOpened
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.register import Block, Fact, Uses
from gateway.domain.snapshot import ControllerState
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.remembered import Remembered, read_remembered

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BLOCKED = Fact("block", "credential:c-1", Block("lost", "li", "gate", NOON))
DOORS = 40
"""More than a page holds: each checkpoint runs over several pages of its own."""


def emergency(turn: int) -> ControllerState:
    """Fire is latched and all doors are locked down; `turn` tells one state from the next."""
    doors = {f"d-{number}": DoorState(layers=ModeLayers(lockdowns=[ALL_DOORS])) for number in range(DOORS)}
    return ControllerState(doors=doors, fire_latched=True, next_command=turn)


@dataclass(frozen=True)
class Written:
    """A closed journal of three turns, and how it may be damaged."""

    path: Path

    def content(self) -> bytes:
        return self.path.read_bytes()

    @property
    def page_bytes(self) -> int:
        return int.from_bytes(self.content()[16:18], "big")

    def pages(self) -> int:
        return len(self.content()) // self.page_bytes

    def spoil(self, page: int) -> None:
        """Overwrite one page, numbered from 0, as a bad sector does."""
        content = bytearray(self.content())
        content[page * self.page_bytes : (page + 1) * self.page_bytes] = b"\x55" * self.page_bytes
        self.path.write_bytes(content)

    def page_of(self, text: bytes) -> int:
        """The one page on which the text lies."""
        content = self.content()
        assert content.count(text) == 1
        return content.index(text) // self.page_bytes

    def root_page(self, table: str) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        return int(page) - 1

    def opened(self) -> tuple[Remembered, bool]:
        """What a start goes on from, and whether it moved the file aside."""
        journal = SqliteJournal(self.path, SystemClock())
        found = read_remembered(self.path)
        assert journal.opening is not None
        moved = journal.opening.moved_aside is not None
        journal.close()
        return found, moved


@pytest.fixture
async def written(tmp_path: Path) -> Written:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, SystemClock())
    for turn in (1, 2, 3):
        state = msgspec.to_builtins(emergency(turn))
        assert await journal.append([DoorOpened(door="north")] * 30, Moment(NOON, 1.0, "b"), state, [BLOCKED]).wait(5)
    journal.close()
    return Written(path)


def test_fire_and_lockdowns_outlive_a_bad_page_among_the_events(
    written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    written.spoil(written.root_page("event_by_wall"))
    with caplog.at_level(logging.ERROR):
        assert written.opened() == (Remembered(emergency(3), [BLOCKED]), True)
    assert "moved aside; of it go on its state and 1 facts" in caplog.text


def last_wall(written: Written) -> datetime | None:
    """The clock's floor that a start finds in the journal."""
    journal = SqliteJournal(written.path, SystemClock())
    journal.close()
    return journal.last_wall


def test_the_clocks_floor_outlives_a_bad_page_and_the_starts_after_it(written: Written) -> None:
    written.spoil(written.root_page("event_by_id"))
    assert last_wall(written) == NOON
    assert last_wall(written) == NOON


async def test_a_later_time_is_a_higher_floor_than_the_rescued_one_and_an_earlier_is_none(written: Written) -> None:
    written.spoil(written.root_page("event_by_id"))
    for recorded, floor in ((NOON - timedelta(hours=1), NOON), (NOON + timedelta(hours=1), NOON + timedelta(hours=1))):
        journal = SqliteJournal(written.path, SystemClock())
        assert await journal.append([DoorOpened(door="north")], Moment(recorded, 1.0, "b")).wait(5)
        journal.close()
        assert last_wall(written) == floor


async def test_time_that_was_suspect_is_rescued_as_no_floor(written: Written) -> None:
    journal = SqliteJournal(written.path, SystemClock())
    later = Moment(NOON + timedelta(days=1), 1.0, "b", ClockQuality.SUSPECT)
    assert await journal.append([DoorOpened(door="north")], later).wait(5)
    journal.close()
    written.spoil(written.root_page("event_by_id"))
    assert last_wall(written) == NOON


def test_an_event_with_a_wrong_byte_is_no_floor(written: Written) -> None:
    """One of the year 9999 would make every honest clock suspect for ever."""
    with closing(sqlite3.connect(written.path)) as connection:
        connection.execute("UPDATE event SET wall_us = 253402300799000000 WHERE row_id = 90")
        connection.execute("UPDATE event SET subjects = 7, salt = 'x' WHERE row_id = 89")
        connection.commit()
    written.spoil(written.root_page("event_by_id"))
    assert last_wall(written) == NOON


def test_whatever_page_is_bad_the_floor_is_found_but_for_the_schema_and_the_events_root(written: Written) -> None:
    sound, lost = written.content(), []
    for page in range(written.pages()):
        written.path.write_bytes(sound)
        written.spoil(page)
        if last_wall(written) != NOON:
            lost.append(page)
    written.path.write_bytes(sound)
    assert lost == [0, written.root_page("event")]


def test_of_a_newest_state_with_a_bad_page_the_one_before_is_taken(written: Written) -> None:
    written.spoil(written.page_of(b'"next_command":3'))
    assert written.opened() == (Remembered(emergency(2), [BLOCKED]), True)


def test_state_with_a_wrong_byte_is_not_taken(written: Written) -> None:
    """The page is sound to SQLite, what it says is none: `fire_latched` is neither true nor false."""
    written.spoil(written.root_page("event_by_wall"))
    written.path.write_bytes(written.content().replace(b'"next_command":3', b'"next_command":x'))
    assert written.opened()[0].state == emergency(2)


def test_states_whose_table_is_gone_take_no_fact_along(written: Written) -> None:
    written.spoil(written.root_page("checkpoint"))
    assert written.opened() == (Remembered(None, [BLOCKED]), True)


def test_whatever_page_is_bad_the_journal_opens_and_most_pages_cost_no_state(written: Written) -> None:
    sound, lost, older = written.content(), [], []
    for page in range(written.pages()):
        written.path.write_bytes(sound)
        written.spoil(page)
        found, _ = written.opened()
        if found.state is None:
            lost.append(page)
        elif found.state != emergency(3):
            assert found.state in (emergency(1), emergency(2))
            older.append(page)
    written.path.write_bytes(sound)
    # The first page, which holds the schema, and the root and the one leaf of the states' own table.
    assert {0, written.root_page("checkpoint")} <= set(lost)
    assert len(lost) <= 3 < len(older)
    assert written.page_of(b'"next_command":3') in older


async def test_of_many_facts_those_on_a_bad_page_are_lost_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, SystemClock())
    facts = [Fact("uses", f"c-{number:04}", Uses(number)) for number in range(2000)]
    assert await journal.append([], Moment(NOON, 1.0, "b"), None, facts).wait(5)
    journal.close()
    written = Written(path)
    written.spoil(written.page_of(b"c-1000"))
    found, moved = written.opened()
    assert moved
    lost = [fact for fact in facts if fact not in found.facts]
    assert facts[1000] in lost
    assert len(lost) < 200
    assert found.facts == [fact for fact in facts if fact not in lost]


async def test_what_is_recorded_after_the_rescue_is_newer_than_what_was_rescued(written: Written) -> None:
    written.spoil(written.root_page("event_by_wall"))
    journal = SqliteJournal(written.path, SystemClock())
    later = ControllerState(next_command=9)
    state = msgspec.to_builtins(later)
    assert await journal.append([DoorOpened(door="north")], Moment(NOON, 1.0, "b"), state).wait(5)
    assert read_remembered(written.path).state == later
    journal.close()


def test_state_in_a_log_that_was_not_folded_is_rescued_too(written: Written) -> None:
    """The gateway was killed: its last turn lies in the log beside the file, whose bad page the log doesn't mend."""
    events = written.root_page("event_by_wall")
    with closing(sqlite3.connect(written.path)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        newest = msgspec.json.encode(emergency(4)).decode()
        writer.execute("INSERT INTO checkpoint VALUES (1000, ?)", (newest,))
        writer.commit()
        left = {name: written.path.with_name(name).read_bytes() for name in ("journal.db", "journal.db-wal")}
    for name, content in left.items():
        written.path.with_name(name).write_bytes(content)
    written.spoil(events)
    assert written.opened() == (Remembered(emergency(4), [BLOCKED]), True)


def test_older_states_are_read_where_only_the_newest_is_on_a_bad_page(written: Written) -> None:
    """A file too large to be checked whole at a start stays where it is."""
    written.spoil(written.page_of(b'"next_command":3'))
    assert read_remembered(written.path) == Remembered(emergency(2), [BLOCKED])
    reader = SqliteJournalReader(written.path)
    assert [row_id for row_id, _ in reader.checkpoints()] == [60, 30]
    reader.close()
