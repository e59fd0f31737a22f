"""What is kept of an observation: one clip, shared by observations that overlap, and a snapshot for each."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from analytics.clips import ClipWriter, StoredFile, StoreFailed, store_bytes
from analytics.packets import PacketRing, from_keyframe
from analytics.pictures import Picture, encode_jpeg
from analytics.settings import EvidenceSettings
from analytics.untold import Untold, UntoldFile
from gateway.clock import Clock
from gateway.domain.moment import Moment
from gateway.domain.signals import EvidenceReady

FOLDER = "evidence"


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """A wish from elsewhere: keep what `camera` sees now. `reference` comes back as `EvidenceReady.observation_id`."""

    camera: str
    reference: str


@dataclass(slots=True)
class EvidenceCounters:
    """Totals since start."""

    clips: int = 0
    snapshots: int = 0
    failed: int = 0


@dataclass(slots=True)
class _OpenClip:
    writer: ClipWriter
    name: str
    begun_s: float
    observations: list[str]
    open: set[str] = field(default_factory=set)
    ends_s: float | None = None


class EvidenceRecorder:
    """One camera's evidence. All methods are called on the event loop; files are written in threads."""

    def __init__(
        self,
        camera: str,
        data_dir: Path,
        ring: PacketRing,
        settings: EvidenceSettings,
        clock: Clock,
        untold: UntoldFile,
        on_ready: Callable[[EvidenceReady], None],
    ) -> None:
        self.counters = EvidenceCounters()
        self.last_failure: str | None = None
        self._camera, self._data_dir, self._ring = camera, data_dir, ring
        self._settings, self._clock, self._untold, self._on_ready = settings, clock, untold, on_ready
        self._clip: _OpenClip | None = None
        self._writers: set[ClipWriter] = set()
        self._snapshots: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def start(self, observation: str, picture: Picture) -> None:
        """An observation began with this picture, or an alarm came again: a clip belongs to each only once."""
        task = asyncio.create_task(self._store_snapshot(observation, picture))
        self._snapshots.add(task)
        task.add_done_callback(self._snapshots.discard)
        if self._clip is None:
            self._clip = self._begin_clip(observation, picture.moment)
        elif observation not in self._clip.observations:
            self._clip.observations.append(observation)
            self._untold.add(Untold(observation, self._camera, "clip", self._clip.name))
        self._clip.open.add(observation)
        self._clip.ends_s = None

    def end(self, observation: str, now_s: float) -> None:
        """An observation ended: its clip goes on for a while."""
        clip = self._clip
        if clip is not None:
            clip.open.discard(observation)
            if not clip.open and clip.ends_s is None:
                clip.ends_s = now_s + self._settings.after_s

    def check(self, now_s: float) -> None:
        """Close the clip when it is complete or as long as it may be."""
        clip = self._clip
        if clip is None:
            return
        complete = clip.ends_s is not None and now_s >= clip.ends_s
        if complete or now_s - clip.begun_s >= self._settings.longest_s:
            self.close_clip()

    def close_clip(self) -> None:
        """Finish the clip with what is there: it is complete, or the stream is gone."""
        clip, self._clip = self._clip, None
        if clip is not None:
            self._ring.unfollow(clip.writer.put)
            clip.writer.close()

    async def finish(self, timeout_s: float) -> None:
        """At the end of the process: close the clip, and wait for its file and for snapshots."""
        self.close_clip()
        for writer in tuple(self._writers):
            await asyncio.to_thread(writer.join, timeout_s)
        if self._snapshots:
            await asyncio.wait(self._snapshots, timeout=timeout_s)

    def _begin_clip(self, observation: str, moment: Moment) -> _OpenClip:
        observations = [observation]
        path = self._path(observation, moment.wall, ".mp4")
        name = self._name(path)
        self._untold.add(Untold(observation, self._camera, "clip", name))

        def done(result: StoredFile | StoreFailed) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the file stays, nobody is told
                self._loop.call_soon_threadsafe(self._stored, writer, observations, result)

        writer = ClipWriter(path, done)
        self._writers.add(writer)
        earlier = self._ring.follow(writer.put)
        for packet in from_keyframe(earlier, moment.monotonic_s - self._settings.before_s):
            writer.put(packet)
        return _OpenClip(writer, name, moment.monotonic_s, observations)

    def _stored(self, writer: ClipWriter, observations: list[str], result: StoredFile | StoreFailed) -> None:
        self._writers.discard(writer)
        self._ring.unfollow(writer.put)
        self.counters.clips += isinstance(result, StoredFile)
        self._tell("clip", observations, result)

    async def _store_snapshot(self, observation: str, picture: Picture) -> None:
        path = self._path(observation, picture.moment.wall, ".jpg")
        self._untold.add(Untold(observation, self._camera, "snapshot", self._name(path)))
        jpeg = await asyncio.to_thread(encode_jpeg, picture.frame)
        result: StoredFile | StoreFailed = StoreFailed(path, "the picture is too large")
        if jpeg is not None:
            result = await asyncio.to_thread(store_bytes, path, jpeg, picture.moment.monotonic_s)
        self.counters.snapshots += isinstance(result, StoredFile)
        self._tell("snapshot", [observation], result)

    def _tell(self, kind: str, observations: list[str], result: StoredFile | StoreFailed) -> None:
        name = self._name(result.path)
        if isinstance(result, StoreFailed):
            self.counters.failed += 1
            self.last_failure = result.reason
            for observation in observations:
                self._untold.discard(Untold(observation, self._camera, kind, name))
            return
        self.last_failure = None
        now = self._clock.now()
        begun = now.wall - timedelta(seconds=now.monotonic_s - result.started_s)
        over = now.wall - timedelta(seconds=now.monotonic_s - result.ended_s)
        for observation in observations:
            self._on_ready(
                EvidenceReady(observation, self._camera, kind, name, result.sha256, result.size_bytes, begun, over)
            )

    def _path(self, observation: str, wall: datetime, suffix: str) -> Path:
        """To the millisecond: an alarm that comes back at once has another picture, and so another file."""
        folder = self._data_dir / FOLDER / self._camera / f"{wall:%Y-%m-%d}"
        return folder / f"{wall:%H%M%S}-{wall.microsecond // 1000:03}-{observation}{suffix}"

    def _name(self, path: Path) -> str:
        return path.relative_to(self._data_dir).as_posix()
