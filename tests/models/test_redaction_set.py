"""What teachers' boxes become: a head for each person that shows one, plates only where there is a vehicle."""

from __future__ import annotations

import pytest

from models.training.redaction_set import heads_of, plates_on

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
