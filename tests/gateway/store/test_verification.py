"""Whatever bit of whatever row is flipped: verify names the row. What can't be read at all is named, too."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.errors import JournalUnavailable
from gateway.store import records
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.schema import MIGRATIONS, migrate
from tests.gateway.store.kept import SEEN, HandClock, Kept, at_once, door
from tests.gateway.store.test_erasure import ERASED, granted
from tests.waiting import wait_until_async

COLUMNS: tuple[str, ...] = ("event_id", "epoch", "seq", "type", "version", "wall_us", "clock_quality", "boot_id")
COLUMNS += ("monotonic_us", "actor", "device", "subjects", "body", "salt", "algorithm", "commitment", "previous_hash")
COLUMNS += ("hash", "layout")
ROWS = 12


async def _some_journal(folder: Path) -> Path:
    kept = Kept(folder, at_once(), HandClock())
    await kept.append(granted("p-secret", "c-secret"), door(1), SEEN, granted("p-2", "c-2"), door(2))
    await kept.append(ERASED)
    await kept.append(*(door(n) for n in range(ROWS - 6)))
    await wait_until_async(lambda: kept.reader.erasures() == 0)
    kept.close()
    return kept.path


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A journal with an erased event, closed."""
    with tempfile.TemporaryDirectory() as folder:
        yield asyncio.run(_some_journal(Path(folder)))


@settings(max_examples=150, deadline=None)
@given(row=st.integers(1, ROWS), column=st.sampled_from(COLUMNS), place=st.integers(0, 1 << 20))
def test_any_flipped_bit_is_found_and_its_row_named(sound: Path, row: int, column: str, place: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(sound, copy)
        _flip(copy, row, column, place)
        verdict = SqliteJournalReader(copy).verify()
    assert verdict.broken_row == row, (column, verdict)
    assert verdict.fault


def _flip(copy: Path, row: int, column: str, place: int) -> None:
    connection = sqlite3.connect(copy, isolation_level=None)
    for index in ("event_by_place", "event_by_id"):
        connection.execute(f"DROP INDEX {index}")  # so that a flipped bit may make two rows alike
    kind, content = connection.execute(
        f"SELECT typeof({column}), CAST({column} AS BLOB) FROM event WHERE row_id = ?", (row,)
    ).fetchone()
    if kind == "integer":
        number = int(content) ^ (1 << place % 40)
        connection.execute(f"UPDATE event SET {column} = ? WHERE row_id = ?", (number, row))
    else:
        flipped = bytearray(content or b"x")
        flipped[place // 8 % len(flipped)] ^= 1 << place % 8
        connection.execute(f"UPDATE event SET {column} = CAST(? AS TEXT) WHERE row_id = ?", (bytes(flipped), row))
    connection.close()


def test_a_sound_journal_is_sound(sound: Path) -> None:
    verdict = SqliteJournalReader(sound).verify()
    assert (verdict.broken_row, verdict.rows, verdict.erased, verdict.gone) == (None, ROWS, 1, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b'{"ranges":5}',
        b'{"ranges":[[1]]}',
        b'{"ranges":[["a",2],[1,3]]}',
        b'{"through_seq":"x"}',
        b'{"epoch":[]}',
        b'{"ranges":' + b"[" * 5000,
    ],
)
async def test_what_makes_no_sense_is_named_though_whoever_put_it_there_has_sealed_it_anew(
    tmp_path: Path, body: bytes
) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(door(1), ev.JournalPruned(epoch="a" * 32, through_seq=1, hash="0" * 64, because="age"))
    told = kept.reader.after(1, 1)[0]
    kept.close()
    kind, origin, subjects = (told.type, told.version), (told.actor, told.device), told.subjects
    commitment = records.commitment_of(told.layout, bytes.fromhex(told.salt), told.actor, subjects, body)
    place, seal = (told.epoch, told.seq, told.event_id), (commitment, told.previous_hash)
    when = (records.microseconds(told.wall), told.clock_quality, told.boot_id, told.monotonic_us)
    digest = records.chain_hash(records.envelope_bytes(told.layout, place, kind, when, origin, subjects, seal))
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        sealed = (body.decode(), commitment, digest)
        connection.execute("UPDATE event SET body = ?, commitment = ?, hash = ? WHERE row_id = 2", sealed)
    verdict = SqliteJournalReader(kept.path).verify()
    assert (verdict.broken_row, verdict.fault) == (2, "what it says of removed rows makes no sense")


def test_a_bad_page_is_named_by_the_row_before_it(sound: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copyfile(sound, copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()
    connection.close()
    content = bytearray(copy.read_bytes())
    content[(page - 1) * 4096] = 0xFF
    copy.write_bytes(content)
    with pytest.raises(JournalUnavailable):
        SqliteJournalReader(copy).verify()


async def test_a_journal_in_use_verifies(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    for _ in range(5):
        await kept.append(*(ev.DoorClosed(door=f"d{n}") for n in range(50)))
        assert kept.reader.verify().broken_row is None
    kept.close()


def test_a_journal_of_an_older_program_is_read_on_and_verifies_with_what_follows(tmp_path: Path) -> None:
    vectors = json.loads((Path(__file__).parents[2] / "vectors" / "events.json").read_text())
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, MIGRATIONS[:3])
    older = [vector for vector in vectors if "layout" not in vector]
    connection.execute("INSERT INTO epoch (epoch, opened_us) VALUES (?, 0)", (older[0]["envelope"]["epoch"],))
    for row, vector in enumerate(older, 1):
        told = vector["envelope"]
        named = ("event_id", "epoch", "seq", "type", "version", "wall_us", "clock_quality", "boot_id", "monotonic_us")
        origin = (told["actor"], told["device"], "\n".join(told["subjects"]), vector["body"], vector["salt"])
        sealed = ("sha-256", vector["commitment"], vector["previous_hash"], vector["hash"])
        values = (row, *(told[name] for name in named), *origin, *sealed)
        connection.execute(f"INSERT INTO event VALUES ({','.join('?' * len(values))})", values)
    connection.close()
    asyncio.run(_go_on(tmp_path))
    assert [row.layout for row in SqliteJournalReader(path).after(0, 99)] == [1] * len(older) + [2]
    verdict = SqliteJournalReader(path).verify()
    assert (verdict.broken_row, verdict.rows) == (None, len(older) + 1)


async def _go_on(folder: Path) -> None:
    kept = Kept(folder, at_once(), HandClock())
    await kept.append(door(1))
    kept.close()
