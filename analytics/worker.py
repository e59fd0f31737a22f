"""The cameras process: several cameras in one worker, their signals to the doors process, their pictures to the
console."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from analytics.clips import keep_leftovers
from analytics.evidence import FOLDER, EvidenceWanted
from analytics.live import LiveServer
from analytics.observations import OpenFile, ended
from analytics.outbox import Outbox
from analytics.retention import prune
from analytics.settings import CameraSettings, RetentionSettings
from analytics.watch import CameraWatch, Value
from drivers.contracts import Camera
from gateway.clock import Clock
from gateway.domain.ports import DoorsPort
from gateway.domain.signals import StatusReported

_log = logging.getLogger(__name__)

PROCESS = "cameras"
SOCKET = "run/cameras.sock"
OPEN_FILE = "run/observations.json"
STATUS_EVERY_S = 1.0
PRUNE_EVERY_S = 600.0


async def run_cameras(
    cameras: Sequence[tuple[Camera, CameraSettings]],
    doors: DoorsPort,
    data_dir: Path,
    clock: Clock,
    retention: RetentionSettings | None = None,
    wanted: AsyncIterator[EvidenceWanted] | None = None,
) -> None:
    """Serve all of them until cancelled. `wanted` asks for evidence of what was noticed elsewhere, such as at a door.

    `data_dir` gets `evidence/` and `run/cameras.sock`. Observations that a killed worker left open are ended, as
    timed out.
    """
    worker = _Worker(cameras, doors, data_dir, clock, retention or RetentionSettings(), wanted)
    await worker.run()


class _Worker:
    def __init__(
        self,
        cameras: Sequence[tuple[Camera, CameraSettings]],
        doors: DoorsPort,
        data_dir: Path,
        clock: Clock,
        retention: RetentionSettings,
        wanted: AsyncIterator[EvidenceWanted] | None,
    ) -> None:
        self._wanted = wanted
        self._data_dir, self._clock, self._retention = data_dir, clock, retention
        self._outbox = Outbox(doors)
        (data_dir / "run").mkdir(parents=True, exist_ok=True)
        self._open_file = OpenFile(data_dir / OPEN_FILE)
        self._open_unsaved = 0
        self._watches = [
            CameraWatch(camera, settings, data_dir, clock, self._outbox.put, self._save_open)
            for camera, settings in cameras
        ]

    async def run(self) -> None:
        await asyncio.to_thread(keep_leftovers, self._data_dir / FOLDER)
        for observation in self._open_file.load():
            self._outbox.put(ended(observation, timed_out=True))
        feeds = {watch.camera_id: watch.feed for watch in self._watches}
        live = LiveServer(self._data_dir / SOCKET, feeds, self._clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outbox.run())
            tasks.create_task(live.run())
            tasks.create_task(self._report())
            if self._wanted is not None:
                tasks.create_task(self._record(self._wanted))
            tasks.create_task(self._prune())
            for watch in self._watches:
                tasks.create_task(watch.run())

    def _save_open(self) -> None:
        """A few hundred bytes at each start and end of an observation. A full disk costs the ends after a kill only."""
        try:
            self._open_file.save([observation for watch in self._watches for observation in watch.open()])
        except OSError:
            self._open_unsaved += 1

    async def _report(self) -> None:
        while True:
            values: dict[str, Value] = {
                "signals_waiting": self._outbox.waiting,
                "signals_dropped": self._outbox.dropped,
                "signals_refused": self._outbox.refused,
                "open_unsaved": self._open_unsaved,
            }
            for watch in self._watches:
                values.update(watch.status())
            await self._outbox.report(StatusReported(PROCESS, values))
            await asyncio.sleep(STATUS_EVERY_S)

    async def _record(self, wanted: AsyncIterator[EvidenceWanted]) -> None:
        watches = {watch.camera_id: watch for watch in self._watches}
        async for evidence in wanted:
            if evidence.camera not in watches or not watches[evidence.camera].record(evidence.reference):
                _log.warning("%s has no picture for %s", evidence.camera, evidence.reference)

    async def _prune(self) -> None:
        while True:
            await asyncio.to_thread(prune, self._data_dir / FOLDER, self._clock.now().wall, self._retention)
            await asyncio.sleep(PRUNE_EVERY_S)
