"""Facts about which file is whose evidence, and about what a stop or a kill in the middle of a recording leaves."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from analytics.clips import PARTIAL
from analytics.evidence import EvidenceRecorder
from analytics.leftovers import cut_name, keep_leftovers, recover
from analytics.packets import PacketRing, StoredPacket
from analytics.pictures import Picture
from analytics.settings import EvidenceSettings
from analytics.untold import UNTOLD_MOST, Untold, UntoldFile
from gateway.clock import SystemClock
from gateway.domain.signals import EvidenceReady
from tests.analytics.footage import encoded
from tests.waiting import wait_until_async


@dataclass
class _Recording:
    """A recorder whose stream is fed by the test."""

    recorder: EvidenceRecorder
    ring: PacketRing
    untold: UntoldFile
    told: list[EvidenceReady]
    packets: list[StoredPacket]

    def flows(self, count: int) -> None:
        """The next pictures come."""
        for packet in self.packets[:count]:
            self.ring.append(packet)
        del self.packets[:count]

    def clips(self) -> list[tuple[str, str]]:
        return [(ready.observation_id, ready.path) for ready in self.told if ready.kind == "clip"]


Record = Callable[[], _Recording]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    def begin() -> _Recording:
        clock, told = SystemClock(), list[EvidenceReady]()
        (tmp_path / "run").mkdir(exist_ok=True)
        untold = UntoldFile(tmp_path / "run" / "evidence.json")
        ring = PacketRing(5.0, 10**7)
        recorder = EvidenceRecorder("yard", tmp_path, ring, EvidenceSettings(), clock, untold, told.append)
        packets = encoded(4.0, start_s=clock.now().monotonic_s - 2.0)
        recording = _Recording(recorder, ring, untold, told, packets)
        recording.flows(20)
        return recording

    return begin


def _picture(after_s: float = 0.0) -> Picture:
    moment = SystemClock().now()
    moment = replace(moment, wall=moment.wall + timedelta(seconds=after_s))
    return Picture(VideoFrame(64, 48, "yuv420p"), moment)


async def test_an_alarm_that_comes_again_within_a_recording_gets_its_file_once(record: Record) -> None:
    recording = record()
    for _ in range(3):
        recording.recorder.start("a-1", _picture())
        recording.recorder.end("a-1", 0.0)
        recording.flows(5)
    await recording.recorder.finish(5.0)
    await wait_until_async(recording.clips)
    assert [reference for reference, _ in recording.clips()] == ["a-1"]


async def test_two_alarms_within_a_recording_have_the_same_file_each_once(record: Record) -> None:
    recording = record()
    for reference in ("a-1", "a-2", "a-1"):
        recording.recorder.start(reference, _picture())
    await recording.recorder.finish(5.0)
    await wait_until_async(recording.clips)
    (first, path), (second, same) = recording.clips()
    assert {first, second} == {"a-1", "a-2"}
    assert path == same


async def test_each_time_an_alarm_comes_it_has_a_picture_of_its_own(record: Record, tmp_path: Path) -> None:
    recording = record()
    for milliseconds in (0, 5, 10):
        recording.recorder.start("a-1", _picture(milliseconds / 1000))
    await recording.recorder.finish(5.0)
    pictures = [ready.path for ready in recording.told if ready.kind == "snapshot"]
    assert len(set(pictures)) == 3
    assert all((tmp_path / path).is_file() for path in pictures)


async def test_what_a_stop_cuts_off_is_whole_and_told_before_the_end(record: Record, tmp_path: Path) -> None:
    recording = record()
    recording.recorder.start("a-1", _picture())
    recording.flows(3)
    await recording.recorder.finish(5.0)
    ((_, path),) = recording.clips()
    with av.open(str(tmp_path / path)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 23


async def test_what_was_begun_is_written_down_until_it_is_told(record: Record, tmp_path: Path) -> None:
    recording = record()
    for reference in ("a-1", "a-2"):
        recording.recorder.start(reference, _picture())
    clips = [entry for entry in UntoldFile(tmp_path / "run" / "evidence.json").entries() if entry.kind == "clip"]
    assert [entry.reference for entry in clips] == ["a-1", "a-2"]
    await recording.recorder.finish(5.0)
    await wait_until_async(lambda: len(recording.told) == 4)
    for ready in recording.told:
        recording.untold.discard(Untold.of(ready))
    assert UntoldFile(tmp_path / "run" / "evidence.json").entries() == ()


async def test_what_could_not_be_recorded_is_no_more_written_down(record: Record, tmp_path: Path) -> None:
    recording = record()
    recording.ring.clear()
    recording.recorder.start("a-1", _picture())
    await recording.recorder.finish(5.0)
    await wait_until_async(lambda: recording.recorder.counters.failed == 1)
    kinds = [entry.kind for entry in UntoldFile(tmp_path / "run" / "evidence.json").entries()]
    assert kinds == ["snapshot"]


CLIP = "evidence/yard/2026-11-23/200000-000-a-1.mp4"
ENDED = datetime(2026, 11, 23, 20, 0, 9, tzinfo=UTC)


async def _killed_in_the_middle(record: Record, tmp_path: Path, keep_bytes: int | None = None) -> Path:
    """A recording's file as its writer's death leaves it, under its temporary name."""
    recording = record()
    recording.recorder.start("a-1", _picture())
    recording.flows(15)
    await recording.recorder.finish(5.0)
    ((_, path),) = recording.clips()
    partial = tmp_path / (CLIP + PARTIAL)
    partial.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).rename(partial)
    if keep_bytes is not None:
        os.truncate(partial, keep_bytes)
    os.utime(partial, (ENDED.timestamp(), ENDED.timestamp()))
    return partial


async def test_a_recording_that_a_kill_cut_off_is_recovered_for_its_alarm(record: Record, tmp_path: Path) -> None:
    partial = await _killed_in_the_middle(record, tmp_path)
    os.truncate(partial, partial.stat().st_size * 9 // 10)
    os.utime(partial, (ENDED.timestamp(), ENDED.timestamp()))
    assert keep_leftovers(tmp_path / "evidence") == 1
    found = recover(tmp_path, Untold("a-1", "yard", "clip", CLIP))
    assert found is not None
    assert tmp_path / found.path == cut_name(tmp_path / CLIP)
    assert (found.observation_id, found.size_bytes) == ("a-1", (tmp_path / found.path).stat().st_size)
    assert found.ended_at == ENDED
    assert 1.0 <= (ENDED - found.started_at).total_seconds() <= 3.5


async def test_a_recording_without_a_picture_is_removed_and_said(
    record: Record, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    partial = await _killed_in_the_middle(record, tmp_path, keep_bytes=800)
    assert keep_leftovers(tmp_path / "evidence") == 0
    assert not partial.exists()
    assert "200000-000-a-1.mp4 was cut off before its first picture: removed" in caplog.text
    assert recover(tmp_path, Untold("a-1", "yard", "clip", CLIP)) is None


def test_a_snapshot_that_was_never_told_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"jpeg")
    found = recover(tmp_path, Untold("a-1", "yard", "snapshot", "evidence/a.jpg"))
    assert found is not None
    assert (found.kind, found.size_bytes, found.started_at) == ("snapshot", 4, found.ended_at)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[["a"]]', '{"a": 1}'])
def test_a_damaged_file_of_untold_evidence_holds_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "evidence.json").write_text(content)
    assert UntoldFile(tmp_path / "evidence.json").entries() == ()


def test_untold_evidence_is_bounded_and_the_oldest_goes(tmp_path: Path) -> None:
    untold = UntoldFile(tmp_path / "evidence.json")
    for number in range(UNTOLD_MOST + 1):
        untold.add(Untold(f"a-{number}", "yard", "clip", "evidence/a.mp4"))
    kept = UntoldFile(tmp_path / "evidence.json").entries()
    assert (len(kept), kept[0].reference) == (UNTOLD_MOST, "a-1")


def test_a_full_disk_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    untold = UntoldFile(tmp_path / "nowhere" / "evidence.json")
    untold.add(Untold("a-1", "yard", "clip", "evidence/a.mp4"))
    assert untold.unsaved == 1
    assert len(untold.entries()) == 1
