"""Facts about the cameras worker, against the simulated ONVIF camera (a process of its own)."""

import asyncio
import hashlib
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from analytics.observations import OpenFile, ZoneWatch
from analytics.pictures import Picture
from analytics.settings import CameraSettings, EvidenceSettings, IngestSettings, RuleSettings, ZoneSettings
from analytics.untold import Untold, UntoldFile
from analytics.watch import CameraWatch
from analytics.worker import OPEN_FILE, UNTOLD_FILE, run_cameras
from drivers.onvif.driver import OnvifCamera, OnvifSettings
from drivers.registry import DriverContext
from gateway.clock import SystemClock
from gateway.domain.signals import EvidenceReady, Observation, Signal
from tests.analytics.peers import FixedCamera, RecordingDoors, SimulatedCamera
from tests.waiting import wait_until_async

YARD = ZoneSettings("yard", ((0.05, 0.30), (0.95, 0.30), (0.95, 0.98), (0.05, 0.98)))
FAST = IngestSettings(silence_s=2.0, retry_least_s=0.3, retry_most_s=1.0, refused_retry_s=3600.0)
BEFORE_S = 3.0


class _Nowhere:
    def put(self, signal: Signal) -> bool:
        return signal is not None


def _driver(camera: SimulatedCamera) -> OnvifCamera:
    context = DriverContext("yard", _Nowhere(), SystemClock(), {}, lambda reference: camera.password)
    settings = OnvifSettings(address=f"127.0.0.1:{camera.port}", username="admin", password="file:camera")
    return OnvifCamera(settings, context)


@asynccontextmanager
async def _worker(camera: SimulatedCamera, doors: RecordingDoors, data_dir: Path) -> AsyncIterator[None]:
    settings = CameraSettings(
        "yard",
        (YARD,),
        evidence=EvidenceSettings(before_s=BEFORE_S, after_s=1.0),
        rule=RuleSettings(quiet_s=1.0),
        ingest=FAST,
    )
    task = asyncio.create_task(run_cameras([(_driver(camera), settings)], doors, data_dir, SystemClock()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _steady(doors: RecordingDoors) -> None:
    await wait_until_async(lambda: doors.status.get("yard.scene") == "steady", 30.0, "the scene is learnt")


async def test_a_person_in_the_yard_is_observed_with_a_snapshot_and_a_clip(
    camera: SimulatedCamera, tmp_path: Path
) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await _steady(doors)
        await asyncio.wait_for(_ring_full(doors), 20)
        await camera.tell(cmd="person", clip="cross-right")
        await wait_until_async(lambda: len(doors.observations()) == 2 and doors.evidence("clip"), 40.0)
        assert doors.links() == ["online"]
    started, ended = doors.observations()
    assert (started.zone, started.rule, started.state) == ("yard", "motion", "started")
    assert (ended.observation_id, ended.state, ended.timed_out) == (started.observation_id, "ended", False)
    (snapshot,), (clip,) = doors.evidence("snapshot"), doors.evidence("clip")
    assert (tmp_path / snapshot.path).read_bytes().startswith(b"\xff\xd8")
    stored = (tmp_path / clip.path).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == clip.sha256
    assert (started.started_at - clip.started_at).total_seconds() >= BEFORE_S
    with av.open(str(tmp_path / clip.path)) as video:
        frames = sum(1 for _ in video.decode(video=0))
    seconds = (clip.ended_at - clip.started_at).total_seconds()
    assert abs(frames - (seconds * 10 + 1)) <= 1


async def _ring_full(doors: RecordingDoors) -> None:
    await wait_until_async(lambda: doors.status.get("yard.frames_analysed", 0) > (BEFORE_S + 2) * 10, 20.0)


async def test_the_doors_process_away_costs_no_observation(camera: SimulatedCamera, tmp_path: Path) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await _steady(doors)
        doors.there = False
        await camera.tell(cmd="person", clip="cross-left")
        open_file = OpenFile(tmp_path / OPEN_FILE)
        await wait_until_async(lambda: len(open_file.load()) == 1, 20.0)
        await wait_until_async(lambda: len(open_file.load()) == 0, 30.0)
        assert doors.observations() == []
        doors.there = True
        await wait_until_async(lambda: len(doors.observations()) == 2, 20.0)
    assert [o.state for o in doors.observations()] == ["started", "ended"]


async def test_a_stop_in_the_middle_of_a_recording_tells_its_clip(camera: SimulatedCamera, tmp_path: Path) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await _steady(doors)
        await camera.tell(cmd="person", clip="cross-right")
        await wait_until_async(lambda: doors.evidence("snapshot"), 30.0)
        assert doors.evidence("clip") == []
    ((clip,),) = [doors.evidence("clip")]
    stored = (tmp_path / clip.path).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == clip.sha256
    assert json.loads((tmp_path / UNTOLD_FILE).read_text()) == []


async def test_what_a_stop_could_not_tell_is_told_at_the_next_start_and_only_once(
    camera: SimulatedCamera, tmp_path: Path
) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await _steady(doors)
        await camera.tell(cmd="person", clip="cross-right")
        await wait_until_async(lambda: doors.evidence("snapshot"), 30.0)
        doors.there = False
    assert doors.evidence("clip") == []
    doors.there = True
    async with _worker(camera, doors, tmp_path):
        await wait_until_async(lambda: doors.evidence("clip"), 10.0)
    seen = len(doors.links())
    async with _worker(camera, doors, tmp_path):
        await wait_until_async(lambda: len(doors.links()) > seen, 30.0)
    ((clip,),) = [doors.evidence("clip")]
    assert clip.observation_id == doors.observations()[0].observation_id
    assert (tmp_path / clip.path).stat().st_size == clip.size_bytes


async def test_what_the_journal_knows_already_is_not_told_again(tmp_path: Path) -> None:
    for folder in ("run", "evidence"):
        (tmp_path / folder).mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "evidence" / name).write_bytes(b"jpeg")
        UntoldFile(tmp_path / UNTOLD_FILE).add(Untold(f"a-{name[0]}", "yard", "snapshot", f"evidence/{name}"))
    doors = RecordingDoors()
    work = run_cameras([], doors, tmp_path, SystemClock(), is_stored=lambda entry: entry.reference == "a-a")
    task = asyncio.create_task(work)
    await wait_until_async(lambda: doors.evidence("snapshot"), 10.0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert [ready.observation_id for ready in doors.evidence("snapshot")] == ["a-b"]
    assert UntoldFile(tmp_path / UNTOLD_FILE).entries() == ()


@pytest.mark.parametrize("fault", ["stall", "rubbish", "refuse"])
async def test_a_faulty_camera_is_lost_once_and_back_once(camera: SimulatedCamera, tmp_path: Path, fault: str) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await wait_until_async(lambda: doors.links() == ["online"], 30.0)
        await camera.tell(cmd="fault", kind=fault)
        if fault == "refuse":
            # Open streams go on while new ones are refused: cut them too.
            await camera.tell(cmd="fault", kind="cut")
            await camera.tell(cmd="fault", kind="refuse")
        await wait_until_async(lambda: "offline" in doors.links(), 40.0)
        await camera.tell(cmd="fault", kind="none")
        await wait_until_async(lambda: doors.links().count("online") == 2, 40.0)
        assert doors.links() == ["online", "offline", "online"]


async def test_a_change_of_resolution_is_survived(camera: SimulatedCamera, tmp_path: Path) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await _steady(doors)
        before = doors.status["yard.size"]
        await camera.tell(cmd="fault", kind="resolution")
        await wait_until_async(lambda: doors.status["yard.size"] != before, 30.0)
        await _steady(doors)
        await camera.tell(cmd="person", clip="cross-right")
        await wait_until_async(lambda: doors.evidence("snapshot"), 30.0)
        assert doors.links()[-1] == "online"


async def test_a_refused_password_is_told_and_not_tried_again(camera: SimulatedCamera, tmp_path: Path) -> None:
    doors = RecordingDoors()
    await camera.tell(cmd="fault", kind="auth")
    async with _worker(camera, doors, tmp_path):
        await wait_until_async(lambda: doors.links() == ["offline"], 30.0)
        await camera.tell(cmd="fault", kind="none")
        with pytest.raises(AssertionError):
            await wait_until_async(lambda: "online" in doors.links(), 3.0)


async def test_live_pictures_come_from_the_workers_socket(camera: SimulatedCamera, tmp_path: Path) -> None:
    doors = RecordingDoors()
    async with _worker(camera, doors, tmp_path):
        await wait_until_async(lambda: doors.links() == ["online"], 30.0)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "run" / "cameras.sock"))
        writer.write(json.dumps({"camera": "yard", "max_fps": 10}).encode() + b"\n")
        for _ in range(5):
            (length,) = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), 10))
            assert (await reader.readexactly(length)).startswith(b"\xff\xd8")
        writer.close()
        await wait_until_async(lambda: doors.status.get("yard.viewers") == 0, 10.0)


