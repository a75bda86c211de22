"""Plates drawn onto vehicles: where they are said to be, and never anybody's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.ride.plates import WINDOW_PX, draw_plate, paste, windows


@pytest.mark.parametrize("seed", range(12))
def test_what_changes_in_the_picture_is_inside_the_plates_box(seed: int) -> None:
    grey = np.full((300, 400, 3), 110, np.uint8)
    out, (x1, y1, x2, y2) = paste(grey, (100.0, 80.0, 300.0, 220.0), np.random.default_rng(seed))
    changed = np.argwhere((np.abs(out.astype(int) - 110) > 12).any(axis=2))
    assert len(changed) > 50
    assert (changed.min(axis=0) >= np.array([y1, x1]) - 3).all()
    assert (changed.max(axis=0) <= np.array([y2, x2]) + 3).all()
    assert x2 - x1 >= 12


def test_a_plate_is_wider_than_high_and_every_seed_makes_another() -> None:
    plates = [draw_plate(np.random.default_rng(seed)) for seed in range(30)]
    assert all(plate.shape[1] > plate.shape[0] for plate in plates)
    assert len({plate.tobytes() for plate in plates}) == 30


def test_windows_hold_boxes_inside_the_picture_and_the_same_ones_again(tmp_path: Path) -> None:
    for part in ("pictures", "labels"):
        (tmp_path / part).mkdir()
    cv2.imwrite(
        str(tmp_path / "pictures" / "a.png"), np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    )
    (tmp_path / "labels" / "a.txt").write_text("27 0.5 0.5 0.4 0.4\n24 0.1 0.1 0.1 0.2\n27 0.9 0.9 0.02 0.02\n")
    for run in ("one", "two"):
        assert windows(tmp_path / "pictures", tmp_path / "labels", tmp_path / run, seed=3) == 1
    (label,) = (tmp_path / "one" / "labels").iterdir()
    assert label.read_text() == (tmp_path / "two" / "labels" / label.name).read_text()
    for line in label.read_text().splitlines():
        x, y, w, h = map(float, line.split()[1:])
        assert min(x - w / 2, y - h / 2) > -0.2
        assert max(x + w / 2, y + h / 2) < 1.2
    picture = cv2.imread(str(tmp_path / "one" / "images" / f"{label.stem}.jpg"))
    assert picture is not None
    assert picture.shape[1::-1] == WINDOW_PX
