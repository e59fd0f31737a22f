"""Facts about evidence on the disk."""

import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

import analytics.clips
from analytics.clips import PARTIAL, ClipWriter, StoredFile, StoreFailed, partial_name, store_bytes
from analytics.leftovers import keep_leftovers, played_s
from analytics.packets import StoredPacket
from analytics.retention import Kept, files_to_remove, prune
from analytics.settings import RetentionSettings
from tests.analytics.footage import encoded
from tests.waiting import wait_until


def _written(path: Path, packets: Iterable[StoredPacket]) -> StoredFile | StoreFailed:
    results: list[StoredFile | StoreFailed] = []
    over = threading.Event()

    def done(result: StoredFile | StoreFailed) -> None:
        results.append(result)
        over.set()

    writer = ClipWriter(path, done)
    for packet in packets:
        writer.put(packet)
    writer.close()
    assert over.wait(10)
    return results[0]


def _decoded(path: Path) -> int:
    with av.open(str(path)) as clip:
        return sum(1 for _ in clip.decode(video=0))


def test_every_frame_of_a_clip_decodes_and_its_digest_is_the_files(tmp_path: Path) -> None:
    path = tmp_path / "yard" / "2026-11-23" / "a.mp4"
    result = _written(path, encoded(4.0))
    assert isinstance(result, StoredFile)
    assert _decoded(path) == 40
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert result.size_bytes == path.stat().st_size
    assert result.ended_s - result.started_s == pytest.approx(3.9)
    assert not partial_name(path).exists()


def test_a_clip_lies_on_the_disk_up_to_its_last_keyframe_while_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = ClipWriter(path, lambda result: None)
    for packet in encoded(3.0):
        writer.put(packet)
    wait_until(lambda: (played_s(partial_name(path)) or 0.0) >= 1.9, 10.0, "two seconds of it")
    writer.close()
    writer.join(10.0)


def test_a_clip_plays_as_long_as_it_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    _written(path, encoded(5.0))
    with av.open(str(path)) as clip:
        times = [float(frame.time) for frame in clip.decode(video=0)]
    assert times[-1] - times[0] == pytest.approx(4.9, abs=0.05)


def test_a_clip_begins_at_its_first_keyframe(tmp_path: Path) -> None:
    result = _written(tmp_path / "a.mp4", encoded(4.0)[7:])
    assert isinstance(result, StoredFile)
    assert result.started_s == pytest.approx(1.0)
    assert _decoded(tmp_path / "a.mp4") == 30


def test_a_new_format_ends_the_clip(tmp_path: Path) -> None:
    packets = encoded(2.0)
    other = [replace(p, format=replace(p.format, width_px=640)) for p in encoded(2.0, width=640)]
    result = _written(tmp_path / "a.mp4", packets + other)
    assert isinstance(result, StoredFile)
    assert _decoded(tmp_path / "a.mp4") == 20


def test_a_clip_without_a_keyframe_is_told_as_failed(tmp_path: Path) -> None:
    result = _written(tmp_path / "a.mp4", encoded(2.0)[1:9])
    assert isinstance(result, StoreFailed)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analytics.clips, "FREE_BYTES_LEAST", 1 << 62)
    result = _written(tmp_path / "a.mp4", encoded(2.0))
    assert isinstance(result, StoreFailed)
    assert "MiB" in result.reason
    assert isinstance(store_bytes(tmp_path / "a.jpg", b"jpeg", 0.0), StoreFailed)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_writing_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4.part").symlink_to("/dev/full")
    result = _written(tmp_path / "a.mp4", encoded(2.0))
    assert isinstance(result, StoreFailed)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_worker_left_is_kept_under_a_name_that_says_so(tmp_path: Path) -> None:
    day = tmp_path / "yard" / "2026-11-23"
    _written(day / "a.mp4", encoded(2.0))
    whole = (day / "a.mp4").read_bytes()
    (day / "a.mp4").unlink()
    (day / f"b.mp4{PARTIAL}").write_bytes(whole)
    (day / f"c.jpg{PARTIAL}").write_bytes(b"half")
    assert keep_leftovers(tmp_path) == 1
    assert [path.name for path in day.iterdir()] == ["b-cut.mp4"]
    assert _decoded(day / "b-cut.mp4") == 20


NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _kept(name: str, days: float, size: int = 100) -> Kept:
    return Kept(Path(name), size, NOW - timedelta(days=days))


def test_old_evidence_leaves_by_age() -> None:
    files = [_kept("new", 1), _kept("old", 31)]
    assert [k.path.name for k in files_to_remove(files, NOW, RetentionSettings(days=30))] == ["old"]


def test_the_oldest_leaves_first_when_the_space_is_used_up() -> None:
    files = [_kept("c", 1), _kept("a", 3), _kept("b", 2)]
    assert [k.path.name for k in files_to_remove(files, NOW, RetentionSettings(total_bytes=200))] == ["a"]


def test_pruning_removes_files_and_empty_days(tmp_path: Path) -> None:
    old, new = tmp_path / "yard/2026-10-01/a.mp4", tmp_path / "yard/2026-11-23/b.mp4"
    for path, at in ((old, NOW - timedelta(days=50)), (new, NOW)):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"clip")
        os.utime(path, (at.timestamp(), at.timestamp()))
    assert prune(tmp_path, NOW, RetentionSettings()) == 1
    assert not old.parent.exists()
    assert new.exists()