async def test_what_a_killed_worker_left_open_is_ended(tmp_path: Path) -> None:
    begun = Observation("o-1", "yard", "motion", "yard", "started", datetime(2026, 11, 23, 20, 0, tzinfo=UTC))
    (tmp_path / "run").mkdir()
    OpenFile(tmp_path / OPEN_FILE).save([begun])
    doors = RecordingDoors()
    settings = CameraSettings("yard", ingest=FAST)
    nowhere = FixedCamera("rtsp://127.0.0.1:9/none")
    task = asyncio.create_task(run_cameras([(nowhere, settings)], doors, tmp_path, SystemClock()))
    try:
        await wait_until_async(doors.observations, 10.0)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    (ended,) = doors.observations()
    assert (ended.observation_id, ended.state, ended.timed_out) == ("o-1", "ended", True)


async def test_motion_that_settles_between_two_frames_has_its_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Observation("o-1", "yard", "motion", "all", "started", datetime(2026, 11, 23, 20, 0, tzinfo=UTC))
    due = [begun]
    monkeypatch.setattr(ZoneWatch, "check", lambda zones, moment: [due.pop()] if due else [])
    told: list[Signal] = []
    (tmp_path / "run").mkdir()
    untold, nowhere = UntoldFile(tmp_path / UNTOLD_FILE), FixedCamera("rtsp://127.0.0.1:9/none")
    watch = CameraWatch(nowhere, CameraSettings("yard"), tmp_path, SystemClock(), untold, told.append, lambda: None)
    watch._newest = Picture(VideoFrame(64, 48, "yuv420p"), SystemClock().now())
    task = asyncio.create_task(watch.run())
    try:
        await wait_until_async(lambda: any(isinstance(signal, EvidenceReady) for signal in told), 10.0)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[["a"]]', '[["a","b","c","d","yesterday"]]'])
def test_a_damaged_file_of_open_observations_holds_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "open.json").write_text(content)
    assert OpenFile(tmp_path / "open.json").load() == []
