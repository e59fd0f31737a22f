"""The journal keeps what it promised: through kills, full disks, damage and newer files."""

import asyncio
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.register import Uses
from gateway.domain.trace import TraceStep
from gateway.errors import ConfigError, JournalUnavailable
from gateway.store import records
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import EPOCH_ENDS, SqliteJournalReader
from gateway.store.schema import migrate
from gateway.store.shedding import EventClass, Shed, class_of
from tests.small_disk import fill_disk
from tests.sync import jcs

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRANTED = ev.AccessGranted(
    access_point="north",
    door="n1",
    reader="r1",
    credential="c-1",
    cardholder="p-1",
    list_version=7,
    trace=(TraceStep("list", True, "7"),),
)
SEEN = ev.ObservationStarted(observation="o", camera="yard", rule="motion", zone="z", armed=True, started_at=NOON)


def _moment(offset_s: float = 0.0, quality: ClockQuality = ClockQuality.SYNCHRONISED) -> Moment:
    return Moment(NOON + timedelta(seconds=offset_s), 100.0 + offset_s, "boot-1", quality)


def _until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(tmp_path / "journal.db", SystemClock())
    yield opened
    opened.close()


async def test_lone_turn_is_durable_and_read_back_whole(journal: SqliteJournal, tmp_path: Path) -> None:
    assert await journal.append([GRANTED, ev.DoorOpened(door="n1")], _moment(), {"state": 1}).wait(5)
    reader = SqliteJournalReader(tmp_path / "journal.db")
    granted, opened = reader.after(0, 10)
    assert records.event_from_record(granted.type, granted.version, granted.body) == GRANTED
    assert (granted.actor, granted.device, granted.wall) == ("cardholder:p-1", "r1", NOON)
    assert set(granted.subjects) == {"access_point:north", "door:n1", "reader:r1", "credential:c-1", "cardholder:p-1"}
    assert (granted.seq, opened.seq, opened.previous_hash) == (1, 2, granted.hash)
    assert reader.latest_checkpoint() == (2, {"state": 1})
    assert reader.event(opened.event_id) == opened
    assert reader.verify().rows == 2


async def test_operator_is_the_actor_of_what_a_guard_did(journal: SqliteJournal, tmp_path: Path) -> None:
    opened = ev.OpenedByGuard(door="n1", reason="visitor", note="", actor="li", post="gate", request_id="1")
    assert await journal.append([opened], _moment()).wait(5)
    assert SqliteJournalReader(tmp_path / "journal.db").after(0, 1)[0].actor == "operator:li@gate"


async def test_search_filters_and_pages_newest_first(journal: SqliteJournal, tmp_path: Path) -> None:
    for number in range(10):
        event: Event = ev.DoorOpened(door=f"d{number % 2}") if number < 8 else GRANTED
        assert await journal.append([event], _moment(number)).wait(5)
    reader = SqliteJournalReader(tmp_path / "journal.db")
    assert [e.row_id for e in reader.search(types=["DoorOpened"], subject="door:d1")] == [8, 6, 4, 2]
    assert [e.row_id for e in reader.search(before_row=4, limit=2)] == [3, 2]
    assert [e.row_id for e in reader.search(text="c-1")] == [10, 9]
    assert reader.search(text="%") == []
    since, until = NOON + timedelta(seconds=2), NOON + timedelta(seconds=4)
    assert [e.row_id for e in reader.search(since=since, until=until)] == [4, 3]


async def test_reopened_journal_goes_on_with_its_chain(tmp_path: Path) -> None:
    for number in range(5):
        journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
        assert journal.last_wall == (None if number == 0 else NOON + timedelta(seconds=number - 1))
        assert await journal.append([GRANTED], _moment(number), {"n": number}).wait(5)
        journal.close()
    reader = SqliteJournalReader(tmp_path / "journal.db")
    assert [head.seq for head in reader.epochs()] == [5]
    assert reader.verify().rows == 5
    assert reader.latest_checkpoint() == (5, {"n": 4})


