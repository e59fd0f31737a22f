"""The yard, drawn: ground, wall, gate, a swaying tree, noise, and the figures that walk through."""

import math
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from simulators.camera.picture import PictureFormat
from simulators.camera.walks import FIGURE_HEIGHT, Clip, Place, light_level, places

Image = NDArray[np.uint8]

_SKY = (206, 196, 186)
_NOISE_SIGMA = 1.6
_NOISE_FIELDS = 8
_HORIZON = 0.28
_WALL_FOOT = 0.47
_SHIFT = 3
"""Fractional bits of coordinates, for movement finer than a pixel."""


class Yard:
    """Draws frames of one picture format; the same seed gives the same pictures."""

    def __init__(self, picture: PictureFormat, seed: int = 7) -> None:
        self._picture = picture
        random = np.random.default_rng(seed)
        self._ground = _draw_ground(picture, random)
        self._noise = [
            random.normal(0, _NOISE_SIGMA, (picture.height, picture.width)).round().astype(np.int8)
            for _ in range(_NOISE_FIELDS)
        ]
        self._leaves = [
            (random.normal(0, 0.035), random.normal(0, 0.045), random.uniform(0, 2 * math.pi), i) for i in range(60)
        ]

    def frame(self, clip: Clip, number: int) -> Image:
        """Frame `number` of a clip as uint8[H * 3 / 2, W], planar YUV 4:2:0."""
        image = self._ground.copy()
        self._draw_tree(image, number)
        for place, coat in places(clip, number, self._picture):
            self._draw_figure(image, place, coat)
        planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        luma = planar[: self._picture.height].astype(np.int16)
        noise = self._noise[(number * 5) % _NOISE_FIELDS]
        luma[PictureFormat.STRIP_ROWS :] += noise[PictureFormat.STRIP_ROWS :]
        luma += light_level(clip, number, self._picture)
        planar[: self._picture.height] = np.clip(luma, 16, 235).astype(np.uint8)
        return planar

    def _draw_tree(self, image: Image, number: int) -> None:
        """The branches swing once a group of pictures, so that any two groups join without a jump."""
        width, height = self._picture.width, self._picture.height
        turn = 2 * math.pi * number / self._picture.gop
        foot = (round(0.14 * width), round(0.52 * height))
        cv2.line(image, foot, (foot[0], round(0.28 * height)), (40, 58, 78), round(0.014 * width))
        for dx, dy, phase, i in self._leaves:
            sway = 0.005 * math.sin(turn + phase) + 0.002 * math.sin(2 * turn + 3 * phase)
            x, y = (0.14 + dx + sway) * width, (0.25 + max(dy, -0.1)) * height
            shade = 10 * (i % 4)
            colour = (50 + shade, 92 + shade, 58 + shade)
            _fill_circle(image, x, y, 0.014 * width, colour)

    def _draw_figure(self, image: Image, place: Place, coat: tuple[int, int, int]) -> None:
        """Legs and arms swing about twice a second under a coat and a head; a soft shadow lies at the feet."""
        size = FIGURE_HEIGHT * place.scale * self._picture.height
        x, feet = place.x * self._picture.width, place.y * self._picture.height
        swing = math.sin(2 * math.pi * 1.7 * place.walked_s)
        _shade(image, x, feet, size)
        hip, shoulder = feet - 0.47 * size, feet - 0.80 * size
        for side in (-1.0, 1.0):
            foot_x = x + side * swing * 0.16 * size
            knee_x = x + side * swing * 0.10 * size + 0.02 * size
            thick = max(2, round(0.085 * size))
            _line(image, (x, hip), (knee_x, feet - 0.24 * size), (48, 44, 44), thick)
            _line(image, (knee_x, feet - 0.24 * size), (foot_x, feet), (42, 38, 38), thick)
            hand = (x - side * swing * 0.15 * size, hip + 0.04 * size)
            _line(image, (x, shoulder + 0.05 * size), hand, coat, max(2, round(0.06 * size)))
        body = ((x, (hip + shoulder) / 2), (0.30 * size, 0.38 * size), 0.0)
        cv2.ellipse(image, body, coat, -1, cv2.LINE_AA)
        _fill_circle(image, x, feet - 0.91 * size, 0.075 * size, (130, 155, 190))
        _fill_circle(image, x, feet - 0.94 * size, 0.065 * size, (30, 32, 38))


