"""Frames to the boxes of what moves. Pure: the same frames in the same order give the same boxes.

A nearest-neighbour background (KNN) on the grey picture at 180 rows, its mask smoothed by a median, followed by
what such
a subtractor can't do alone: tell a change of light and a shaking camera from things that move, and wait until a
thing has moved for
some frames. Shadows stay off: on grey pictures the detector of shadows eats dark vehicles.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Frame = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as shares of the picture's width and height: left, top, width, height, each from 0 to 1."""

    x: float
    y: float
    w: float
    h: float


class SceneState(StrEnum):
    """What the whole picture does."""

    LEARNING = "learning"
    """The background isn't known yet: nothing is reported."""
    STEADY = "steady"
    LIGHT = "light"
    """The light changes: only what differs in its texture from the background counts."""
    SHAKING = "shaking"
    """The camera moved by some pixels: frames are moved back before they are compared."""
    BLINDED = "blinded"
    """So much differs at once (lamps, night switch, covered) that nothing can be said: nothing is reported,
    learning goes faster."""


@dataclass(frozen=True, slots=True)
class MotionReading:
    """One frame's result. `boxes` are what has moved for `PERSISTENCE_FRAMES`; `foreground` is the share of pixels
    before that."""

    boxes: tuple[Box, ...]
    state: SceneState
    foreground: float


HEIGHT_PX = 180
"""Analysis height; measured: full size costs five times as much and finds no more."""
WIDTHS_PX = (64, 640)
"""A picture so narrow or wide that it leaves this range at 180 rows is cut to it."""
KNN_DISTANCE = 300.0
"""Squared grey distance that still belongs to the background (200: more light noise; 400: people in grey coats
vanish)."""
KNN_HISTORY = 500
LEARNING_FRAMES = 20
"""The model starts from the first picture; until this many frames everything could be a ghost of it."""
MIN_AREA = 0.0008
"""Smallest box as a share of the picture: a person 60 m away is about this in a 4 mm camera; leaves and insects
are mostly less."""
PERSISTENCE_FRAMES = 3
MAX_BOXES = 64
"""Rain and snow make hundreds; more than this tells a rule nothing."""
BLIND_SHARE = 0.55
"""More than this share of foreground at once is a change of the picture, not a thing in it."""
LIT_BOX_MOST = 0.25
"""While the light changes, a larger box is the light."""
SUSPECT_SHARE = 0.02
"""From this share of foreground on, the costlier checks for light and shaking run."""


class MotionDetector:
    """One camera's background and the candidates for motion."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._learned = 0
        self._blind_for = 0
        self._candidates: list[_Candidate] = []
        self._subtractor = _new_subtractor()

    def update(self, frame: Frame) -> MotionReading:
        """Take the next frame, `uint8[H, W, 3]` BGR or `uint8[H, W]` grey; a new size starts the learning again."""
        if frame.shape[:2] != self._size:
            self._restart((int(frame.shape[0]), int(frame.shape[1])))
        grey = analysis_picture(frame)
        self._learned += 1
        learning = self._learned <= LEARNING_FRAMES
        mask = self._subtract(grey, -1.0 if not learning else 1.0 / self._learned)
        share = _share(mask)
        if learning:
            return MotionReading((), SceneState.LEARNING, share)
        mask, state = self._questioned(grey, mask, share)
        if state is not SceneState.SHAKING and share > BLIND_SHARE:
            return self._blinded(grey, share)
        self._blind_for = 0
        found = _boxes(mask)
        if state is SceneState.LIGHT:
            found = [(x, y, w, h) for x, y, w, h in found if w * h <= LIT_BOX_MOST * mask.size]
        boxes = self._persistent(found)
        return MotionReading(boxes, state, share)

    def _restart(self, size: tuple[int, int]) -> None:
        self._size = size
        self._learned = 0
        self._blind_for = 0
        self._candidates = []
        self._subtractor = _new_subtractor()

    def _subtract(self, grey: Grey, rate: float) -> Grey:
        return np.asarray(cv2.medianBlur(self._subtractor.apply(grey, None, rate), 5), np.uint8)

    def _blinded(self, grey: Grey, share: float) -> MotionReading:
        """Learn the new picture; when it stays, begin anew with it."""
        self._candidates = []
        self._blind_for += 1
        if self._blind_for >= PERSISTENCE_FRAMES:
            size = self._size
            assert size is not None
            self._restart(size)
            self._subtract(grey, 1.0)
            self._learned = 1
        return MotionReading((), SceneState.BLINDED, share)

    def _questioned(self, grey: Grey, mask: Grey, share: float) -> tuple[Grey, SceneState]:
        """The mask without what a shaking camera or a change of light put into it."""
        if share < SUSPECT_SHARE:
            return mask, SceneState.STEADY
        background = np.asarray(self._subtractor.getBackgroundImage(), np.uint8)
        shift = _shift_px(background, grey)
        if shift is not None:
            moved = _moved_back(grey, shift)
            return self._subtract(moved, 0.0), SceneState.SHAKING
        if _light_changed(background, grey, mask):
            return _textured(background, grey, mask), SceneState.LIGHT
        return mask, SceneState.STEADY

    def _persistent(self, found: list[tuple[int, int, int, int]]) -> tuple[Box, ...]:
        """Boxes whose thing has been there for `PERSISTENCE_FRAMES`, allowing for its movement from frame to frame."""
        previous = self._candidates
        self._candidates = [_Candidate(box, 1 + _seen_before(box, previous)) for box in found]
        height, width = self._picture_size()
        return tuple(
            Box(x / width, y / height, w / width, h / height)
            for (x, y, w, h), frames in ((c.box, c.frames) for c in self._candidates)
            if frames >= PERSISTENCE_FRAMES
        )

    def _picture_size(self) -> tuple[int, int]:
        assert self._size is not None
        return HEIGHT_PX, analysis_width(*self._size)


@dataclass(frozen=True, slots=True)
class _Candidate:
    box: tuple[int, int, int, int]
    frames: int


def analysis_width(height_px: int, width_px: int) -> int:
    """Columns of the analysis picture of a frame of that size."""
    return int(min(max(round(width_px * HEIGHT_PX / max(height_px, 1)), WIDTHS_PX[0]), WIDTHS_PX[1]))


def analysis_picture(frame: Frame) -> Grey:
    """The grey picture at 180 rows that is analysed."""
    size = (analysis_width(frame.shape[0], frame.shape[1]), HEIGHT_PX)
    small = frame if (frame.shape[1], frame.shape[0]) == size else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _new_subtractor() -> cv2.BackgroundSubtractorKNN:
    return cv2.createBackgroundSubtractorKNN(history=KNN_HISTORY, dist2Threshold=KNN_DISTANCE, detectShadows=False)


def _share(mask: Grey) -> float:
    return float(cv2.countNonZero(mask)) / mask.size


def _boxes(mask: Grey) -> list[tuple[int, int, int, int]]:
    """Bounding boxes of the mask's components, the largest first."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    least = MIN_AREA * mask.size
    rows = [stats[i] for i in range(1, count) if stats[i][cv2.CC_STAT_AREA] >= least]
    rows.sort(key=lambda row: -int(row[cv2.CC_STAT_AREA]))
    return [(int(r[0]), int(r[1]), int(r[2]), int(r[3])) for r in rows[:MAX_BOXES]]


