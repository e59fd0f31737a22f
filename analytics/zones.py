"""Zones: polygons over the picture, as shares of its size, so that they stay when the resolution changes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.motion import Box

Point = tuple[float, float]

MASK_ROWS, MASK_COLUMNS = 180, 320
"""The grid on which a share of a box is counted."""
HELD_SHARE = 0.5
"""A box of which so much lies in the zone is in it, wherever its feet are."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A closed polygon of at least three points, each coordinate from 0 to 1; raises ValueError otherwise."""

    name: str
    polygon: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.polygon) < 3:
            raise ValueError(f"zone {self.name}: a polygon has at least three points")
        if not all(0.0 <= value <= 1.0 for point in self.polygon for value in point):
            raise ValueError(f"zone {self.name}: coordinates are shares from 0 to 1")

    def mask(self, rows: int = MASK_ROWS, columns: int = MASK_COLUMNS) -> NDArray[np.uint8]:
        """`uint8[rows, columns]`, 1 inside and 0 outside."""
        corners = np.array([[round(x * (columns - 1)), round(y * (rows - 1))] for x, y in self.polygon], np.int32)
        drawn = np.zeros((rows, columns), np.uint8)
        return np.asarray(cv2.fillPoly(drawn, [corners], (1.0,)), np.uint8)

    def contains(self, point: Point) -> bool:
        """Whether a point is inside, by the number of edges left of it that are crossed."""
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in zip(self.polygon, (*self.polygon[1:], self.polygon[0]), strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


class ZoneMask:
    """A zone drawn once, to ask of many boxes."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self._mask = zone.mask()

    def share_of(self, box: Box) -> float:
        """How much of the box lies in the zone, from 0 to 1."""
        left, top = int(box.x * MASK_COLUMNS), int(box.y * MASK_ROWS)
        right = max(round((box.x + box.w) * MASK_COLUMNS), left + 1)
        bottom = max(round((box.y + box.h) * MASK_ROWS), top + 1)
        part = self._mask[max(top, 0) : bottom, max(left, 0) : right]
        return float(part.mean()) if part.size else 0.0

    def holds(self, box: Box) -> bool:
        """Whether what the box shows is in the zone: it stands there, or most of it is there."""
        feet = (box.x + box.w / 2, min(box.y + box.h * 0.98, 1.0))
        return self.zone.contains(feet) or self.share_of(box) >= HELD_SHARE