class Strip:
    """Draws the topmost rows with the clock and the camera's name."""

    def __init__(self, picture: PictureFormat, name: str) -> None:
        self._picture = picture
        self._name = name.encode("ascii", "replace").decode()[:24]

    def frame(self, at: datetime, light: int) -> Image:
        """uint8[STRIP_ROWS * 3 / 2, W], planar YUV 4:2:0."""
        image = np.full((PictureFormat.STRIP_ROWS, self._picture.width, 3), _SKY, dtype=np.uint8)
        text = f"{at:%Y-%m-%d %H:%M:%S}"
        for colour, thickness in (((30, 30, 30), 3), ((250, 250, 250), 1)):
            cv2.putText(image, text, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thickness, cv2.LINE_AA)
            if self._picture.width >= 480:
                at_x = self._picture.width - 12 - 12 * len(self._name)
                cv2.putText(
                    image, self._name, (at_x, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thickness, cv2.LINE_AA
                )
        planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        luma = planar[: PictureFormat.STRIP_ROWS]
        planar[: PictureFormat.STRIP_ROWS] = np.clip(luma.astype(np.int16) + light, 16, 235).astype(np.uint8)
        return planar


def encode_jpeg(image: Image) -> bytes:
    """uint8[H, W, 3], BGR, as JPEG."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return bytes(data)


def _draw_ground(picture: PictureFormat, random: np.random.Generator) -> Image:
    """What stands still: sky, wall with its joints, gate, paving."""
    width, height = picture.width, picture.height
    image = np.full((height, width, 3), _SKY, dtype=np.uint8)
    top, foot = round(_HORIZON * height), round(_WALL_FOOT * height)
    image[foot:] = (112, 120, 124)
    texture = random.normal(0, 5, (height - foot, width, 1))
    grain = cv2.GaussianBlur(texture.astype(np.float32), (0, 0), 1.5) * 2.5
    image[foot:] = np.clip(image[foot:] + grain.reshape(height - foot, width, 1), 0, 255).astype(np.uint8)
    for i in range(7):
        y = foot + round((height - foot) * (i / 7) ** 1.5)
        cv2.line(image, (0, y), (width, y), (98, 105, 108), 1)
    for i in range(-6, 14):
        cv2.line(
            image,
            (round((0.15 + i * 0.09) * width), foot),
            (round((i * 0.2 - 0.25) * width), height),
            (100, 107, 110),
            1,
        )
    image[top:foot] = (92, 108, 136)
    for row, y in enumerate(range(top, foot, 10)):
        cv2.line(image, (0, y), (width, y), (82, 96, 122), 1)
        for x in range(12 * (row % 2), width, 24):
            cv2.line(image, (x, y), (x, min(y + 10, foot)), (82, 96, 122), 1)
    left, right = round(0.62 * width), round(0.80 * width)
    image[top - 6 : foot, left:right] = (150, 150, 146)
    for x in range(left + 4, right, 12):
        cv2.line(image, (x, top - 4), (x, foot), (52, 50, 48), 3)
    cv2.rectangle(image, (left, top - 6), (right, foot), (48, 46, 44), 3)
    return image


def _shade(image: Image, x: float, feet: float, size: float) -> None:
    """Darken the ground under a figure by a fifth."""
    height, width = image.shape[:2]
    x0, x1 = max(0, round(x - 0.30 * size)), min(width, round(x + 0.30 * size))
    y0, y1 = max(0, round(feet - 0.04 * size)), min(height, round(feet + 0.05 * size))
    if x0 < x1 and y0 < y1:
        part = image[y0:y1, x0:x1]
        image[y0:y1, x0:x1] = (part * 0.8).astype(np.uint8)


def _fill_circle(image: Image, x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    centre = (round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT)))
    cv2.circle(image, centre, round(radius * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)


def _line(
    image: Image, start: tuple[float, float], end: tuple[float, float], colour: tuple[int, int, int], thick: int
) -> None:
    scaled = [(round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))) for x, y in (start, end)]
    cv2.line(image, scaled[0], scaled[1], colour, thick, cv2.LINE_AA, _SHIFT)
