"""Facts lie in the same transaction as their turn, and outlive full disks, damage and older files."""

import logging
import random
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.moment import Moment
from gateway.domain.register import Block, Fact, LastUse, LocalGrant, Made, Register, Uses, Whereabouts
from gateway.errors import JournalUnavailable
from gateway.store.journal import SqliteJournal
from gateway.store.journal_commit import TurnCommit
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.schema import MIGRATIONS, migrate
from gateway.store.shedding import Shed, shed
from gateway.store.turn import Turn, fold_eventless
from tests.waiting import wait_until, wait_until_async

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOMENT = Moment(NOON, 100.0, "boot-1")
OPENED = ev.DoorOpened(door="n1")
SEEN = ev.ObservationStarted(observation="o", camera="yard", rule="motion", zone="z", armed=True, started_at=NOON)
OF_EACH_KIND = [
    Fact("block", "cardholder:p-1", Block("lost", "li", "gate", NOON)),
    Fact("last_use", "c-1", LastUse("north", NOON, 12.5, "boot-1")),
    Fact("local_grant", "c-2", LocalGrant(("north", "yard"), NOON + timedelta(hours=3), "mover", "li", "gate")),
    Fact("made", "pass-1", Made(NOON)),
    Fact("uses", "c-1", Uses(3, "2026-11-23", 1)),
    Fact("whereabouts", "p-1", Whereabouts("garage", NOON, "g-in", "c-1", special_care=True)),
    Fact("whereabouts", "p-2", Whereabouts(None, NOON, "g-out", forgiven=True)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(path, SystemClock())
    yield opened
    opened.close()


def _uses(number: int, key: str = "c-1") -> Fact:
    return Fact("uses", key, Uses(number))


async def test_facts_of_each_kind_are_read_back_as_they_were(journal: SqliteJournal, path: Path) -> None:
    assert await journal.append([OPENED], MOMENT, {"state": 1}, OF_EACH_KIND).wait(5)
    reader = SqliteJournalReader(path)
    assert reader.facts() == OF_EACH_KIND
    assert reader.facts("uses") == [Fact("uses", "c-1", Uses(3, "2026-11-23", 1))]
    assert reader.facts("nothing") == []
    assert Register(reader.facts()).inside == {"garage": 1}
    assert reader.latest_checkpoint() == (1, {"state": 1})


async def test_newer_value_replaces_and_none_forgets(journal: SqliteJournal, path: Path) -> None:
    assert await journal.append([OPENED], MOMENT, None, [_uses(1), _uses(1, "c-2")]).wait(5)
    assert await journal.append([OPENED], MOMENT, None, [_uses(2), Fact("uses", "c-2", None)]).wait(5)
    assert SqliteJournalReader(path).facts() == [_uses(2)]


async def test_turn_of_facts_alone_is_durable_and_writes_no_event(journal: SqliteJournal, path: Path) -> None:
    assert await journal.append([], MOMENT, None, [_uses(1)]).wait(5)
    reader = SqliteJournalReader(path)
    assert (reader.facts(), reader.head()) == ([_uses(1)], None)


async def test_group_of_turns_keeps_the_newest_of_each_key(journal: SqliteJournal, path: Path) -> None:
    commits = [journal.append([OPENED], MOMENT, {"n": n}, [_uses(n, f"c-{n % 7}")]) for n in range(2000)]
    assert all([await commit.wait(10) for commit in commits])
    reader = SqliteJournalReader(path)
    assert reader.facts() == [_uses(n, f"c-{n % 7}") for n in sorted(range(1993, 2000), key=lambda n: n % 7)]
    assert reader.latest_checkpoint() == (2000, {"n": 1999})


def _turns(count: int, chance: random.Random) -> Iterator[tuple[Sequence[Event], list[Fact]]]:
    """Some with events that are shed first, some with others, some with facts alone."""
    for number in range(count):
        events: list[Event] = [chance.choice((SEEN, OPENED)) for _ in range(chance.randrange(3))]
        keys = chance.sample(range(6), chance.randrange(3))
        yield events, [Fact("uses", f"c-{k}", chance.choice((None, Uses(number), Uses(number)))) for k in keys]


async def test_no_fact_is_lost_or_mixed_up_while_events_are_shed(path: Path) -> None:
    changes: list[tuple[bool, str, int]] = []
    path.parent.write_text("in the way")
    journal = SqliteJournal(path, SystemClock(), on_change=lambda *change: changes.append(change), queue_bound=40)
    remembered: dict[str, Fact] = {}
    for events, facts in _turns(1500, random.Random(20261123)):
        commit = journal.append(events, MOMENT, {"state": 1}, facts)
        remembered |= {fact.key: fact for fact in facts}
        with pytest.raises(JournalUnavailable):
            await commit.wait(5)
    path.parent.unlink()
    await wait_until_async(lambda: journal.available, 10)
    assert await journal.append([OPENED], MOMENT).wait(5)
    journal.close()
    reader = SqliteJournalReader(path)
    expected = [fact for _, fact in sorted(remembered.items()) if fact.value is not None]
    assert len(expected) >= 2
    assert reader.facts() == expected
    assert [row.body["lost"] for row in reader.after(0, 100) if row.type == "JournalGap"] == [changes[-1][2]]
    assert changes[-1][2] > 1000
    assert reader.verify().broken_row is None


def _turn(events: list[Event], *facts: Fact, checkpoint: bytes | None = None, failed: bool = True) -> Turn:
    turn = Turn(events, MOMENT, checkpoint, {(f.kind, f.key): f.value for f in facts}, TurnCommit())
    if failed:
        turn.commit.fail("disk full")
    return turn


def test_eventless_turns_fold_into_the_next_and_the_newer_value_stays() -> None:
    first, second, third = _turn([], _uses(1), _uses(1, "c-2")), _turn([], _uses(2)), _turn([OPENED], _uses(3))
    last = _turn([], _uses(4, "c-2"), checkpoint=b"{}")
    turns = deque([first, second, third, last])
    fold_eventless(turns)
    assert list(turns) == [third, last]
    assert third.facts == {("uses", "c-1"): Uses(3), ("uses", "c-2"): Uses(1)}
    assert (third.events, last.facts, last.checkpoint) == ([OPENED], {("uses", "c-2"): Uses(4)}, b"{}")


def test_state_of_a_folded_turn_stays_unless_there_is_a_newer_one() -> None:
    for newer, kept in ((None, b"1"), (b"2", b"2")):
        turns = deque([_turn([], checkpoint=b"1"), _turn([OPENED], checkpoint=newer)])
        fold_eventless(turns)
        assert [turn.checkpoint for turn in turns] == [kept]


def test_turn_that_may_still_become_durable_is_not_folded() -> None:
    turns = deque([_turn([], _uses(1), failed=False), _turn([OPENED])])
    fold_eventless(turns)
    assert len(turns) == 2


async def test_turn_that_lost_an_event_is_never_called_durable() -> None:
    whole, torn = _turn([OPENED], failed=False), _turn([SEEN, OPENED], _uses(1), failed=False)
    assert shed([whole, torn], Shed(), 1) == 1
    assert (torn.events, torn.facts) == ([OPENED], {("uses", "c-1"): Uses(1)})
    torn.commit.succeed()
    with pytest.raises(JournalUnavailable, match="queue is full"):
        await torn.commit.wait(0)
    assert await whole.commit.wait(0) is False


async def test_waiting_turns_without_events_take_one_place(path: Path) -> None:
    path.parent.write_text("in the way")
    journal = SqliteJournal(path, SystemClock())
    for number in range(500):
        journal.append([], MOMENT, {"n": number}, [_uses(number, f"c-{number % 3}")])
    path.parent.unlink()
    wait_until(lambda: journal.available, 10)
    assert await journal.append([OPENED], MOMENT).wait(5)
    journal.close()
    reader = SqliteJournalReader(path)
    assert reader.facts() == [_uses(498, "c-0"), _uses(499, "c-1"), _uses(497, "c-2")]
    found = reader.latest_checkpoint()
    assert found is not None
    assert found[1] == {"n": 499}


async def test_file_of_the_version_before_reads_as_no_facts_and_gets_their_table(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, MIGRATIONS[:1])
    assert SqliteJournalReader(path).facts() == []
    journal = SqliteJournal(path, SystemClock())
    assert await journal.append([OPENED], MOMENT, None, [_uses(1)]).wait(5)
    journal.close()
    assert SqliteJournalReader(path).facts() == [_uses(1)]
    assert path.with_name("journal.db.before-1").exists()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("horoscope", '{"total":1}'),
        ("uses", '{"total":"1"}'),
        ("uses", '{"total":'),
        ("uses", b'{"day":"\xff"}'),
        ("uses", ""),
        ("uses", "null"),
        ("made", "{}"),
        ("made", '{"at":"2026-11-23T12:00:00"}'),
    ],
)
async def test_fact_that_cannot_be_read_is_told_once_and_nothing_else_is_lost(
    journal: SqliteJournal, path: Path, caplog: pytest.LogCaptureFixture, kind: str, value: str | bytes
) -> None:
    assert await journal.append([OPENED], MOMENT, None, OF_EACH_KIND).wait(5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO fact VALUES (?, 'c-odd', CAST(? AS TEXT))", (kind, value))
        connection.commit()
    reader = SqliteJournalReader(path)
    with caplog.at_level(logging.ERROR):
        assert reader.facts() == reader.facts() == OF_EACH_KIND
    (line,) = caplog.messages
    assert f"fact {kind} of c-odd " in line


async def test_facts_outlive_a_damaged_file(path: Path) -> None:
    journal = SqliteJournal(path, SystemClock())
    assert await journal.append([OPENED] * 200, MOMENT, {"state": 1}, OF_EACH_KIND).wait(5)
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event_by_wall'").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * page_bytes : page * page_bytes] = b"\x55" * page_bytes
    path.write_bytes(content)
    journal = SqliteJournal(path, SystemClock())
    assert journal.opening is not None
    assert journal.opening.moved_aside is not None
    reader = SqliteJournalReader(path)
    assert (reader.facts(), reader.head()) == (OF_EACH_KIND, None)
    journal.close()
