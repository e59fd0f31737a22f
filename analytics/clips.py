"""Evidence: a clip from the packets as they came, without transcoding, and a snapshot of the frame that settled it.

A file is written under a temporary name, synced and renamed, so that what has its final name is whole. Fragmented
MP4: what a killed worker leaves under the temporary name still plays up to its last keyframe (see `leftovers`).
"""

import hashlib
import os
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from analytics.packets import StoredPacket

PARTIAL = ".part"
QUEUE_PACKETS_MOST = 2048
"""Packets that wait for a slow disk: over a minute at 30 fps. When it is full the clip ends there."""
FREE_BYTES_LEAST = 64 * 1024 * 1024
"""Below this no clip is begun: the journal needs the disk more."""
AV_FAILED = (OSError, FFmpegError, ValueError)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A whole file on the disk. `started_s` and `ended_s` are the monotonic times of its first and last picture."""

    path: Path
    sha256: str
    size_bytes: int
    started_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """Nothing was kept, and why."""

    path: Path
    reason: str


class ClipWriter:
    """Writes one clip in a thread of its own. `done` is called in that thread, once."""

    def __init__(self, path: Path, done: Callable[[StoredFile | StoreFailed], None]) -> None:
        self._path, self._done = path, done
        self._packets: queue.Queue[StoredPacket | None] = queue.Queue(QUEUE_PACKETS_MOST)
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="clip", daemon=True)
        self._thread.start()

    def put(self, packet: StoredPacket) -> None:
        """Add a packet, from any thread; after `close`, or when the disk is too slow, it is left out."""
        if self._closed:
            return
        try:
            self._packets.put_nowait(packet)
        except queue.Full:
            self._closed = True

    def close(self) -> None:
        """No more packets: the file is finished with what is there."""
        self._closed = True
        # A full queue means that the writer hangs; it sees `closed` when it comes back.
        if not self._packets.full():
            self._packets.put_nowait(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the file."""
        self._thread.join(timeout_s)

    def _next(self) -> StoredPacket | None:
        while True:
            try:
                return self._packets.get(timeout=0.5)
            except queue.Empty:
                if self._closed:
                    return None

    def _write(self) -> None:
        try:
            result: StoredFile | StoreFailed = self._whole_file()
        except AV_FAILED as error:
            partial_name(self._path).unlink(missing_ok=True)
            result = StoreFailed(self._path, f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}")
        self._closed = True
        self._done(result)

    def _whole_file(self) -> StoredFile:
        first = self._next()
        while first is not None and not first.keyframe:
            first = self._next()
        if first is None:
            raise ValueError("no keyframe came")
        make_room(self._path)
        partial = partial_name(self._path)
        last_s = self._mux(partial, first)
        digest, size = settle(partial, self._path)
        return StoredFile(self._path, digest, size, first.at_s, last_s)

    def _mux(self, partial: Path, first: StoredPacket) -> float:
        """Copy packets until the end or until the stream's format changes; returns the last one's time."""
        shape = first.format
        # Flushed at each keyframe: a quarter of a megabyte in a buffer is many seconds of a still scene.
        flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        with av.open(str(partial), "w", format="mp4", options=flags) as out:
            rate = Fraction(shape.fps).limit_denominator(1001)
            video = out.add_mux_stream(shape.codec, rate=rate, width=shape.width_px, height=shape.height_px)
            video.time_base = first.time_base
            packet: StoredPacket | None = first
            last_s = first.at_s
            while packet is not None and packet.format == shape:
                copy = av.Packet(packet.data)
                copy.pts, copy.dts, copy.time_base = packet.pts - first.dts, packet.dts - first.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.keyframe, video
                out.mux_one(copy)
                last_s = packet.at_s
                packet = self._next()
        return last_s


def store_bytes(path: Path, content: bytes, at_s: float) -> StoredFile | StoreFailed:
    """Keep a snapshot the same way."""
    try:
        make_room(path)
        partial = partial_name(path)
        partial.write_bytes(content)
        digest, size = settle(partial, path)
    except OSError as error:
        partial_name(path).unlink(missing_ok=True)
        return StoreFailed(path, f"{type(error).__name__}: {error.strerror}")
    return StoredFile(path, digest, size, at_s, at_s)


def partial_name(path: Path) -> Path:
    """The temporary name beside the final one."""
    return path.with_name(path.name + PARTIAL)


def make_room(path: Path) -> None:
    """Make the folder; raises OSError when the disk has too little left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < FREE_BYTES_LEAST:
        raise OSError(28, "less than 64 MiB free on the disk")


def settle(partial: Path, path: Path) -> tuple[str, int]:
    """Sync the file and its name; returns SHA-256 in hex and the size in bytes. Raises OSError."""
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    size = partial.stat().st_size
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest, size