async def test_a_battery_that_said_2099_is_no_floor_once_a_synchronised_clock_has_spoken(tmp_path: Path) -> None:
    far, honest = _moment(73 * 365 * 86_400.0, ClockQuality.UNSYNCHRONISED), _moment(5)
    for moments, floor in (((_moment(0), far), far.wall), ((honest,), honest.wall), ((far,), far.wall)):
        journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
        for moment in moments:
            assert await journal.append([GRANTED], moment).wait(5)
        journal.close()
        journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
        assert journal.last_wall == floor
        journal.close()


async def test_suspect_time_is_no_floor(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
    assert await journal.append([GRANTED], _moment(5)).wait(5)
    assert await journal.append([GRANTED], _moment(1e9, ClockQuality.SUSPECT)).wait(5)
    journal.close()
    journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
    assert journal.last_wall == NOON + timedelta(seconds=5)
    journal.close()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ('UPDATE event SET body = \'{"door":"x"}\' WHERE row_id = 2', "content"),
        ("UPDATE event SET wall_us = wall_us + 1 WHERE row_id = 2", "envelope"),
        ("UPDATE event SET subjects = '' WHERE row_id = 2", "content"),
        ("UPDATE event SET actor = 'x' WHERE row_id = 2", "content"),
        ("UPDATE event SET previous_hash = hash WHERE row_id = 2", "previous hash"),
        ("DELETE FROM event WHERE row_id = 2", "seq 2 before it is missing, and nothing says that it was removed"),
    ],
)
async def test_verify_names_the_first_break(tmp_path: Path, change: str, fault: str) -> None:
    journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
    assert await journal.append([GRANTED] * 4, _moment()).wait(5)
    journal.close()
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute(change)
    connection.commit()
    connection.close()
    verdict = SqliteJournalReader(tmp_path / "journal.db").verify()
    assert verdict.broken_row == (3 if change.startswith("DELETE") else 2)
    assert fault in verdict.fault


def test_golden_vectors_hold() -> None:
    vectors = json.loads((Path(__file__).parents[2] / "vectors" / "events.json").read_text())
    assert len(vectors) >= 3
    for vector in vectors:
        envelope = vector["envelope"]
        layout = vector.get("layout", 1)
        told = (envelope["actor"], envelope["subjects"], vector["body"].encode())
        assert records.commitment_of(layout, bytes.fromhex(vector["salt"]), *told) == vector["commitment"]
        built = records.envelope_bytes(
            layout,
            (envelope["epoch"], envelope["seq"], envelope["event_id"]),
            (envelope["type"], envelope["version"]),
            (envelope["wall_us"], envelope["clock_quality"], envelope["boot_id"], envelope["monotonic_us"]),
            (envelope["actor"], envelope["device"]),
            envelope["subjects"],
            (vector["commitment"], vector["previous_hash"]),
        )
        assert built.hex() == vector["canonical"]
        assert hashlib.sha256(built).hexdigest() == vector["hash"] == records.chain_hash(built)
        body = json.loads(vector["body"])
        assert jcs.rendered(body) == vector["body"]
        event = records.event_from_record(envelope["type"], envelope["version"], body)
        assert records.to_record_body(event) | body == records.to_record_body(event), "an old row lost something"
        if event.version == envelope["version"]:
            assert records.canonical_body(event).decode() == vector["body"]
            assert list(records.subjects_of(event)) == envelope["subjects"]
            assert (records.actor_of(event), records.device_of(event)) == (envelope["actor"], envelope["device"])


def test_unknown_type_or_newer_version_is_a_lookup_error() -> None:
    for type_, version in (("Nothing", 1), ("DoorOpened", 99)):
        with pytest.raises(LookupError):
            records.event_from_record(type_, version, {})


def test_old_version_is_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    lift = ("DoorOpened", lambda body: {"door": body["gate"]})
    monkeypatch.setitem(records.UPCASTERS, ("GateOpened", 0), lift)
    assert records.event_from_record("GateOpened", 0, {"gate": "n"}) == ev.DoorOpened(door="n")


async def test_newer_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="newer gatehouse"):
        SqliteJournal(tmp_path / "journal.db", SystemClock())


def test_migration_is_whole_or_not_at_all_and_leaves_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    first, second = ("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "no SQL at all")
    migrate(connection, path, (first,))
    with pytest.raises(sqlite3.Error):
        migrate(connection, path, (first, second))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["a"]
    copy = sqlite3.connect(tmp_path / "journal.db.before-1")
    assert [name for (name,) in copy.execute("SELECT name FROM sqlite_master")] == ["a"]
    copy.close()
    connection.close()


def test_new_file_has_every_version_at_once_or_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.Error):
        migrate(connection, path, (("CREATE TABLE a (x)",), ("no SQL at all",)))
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


