"""Facts about motion: on made pictures, and on real sequences where the data is there."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from analytics.motion import LEARNING_FRAMES, PERSISTENCE_FRAMES, MotionDetector, SceneState
from tests.analytics.footage import Frame, scene, with_figure


def _learned(background: Frame) -> MotionDetector:
    detector = MotionDetector()
    for _ in range(LEARNING_FRAMES + 30):
        detector.update(background)
    return detector


def test_nothing_is_reported_while_the_background_is_learnt() -> None:
    detector = MotionDetector()
    for number in range(LEARNING_FRAMES):
        reading = detector.update(with_figure(scene(), 10 + number * 8))
        assert reading.state is SceneState.LEARNING
        assert reading.boxes == ()


def test_a_walking_figure_is_boxed_where_it_is() -> None:
    detector = _learned(scene())
    for number in range(12):
        reading = detector.update(with_figure(scene(), 100 + number * 6))
    (box,) = reading.boxes
    assert abs(box.x - 166 / 640) < 0.02
    assert abs(box.y - 200 / 360) < 0.03
    assert abs(box.w - 40 / 640) < 0.03
    assert abs(box.h - 90 / 360) < 0.05


def test_a_thing_counts_only_after_it_has_persisted() -> None:
    detector = _learned(scene())
    seen = [bool(detector.update(with_figure(scene(), 300)).boxes) for _ in range(PERSISTENCE_FRAMES)]
    assert seen == [False] * (PERSISTENCE_FRAMES - 1) + [True]


def test_a_flash_of_one_frame_is_nothing() -> None:
    detector = _learned(scene())
    assert detector.update(with_figure(scene(), 300)).boxes == ()
    for _ in range(5):
        assert detector.update(scene()).boxes == ()


def test_colour_and_grey_pictures_give_the_same_boxes() -> None:
    grey, colour = _learned(scene()), MotionDetector()
    for _ in range(LEARNING_FRAMES + 30):
        colour.update(cv2.cvtColor(scene(), cv2.COLOR_GRAY2BGR).astype(np.uint8))
    for number in range(6):
        picture = with_figure(scene(), 100 + number * 6)
        expected = grey.update(picture)
        assert colour.update(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR).astype(np.uint8)).boxes == expected.boxes


def test_lights_going_on_everywhere_are_no_motion() -> None:
    detector = _learned(scene())
    lit = np.clip(scene().astype(np.int16) + 50, 0, 255).astype(np.uint8)
    assert all(detector.update(lit).boxes == () for _ in range(LEARNING_FRAMES * 2))


def test_a_figure_is_found_after_the_night_switch() -> None:
    detector = _learned(scene())
    night = (255 - scene(2)).astype(np.uint8)
    for _ in range(LEARNING_FRAMES * 3):
        detector.update(night)
    for number in range(8):
        reading = detector.update(with_figure(night, 100 + number * 6))
    assert len(reading.boxes) == 1


def test_a_shaking_camera_is_no_motion() -> None:
    """Without moving frames back the same pictures give 49 boxes."""
    random = np.random.default_rng(3)
    blocks = np.random.default_rng(1).integers(30, 220, (52, 90), dtype=np.uint8)
    wide = cv2.GaussianBlur(cv2.resize(np.kron(blocks, np.ones((8, 8), np.uint8)), (720, 420)), (5, 5), 0).astype(
        np.uint8
    )
    detector = _learned(wide[20:380, 20:660])
    moves = [random.integers(-6, 7, 2) for _ in range(25)]
    shaken = [detector.update(wide[20 + down : 380 + down, 20 + right : 660 + right]) for down, right in moves]
    assert sum(len(reading.boxes) for reading in shaken) == 0
    assert SceneState.SHAKING in {reading.state for reading in shaken}


def test_a_new_resolution_starts_the_learning_again() -> None:
    detector = _learned(scene())
    small = scene()[::2, ::2].copy()
    assert detector.update(small).state is SceneState.LEARNING
    assert detector.update(small).boxes == ()


def test_people_in_a_square_are_found(video_data: Path) -> None:
    detector = MotionDetector()
    counts = [len(detector.update(frame).boxes) for frame in _frames(video_data / "vtest.avi", 250)]
    after = counts[LEARNING_FRAMES + PERSISTENCE_FRAMES :]
    assert sum(count >= 2 for count in after) / len(after) > 0.95
    assert max(after) < 20


def test_vehicles_on_a_highway_are_found_and_little_else(video_data: Path) -> None:
    """Recall and false boxes by the measure of  on every second frame; every frame feeds the
    detector."""
    folder = video_data / "cdnet_highway"
    detector = MotionDetector()
    found = objects = false = measured = 0
    for number in range(300, 1101):
        frame = cv2.imread(str(folder / "input" / f"in{number:06d}.jpg"))
        assert frame is not None
        reading = detector.update(frame.astype(np.uint8))
        if number < 470 or number % 2:
            continue
        truth = cv2.imread(str(folder / "groundtruth" / f"gt{number:06d}.png"), cv2.IMREAD_GRAYSCALE)
        assert truth is not None
        height, width = truth.shape
        corners = [
            (round(b.x * width), round(b.y * height), round((b.x + b.w) * width), round((b.y + b.h) * height))
            for b in reading.boxes
        ]
        covered = np.zeros(truth.shape, bool)
        for left, top, right, bottom in corners:
            covered[top:bottom, left:right] = True
            false += bool(np.isin(truth[top:bottom, left:right], (50, 170, 255)).mean() < 0.05)
        count, labels, stats, _ = cv2.connectedComponentsWithStats((truth == 255).astype(np.uint8))
        for label in range(1, count):
            if stats[label][cv2.CC_STAT_AREA] >= 0.0015 * truth.size:
                objects += 1
                found += bool(covered[labels == label].mean() >= 0.5)
        measured += 1
    assert objects > 500
    assert found / objects >= 0.95
    assert false / measured <= 0.05


def test_the_sun_going_in_does_not_flood_the_picture(video_data: Path) -> None:
    detector = MotionDetector()
    readings = [detector.update(frame) for frame in _frames(video_data / "pets2001_d3c1_320x240.mp4", 1102, step=2)]
    flooded = sum(sum(box.w * box.h for box in reading.boxes) > 0.25 for reading in readings)
    assert SceneState.LIGHT in {reading.state for reading in readings}
    assert flooded / len(readings) < 0.01
    assert any(reading.boxes for reading in readings)


def _frames(path: Path, most: int, step: int = 1) -> Iterator[Frame]:
    video = cv2.VideoCapture(str(path))
    for number in range(most):
        there, frame = video.read()
        if not there:
            return
        if number % step == 0:
            yield frame.astype(np.uint8)
