"""One camera: its stream, what moves in it, what is told and what is kept."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from analytics.evidence import EvidenceRecorder
from analytics.ingest import StreamIngest
from analytics.live import LiveFeed
from analytics.motion import MotionDetector, MotionReading, SceneState
from analytics.observations import ZoneWatch
from analytics.packets import PacketRing
from analytics.pictures import AnalysisScaler, Picture, PictureSlot
from analytics.settings import CameraSettings
from analytics.untold import UntoldFile
from drivers.contracts import Camera, CameraEvent
from gateway.clock import Clock
from gateway.domain.moment import Moment
from gateway.domain.signals import LinkChanged, LinkState, Observation, Signal

TICK_S = 0.25
RING_SPARE_S = 2.0
"""More than `before_s` is kept: motion is told some frames after it began."""
RING_BYTES_MOST = 64 * 1024 * 1024
"""Half a minute of a 4K camera at 16 Mbit/s."""
FINISH_S = 2.0
_MOTION_TOPICS = ("MotionAlarm", "CellMotionDetector/Motion")

Value = str | int | float | bool | None


class CameraWatch:
    """Runs one camera. `put` takes the signals; `changed` is called when the set of open observations changed."""

    def __init__(
        self,
        camera: Camera,
        settings: CameraSettings,
        data_dir: Path,
        clock: Clock,
        untold: UntoldFile,
        put: Callable[[Signal], None],
        changed: Callable[[], None],
    ) -> None:
        self.feed = LiveFeed()
        self._camera, self._settings, self._clock = camera, settings, clock
        self._put, self._changed = put, changed
        self._loop = asyncio.get_running_loop()
        self._slot = PictureSlot()
        self._zones = ZoneWatch(settings)
        ring = PacketRing(settings.evidence.before_s + RING_SPARE_S, RING_BYTES_MOST)
        self._ingest = StreamIngest(camera, settings.ingest, ring, clock, self._on_picture, self._on_link)
        self._evidence = EvidenceRecorder(settings.id, data_dir, ring, settings.evidence, clock, untold, put)
        self._newest: Picture | None = None
        self._analysed_s = 0.0
        self._size = ""
        self._analysed = 0
        self._scene = SceneState.LEARNING
        self._says_motion = False
        self._counted = (0, clock.now().monotonic_s)

    @property
    def camera_id(self) -> str:
        """The id from the site config."""
        return self._settings.id

    def open(self) -> list[Observation]:
        """The observations that are open now."""
        return self._zones.open()

    async def run(self) -> None:
        """Serve until cancelled; a failing analysis is our bug and ends the worker."""
        with ThreadPoolExecutor(1, thread_name_prefix="analysis") as thread:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._ingest.run())
                    tasks.create_task(self._tick())
                    tasks.create_task(self._follow_events())
                    analysis = self._loop.run_in_executor(thread, self._analyse)
                    await analysis
            finally:
                self._slot.close()
                await self._evidence.finish(FINISH_S)
                await self._camera.close()

    def record(self, reference: str) -> bool:
        """Keep a snapshot and a clip of now for what was noticed elsewhere; False while there is no picture."""
        picture = self._newest
        if picture is None or self._ingest.link is not LinkState.ONLINE:
            return False
        self._evidence.start(reference, picture)
        self._evidence.end(reference, self._clock.now().monotonic_s)
        return True

    def status(self) -> dict[str, Value]:
        """Flat values by name, each beginning with the camera's id."""
        counters, evidence, now_s = self._ingest.counters, self._evidence.counters, self._clock.now().monotonic_s
        frames, since_s = self._counted
        fps = (counters.frames - frames) / max(now_s - since_s, 0.001)
        self._counted = (counters.frames, now_s)
        values: dict[str, Value] = {
            "state": str(self._ingest.link or LinkState.OFFLINE),
            "fps": round(fps, 1),
            "size": self._size,
            "frames_dropped": self._slot.dropped,
            "frames_broken": counters.broken,
            "frames_analysed": self._analysed,
            "connects": counters.connects,
            "losses": counters.losses,
            "format_changes": counters.format_changes,
            "motion": bool(self._zones.open()),
            "camera_motion": self._says_motion,
            "scene": str(self._scene),
            "clips": evidence.clips,
            "snapshots": evidence.snapshots,
            "evidence_failed": evidence.failed,
            "evidence_failure": self._evidence.last_failure,
            "viewers": self.feed.watchers,
        }
        return {f"{self.camera_id}.{name}": value for name, value in values.items()}

    def _on_picture(self, picture: Picture) -> None:
        """In the connection's thread."""
        self._newest = picture
        self.feed.offer(picture)
        now_s = picture.moment.monotonic_s
        if now_s - self._analysed_s >= 0.9 / self._settings.analysis_fps:
            self._analysed_s = now_s
            self._size = f"{picture.frame.width}x{picture.frame.height}"
            self._slot.put(picture)

    def _analyse(self) -> None:
        """In the analysis thread, until the slot is closed."""
        detector, scaler = MotionDetector(), AnalysisScaler()
        while (picture := self._slot.take()) is not None:
            reading = detector.update(scaler.grey(picture.frame))
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._on_reading, reading, picture)

    def _on_reading(self, reading: MotionReading, picture: Picture) -> None:
        self._analysed += 1
        self._scene = reading.state
        if self._ingest.link is LinkState.ONLINE:
            self._tell(self._zones.see(reading.boxes, picture.moment), picture.moment, picture)

    def _on_link(self, state: LinkState, detail: str) -> None:
        self._put(LinkChanged(self.camera_id, state, detail))
        if state is LinkState.OFFLINE:
            moment = self._clock.now()
            self._tell(self._zones.lose(moment), moment, None)
            self._evidence.close_clip()
            self._scene = SceneState.LEARNING

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            moment = self._clock.now()
            # Motion can be found to have lasted between two analysed frames: that start has its evidence too.
            self._tell(self._zones.check(moment), moment, self._newest)
            self._evidence.check(moment.monotonic_s)

    def _tell(self, observations: list[Observation], moment: Moment, picture: Picture | None) -> None:
        for observation in observations:
            self._put(observation)
            if observation.state == "ended":
                self._evidence.end(observation.observation_id, moment.monotonic_s)
            elif picture is not None:
                self._evidence.start(observation.observation_id, picture)
        if observations:
            self._changed()

    async def _follow_events(self) -> None:
        """What the camera itself says of motion: shown beside what we see, not acted on."""
        async for event in self._camera.events():
            self._says_motion = _camera_motion(event, self._says_motion)


def _camera_motion(event: CameraEvent, before: bool) -> bool:
    if not event.topic.endswith(_MOTION_TOPICS):
        return before
    return any(value.lower() in ("true", "1") for value in event.data.values())