async def test_damaged_file_is_moved_aside_and_a_new_epoch_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path, SystemClock())
    assert await journal.append([GRANTED] * 200, _moment()).wait(5)
    reader = SqliteJournalReader(path)
    (before,) = reader.epochs()
    reader.close()  # the last connection to close empties the WAL, which would mend the pages damaged below
    journal.close()
    assert not path.with_name("journal.db-wal").exists()
    content = bytearray(path.read_bytes())
    content[4096:40960] = os.urandom(36864)
    path.write_bytes(content)
    journal = SqliteJournal(path, SystemClock())
    assert journal.opening is not None
    assert journal.opening.moved_aside is not None
    assert journal.opening.moved_aside.name.startswith("journal.corrupt-")
    assert journal.opening.moved_aside.read_bytes() == content
    assert await journal.append([GRANTED], _moment()).wait(5)
    (after,) = reader.epochs()
    assert (after.seq, after.epoch != before.epoch) == (1, True)
    journal.close()


async def test_missing_file_reads_as_empty(tmp_path: Path) -> None:
    reader = SqliteJournalReader(tmp_path / "none.db")
    assert (reader.head(), reader.after(0, 5), reader.epochs(), reader.latest_checkpoint()) == (None, [], [], None)


@pytest.mark.alone
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    path, chance = tmp_path / "journal.db", random.Random(20261123)
    promised: list[str] = []
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.store.killed_writer", str(path)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        promised += [writer.stdout.readline().strip() for _ in range(chance.randrange(1, 300))]
        writer.send_signal(signal.SIGKILL)
        promised += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        reader = SqliteJournalReader(path)
        rows = [row for start in range(0, 100_000, 5000) for row in reader.after(start, 5000)]
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        stored = [row.body["command_id"] for row in rows]
        assert set(promised) <= set(stored)
        assert len(rows) % 2 == 0, "a turn was split"
        assert [fact.value for fact in reader.facts()] == [Uses(int(stored[-1]))] * bool(stored), "a fact went alone"
        assert reader.verify().broken_row is None
        reader.close()


def test_each_event_type_has_a_class_and_observations_go_first() -> None:
    assert class_of(SEEN) is EventClass.OBSERVATION
    assert class_of(GRANTED) is class_of(ev.FireDetected(input="f")) is EventClass.ACCESS
    assert class_of(ev.ReadDropped(reader="r", reason="Retained")) is EventClass.DEBUG
    assert class_of(ev.JournalGap(lost=1, reason="")) is EventClass.RECORD


def test_lost_events_are_described_until_recorded() -> None:
    lost = Shed()
    for _ in range(3):
        lost.add(SEEN, NOON)
    recorded = lost.snapshot()
    lost.add(GRANTED, NOON)
    told = recorded.record("disk full")
    assert (told.lost, told.reason, told.classes) == (3, "disk full", {"observation": 3})
    assert told.first_at == told.last_at == NOON
    lost.subtract(recorded)
    assert (lost.count, lost.classes[EventClass.ACCESS]) == (1, 1)


