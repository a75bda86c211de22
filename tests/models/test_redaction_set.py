"""What teachers' boxes become: a head for each person that shows one, plates only where there is a vehicle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.pixels import Image
from models.training.redaction_set import build, heads_of, plates_on
from models.training.teachers import Found

STANDING = (100.0, 50.0, 160.0, 250.0)


def test_a_standing_persons_head_is_the_top_and_a_face_says_better() -> None:
    (head,) = heads_of([(STANDING, 0.9)], [])
    assert head[3] - head[1] == pytest.approx(0.17 * 200 * 1.03, rel=0.01)
    assert STANDING[0] < (head[0] + head[2]) / 2 < STANDING[2]
    face = (120.0, 60.0, 140.0, 85.0)
    (around,) = heads_of([(STANDING, 0.9)], [(face, 0.9)])
    assert around[0] < face[0]
    assert around[1] < face[1]
    assert around[2] > face[2]


def test_who_sits_is_cut_off_or_is_tiny_gets_no_guessed_head() -> None:
    sitting, cut_off, tiny = (0.0, 50.0, 100.0, 150.0), (100.0, 0.0, 160.0, 200.0), (5.0, 5.0, 12.0, 30.0)
    assert heads_of([(box, 0.9) for box in (sitting, cut_off, tiny)], []) == []


def test_a_face_at_the_feet_is_somebody_elses() -> None:
    assert heads_of([((0.0, 50.0, 100.0, 150.0), 0.9)], [((40.0, 130.0, 60.0, 148.0), 0.9)]) == []


def test_a_plate_on_a_sign_is_none() -> None:
    vehicle, on_it, on_a_sign, on_the_roof = (100.0, 100.0, 300.0, 220.0), (180.0, 190.0, 230.0, 205.0), (400.0, 20.0, 460.0, 40.0), (180.0, 101.0, 230.0, 112.0)  # fmt: skip
    plates = [(box, 0.9) for box in (on_it, on_a_sign, on_the_roof)]
    assert plates_on([(vehicle, 0.9)], plates) == [on_it]
    assert plates_on([], plates) == []


class Teachers:
    """Sees one person with a face in every picture that is not dark, and no vehicle."""

    def people_and_vehicles(self, image: Image, _: float) -> tuple[Found, Found]:
        return ([((40.0, 10.0, 70.0, 90.0), 0.9)], []) if image.mean() > 50 else ([], [])

    def faces(self, *_: object) -> Found:
        return [((50.0, 14.0, 60.0, 26.0), 0.9)]

    def plates(self, *_: object) -> Found:
        raise AssertionError("no vehicle, no plate")


def test_a_picture_with_a_head_comes_three_times_and_the_report_says_whose_pictures_they_are(tmp_path: Path) -> None:
    pictures = []
    for name, grey in (("sdaia__a", 120), ("spb__b", 0)):
        pictures.append((tmp_path / f"{name}.png", []))
        cv2.imwrite(str(pictures[-1][0]), np.full((100, 120, 3), grey, np.uint8))
    teacher: Any = Teachers()
    counts = build(pictures, tmp_path / "set", (teacher, teacher, teacher))
    assert counts == {"pictures": 2, "head": 1, "person": 1}
    listed = [Path(line).name for line in (tmp_path / "set" / "train.txt").read_text().splitlines()]
    assert listed == ["sdaia__a.png"] * 3 + ["spb__b.png"]
    report = json.loads((tmp_path / "set" / "report.json").read_text())
    assert report["policy"] == "shipped"
    assert {row["set"]: (row["pictures"], row["boxes"], row["terms"]) for row in report["sets"]} == {
        "sdaia": (1, 2, "unstated"), "spb": (1, 0, "open"),
    }  # fmt: skip
    assert build(pictures, tmp_path / "set", (None, None, None)) == counts, "what is there is left alone"  # type: ignore[arg-type]
