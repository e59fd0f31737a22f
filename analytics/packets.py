"""The last seconds of a stream as it came over the wire, so that a clip can begin before its cause."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

_START = b"\x00\x00\x01"
_NAL_BYTES_SEARCHED = 512
"""Parameter sets stand before the first slice; a few hundred bytes hold them all."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a muxer must know. `parameter_sets` are SPS and PPS (and VPS) with start codes, empty when the camera
    never sent them."""

    codec: str
    width_px: int
    height_px: int
    fps: float
    parameter_sets: bytes


@dataclass(frozen=True, slots=True)
class StoredPacket:
    """One compressed picture. Stamps are in ticks of `time_base`; `at_s` is our monotonic clock when it came."""

    data: bytes
    pts: int
    dts: int
    time_base: Fraction
    keyframe: bool
    at_s: float
    format: StreamFormat


Follower = Callable[[StoredPacket], None]


class PacketRing:
    """Packets of at least the last `seconds`, from a keyframe on, and never more than `bytes_most`. Safe between
    threads."""

    def __init__(self, seconds: float, bytes_most: int) -> None:
        self._seconds = seconds
        self._bytes_most = bytes_most
        self._packets: deque[StoredPacket] = deque()
        self._size = 0
        self._followers: list[Follower] = []
        self._lock = threading.Lock()

    def append(self, packet: StoredPacket) -> None:
        """Add the newest packet; a packet before any keyframe is of no use and is left out."""
        with self._lock:
            if self._packets and packet.format != self._packets[-1].format:
                self._clear()
            if self._packets or packet.keyframe:
                self._packets.append(packet)
                self._size += len(packet.data)
                self._trim(packet.at_s)
            for follower in self._followers:
                follower(packet)

    def clear(self) -> None:
        """Forget everything: the stream was lost."""
        with self._lock:
            self._clear()

    def follow(self, follower: Follower) -> list[StoredPacket]:
        """What is in the ring, and from now on each further packet to `follower`, with none between missing."""
        with self._lock:
            self._followers.append(follower)
            return list(self._packets)

    def unfollow(self, follower: Follower) -> None:
        """Stop telling; unknown followers are ignored."""
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)

    @property
    def size_bytes(self) -> int:
        """Bytes held."""
        return self._size

    def __len__(self) -> int:
        return len(self._packets)

    def _clear(self) -> None:
        self._packets.clear()
        self._size = 0

    def _trim(self, now_s: float) -> None:
        """Drop whole groups of pictures while what is left still reaches far enough back, or while it is too large."""
        while True:
            second_key = next((i for i, p in enumerate(self._packets) if i and p.keyframe), None)
            if self._size > self._bytes_most:
                self._drop(second_key if second_key is not None else len(self._packets))
            elif second_key is not None and self._packets[second_key].at_s <= now_s - self._seconds:
                self._drop(second_key)
            else:
                return

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._size -= len(self._packets.popleft().data)


def from_keyframe(packets: list[StoredPacket], not_before_s: float) -> list[StoredPacket]:
    """The packets from the last keyframe at or before `not_before_s`, else from the first keyframe."""
    keys = [i for i, packet in enumerate(packets) if packet.keyframe]
    if not keys:
        return []
    start = max((i for i in keys if packets[i].at_s <= not_before_s), default=keys[0])
    return packets[start:]


def find_parameter_sets(codec: str, data: bytes) -> bytes:
    """The SPS and PPS (HEVC: VPS too) at the head of an Annex B picture, each with a start code; empty when there
    are none.

    H.264 table 7-1 (types 7 and 8), H.265 table 7-1 (32 to 34).
    """
    wanted, shift, keep = ((7, 8), 0, 0x1F) if codec == "h264" else ((32, 33, 34), 1, 0x3F)
    found = b""
    at = data.find(_START)
    while 0 <= at < _NAL_BYTES_SEARCHED and at + 3 < len(data):
        following = data.find(_START, at + 3)
        kind = (data[at + 3] >> shift) & keep
        if kind in wanted:
            nal = data[at + 3 : following if following >= 0 else len(data)].rstrip(b"\x00")
            found += b"\x00" + _START + nal
        at = following
    return found


class StampLine:
    """Makes a camera's stamps rise: strictly growing decode stamps, no leap over `leap_s`, none missing.

    Cameras send stamps that stand still, leap back at a clock correction, or are missing; a muxer refuses each of them.
    """

    def __init__(self, time_base: Fraction, leap_s: float = 5.0) -> None:
        self._leap = round(leap_s / time_base)
        self._step = max(round(Fraction(1, 25) / time_base), 1)
        self._offset = 0
        self._last: int | None = None

    def stamp(self, pts: int | None, dts: int | None) -> tuple[int, int]:
        """Corrected (pts, dts)."""
        raw = dts if dts is not None else pts
        if self._last is None:
            first = raw if raw is not None else 0
            self._offset, self._last = -first, 0
            return max((pts if pts is not None else first) - first, 0), 0
        given = raw + self._offset if raw is not None else self._last + self._step
        if raw is not None and not 0 < given - self._last <= self._leap:
            self._offset += self._last + self._step - given
            given = self._last + self._step
        self._last = given
        shown = pts + self._offset if pts is not None else given
        return (shown if given <= shown <= given + self._leap else given), given
