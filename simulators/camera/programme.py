"""What is on air: one frame a tick, spliced from clips at keyframes, the clock drawn live."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.camera.footage import Footage
from simulators.camera.picture import AccessUnit, Gop, PictureFormat
from simulators.camera.walks import WALKS, Clip, light_level, somebody_visible

if TYPE_CHECKING:
    from simulators.camera.encoding import StripEncoder

_log = logging.getLogger(__name__)

_LATE_S = 1.0
"""Behind by more than this (a stopped process), frames are skipped instead of being hurried out."""
_MAX_WAITING_WALKS = 8
"""More people than that at the gate are told to come back later."""
_CALM_FRAMES = 10
"""The motion detector lets go this many frames after the last figure left."""


@dataclass(frozen=True, slots=True)
class AirFrame:
    """A picture on air: its number since the start of the programme, its format and its access unit."""

    number: int
    picture: PictureFormat
    unit: AccessUnit


class Programme:
    """Plays the empty yard for ever, with walks when asked for."""

    def __init__(self, name: str, picture: PictureFormat, cache: Path | None, seed: int = 1) -> None:
        self._name = name
        self._cache = cache
        self._shelf = {picture: Footage(picture, cache)}
        self._footage = self._shelf[picture]
        self._wanted = picture
        self._random = random.Random(seed)
        self._waiting: deque[tuple[Clip, asyncio.Future[None]]] = deque()
        self._group: Gop = ()
        self._clip = Clip.EMPTY
        self._group_index = -1
        self._at = 0
        self._strip: StripEncoder | None = None
        self._calm = 0
        self.frames_sent = 0
        self.walks_started = 0
        self.motion = False
        self.on_frame: list[Callable[[AirFrame], None]] = []
        self.on_motion: list[Callable[[bool], None]] = []
        self._since_key: list[AccessUnit] = []
        self._preparing: asyncio.Task[tuple[Gop, ...]] | None = None

    @property
    def picture(self) -> PictureFormat:
        """The format on air."""
        return self._footage.picture

    @property
    def walking(self) -> bool:
        """A walk is on air."""
        return self._clip is not Clip.EMPTY

    @property
    def next_keyframe(self) -> int:
        """The number of the next frame that begins a group."""
        return self.frames_sent + max(0, len(self._group) - self._at)

    async def prepare(self) -> None:
        """Have the empty yard and one group's parameter sets at hand. Raises what the encoder raises."""
        await self._footage.clip(Clip.EMPTY)

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """SPS and PPS of the format on air."""
        groups = self._footage.ready(Clip.EMPTY)
        assert groups is not None, "prepare() comes first"
        return groups[0][0].parameter_sets()

    async def walk(self, clip: Clip | None = None) -> Clip:
        """Have somebody walk through; returns once the walk's first frame is on air.

        Raises ValueError when too many are waiting already.
        """
        if len(self._waiting) >= _MAX_WAITING_WALKS:
            raise ValueError("too many walks are waiting")
        chosen = clip or self._random.choice(WALKS)
        await self._footage.clip(chosen)
        started = asyncio.get_running_loop().create_future()
        self._waiting.append((chosen, started))
        await started
        return chosen

    async def change_picture(self, picture: PictureFormat) -> None:
        """Go on in another format from the next keyframe; a walk on air is broken off."""
        footage = self._shelf.setdefault(picture, Footage(picture, self._cache))
        await footage.clip(Clip.EMPTY)
        self._wanted = picture

    def shown(self) -> tuple[AccessUnit, ...]:
        """The access units from the last keyframe to the picture on air."""
        return tuple(self._since_key)

    async def run(self) -> None:
        """Send frames at their pace until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        preparing = asyncio.create_task(self._footage.prepare_walks())
        try:
            while True:
                self._tick()
                due += 1 / self.picture.fps
                if loop.time() - due > _LATE_S:
                    due = loop.time()
                await asyncio.sleep(max(0.0, due - loop.time()))
        finally:
            preparing.cancel()

    def _tick(self) -> None:
        if self._at >= len(self._group):
            self._next_group()
        unit = self._with_clock(self._group[self._at])
        if self._at == 0:
            self._since_key.clear()
        self._since_key.append(unit)
        frame = AirFrame(self.frames_sent, self.picture, unit)
        visible = somebody_visible(self._clip, self._clip_frame, self.picture)
        self._at += 1
        self.frames_sent += 1
        for listener in self.on_frame:
            listener(frame)
        self._follow_motion(visible)

    @property
    def _clip_frame(self) -> int:
        return self._group_index * self.picture.gop + self._at

    def _next_group(self) -> None:
        """The same clip's next group, or a walk that waits, or the empty yard from its beginning."""
        if self._wanted != self.picture:
            self._footage = self._shelf[self._wanted]
            self._clip, self._group_index = Clip.EMPTY, -1
        groups = self._footage.ready(self._clip) or ()
        self._group_index += 1
        if self._clip is Clip.EMPTY and self._waiting:
            self._start_walk()
        elif self._group_index >= len(groups):
            self._clip, self._group_index = Clip.EMPTY, 0
        groups = self._footage.ready(self._clip) or ()
        self._group, self._at = groups[self._group_index], 0
        self._strip = self._open_strip()

    def _start_walk(self) -> None:
        clip, started = self._waiting[0]
        if self._footage.ready(clip) is None:
            # The format has changed since: this clip is not there yet in the new one.
            self._clip = Clip.EMPTY
            self._group_index %= len(self._footage.ready(Clip.EMPTY) or (None,))
            self._preparing = asyncio.create_task(self._footage.clip(clip))
            return
        self._waiting.popleft()
        self._clip, self._group_index = clip, 0
        self.walks_started += 1
        if not started.done():
            started.set_result(None)

    def _open_strip(self) -> "StripEncoder":
        # Imported here: it brings OpenCV and PyAV, which the first bytes on the network need not wait for.
        from simulators.camera.encoding import StripEncoder

        return StripEncoder(self.picture, self._name)

    def _with_clock(self, unit: AccessUnit) -> AccessUnit:
        assert self._strip is not None
        light = light_level(self._clip, self._clip_frame, self.picture)
        return unit.with_first_slice(self._strip.encode(datetime.now().astimezone(), light))

    def _follow_motion(self, visible: bool) -> None:
        self._calm = 0 if visible else self._calm + 1
        motion = visible or (self.motion and self._calm < _CALM_FRAMES)
        if motion != self.motion:
            self.motion = motion
            for listener in self.on_motion:
                listener(motion)
