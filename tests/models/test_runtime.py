"""What a network's numbers become: both heads read alike, boxes in the full picture's pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.boxes import join_looks
from models.packs import load_pack
from models.pixels import Halver, Image, NetworkInput, blob, glance, letterbox
from models.runtime import Detector, _end_to_end, _every, _raw
from models.shapes import input_shape, shape_inside

ROOT = Path(__file__).resolve().parents[2]
LEAST = np.array([0.3, 0.5], np.float32)


@pytest.fixture(scope="module")
def frame() -> Image:
    """A look of the sample ride with several things in it."""
    video = cv2.VideoCapture(str(ROOT / "demo" / "ride" / "sample" / "video.mp4"))
    video.set(cv2.CAP_PROP_POS_FRAMES, 300)
    return np.asarray(video.read()[1], np.uint8)


def test_both_heads_give_the_same_boxes_of_the_same_things() -> None:
    """One thing of class 0 proposed twice, one of class 1, one of class 1 below its threshold."""
    corners = np.array([[10, 10, 50, 40], [11, 10, 51, 40], [100, 20, 140, 80], [200, 20, 240, 80]], np.float32)
    scores = np.array([[0.9, 0.0], [0.8, 0.1], [0.2, 0.6], [0.1, 0.4]], np.float32)
    centres = np.stack([(corners[:, 0] + corners[:, 2]) / 2, (corners[:, 1] + corners[:, 3]) / 2,
                        corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]])  # fmt: skip
    raw = _raw(np.concatenate([centres, scores.T]).astype(np.float32), LEAST)
    rows = np.array([[*corners[0], 0.9, 0], [*corners[2], 0.6, 1], [*corners[3], 0.4, 1], [0, 0, 0, 0, 0, 0]], np.float32)  # fmt: skip
    for got, expected in zip(raw, _end_to_end(rows, LEAST), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_row_of_a_class_that_the_pack_lacks_is_passed_over() -> None:
    assert len(_end_to_end(np.array([[1, 1, 9, 9, 0.9, 7]], np.float32), LEAST)[0]) == 0


def test_no_suspect_hides_behind_a_surer_class_or_a_neighbour() -> None:
    """A motorcycle of .30 and its rider of .28 in one anchor, and a second person half behind a first."""
    motorcycle, person, unwanted = 0.1, 0.1, np.inf
    least = np.array([motorcycle, person, unwanted], np.float32)
    middles = np.array([[30, 40, 20, 40], [100, 40, 20, 40], [104, 40, 20, 40]], np.float32).T
    scores = np.array([[0.30, 0.28, 0.9], [0.0, 0.8, 0.0], [0.0, 0.7, 0.0]], np.float32).T
    output = np.concatenate([middles, scores]).astype(np.float32)
    boxes, _, classes = _every(output, least)
    assert sorted(zip(classes.tolist(), boxes[:, 0].tolist(), strict=True)) == [(0, 20), (1, 20), (1, 90), (1, 94)]
    rows = np.array([[20, 20, 40, 60, 0.30, 0], [20, 20, 40, 60, 0.28, 1], [0, 0, 9, 9, 0.9, 2]], np.float32)
    assert _end_to_end(rows, least)[2].tolist() == [0, 1]
    few = np.minimum(least, 1.0)
    assert len(_raw(output, few)[0]) < 4, "which is why redaction asks for suspects"


def test_what_every_look_boxed_stays_and_what_one_boxed_is_less_sure() -> None:
    boxes = np.array([[10, 10, 50, 50], [12, 10, 52, 50], [200, 10, 240, 50], [10, 10, 50, 50]], np.float32)
    scores, classes = np.array([0.9, 0.3, 0.8, 0.6], np.float32), np.array([0, 0, 0, 1])
    joined, sure, named = join_looks(boxes, scores, classes, 2)
    np.testing.assert_allclose(joined[0], [10.5, 10, 50.5, 50], atol=1e-4)
    np.testing.assert_allclose(sure, [0.6, 0.4, 0.3], atol=1e-6)
    assert named.tolist() == [0, 0, 1]
    twice = np.array([[10, 10, 50, 50]] * 3, np.float32)
    assert join_looks(twice, np.full(3, 0.9, np.float32), np.zeros(3, np.int64), 2)[1] == pytest.approx([0.9])
    assert len(join_looks(boxes[:0], scores[:0], classes[:0], 2)[0]) == 0


@pytest.mark.parametrize("size", [(960, 540), (540, 960), (400, 400), (640, 384)])
def test_the_letterbox_maps_back(size: tuple[int, int]) -> None:
    width, height = size
    canvas = np.full((384, 640, 3), 114, np.uint8)
    scale, left, top = letterbox(np.full((height, width, 3), 255, np.uint8), canvas)
    inside = np.argwhere(canvas[:, :, 0] == 255)
    (y1, x1), (y2, x2) = inside.min(axis=0), inside.max(axis=0) + 1
    np.testing.assert_allclose([(x1 - left) / scale, (y1 - top) / scale], 0, atol=1.5)
    np.testing.assert_allclose([(x2 - left) / scale, (y2 - top) / scale], [width, height], atol=3)


@pytest.mark.parametrize("rgb", [True, False])
def test_the_kept_input_is_what_letterbox_and_blob_make_whatever_it_held_before(rgb: bool) -> None:
    rng = np.random.default_rng(7)
    kept = NetworkInput((96, 160), 114, 1 / 255, rgb)
    for height, width in ((180, 320), (90, 160), (240, 320), (180, 320), (181, 323), (40, 300)):
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        canvas = np.full((96, 160, 3), 114, np.uint8)
        placed = letterbox(image, canvas)
        for half in (None, image, np.asarray(cv2.resize(image, (width // 2, height // 2)), np.uint8)):
            made, *where = kept.of(image, half)
            np.testing.assert_array_equal(made, blob(canvas, 1 / 255, rgb))
            assert tuple(where) == placed


def test_a_glance_tells_blurred_and_dark_alike_from_the_picture_and_from_half_of_it(frame: Image) -> None:
    large = np.asarray(cv2.resize(frame, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)
    halver = Halver()
    assert halver.of(large).shape == (360, 640, 3)
    assert halver.of(frame[:, :800]).shape[1] == 800, "half of it would be too narrow"
    for sigma in (4.0, 6.0, 8.0):
        blurred = np.asarray(cv2.GaussianBlur(large, (0, 0), sigma), np.uint8)
        whole, half = glance(blurred), glance(halver.of(blurred))
        assert half.sharpness == pytest.approx(whole.sharpness, rel=0.1)
        assert half.brightness == pytest.approx(whole.brightness, abs=0.5)


def test_a_picture_twice_as_large_has_its_boxes_twice_as_far(frame: Image) -> None:
    detector = Detector(load_pack("street"))
    small = {(f.label.name, round(f.box_px[0] / 8)): f for f in detector.detect(frame)}
    large = detector.detect(np.asarray(cv2.resize(frame, None, fx=2, fy=2), np.uint8))
    assert len(small) >= 5
    met = [f for f in large if (f.label.name, round(f.box_px[0] / 16)) in small]
    assert len(met) >= 0.7 * len(small)
    assert all(0 <= f.box_px[0] < f.box_px[2] <= 2 * frame.shape[1] for f in large)


def test_a_lower_floor_only_adds_boxes_and_every_score_keeps_its_threshold(frame: Image) -> None:
    detector = Detector(load_pack("street"))
    normal, low = detector.detect(frame), detector.detect(frame, floor=0.1)
    assert all(f.score >= f.label.threshold for f in normal)
    assert len(low) > len(normal)
    assert [f.score for f in low] == sorted((f.score for f in low), reverse=True)


@given(st.integers(60, 4000), st.integers(60, 4000))
def test_a_picture_fills_its_shape_and_is_no_smaller_than_the_square_would_show_it(height: int, width: int) -> None:
    rows, columns = shape_inside(height, width, 640, 640)
    assert rows % 32 == columns % 32 == 0
    assert max(rows, columns) == 640
    scale = min(rows / height, columns / width)
    assert scale >= 640 / max(height, width) - 1e-9
    assert rows - height * scale < 32
    assert columns - width * scale < 32


def test_a_camera_of_16_to_9_is_seen_at_640_by_384() -> None:
    assert shape_inside(720, 1280, 640, 640) == (384, 640)
    assert input_shape("wide", 720, 1280, 640, 640) == (384, 640)
    assert input_shape("wide", 1080, 3000, 640, 640) == (384, 640)
    assert input_shape("wide", 480, 640, 640, 640) == (640, 640)
    assert input_shape("wide", 1280, 720, 640, 640) == (640, 640)
    assert input_shape("fixed", 1280, 720, 384, 640) == (384, 640)
    assert shape_inside(640, 480, 640, 640) == (640, 480)
