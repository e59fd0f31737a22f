"""The cameras process: several cameras in one worker, their signals to the doors process, their pictures to the
console."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from analytics.evidence import FOLDER, EvidenceWanted
from analytics.leftovers import keep_leftovers, recover
from analytics.live import LiveServer
from analytics.observations import OpenFile, ended
from analytics.outbox import Outbox
from analytics.retention import prune
from analytics.settings import CameraSettings, RetentionSettings
from analytics.untold import Untold, UntoldFile
from analytics.watch import CameraWatch, Value
from drivers.contracts import Camera
from gateway.clock import Clock
from gateway.domain.ports import DoorsPort
from gateway.domain.signals import EvidenceReady, Signal, StatusReported

_log = logging.getLogger(__name__)

PROCESS = "cameras"
SOCKET = "run/cameras.sock"
OPEN_FILE = "run/observations.json"
UNTOLD_FILE = "run/evidence.json"
STATUS_EVERY_S = 1.0
PRUNE_EVERY_S = 600.0
LAST_WORDS_S = 2.0
"""At the end the doors process gets so long to take what is left; the next start tells the rest."""

IsStored = Callable[[Untold], bool]
"""Does the journal know this file of this observation or alarm already?"""


def _never(entry: Untold) -> bool:
    return False


async def run_cameras(
    cameras: Sequence[tuple[Camera, CameraSettings]],
    doors: DoorsPort,
    data_dir: Path,
    clock: Clock,
    retention: RetentionSettings | None = None,
    wanted: AsyncIterator[EvidenceWanted] | None = None,
    is_stored: IsStored = _never,
) -> None:
    """Serve all of them until cancelled. `wanted` asks for evidence of what was noticed elsewhere, such as at a door.

    `data_dir` gets `evidence/` and `run/cameras.sock`. Observations that an earlier worker left open are ended, as
    timed out; its files that the doors process never took are told now, unless `is_stored` (called in a thread).
    """
    worker = _Worker(cameras, doors, data_dir, clock, retention or RetentionSettings())
    await worker.run(wanted, is_stored)


class _Worker:
    def __init__(
        self,
        cameras: Sequence[tuple[Camera, CameraSettings]],
        doors: DoorsPort,
        data_dir: Path,
        clock: Clock,
        retention: RetentionSettings,
    ) -> None:
        self._data_dir, self._clock, self._retention = data_dir, clock, retention
        self._outbox = Outbox(doors, self._taken)
        (data_dir / "run").mkdir(parents=True, exist_ok=True)
        self._untold = UntoldFile(data_dir / UNTOLD_FILE)
        self._open_file = OpenFile(data_dir / OPEN_FILE)
        self._open_unsaved = 0
        self._watches = [
            CameraWatch(camera, settings, data_dir, clock, self._untold, self._outbox.put, self._save_open)
            for camera, settings in cameras
        ]

    async def run(self, wanted: AsyncIterator[EvidenceWanted] | None, is_stored: IsStored) -> None:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._outbox.run())
            try:
                await self._tell_what_was_left(is_stored)
                await self._serve(wanted)
            finally:
                # The recordings that were cut off by the end are whole now.
                await self._outbox.emptied(LAST_WORDS_S)
                sending.cancel()

    async def _serve(self, wanted: AsyncIterator[EvidenceWanted] | None) -> None:
        feeds = {watch.camera_id: watch.feed for watch in self._watches}
        live = LiveServer(self._data_dir / SOCKET, feeds, self._clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live.run())
            tasks.create_task(self._report())
            if wanted is not None:
                tasks.create_task(self._record(wanted))
            tasks.create_task(self._prune())
            for watch in self._watches:
                tasks.create_task(watch.run())

    async def _tell_what_was_left(self, is_stored: IsStored) -> None:
        for observation in self._open_file.load():
            self._outbox.put(ended(observation, timed_out=True))
        await asyncio.to_thread(keep_leftovers, self._data_dir / FOLDER)
        for entry in self._untold.entries():
            await self._tell_again(entry, is_stored)

    async def _tell_again(self, entry: Untold, is_stored: IsStored) -> None:
        try:
            ready = await asyncio.to_thread(recover, self._data_dir, entry)
        except OSError as error:
            _log.warning("%s: %s can't be read: %s; the next start tries again", entry.camera, entry.path, error)
            return
        if ready is None:
            _log.warning("%s: nothing can be read of the %s of %s", entry.camera, entry.kind, entry.reference)
            self._untold.discard(entry)
            return
        found = Untold.of(ready)
        if found != entry:  # it was cut off and has another name now
            self._untold.add(found)
            self._untold.discard(entry)
        if await asyncio.to_thread(is_stored, found):
            self._untold.discard(found)
        else:
            self._outbox.put(ready)

    def _taken(self, signal: Signal) -> None:
        if isinstance(signal, EvidenceReady):
            self._untold.discard(Untold.of(signal))

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
                "untold_unsaved": self._untold.unsaved,
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