def _seen_before(box: tuple[int, int, int, int], previous: list[_Candidate]) -> int:
    """For how many frames a box near this one has been seen: near is within half its size, at least six pixels."""
    x, y, w, h = box
    reach_x, reach_y = max(w // 2, 6), max(h // 2, 6)
    return max(
        (
            c.frames
            for c in previous
            if c.box[0] < x + w + reach_x
            and x - reach_x < c.box[0] + c.box[2]
            and c.box[1] < y + h + reach_y
            and y - reach_y < c.box[1] + c.box[3]
        ),
        default=0,
    )


_SHIFT_RANGE_PX = (0.5, 12.0)
"""Less is noise; more is a camera that somebody turned."""


def _shift_px(background: Grey, grey: Grey) -> tuple[float, float] | None:
    """How far the whole picture moved, in pixels right and down; None when it didn't, or when that explains nothing."""
    window = cv2.createHanningWindow((grey.shape[1], grey.shape[0]), cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(background.astype(np.float32), grey.astype(np.float32), window)
    if not _SHIFT_RANGE_PX[0] <= max(abs(dx), abs(dy)) <= _SHIFT_RANGE_PX[1] or response < 0.03:
        return None
    before = float(cv2.absdiff(background, grey).mean())
    after = float(cv2.absdiff(background, _moved_back(grey, (dx, dy))).mean())
    return (dx, dy) if after < 0.85 * before else None


def _moved_back(grey: Grey, shift: tuple[float, float]) -> Grey:
    matrix = np.array([[1.0, 0.0, -shift[0]], [0.0, 1.0, -shift[1]]], np.float32)
    size = (grey.shape[1], grey.shape[0])
    return np.asarray(
        cv2.warpAffine(grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _light_changed(background: Grey, grey: Grey, mask: Grey) -> bool:
    """Whether the picture as a whole became lighter or darker: the median change over what is NOT foreground, and
    its spread."""
    change = grey.astype(np.int16) - background
    rest = change[mask == 0]
    if rest.size == 0:
        return True
    return abs(float(np.median(rest))) >= 3.0


def _textured(background: Grey, grey: Grey, mask: Grey) -> Grey:
    """The mask without regions whose texture is still that of the background: those were only lit differently."""
    ours, theirs = grey.astype(np.float32), background.astype(np.float32)
    side = (15, 15)
    mean_a, mean_b = cv2.blur(ours, side), cv2.blur(theirs, side)
    cov = cv2.blur(ours * theirs, side) - mean_a * mean_b
    var_a = cv2.blur(ours * ours, side) - mean_a * mean_a
    var_b = cv2.blur(theirs * theirs, side) - mean_b * mean_b
    floor = 12.0
    alike = (cov + floor) / np.sqrt((var_a + floor) * (var_b + floor))
    return np.where(alike > 0.7, 0, mask).astype(np.uint8)
