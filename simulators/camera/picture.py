"""What goes over the wire: access units of H.264, kept as groups that each begin with a keyframe."""

import re
from dataclasses import dataclass
from typing import Self

_START_CODE = re.compile(rb"\x00\x00\x00?\x01")

NAL_SLICE = 1
NAL_IDR_SLICE = 5
NAL_SPS = 7
NAL_PPS = 8
_SENT_TYPES = frozenset({NAL_SLICE, NAL_IDR_SLICE, NAL_SPS, NAL_PPS})


def nal_type(nal: bytes) -> int:
    """The nal_unit_type, low five bits of the first byte (H.264, 7.3.1)."""
    return nal[0] & 0x1F


def split_annexb(stream: bytes) -> tuple[bytes, ...]:
    """The NAL units of an Annex B byte stream without start codes; the encoder's SEI is left out."""
    nals = (nal for nal in _START_CODE.split(stream) if nal)
    return tuple(nal for nal in nals if nal_type(nal) in _SENT_TYPES)


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture's NAL units, in order, without start codes."""

    nals: tuple[bytes, ...]

    @classmethod
    def from_annexb(cls, stream: bytes) -> Self:
        """Read one encoder packet."""
        return cls(split_annexb(stream))

    @property
    def keyframe(self) -> bool:
        """A decoder can begin here."""
        return any(nal_type(nal) == NAL_IDR_SLICE for nal in self.nals)

    def annexb(self) -> bytes:
        """As an Annex B byte stream."""
        return b"".join(b"\x00\x00\x00\x01" + nal for nal in self.nals)

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """SPS and PPS of a keyframe."""
        sps = next(nal for nal in self.nals if nal_type(nal) == NAL_SPS)
        pps = next(nal for nal in self.nals if nal_type(nal) == NAL_PPS)
        return sps, pps

    def with_first_slice(self, other: "AccessUnit") -> "AccessUnit":
        """This picture with its first slice (the topmost rows) taken from `other`.

        Both come from encoders of one setting, so that their slice headers agree but for the picture's height.
        """
        slices = (NAL_SLICE, NAL_IDR_SLICE)
        at = next(i for i, nal in enumerate(self.nals) if nal_type(nal) in slices)
        strip = next(nal for nal in other.nals if nal_type(nal) in slices)
        return AccessUnit((*self.nals[:at], strip, *self.nals[at + 1 :]))


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """Size in pixels and pace of a stream."""

    width: int
    height: int
    fps: int

    GOP_SECONDS = 2
    """A keyframe every two seconds: 20 frames at 10 fps, a camera's usual."""
    STRIP_ROWS = 48
    """Height of the topmost slice, three macroblock rows, where the clock is drawn live."""

    def __post_init__(self) -> None:
        if self.width % 16 or not 160 <= self.width <= 1920:
            raise ValueError(f"width {self.width} is not a multiple of 16 from 160 to 1920")
        if self.height % self.STRIP_ROWS or not 144 <= self.height <= 1104:
            raise ValueError(f"height {self.height} is not a multiple of 48 from 144 to 1104")
        if not 1 <= self.fps <= 30:
            raise ValueError(f"{self.fps} frames a second is not from 1 to 30")

    @property
    def gop(self) -> int:
        """Frames from one keyframe to the next."""
        return self.fps * self.GOP_SECONDS

    @property
    def slices(self) -> int:
        """Slices of a picture, each STRIP_ROWS high."""
        return self.height // self.STRIP_ROWS

    @property
    def name(self) -> str:
        """For example 768x576."""
        return f"{self.width}x{self.height}"


Gop = tuple[AccessUnit, ...]
