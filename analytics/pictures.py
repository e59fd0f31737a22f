"""Decoded frames: as grey pictures for analysis, as JPEG for people."""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from analytics.motion import HEIGHT_PX, analysis_width
from gateway.domain.moment import Moment

JPEG_QUALITY = 75
JPEG_BYTES_MOST = 2 * 1024 * 1024
"""What the console accepts for one picture; a 4K frame is 1 MB."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame and when it came. The frame is never written to, so threads may share it."""

    frame: VideoFrame
    moment: Moment


class PictureSlot:
    """Holds the newest picture for one taker in another thread; a picture that nobody took in time is dropped and
    counted."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._newest: Picture | None = None
        self._closed = False
        self.dropped = 0

    def put(self, picture: Picture) -> None:
        """Replace what is there."""
        with self._condition:
            self.dropped += self._newest is not None
            self._newest = picture
            self._condition.notify()

    def take(self) -> Picture | None:
        """Wait for the next picture; None once closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._newest is not None or self._closed)
            taken, self._newest = self._newest, None
            return None if self._closed else taken

    def close(self) -> None:
        """Wake the taker for the last time."""
        with self._condition:
            self._closed = True
            self._condition.notify()


class AnalysisScaler:
    """Frames to `uint8[180, W]` grey. One for each thread: libswscale's context is not shared."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def grey(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The luma plane, scaled by area."""
        width = analysis_width(frame.height, frame.width)
        small = self._reformatter.reformat(frame, width, HEIGHT_PX, "gray", interpolation="AREA")
        return np.asarray(small.to_ndarray(), np.uint8)


def encode_jpeg(frame: VideoFrame) -> bytes | None:
    """The frame as JPEG; None when it would be larger than any reader takes."""
    bgr = VideoReformatter().reformat(frame, format="bgr24").to_ndarray()
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes() if done and encoded.size <= JPEG_BYTES_MOST else None