async def test_the_ends_of_epochs_are_looked_up_and_not_walked_to(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db", SystemClock())
    assert await journal.append([GRANTED] * 20, _moment()).wait(5)
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {EPOCH_ENDS}")]
    assert any(step.startswith("SEARCH e USING INDEX") for step in plan)
    assert not any(step.startswith("SCAN e") and "epoch" not in step for step in plan)


async def test_full_disk_is_told_never_hidden_and_ends_without_restart(small_disk: Path) -> None:
    changes: list[tuple[bool, str, int]] = []
    path, filler = small_disk / "journal.db", small_disk / "filler"
    journal = SqliteJournal(path, SystemClock(), on_change=lambda *change: changes.append(change), queue_bound=400)
    assert await journal.append([GRANTED], _moment()).wait(5)
    fill_disk(filler)
    promised = 1
    while not changes:
        try:
            promised += await journal.append([GRANTED], _moment()).wait(5)
        except JournalUnavailable:
            break
    _until(lambda: bool(changes))
    assert (changes[0][0], journal.available) == (False, False)
    for number in range(600):
        event: Event = SEEN if number % 2 else GRANTED
        with pytest.raises(JournalUnavailable):
            await journal.append([event], _moment()).wait(5)
    filler.unlink()
    await asyncio.to_thread(_until, lambda: journal.available)
    assert await journal.append([GRANTED], _moment()).wait(5)
    _until(lambda: len(changes) == 2)
    _, _, lost = changes[1]
    reader = SqliteJournalReader(path)
    gaps = [row for row in reader.after(0, 5000) if row.type == "JournalGap"]
    kept = [row for row in reader.after(0, 5000) if row.type == "AccessGranted"]
    assert lost > 0
    assert sum(gap.body["lost"] for gap in gaps) == lost
    lost_classes = {kind for gap in gaps for kind in gap.body["classes"]}
    assert lost_classes == {"observation"}, "an access event was shed while observations were there"
    assert len(kept) >= promised + 300
    seen = sum(row.type == "ObservationStarted" for row in reader.after(0, 5000))
    assert seen + lost == 300
    assert reader.verify().broken_row is None
    journal.close()


async def test_many_threads_append_in_turns_and_none_is_lost(journal: SqliteJournal, tmp_path: Path) -> None:
    def append() -> None:
        for _ in range(100):
            journal.append([GRANTED, SEEN], _moment())

    threads = [threading.Thread(target=append) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert await journal.append([GRANTED], _moment()).wait(10)
    verdict = SqliteJournalReader(tmp_path / "journal.db").verify()
    assert (verdict.rows, verdict.broken_row) == (1001, None)


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8))
st.register_type_strategy(datetime, st.integers(0, 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds)))
st.register_type_strategy(float, st.integers(-(10**11), 10**11).map(lambda n: n / 10**5))


def _tables(wanted: type[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    value = get_args(wanted)[1]
    values = PLAIN if value is Any else st.from_type(value)
    return st.dictionaries(st.text(max_size=4), values, max_size=2)


st.register_type_strategy(dict, _tables)


@pytest.mark.parametrize("event_type", sorted(records.EVENT_TYPES))
def test_any_event_of_each_type_can_be_recorded_and_read_back(event_type: str) -> None:
    cls = records.EVENT_TYPES[event_type]

    @settings(max_examples=5)
    @given(st.from_type(cls))
    def holds(event: Event) -> None:
        assert all(isinstance(subject, str) for subject in records.subjects_of(event))
        assert records.event_from_record(event_type, cls.version, records.to_record_body(event)) == event

    holds()


async def test_fault_of_our_own_in_the_writer_is_told_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[bool, str]] = []
    journal = SqliteJournal(
        tmp_path / "journal.db", SystemClock(), on_change=lambda up, why, _lost: told.append((up, why))
    )
    right = records.subjects_of
    monkeypatch.setattr(records, "subjects_of", lambda _event: 1 / 0)
    journal.append((GRANTED,), _moment())
    _until(lambda: bool(told))
    assert told[0][0] is False
    assert "division by zero" in told[0][1]
    monkeypatch.setattr(records, "subjects_of", right)
    _until(lambda: len(told) == 2)
    assert told[1][0] is True
    journal.close()
    assert "AccessGranted" in [event.type for event in SqliteJournalReader(tmp_path / "journal.db").after(0, 10)]


async def test_a_text_that_no_utf_8_has_is_recorded_and_nothing_waits_behind_it(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    """Half of a surrogate pair, as a device's words can hold it in JSON."""
    half = ev.CommandEnded(command_id="a-1", device="rel\ud800ay", outcome="failed", detail="error -1: \udc00")
    assert await journal.append([half], _moment()).wait(5)
    assert await journal.append([GRANTED], _moment()).wait(5)
    ended, granted = SqliteJournalReader(tmp_path / "journal.db").after(0, 10)
    assert (ended.device, ended.subjects, ended.body["detail"]) == ("rel�ay", ("device:rel�ay",), "error -1: �")
    assert granted.type == "AccessGranted"
    assert SqliteJournalReader(tmp_path / "journal.db").verify().fault == ""
