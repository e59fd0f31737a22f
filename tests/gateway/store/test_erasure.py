"""What events say of a person is erased, and nothing else; the chain is as whole as before."""

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.ports import RecordedEvent
from gateway.store import records
from gateway.store.erasure import NAMING, STEP_ROWS, can_be_erased
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.store.kept import NOON, HandClock, Kept, at_once, copy_at_a_commit, door
from tests.waiting import wait_until_async

BY = {"actor": "lin", "post": "gate"}
ERASED = ev.PersonErased(cardholder="p-secret", credentials=("c-secret",), reason="asked", request_id="e-1", **BY)


def granted(cardholder: str | None, credential: str | None, *accompanied: str) -> Event:
    """A grant at the north gate."""
    return ev.AccessGranted(
        access_point="north",
        door="n1",
        reader="r1",
        credential=credential,
        cardholder=cardholder,
        list_version=7,
        trace=(),
        accompanied=accompanied,
    )


THEIRS: tuple[Event, ...] = (
    granted("p-secret", "c-secret"),
    granted("p-secret", "c-another-of-theirs"),
    granted("p-2", "c-2", "c-secret"),
    ev.AccessTaken(door="n1", because="grant", credential="c-secret", cardholder="p-secret"),
    ev.UseGivenBack(access_point="north", door="n1", credential="c-secret"),
    ev.SubjectBlocked(subject="cardholder:p-secret", reason="lost", request_id="1", **BY),
    ev.SubjectBlocked(subject="credential:c-secret", reason="lost", request_id="2", **BY),
    ev.LocalGrantGiven(
        credential="c-secret",
        access_points=("north",),
        until=NOON + timedelta(hours=1),
        reason="x",
        request_id="3",
        **BY,
    ),
    ev.RequestRefused(request_id="4", request="block", subject="credential:c-secret", reason="x", **BY),
    ev.RequestRefused(request_id="5", request="local_grant", subject="c-secret", reason="x", **BY),
    ev.RequestRefused(request_id="6", request="forgive", subject="p-secret", reason="x", **BY),
    ev.RequestRefused(request_id="7", request="erase", subject="p-secret", reason="x", **BY),
    ev.AlarmRaised(alarm="a-1", kind="risk", priority=2, source="p-secret", door="n1", camera=None),
    ev.AlarmRaised(alarm="a-2", kind="impossible_travel", priority=2, source="c-secret", door="n1", camera=None),
)
OTHERS: tuple[Event, ...] = (
    granted("p-2", "c-2"),
    granted(None, None),
    granted("p-3", "c-secret-2"),
    ev.AccessTaken(door="n1", because="grant", credential="c-secret", cardholder="p-4"),
    ev.DoorOpened(door="p-secret"),
    ev.AlarmRaised(alarm="a-3", kind="device_lost", priority=3, source="p-secret", door=None, camera=None),
    ev.RequestRefused(request_id="7", request="open", subject="c-secret", reason="x", **BY),
)


async def _erased(kept: Kept) -> None:
    await kept.append(ERASED)
    await wait_until_async(lambda: kept.reader.erasures() == 0)


def _rows(reader: SqliteJournalReader) -> list[RecordedEvent]:
    return reader.after(0, 5000)


async def test_what_is_theirs_is_erased_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    events = [event for pair in zip(THEIRS, OTHERS * 2, strict=False) for event in pair]
    await kept.append(*events)
    before = {row.event_id: row for row in _rows(kept.reader)}
    await _erased(kept)
    verdict = kept.reader.verify()
    assert (verdict.broken_row, verdict.rows, verdict.erased) == (None, len(events) + 1, len(THEIRS))
    for row, event in zip(_rows(kept.reader), events, strict=False):
        was = before[row.event_id]
        if event in THEIRS:
            assert (row.erased, row.body, row.actor, row.subjects) == (True, {}, "", ())
            assert (row.type, row.wall, row.device, row.hash) == (was.type, was.wall, was.device, was.hash)
        else:
            assert row == was
    kept.close()


