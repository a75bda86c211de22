"""Sets are read or refused by file and line; figures are those worked out by hand, and none where boxes are too few."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.published import parts, table
from models.training.coco import average_precision
from models.training.compare import compare
from models.training.dataset import BadSet, Box, Sample, read_set, scenes_on_both_sides
from models.training.figures import PROBLEMS, Figures, Part, figures_of, one_figure, parts_of, summary
from models.training.looks import Look, outcome
from models.training.measure import Scored, calibration_error, weighted_precision, wilson

CATEGORY = "exposed_garbage"


def a_set(
    root: Path, labels: str = "0 0.5 0.5 0.2 0.2\n", names: str = "[exposed_garbage, pothole]", index: str = ""
) -> Path:
    for part in ("images", "labels"):
        (root / part / "val").mkdir(parents=True)
    cv2.imwrite(str(root / "images" / "val" / "one.jpg"), np.full((90, 120, 3), 90, np.uint8))
    (root / "labels" / "val" / "one.txt").write_text(labels)
    if index:
        (root / "index.tsv").write_text(index)
    (root / "data.yaml").write_text(f"path: .\ntrain: images/val\nval: images/val\nnames: {names}\n")
    return root / "data.yaml"


def look(found: list[tuple[float, tuple[float, float, float, float]]], boxes: int = 1, counts: bool = True) -> Look:
    """A 100 x 100 picture with up to two boxes, and what was found in it."""
    there = [Box(CATEGORY, (0.1, 0.1, 0.4, 0.4)), Box(CATEGORY, (0.6, 0.6, 0.9, 0.9))][:boxes]
    known = None if counts else frozenset[str]()
    return Look(Sample(Path("x.jpg"), tuple(there), "", "", known, known), 100, 100, 90.0, {CATEGORY: found})


RIGHT, WRONG = (10.0, 10.0, 40.0, 40.0), (50.0, 5.0, 60.0, 20.0)


def test_a_set_without_an_index_judges_everything_and_classes_become_categories(tmp_path: Path) -> None:
    (sample,) = read_set(a_set(tmp_path, "1 0.5 0.5 0.2 0.2\n"), "val")
    assert [box.category for box in sample.boxes] == ["road_damage"]
    assert sample.boxes[0].corners == pytest.approx((0.4, 0.4, 0.6, 0.6))
    assert sample.judges("small_ads")
    assert sample.judges("small_ads", completely=True)


def test_an_index_says_what_a_picture_may_be_judged_for(tmp_path: Path) -> None:
    (sample,) = read_set(a_set(tmp_path, index="file\tset\tscene\none.jpg\tmalta\ts1\n"), "val")
    assert sample.judges("bagged_garbage")
    assert not sample.judges(CATEGORY)
    assert not sample.judges("discarded_furniture", completely=True)
    assert scenes_on_both_sides([sample], [sample]) == {"s1"}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("0 0.5 0.5 0.2\n", "one.txt:1: a box is five numbers"),
        ("\n0 0.5 0.5 0.2 x\n", "one.txt:2: a box is five numbers"),
        ("7 0.5 0.5 0.2 0.2\n", "one.txt:1: class 7, but the set has 2 names"),
        ("0 0.95 0.5 0.2 0.2\n", "outside of the picture"),
        ("0 0.5 0.5 0 0.2\n", "empty"),
        ("0 nan 0.5 0.2 0.2\n", "outside of the picture"),
    ],
)
def test_a_box_that_is_none_is_refused_by_file_and_line(tmp_path: Path, labels: str, words: str) -> None:
    with pytest.raises(BadSet, match=words):
        read_set(a_set(tmp_path, labels), "val")


def test_a_set_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadSet, match="does not exist"):
        read_set(tmp_path / "none.yaml", "val")
    data = a_set(tmp_path, names="[exposed_garbage, unicorn]")
    with pytest.raises(BadSet, match="'unicorn' is no category"):
        read_set(data, "val")
    with pytest.raises(BadSet, match="no split 'test'; it has train, val"):
        read_set(a_set(tmp_path / "b"), "test")


def test_only_pictures_that_may_be_judged_count() -> None:
    looks = [look([(0.9, RIGHT), (0.8, WRONG)]), look([(0.9, WRONG)], counts=False)]
    seen = outcome(looks, CATEGORY)
    assert (seen.looks, seen.holding, seen.boxes) == ([0], 1, 1)
    assert [(each.right, each.look, each.box) for each in seen.told] == [(True, 0, RIGHT), (False, 0, WRONG)]
    assert [each.met_at for each in seen.there] == [0.9]


def test_average_precision_is_cocos_and_agrees_with_the_plain_sum() -> None:
    looks = [look([(0.9, RIGHT)]), look([(0.8, WRONG)], boxes=0), look([(0.7, RIGHT)], boxes=2)]
    ap50, ap = average_precision(looks, CATEGORY)
    # Recall 1/3 at precision 1, 2/3 at precision 2/3, never 1: 34 and 33 of COCO's 101 recalls.
    assert ap50 == pytest.approx((34 * 1 + 33 * 2 / 3) / 101, abs=1e-6)
    assert ap == pytest.approx(ap50)
    assert average_precision([look([])], CATEGORY) == (0.0, 0.0)


def figure(looks: list[Look], threshold: float) -> Figures:
    return figures_of(looks, {CATEGORY: threshold})[CATEGORY]


def test_a_row_with_fewer_than_thirty_boxes_has_no_figure() -> None:
    few, enough = figure([look([(0.9, RIGHT)])] * 29, 0.5), figure([look([(0.9, RIGHT)])] * 30, 0.5)
    assert (few.boxes, few.ap50, few.recall, few.live) == (29, None, None, False)
    assert (enough.precision, enough.recall, enough.false_per_100_images) == (1.0, 1.0, 0.0)
    assert enough.precision_interval == pytest.approx(wilson(30, 30))
    assert enough.live


def test_false_alarms_are_counted_per_hundred_pictures_and_precision_of_nothing_is_unknown() -> None:
    looks = [look([(0.9, RIGHT), (0.6, WRONG)])] * 30
    assert figure(looks, 0.5).false_per_100_images == 100.0
    silent = figure(looks, 0.95)
    assert (silent.precision, silent.recall, silent.live) == (None, 0.0, False)


def test_false_alarms_on_streets_with_nothing_to_see_are_counted_by_themselves() -> None:
    empty = look([(0.9, WRONG)], boxes=0)
    clean = replace(empty, sample=replace(empty.sample, set="clean"))
    looks = [*[look([(0.9, RIGHT)])] * 30, *[look([], boxes=0)] * 6, clean, clean, look([], boxes=0)]
    told = figure([*looks, replace(clean, found={})], 0.5)
    assert told.false_per_100_clean == pytest.approx(200 / 3)
    assert told.false_per_100_images == pytest.approx(200 / 40)
    assert figure(looks[:30], 0.5).false_per_100_clean is None


def test_each_look_may_have_its_own_threshold() -> None:
    looks = [look([(0.6, RIGHT)])] * 30
    assert one_figure(looks, CATEGORY, [0.5] * 15 + [0.7] * 15, 0.6).recall == 0.5


def test_parts_add_up_and_say_nothing_of_few_boxes() -> None:
    seen = look([(0.9, RIGHT), (0.6, WRONG)])
    malta = replace(seen, sample=replace(seen.sample, set="malta"), brightness=40.0)
    parts = parts_of([malta] * 30 + [seen] * 29, {CATEGORY: [0.5] * 59})
    dim = parts["light"]["dim"][CATEGORY]
    assert (dim.boxes, dim.told, dim.precision, dim.recall) == (30, 60, 0.5, 1.0)
    assert parts["light"]["bright"][CATEGORY] == Part(29, 58)
    assert parts["source"] == {"malta": {CATEGORY: dim}}
    # A box of 30 x 30 of 100 x 100 pixels is large, the wrong one of 10 x 15 medium.
    assert (parts["size"]["large"][CATEGORY].told, parts["size"]["large"][CATEGORY].precision) == (59, 1.0)
    assert parts["size"]["medium"] == parts["size"]["small"] == {}
    assert parts_of([look([])] * 30, {CATEGORY: [0.0] * 30})["light"]["bright"][CATEGORY].recall == 0.0


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_detection_counted_twice_is_the_same_as_one_that_is_there_twice() -> None:
    scored = [Scored(0.9, True), Scored(0.8, False), Scored(0.7, True)]
    twice = [scored[0], scored[0], scored[1], scored[2]]
    assert weighted_precision(scored, np.array([2.0, 1.0, 1.0]), 4) == pytest.approx(
        weighted_precision(twice, np.ones(4), 4)
    )


def test_calibration_error_is_zero_where_shares_are_as_stated() -> None:
    assert calibration_error([0.5] * 10, [True, False] * 5, bins=1) == pytest.approx(0.0)
    assert calibration_error([0.9] * 10, [True, False] * 5, bins=1) == pytest.approx(0.4)


def test_a_pack_is_better_only_beyond_noise() -> None:
    good = [look([(0.9, RIGHT)])] * 40
    blind = [look([(0.9, WRONG)])] * 40
    half = [look([(0.9, RIGHT)]) if n % 2 else look([(0.9, WRONG)]) for n in range(40)]
    numbered = [[replace(each, sample=replace(each.sample, scene=f"s{n}")) for n, each in enumerate(each)] for each in (good, blind, half)]  # fmt: skip
    assert compare(numbered[1], numbered[0])["mean"].verdict == "better"
    assert compare(numbered[0], numbered[1])["mean"].verdict == "worse"
    assert compare(numbered[0], numbered[0])[CATEGORY].verdict == "within noise"
    assert compare(numbered[2], numbered[0])[CATEGORY].a < 0.6
    assert compare(numbered[0][:29], numbered[1][:29]) == {}


def test_the_table_explains_its_columns_and_says_in_words_that_nothing_can_be_told() -> None:
    looks = [look([(0.9, RIGHT)])]
    told = summary(figures_of(looks, {CATEGORY: 0.5}), parts_of(looks, {CATEGORY: [0.5]}))
    text = "\n".join([*table(told), *parts(told, PROBLEMS)])
    assert all(f"{column}: " in text for column in ("in", "at", "false/100", "clean/100"))
    assert "no problem category has enough boxes" in text
    assert "None" not in text
    assert "\nby " not in text
    looks = [look([(0.9, RIGHT)]) for _ in range(40)]
    told = summary(figures_of(looks, {CATEGORY: 0.5}), parts_of(looks, {CATEGORY: [0.5] * 40}))
    text = "\n".join([*table(told), *parts(told, PROBLEMS)])
    assert "mean over the 1 problem categories" in text
    assert "\nby light\n" in text


@pytest.mark.process
def test_the_command_prints_figures_of_any_yolo_set_and_writes_a_page(tmp_path: Path) -> None:
    data, page = a_set(tmp_path), tmp_path / "page.html"
    argv = [
        sys.executable,
        "-m",
        "trikeye",
        "models",
        "evaluate",
        "street",
        "--data",
        str(data),
        "--json",
        "--report",
        str(page),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.strip().splitlines()[-1])
    row = result["categories"][CATEGORY]
    assert row["boxes"] == row["pictures"] == 1
    assert row["threshold"] > 0
    assert [row[key] for key in ("ap50", "precision", "recall", "false_per_100_images")] == [None] * 4
    assert set(result["by"]) == {"source", "size", "light"}
    assert result["map50"] is None
    assert "Worst misses" in page.read_text()


@pytest.mark.process
def test_the_command_refuses_a_bad_set_with_file_and_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "trikeye", "models", "evaluate", "street", "--data", str(a_set(tmp_path, "0 0.5\n"))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "one.txt:1" in done.stderr
