"""Who walks where: paths across the yard, as shares of the picture, and when they can be seen."""

from dataclasses import dataclass
from enum import StrEnum

from simulators.camera.picture import PictureFormat

FIGURE_HEIGHT = 80 / 576
"""A person's height at mid-yard as a share of the picture's height: 80 px of 576."""


class Clip(StrEnum):
    """The pieces of footage."""

    EMPTY = "empty"
    CROSS_RIGHT = "cross-right"
    CROSS_LEFT = "cross-left"
    TOWARDS_CAMERA = "towards-camera"
    TWO_TOGETHER = "two-together"


@dataclass(frozen=True, slots=True)
class Place:
    """A figure's feet as shares of width and height, its size relative to mid-yard, and its stride in seconds."""

    x: float
    y: float
    scale: float
    walked_s: float


@dataclass(frozen=True, slots=True)
class Path:
    """A straight walk from one point to another, both as shares of the picture."""

    start: tuple[float, float]
    end: tuple[float, float]
    seconds: float
    delay_s: float
    coat: tuple[int, int, int]

    def place(self, at_s: float) -> Place | None:
        """Where the figure is `at_s` seconds into the clip; None before and after its walk."""
        walked = at_s - self.delay_s
        if not 0 <= walked <= self.seconds:
            return None
        share = walked / self.seconds
        x = self.start[0] + (self.end[0] - self.start[0]) * share
        y = self.start[1] + (self.end[1] - self.start[1]) * share
        return Place(x, y, _scale(y), walked)


def _scale(y: float) -> float:
    """Nearer is larger: 0.8 at the wall's foot, 1.3 at the lower edge."""
    return 0.8 + (y - 0.45) * 0.9


_GREY, _BLUE, _RED, _DARK = (70, 70, 75), (120, 70, 40), (45, 40, 130), (38, 40, 36)

PATHS: dict[Clip, tuple[Path, ...]] = {
    Clip.EMPTY: (),
    Clip.CROSS_RIGHT: (Path((-0.04, 0.72), (1.04, 0.66), 9.5, 0.2, _BLUE),),
    Clip.CROSS_LEFT: (Path((1.05, 0.85), (-0.05, 0.80), 9.0, 0.2, _DARK),),
    Clip.TOWARDS_CAMERA: (Path((1.04, 0.52), (0.30, 1.20), 9.5, 0.2, _RED),),
    Clip.TWO_TOGETHER: (
        Path((-0.04, 0.62), (1.05, 0.74), 10.5, 0.2, _GREY),
        Path((-0.04, 0.66), (1.05, 0.79), 10.5, 0.9, _RED),
    ),
}

WALKS = tuple(clip for clip in Clip if PATHS[clip])
_LONGEST_S = {Clip.EMPTY: 20.0}


def frame_count(clip: Clip, picture: PictureFormat) -> int:
    """Frames of a clip: whole groups, so that it can be spliced at both ends."""
    ends = [path.delay_s + path.seconds for path in PATHS[clip]]
    seconds = max(ends, default=_LONGEST_S.get(clip, 0.0))
    return -(-round(seconds * picture.fps) // picture.gop) * picture.gop


def places(clip: Clip, frame: int, picture: PictureFormat) -> list[tuple[Place, tuple[int, int, int]]]:
    """The figures of a frame with the colours of their coats (BGR), the farthest first."""
    at_s = frame / picture.fps
    found = [(place, path.coat) for path in PATHS[clip] if (place := path.place(at_s)) is not None]
    return sorted(found, key=lambda item: item[0].y)


def somebody_visible(clip: Clip, frame: int, picture: PictureFormat) -> bool:
    """A figure is at least half inside the picture."""
    return any(
        0 <= place.x <= 1 and place.y - FIGURE_HEIGHT * place.scale / 2 <= 1
        for place, _ in places(clip, frame, picture)
    )


def light_level(clip: Clip, frame: int, picture: PictureFormat) -> int:
    """Slow drift of the light in grey levels, 0 to 4 and back over the empty loop; walks begin and end at 0."""
    if clip is not Clip.EMPTY:
        return 0
    share = frame / frame_count(clip, picture)
    return round(4 * (1 - abs(2 * share - 1)))
