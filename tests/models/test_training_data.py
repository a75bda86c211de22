"""The training set: what goes in, what never does, and how much of it may be drawn."""

from __future__ import annotations

import csv
import zlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.training.classes import CLASSES, CONTEXT_FROM_COCO, NAMES
from models.training.data import (
    FOLDS,
    MAX_DRAWN_SHARE,
    build,
    drawn_allowed,
    folds,
    photographs,
    read_rows,
    repeated,
    street_folder,
    write_rows,
)
from models.training.sets import SOURCES, BadSet, annotated, may_train, set_of, trained


def draw(path: Path) -> None:
    """A picture unlike any other, of large patches, so that it survives being encoded; its name is its seed."""
    patches = np.random.default_rng(zlib.crc32(path.stem.encode())).integers(0, 255, (6, 8, 3))
    cv2.imwrite(str(path), cv2.resize(patches.astype(np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder laid out as the photographs are: 17 to train on, one that may not be, two to measure on."""
    root = tmp_path / "street"
    train = [f"malta__{number}" for number in range(17)] + ["clean__boston"]
    for split, stems in (("train", train), ("val", ["sdaia__1", "clean__2"])):
        (root / "images" / split).mkdir(parents=True)
        (root / "labels" / split).mkdir(parents=True)
        for stem in stems:
            draw(root / "images" / split / f"{stem}.webp")
            write_rows(root / "labels" / split / f"{stem}.txt", [(1, 0.5, 0.5, 0.2, 0.2)])
    return root


def drawn_frames(folder: Path, count: int) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(count):
        (folder / "images" / f"drawn_100_{number:03d}.jpg").write_bytes(b"frame")
        write_rows(folder / "labels" / f"drawn_100_{number:03d}.txt", [(6, 0.5, 0.5, 0.2, 0.1)])
    return folder


def test_the_drawn_share_is_never_exceeded_and_never_wasted() -> None:
    for photos in (0, 1, 17, 500, 2089):
        allowed = drawn_allowed(photos, 10_000)
        assert allowed <= MAX_DRAWN_SHARE * (photos + allowed)
        assert (allowed + 1) > MAX_DRAWN_SHARE * (photos + allowed + 1)
    assert drawn_allowed(2089, 12) == 12


def test_too_many_drawn_frames_are_cut_down_and_none_is_measured_on(street: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    report = build(street, tmp_path / "no-teacher", drawn_frames(tmp_path / "drawn", 40), out)
    train = [path.stem for path in (out / "images" / "train").iterdir()]
    assert report["drawn"] == sum(not set_of(stem) for stem in train) == 3
    assert {path.stem for path in (out / "images" / "val").iterdir()} == {"sdaia__1", "clean__2"}


def test_a_set_that_is_for_measuring_alone_is_not_trained_on(street: Path, tmp_path: Path) -> None:
    build(street, tmp_path / "no-teacher", None, tmp_path / "set")
    assert not list((tmp_path / "set" / "images" / "train").glob("clean__*"))
    assert (tmp_path / "set" / "images" / "val" / "clean__2.webp").exists()


def test_the_teachers_boxes_join_those_of_the_photograph(street: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    teacher.mkdir()
    car = (NAMES.index("car"), 0.25, 0.25, 0.1, 0.1)
    write_rows(teacher / "malta__3.txt", [car])
    build(street, teacher, None, tmp_path / "set")
    assert read_rows(tmp_path / "set" / "labels" / "train" / "malta__3.txt") == [(1, 0.5, 0.5, 0.2, 0.2), car]


def test_what_is_nearly_a_photograph_to_measure_on_is_not_trained_on(street: Path, tmp_path: Path) -> None:
    taken = cv2.imread(str(street / "images" / "val" / "sdaia__1.webp"))
    cv2.imwrite(str(street / "images" / "train" / "malta__5.webp"), cv2.flip(cv2.resize(taken, (200, 150)), 1))
    report = build(street, tmp_path / "no-teacher", None, tmp_path / "set")
    assert report["left_out_as_alike"] == [("malta__5.webp", "sdaia__1.webp")]
    assert not (tmp_path / "set" / "images" / "train" / "malta__5.webp").exists()
    assert report["photos"] == {"train": 16, "val": 2}


def test_a_scene_on_both_sides_is_refused_and_nothing_is_written(street: Path, tmp_path: Path) -> None:
    rows = "malta__5.webp\tmalta\ts7\nmalta__6.webp\tmalta\t\nsdaia__1.webp\tsdaia\ts7\nclean__2.webp\tclean\t\n"
    (street / "index.tsv").write_text("file\tset\tscene\n" + rows)
    with pytest.raises(BadSet, match=r"scene s7 is on both sides: .*malta__5.webp is to train on, .*sdaia__1.webp"):
        build(street, tmp_path / "no-teacher", None, tmp_path / "set")
    assert not list(tmp_path.glob("set*"))


def test_the_report_says_of_which_terms_the_photographs_are(street: Path, tmp_path: Path) -> None:
    report = build(street, tmp_path / "no-teacher", None, tmp_path / "set")
    assert (report["policy"], report["fold"]) == ("shipped", None)
    row = {"set": "malta", "terms": "unstated", "pictures": 17, "boxes": 17, "pictures_share": 1.0, "boxes_share": 1.0}
    assert report["sets"] == [row]
    assert not (tmp_path / "set.part").exists()


def test_building_again_leaves_nothing_of_the_last_time(street: Path, tmp_path: Path) -> None:
    build(street, tmp_path / "no-teacher", drawn_frames(tmp_path / "drawn", 3), tmp_path / "set")
    build(street, tmp_path / "no-teacher", None, tmp_path / "set")
    assert not list((tmp_path / "set" / "images" / "train").glob("drawn*"))


def test_photographs_of_rare_classes_repeat_and_the_others_come_once() -> None:
    known: dict[str, set[int]] = {f"plain_{number:03d}": {1} for number in range(398)}
    known |= {"rare_1": {1, 9}, "rare_2": {9}}
    times = Counter(repeated(known, seed=1))
    assert set(times) == set(known)
    assert {times[name] for name in known if name.startswith("plain")} == {1}
    # Class 9 is in 0.5 % of the photographs, wanted in 6 %: the square root of 12 is 3.46.
    assert {times["rare_1"], times["rare_2"]} <= {3, 4}
    assert repeated(known, seed=1) == repeated(known, seed=1)


@pytest.mark.shared
def test_no_scene_is_on_both_sides_of_a_fold_and_every_photograph_is_measured_once(shared: Path) -> None:
    street = shared / "data" / "street"
    dealt = folds(street)
    with (street / "index.tsv").open(newline="", encoding="utf-8") as file:
        scene = {row["file"]: row["scene"] for row in csv.DictReader(file, delimiter="\t")}
    measured: Counter[str] = Counter()
    for fold in range(FOLDS):
        sides = photographs(street, fold)
        assert not {scene[p.name] for p in sides["train"]} & {scene[p.name] for p in sides["val"]}
        measured.update(p.name for p in sides["val"])
    assert set(measured) == set(dealt)
    assert set(measured.values()) == {1}


def test_missing_photographs_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIKEYE_SHARED", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="TRIKEYE_SHARED"):
        street_folder()


def test_a_picture_says_by_its_name_what_its_background_is_background_of() -> None:
    assert "garbage_bag" not in annotated("sdaia__frame_1")
    assert "garbage" in annotated("sdaia__frame_1")
    assert trained(Path("sdaia__frame_1.jpg")) - annotated("sdaia__frame_1") == set(CONTEXT_FROM_COCO.values())
    assert annotated("drawn_100_003") == set(NAMES)
    assert set_of("sdaiacrop__x") == "sdaiacrop"


def test_a_pack_that_ships_learns_from_no_set_that_forbids_it() -> None:
    assert not may_train("clean__boston", "shipped")
    assert may_train("clean__boston", "research")
    assert not may_train("sdaia__frame_1", "strict")
    assert may_train("sdaia__frame_1", "shipped")
    assert all(source.complete <= source.annotates for source in SOURCES.values())


def test_every_name_in_the_tables_is_a_class_of_the_network() -> None:
    assert len(set(NAMES)) == len(CLASSES) == 33
    for names in (*(s.annotates | s.complete for s in SOURCES.values()), CONTEXT_FROM_COCO.values()):
        assert set(names) <= set(NAMES)


@pytest.mark.shared
def test_every_photograph_is_of_a_known_set_and_boxes_only_what_that_set_annotates(shared: Path) -> None:
    street = shared / "data" / "street"
    for labels in sorted((street / "labels").rglob("*.txt")):
        assert set_of(labels.stem), labels.name
        strange = {NAMES[row[0]] for row in read_rows(labels)} - annotated(labels.stem)
        assert not strange, f"{labels.name} boxes {strange}"
