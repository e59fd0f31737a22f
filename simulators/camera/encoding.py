"""Pictures to H.264 and back, by libx264 through PyAV."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from simulators.camera.drawing import Image, Strip, Yard, encode_jpeg
from simulators.camera.picture import AccessUnit, Gop, PictureFormat
from simulators.camera.walks import Clip, frame_count

_CRF = 24


def encode_clip(picture: PictureFormat, clip: Clip) -> tuple[Gop, ...]:
    """Draw and encode a clip. Every group has an encoder of its own, so that any may follow any."""
    yard = Yard(picture)
    groups = []
    for first in range(0, frame_count(clip, picture), picture.gop):
        frames = (yard.frame(clip, number) for number in range(first, first + picture.gop))
        groups.append(_encode_group(picture, frames))
    return tuple(groups)


class StripEncoder:
    """Encodes the clock's slice for one group of pictures, frame by frame, as it goes out."""

    def __init__(self, picture: PictureFormat, name: str) -> None:
        self._strip = Strip(picture, name)
        self._encoder = _open_encoder(picture, PictureFormat.STRIP_ROWS, 1)
        self._next = 0

    def encode(self, at: datetime, light: int) -> AccessUnit:
        """The next frame's slice, showing the time `at`."""
        unit = _encode(self._encoder, self._strip.frame(at, light), self._next)
        self._next += 1
        return unit


def decode_jpeg(units: Iterable[AccessUnit]) -> bytes:
    """The last picture of a group's beginning, as JPEG.

    Raises ValueError when nothing can be decoded.
    """
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    last = None
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.annexb())):
            last = frame
    for frame in decoder.decode(None):
        last = frame
    if last is None:
        raise ValueError("no picture in these access units")
    return encode_jpeg(np.asarray(last.to_ndarray(format="bgr24"), dtype=np.uint8))


def _encode_group(picture: PictureFormat, frames: Iterable[Image]) -> Gop:
    encoder = _open_encoder(picture, picture.height, picture.slices)
    return tuple(_encode(encoder, frame, number) for number, frame in enumerate(frames))


def _encode(encoder: VideoCodecContext, image: Image, number: int) -> AccessUnit:
    frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
    frame.pts = number
    return AccessUnit.from_annexb(b"".join(bytes(packet) for packet in encoder.encode(frame)))


def _open_encoder(picture: PictureFormat, height: int, slices: int) -> VideoCodecContext:
    """One setting for clip and strip: their slice headers must agree (no delay, no B frames, one reference)."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, picture.fps), Fraction(picture.fps)
    x264 = f"keyint={picture.gop}:min-keyint={picture.gop}:scenecut=0:slices={slices}:sliced-threads=0:threads=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": str(_CRF), "x264-params": x264}
    return encoder