async def test_no_search_finds_them_any_more_and_no_page_holds_their_ids(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(*THEIRS * 40)
    await _erased(kept)
    for subject in ("cardholder:p-secret", "credential:c-secret"):
        assert [row.type for row in kept.reader.search(subject=subject)] == ["PersonErased"]
    assert [row.type for row in kept.reader.search(text="c-another-of-theirs")] == []
    files = (kept.path, kept.path.with_name("journal.db-wal"))
    await wait_until_async(lambda: not any(b"c-another-of-theirs" in file.read_bytes() for file in files))
    kept.close()


async def test_an_order_goes_on_after_a_crash_and_ends_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.housekeeping.ERASING_PAUSE_S", 0.2)  # time for a copy between two steps
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(*(granted("p-secret", "c-secret") for _ in range(3 * STEP_ROWS)))
    await kept.append(ERASED)
    images: list[Path] = []
    while kept.reader.erasures():
        image = tmp_path / f"image-{len(images)}"
        image.mkdir()
        copy_at_a_commit(kept.path, image)
        log = image / "journal.db-wal"
        if not images or log.read_bytes() != (images[-1] / log.name).read_bytes():
            images.append(image)
        else:
            shutil.rmtree(image)
    kept.close()
    assert len(images) > 1
    for image in images:
        again = Kept(image, at_once(), HandClock())
        await wait_until_async(lambda again=again: again.reader.erasures() == 0)  # type: ignore[misc]
        verdict = again.reader.verify()
        assert (verdict.broken_row, verdict.erased) == (None, 3 * STEP_ROWS)
        again.close()


async def test_what_comes_after_the_order_stays(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(granted("p-secret", "c-secret"), door(1))
    await kept.append(ERASED)
    await kept.append(granted("p-secret", "c-secret"))
    await wait_until_async(lambda: kept.reader.erasures() == 0)
    assert [row.erased for row in _rows(kept.reader)] == [True, False, False, False]
    kept.close()


async def test_an_erased_event_can_not_be_changed_or_half_restored(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(granted("p-secret", "c-secret"), door(1))
    await _erased(kept)
    kept.close()
    for change in ("type = 'AccessDenied'", "wall_us = wall_us + 1", "actor = 'gateway'", "body = '{}'"):
        copy = tmp_path / "copy.db"
        shutil.copyfile(kept.path, copy)
        connection = sqlite3.connect(copy)
        connection.execute(f"UPDATE event SET {change} WHERE row_id = 1")
        connection.commit()
        connection.close()
        assert SqliteJournalReader(copy).verify().broken_row == 1, change


def _emptied(journal: Path, copy: Path, row: int) -> SqliteJournalReader:
    """A copy in which somebody emptied a row by hand, as an order would."""
    shutil.copyfile(journal, copy)
    connection = sqlite3.connect(copy)
    connection.execute("UPDATE event SET actor = '', subjects = '', body = '', salt = '' WHERE row_id = ?", (row,))
    connection.commit()
    connection.close()
    return SqliteJournalReader(copy)


async def test_an_event_that_was_emptied_by_hand_is_found_out(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock())
    await kept.append(granted("p-secret", "c-secret"), door(1))
    await _erased(kept)
    await kept.append(granted("p-2", "c-2"), door(2))
    kept.close()
    for row, words in ((2, "an event of its type names nobody"), (4, "no event after it says that somebody was")):
        verdict = _emptied(kept.path, tmp_path / "copy.db", row).verify()
        assert (verdict.broken_row, words in verdict.fault) == (row, True), verdict
    assert "names nobody" in _emptied(kept.path, tmp_path / "copy.db", 3).verify().fault, "an order can't be erased"


def test_whatever_can_name_somebody_can_be_erased() -> None:
    told = (field for kinds in records.SUBJECT_FIELDS.values() for field in kinds.items())
    assert {name for name, kind in told if kind in ("cardholder", "credential", "")} <= NAMING
    assert all(can_be_erased(type(event).__name__) for event in THEIRS)
    assert can_be_erased("AnEventOfALaterProgram")
    assert not any(map(can_be_erased, ("DoorOpened", "JournalGap", "PersonErased", "ClockOffset", "ListActivated")))
