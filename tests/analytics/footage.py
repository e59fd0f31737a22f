"""Pictures and packets made for tests."""

import io
from fractions import Fraction

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from analytics.packets import StoredPacket, StreamFormat, find_parameter_sets

Frame = NDArray[np.uint8]


def scene(seed: int = 1, height: int = 360, width: int = 640) -> Frame:
    """A textured background, `uint8[H, W]`."""
    noise = np.random.default_rng(seed).integers(60, 190, (height // 12, width // 12), dtype=np.uint8)
    return np.kron(noise, np.ones((12, 12), np.uint8)).astype(np.uint8)


def with_figure(background: Frame, x: int, y: int = 200, width: int = 40, height: int = 90) -> Frame:
    """The background with something dark standing in it."""
    picture = background.copy()
    picture[y : y + height, x : x + width] = 15
    return picture


def encoded(
    seconds: float, *, fps: int = 10, width: int = 320, height: int = 240, start_s: float = 0.0
) -> list[StoredPacket]:
    """H.264 packets with a keyframe each second, as a camera would send them; `at_s` follows the pictures."""
    stored = io.BytesIO()
    with av.open(stored, "w", format="mpegts") as out:
        stream = out.add_stream("libx264", rate=fps, options={"g": str(fps), "bf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        background = np.repeat(scene(height=height, width=width)[:, :, None], 3, axis=2)
        for number in range(round(seconds * fps)):
            picture = background[:height, :width].copy()
            picture[20:40, number % 200 : number % 200 + 20] = 255
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    stored.seek(0)
    with av.open(stored, "r") as source:
        video = source.streams.video[0]
        raw = [(bytes(p), p.pts, p.dts, p.time_base, p.is_keyframe) for p in source.demux(video) if p.size]
    shape = StreamFormat("h264", width, height, float(fps), find_parameter_sets("h264", raw[0][0]))
    return [
        StoredPacket(data, pts or 0, dts or 0, base, key, start_s + number / fps, shape)
        for number, (data, pts, dts, base, key) in enumerate(raw)
    ]
