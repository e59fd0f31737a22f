"""The journal keeps what it must: by age, by size, by class; and what is left is one verified chain."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from gateway.domain import events as ev
from gateway.domain.moment import ClockQuality
from gateway.errors import JournalUnavailable
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.retention import EVERYTHING_IS_THERE, RetentionRules
from tests.gateway.store.kept import DAY, NOON, SEEN, HandClock, Kept, at_once, copy_at_a_commit, door
from tests.gateway.store.test_erasure import granted
from tests.small_disk import fill_disk
from tests.waiting import wait_until_async


async def _old_and_new(folder: Path, rules: RetentionRules, old: int = 100, new: int = 20) -> Kept:
    """Events of 40 days ago and of now."""
    kept = Kept(folder, rules, HandClock(NOON - 40 * DAY))
    await kept.append(*(door(n) for n in range(old)))
    kept.clock.wall = NOON
    await kept.append(*(door(n) for n in range(new)))
    return kept


async def test_what_is_old_and_at_the_office_goes_and_the_rest_verifies(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(lambda: kept.seqs()[0] == 101)
    verdict = kept.reader.verify()
    assert (verdict.broken_row, verdict.rows, verdict.gone) == (None, 21, 100)
    pruned = kept.reader.search(types=["JournalPruned"])
    assert [(row.body["through_seq"], row.body["because"]) for row in pruned] == [(100, "age")]
    (run,) = kept.reader.gone()
    assert kept.reader.after(0, 1)[0].previous_hash == run.hash == pruned[0].body["hash"]
    kept.close()


async def test_the_office_still_finds_its_place_where_rows_were_removed(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once(), new=1)
    epoch, _ = kept.head_place()
    at_cursor = kept.reader.place(epoch, 100)
    kept.journal.note_office_cursor(epoch, 100)
    await wait_until_async(lambda: kept.seqs()[0] == 101)
    assert kept.reader.place(epoch, 100) == at_cursor
    assert [end.seq for end in kept.reader.epochs()] == [102]
    kept.close()


@pytest.mark.parametrize("through", [None, 0, 30])
async def test_nothing_goes_that_the_office_has_not(tmp_path: Path, through: int | None) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    if through is not None:
        kept.journal.note_office_cursor(kept.head_place()[0], through)
    if through:
        await wait_until_async(lambda: kept.seqs()[0] == through + 1)
    await kept.append(*(door(n) for n in range(30)))
    assert kept.seqs()[0] == (through or 0) + 1
    kept.close()


async def test_without_an_office_age_alone_decides(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    kept.journal.note_office_cursor(*EVERYTHING_IS_THERE)
    await wait_until_async(lambda: kept.seqs()[0] == 101)
    kept.close()


@pytest.mark.parametrize("quality", [ClockQuality.SUSPECT, ClockQuality.UNSYNCHRONISED])
async def test_a_clock_that_nobody_vouches_for_throws_nothing_away(tmp_path: Path, quality: ClockQuality) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    kept.clock.wall, kept.clock.quality = NOON + 3650 * DAY, quality
    kept.journal.note_office_cursor(*kept.head_place())
    await kept.append(*(door(n) for n in range(30)))
    assert kept.seqs()[0] == 1
    kept.close()


async def test_an_event_with_a_wrong_late_time_holds_back_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(), HandClock(NOON - 40 * DAY))
    await kept.append(*(door(n) for n in range(50)))
    kept.clock.wall, kept.clock.quality = NOON + 3650 * DAY, ClockQuality.UNSYNCHRONISED
    await kept.append(door(0))
    kept.clock.wall, kept.clock.quality = NOON - 39 * DAY, ClockQuality.SYNCHRONISED
    await kept.append(*(door(n) for n in range(50)))
    kept.clock.wall = NOON
    await kept.append(door(0))
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(lambda: kept.seqs()[0] == 102)
    assert kept.reader.verify().broken_row is None
    kept.close()


async def test_too_much_of_what_the_office_has_goes_from_the_oldest_on(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(keep_bytes=300_000), HandClock())
    kept.journal.note_office_cursor(*EVERYTHING_IS_THERE)
    await kept.append(*(door(n) for n in range(800)))
    await wait_until_async(lambda: bool(kept.reader.gone()) and _used(kept.path) <= 300_000)
    assert not kept.told, "nothing was lost"
    assert {row.body["because"] for row in kept.reader.search(types=["JournalPruned"])} == {"size"}
    assert kept.reader.verify().broken_row is None
    kept.close()


async def test_what_the_office_has_not_goes_by_class_and_is_told_by_its_numbers(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(keep_bytes=600_000), HandClock())
    for n in range(200):
        await kept.append(
            SEEN,
            SEEN,
            SEEN,
            ev.ObservationEnded(observation="o", camera="yard", rule="motion", zone="z", timed_out=False),
            door(n),
        )
    await wait_until_async(lambda: _used(kept.path) <= 600_000)
    gaps = kept.reader.search(types=["JournalGap"], limit=5000)
    assert {kind for gap in gaps for kind in gap.body["classes"]} == {"observation"}
    lost = {seq for gap in gaps for first, last in gap.body["ranges"] for seq in range(first, last + 1)}
    there = set(kept.seqs())
    assert lost.isdisjoint(there)
    assert lost | there == set(range(1, kept.head_place()[1] + 1)), "a seq is neither there nor told"
    assert sum(lost_count for _, _, lost_count in kept.told) == len(lost) == sum(gap.body["lost"] for gap in gaps)
    assert len(kept.reader.search(types=["DoorOpened"], limit=5000)) == 200, "a door's event went before the cameras'"
    verdict = kept.reader.verify()
    assert (verdict.broken_row, verdict.gone) == (None, len(lost))
    kept.close()


async def test_what_the_office_may_have_is_not_given_up_before_it_could_say_so(tmp_path: Path) -> None:
    kept = Kept(tmp_path, at_once(keep_bytes=300_000, unknown_office_s=3600), HandClock())
    await kept.append(*(SEEN for _ in range(400)))
    assert _used(kept.path) > 300_000
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(lambda: _used(kept.path) <= 300_000)
    assert not kept.reader.search(types=["JournalGap"])
    assert not kept.told
    kept.close()


async def test_a_reader_in_the_middle_of_it_sees_whole_chains(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once(), old=1500)
    verdicts, done = [], threading.Event()

    def watch() -> None:
        reader = SqliteJournalReader(kept.path)
        while not done.is_set():
            verdicts.append(reader.verify())
        reader.close()

    watching = threading.Thread(target=watch)
    watching.start()
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(lambda: kept.seqs()[0] == 1501)
    done.set()
    watching.join()
    assert {verdict.fault for verdict in verdicts} == {""}
    assert len({verdict.gone for verdict in verdicts}) > 2, "nothing was seen half done"
    kept.close()


async def test_whatever_commit_a_crash_leaves_behind_verifies_and_goes_on(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    kept.journal.note_office_cursor(*kept.head_place())
    images: list[Path] = []
    while kept.seqs()[0] <= 100:
        image = tmp_path / f"image-{len(images)}"
        image.mkdir()
        copy_at_a_commit(kept.path, image)
        images.append(image)
    kept.close()
    assert images
    for image in images:
        again = Kept(image, at_once(), HandClock())
        assert again.reader.verify().broken_row is None
        again.journal.note_office_cursor(*again.head_place())
        await wait_until_async(lambda again=again: again.seqs()[0] == 101)  # type: ignore[misc]
        assert again.reader.verify().broken_row is None
        again.close()


async def test_rows_that_go_without_a_record_are_found(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once())
    kept.close()
    connection = sqlite3.connect(kept.path, isolation_level=None)
    last = connection.execute("SELECT epoch, seq, hash, row_id FROM event WHERE row_id = 50").fetchone()
    first = connection.execute("SELECT previous_hash FROM event WHERE row_id = 41").fetchone()
    connection.execute("DELETE FROM event WHERE row_id BETWEEN 41 AND 50")
    verdict = SqliteJournalReader(kept.path).verify()
    assert (verdict.broken_row, "missing" in verdict.fault) == (51, True)
    connection.execute("INSERT INTO gone VALUES (?, 41, ?, ?, ?, ?)", (*last[:2], *first, *last[2:]))
    connection.close()
    verdict = SqliteJournalReader(kept.path).verify()
    assert (verdict.broken_row, "no event says so" in verdict.fault) == (50, True)


async def test_an_epoch_that_is_gone_whole_is_still_an_end_until_the_next_one_begins_to_go(tmp_path: Path) -> None:
    kept = await _old_and_new(tmp_path, at_once(), old=40, new=1)
    first = kept.head_place()[0]
    kept.close()
    connection = sqlite3.connect(kept.path, isolation_level=None)
    connection.execute("INSERT INTO epoch (epoch, opened_us) VALUES (?, 0)", ("f" * 32,))
    connection.close()
    kept = Kept(tmp_path, at_once(), HandClock(NOON + 10 * DAY))
    await kept.append(*(door(n) for n in range(20)))
    assert [end.epoch for end in kept.reader.epochs()] == [first, "f" * 32]
    kept.clock.wall = NOON + 35 * DAY
    await kept.append(door(1))
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(
        lambda: [run.epoch for run in kept.reader.gone()] == [first] and kept.reader.gone()[0].last_seq == 41
    )
    assert next((end.epoch, end.seq) for end in kept.reader.epochs()) == (first, 41)
    assert kept.reader.verify().broken_row is None
    kept.clock.wall = NOON + 45 * DAY
    await kept.append(door(1))
    kept.journal.note_office_cursor(*kept.head_place())
    await wait_until_async(lambda: [run.epoch for run in kept.reader.gone()] == ["f" * 32])
    assert kept.reader.verify().broken_row is None
    kept.close()


def _used(path: Path) -> int:
    connection = sqlite3.connect(path)
    named = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in named)
    connection.close()
    return (pages - free) * size


async def test_while_room_is_short_the_low_classes_go_first_and_a_record_says_so(small_disk: Path) -> None:
    kept = Kept(small_disk, RetentionRules(), HandClock())
    filler = small_disk / "filler"
    await kept.append(door(1), SEEN)
    filler.write_bytes(b"x" * (_free(small_disk) - 60_000))  # of a reserve of 210 kB
    with pytest.raises(JournalUnavailable, match="almost full"):
        await kept.journal.append([SEEN], kept.clock.now()).wait(5)
    with pytest.raises(JournalUnavailable, match="almost full"):
        await kept.journal.append([ev.ReadDropped(reader="r", reason="Retained")], kept.clock.now()).wait(5)
    await kept.append(door(2), granted("p-1", "c-1"))
    assert kept.reader.search(types=["JournalGap"]) == [], "a record for each would fill the rest"
    filler.unlink()
    await wait_until_async(lambda: bool(kept.told))
    (gap,) = kept.reader.search(types=["JournalGap"])
    assert gap.body["classes"] == {"debug": 1, "observation": 1}
    assert [told[2] for told in kept.told] == [2]
    await kept.append(SEEN)
    assert [row.type for row in kept.reader.after(0, 9)] == [
        "DoorOpened",
        "ObservationStarted",
        "DoorOpened",
        "AccessGranted",
        "JournalGap",
        "ObservationStarted",
    ]
    assert kept.reader.verify().broken_row is None
    kept.close()


async def test_what_was_given_up_is_told_at_the_latest_at_a_stop(small_disk: Path) -> None:
    kept = Kept(small_disk, RetentionRules(), HandClock())
    await kept.append(door(1))
    (small_disk / "filler").write_bytes(b"x" * (_free(small_disk) - 60_000))
    with pytest.raises(JournalUnavailable):
        await kept.journal.append([SEEN], kept.clock.now()).wait(5)
    kept.close()
    assert [row.type for row in SqliteJournalReader(kept.path).after(0, 9)] == ["DoorOpened", "JournalGap"]


async def test_swipes_through_a_full_disk_and_out_of_it_are_numbered_or_told(small_disk: Path) -> None:
    kept = Kept(small_disk, RetentionRules(), HandClock())
    filler = small_disk / "filler"
    promised, failed = 0, 0
    for number in range(600):
        if number == 100:
            fill_disk(filler)
        if number == 400:
            filler.unlink()
            await wait_until_async(lambda: kept.journal.available)
        event = SEEN if number % 3 == 0 else granted("p-1", f"c-{number}")
        try:
            promised += await kept.journal.append([event], kept.clock.now(), {"n": number}).wait(5)
        except JournalUnavailable:
            failed += 1
    assert failed > 100
    await kept.append(door(1))
    rows = kept.reader.after(0, 5000)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    lost = sum(row.body["lost"] for row in rows if row.type == "JournalGap")
    kept_events = [row for row in rows if row.type != "JournalGap"]
    assert len(kept_events) + lost == 601, "an event is neither there nor told"
    assert sum(row.type == "AccessGranted" for row in rows) == 400, "a swipe was lost while there was something less"
    assert len(kept_events) - 1 >= promised
    assert kept.reader.verify().broken_row is None
    kept.close()


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
