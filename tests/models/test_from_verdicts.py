"""What a reviewer decided becomes boxes and hard negatives, and nothing that nobody decided."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from judged import export, line, rejected

from models.packs import load_pack
from models.pixels import Image, encode_jpeg, read_picture
from models.runtime import Found
from models.training.classes import NAMES
from models.training.data import read_rows
from models.training.dataset import BadSet, read_set, scenes_on_both_sides
from models.training.from_verdicts import CLASSES_OF, GREY, Report, alone, build, val_scenes
from models.training.sets import trained
from models.verdicts import LINES, BadExport, Judged

ROAD = {"pothole", "crack", "footpath_damaged"}


def made(tmp_path: Path, *lines: Judged) -> tuple[Path, Report]:
    out = tmp_path / "set"
    return out, build([export(tmp_path / "export", *lines)], out, lambda *_: None)


def index(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "index.tsv").open(), delimiter="\t"))


def labels(out: Path) -> list[tuple[str, float, float, float, float]]:
    """Every box of the set, its class by name."""
    return [(NAMES[row[0]], *row[1:]) for path in sorted(out.glob("labels/*/*.txt")) for row in read_rows(path)]


def test_a_confirmed_sighting_is_a_box_of_the_label_that_the_network_gave(tmp_path: Path) -> None:
    out, report = made(tmp_path, line())
    (box,) = labels(out)
    assert box[0] == "crack"
    assert box[1:] == pytest.approx((0.2, 0.4, 0.2, 0.4))
    assert report.boxes == {"road_damage": 1}
    (sample,) = read_set(out / "data.yaml", "train")
    assert sample.judges("road_damage")
    assert not sample.judges("road_damage", completely=True), "another pothole in the picture is unlabelled, not absent"
    assert not sample.judges("small_ads")
    assert trained(sample.picture) == frozenset()


def test_a_rejected_one_is_a_picture_in_which_the_category_is_known_to_be_absent(tmp_path: Path) -> None:
    out, report = made(tmp_path, rejected())
    assert labels(out) == []
    assert report.negatives == {"road_damage": 1}
    (sample,) = read_set(out / "data.yaml", "train")
    assert sample.judges("road_damage", completely=True)
    assert trained(sample.picture) == ROAD, "training counts these as background in full, and no other"


def test_a_changed_category_is_a_box_of_the_one_and_a_negative_of_the_other(tmp_path: Path) -> None:
    out, report = made(tmp_path, line(decided="road_ponding"))
    assert [box[0] for box in labels(out)] == ["water_on_road"]
    assert (report.boxes, report.negatives) == ({"road_ponding": 1}, {"road_damage": 1})
    known = {trained(path) for path in out.glob("images/train/*.jpg")}
    assert known == {frozenset(), frozenset(ROAD)}


def test_of_a_rejected_box_only_its_surroundings_are_shown(tmp_path: Path) -> None:
    """Elsewhere in the picture the same thing may stand, and nobody said that it does not."""
    image = np.full((100, 200, 3), 255, np.uint8)
    shown = alone(image, [(0.1, 0.4, 0.2, 0.6)], [(0.2, 0.0, 0.3, 1.0)])
    white = (shown == 255).all(axis=2)
    assert white[40:60, 20:40].all(), "the box"
    assert white[30:70, 10:40].all(), "half its size around it"
    assert not white[:, 40:].any(), "less what was confirmed"
    assert set(np.unique(shown[~white])) == {GREY}


def test_without_a_label_of_the_category_its_first_class_is_taken(tmp_path: Path) -> None:
    out, _ = made(tmp_path, line(label="garbage"))
    assert [box[0] for box in labels(out)] == [CLASSES_OF["road_damage"][0]] == ["pothole"]


def test_two_verdicts_on_one_picture_meet_in_it(tmp_path: Path) -> None:
    other = (0.5, 0.5, 0.7, 0.7)
    lines = line(1), line(2, seed=1, box=other, proposed="small_ads", label="graffiti", decided="small_ads"), rejected(3, seed=1, proposed="road_dirty")  # fmt: skip
    out, report = made(tmp_path, *lines)
    assert sorted(box[0] for box in labels(out)) == ["crack", "graffiti"]
    told = {row["file"].endswith("-not.jpg"): (set(row["annotates"].split()), row["complete"]) for row in index(out)}
    assert told == {False: (ROAD | {"graffiti"}, ""), True: ({"sand_on_road"}, "sand_on_road")}
    assert sum(report.pictures.values()) == 2


def test_of_many_rejections_the_surest_are_kept(tmp_path: Path) -> None:
    same = {"lat_deg": 37.87}
    lines = [rejected(number, score=number / 100, **same) for number in range(2, 30)]
    out, report = made(tmp_path, line(1, **same), *lines)
    assert report.negatives == {"road_damage": 3}
    assert report.left_out == {"a rejection beyond three for each confirmation": 25}
    kept = {path.stem.removesuffix("-not") for path in out.glob("images/train/*-not.jpg")}
    assert kept == {each.pictures[0].sha256 for each in lines[-3:]}


@pytest.mark.parametrize(("wrong", "times"), [(1, 1), (3, 3), (12, 4)])
def test_boxes_are_not_outnumbered_by_what_was_rejected(tmp_path: Path, wrong: int, times: int) -> None:
    same = {"lat_deg": 37.87}  # one scene, so that nothing is set aside to measure on
    categories = ("road_damage", "small_ads", "road_dirty", "waste_pile")
    wrongs = [rejected(number, proposed=categories[number % 4], **same) for number in range(2, wrong + 2)]
    out, _ = made(tmp_path, line(1, **same), *wrongs)
    epoch = (out / "train.txt").read_text().split()
    assert sum(not name.endswith("-not.jpg") for name in epoch) == times
    assert len(epoch) == times + wrong
    assert all((out / name).is_file() for name in epoch)


class Teacher:
    """Sure of a bin in one place, of a crack and a person in another, not quite of a car; and of a bag where a crack was confirmed."""

    def detect(self, image: Image, floor: float) -> list[Found]:
        height, width = image.shape[:2]
        labels = {label.name: label for label in load_pack("street").labels}
        seen = (
            ("bin_ok", 0.6, 0.8),
            ("crack", 0.6, 0.9),
            ("person", 0.7, 0.7),
            ("car", 0.7, 0.4),
            ("garbage_bag", 0.1, 0.9),
        )
        return [
            Found((x * width, 0.2 * height, (x + 0.2) * width, 0.6 * height), labels[name], score, score)
            for name, x, score in seen
        ]


def test_a_teacher_labels_what_it_is_sure_of_and_nobody_judged(tmp_path: Path) -> None:
    report = build([export(tmp_path / "export", line())], tmp_path / "set", lambda *_: None, Teacher())  # type: ignore[arg-type]
    assert sorted(box[0] for box in labels(tmp_path / "set")) == ["bin_ok", "crack", "person"]
    assert report.taught == {"bin_ok": 1, "person": 1}
    (sample,) = read_set(tmp_path / "set" / "data.yaml", "train")
    assert trained(sample.picture) == frozenset(), "what the teacher did not see is not known to be absent"


def test_exports_of_two_rides_make_one_set(tmp_path: Path) -> None:
    folders = [
        export(tmp_path / "one", line(1)),
        export(tmp_path / "two", line(1, seed=2), line(1, box=(0.5, 0.5, 0.6, 0.6))),
    ]
    report = build(folders, tmp_path / "set", lambda *_: None)
    assert sum(report.pictures.values()) == 2, "a picture in both is one"
    assert report.boxes == {"road_damage": 3}


def test_what_says_nothing_of_the_picture_is_left_out_and_counted(tmp_path: Path) -> None:
    lines = (line(1), line(2, verdict="unsure"), rejected(3, reason=3), line(4, box=None),
             line(5, proposed="illegal_parking", decided="illegal_parking"))  # fmt: skip
    out, report = made(tmp_path, *lines)
    assert len(index(out)) == 1
    assert report.left_out == {"unsure": 1, "rejected for a reason that is not in the picture": 1, "no box in a picture": 1,
                               "a category without a class of the network": 1}  # fmt: skip
    assert json.loads((out / "report.json").read_text())["boxes"] == {"road_damage": 1}


def test_no_scene_is_on_both_sides_and_none_ever_changes_sides(tmp_path: Path) -> None:
    near = [line(number, lat_deg=37.87 + number * 8 / 111_195) for number in range(1, 40)]
    out, _ = made(tmp_path, *near)
    train, val = (read_set(out / "data.yaml", split) for split in ("train", "val"))
    assert train
    assert val
    assert not scenes_on_both_sides(train, val)
    scenes = {each.scene for each in near}
    assert 6 <= len(scenes) <= 8, "39 cases over 312 m, in cells of 50 m"
    many = {f"{number}_0" for number in range(1000)}
    assert 150 < len(val_scenes(many)) < 250
    assert val_scenes(many) & scenes <= val_scenes(many | {"new_0"})
    assert val_scenes({"one"}) == set()


def test_a_picture_like_one_to_measure_on_is_not_trained_on(tmp_path: Path) -> None:
    """Two cases on both sides of a cell's edge, seen a step apart."""
    scenes = {each.scene: each for each in (line(number) for number in range(1, 30))}
    inside = scenes[min(val_scenes(set(scenes)))]
    folder = tmp_path / "export"
    edge = next(each for each in scenes.values() if each.case == inside.case + 1)
    export(folder, *scenes.values())
    twin = read_picture(folder / inside.pictures[0].file)
    twin[::9] = twin[::9] // 2
    data = encode_jpeg(twin)
    sha256 = hashlib.sha256(data).hexdigest()
    (folder / "pictures" / sha256[:2]).mkdir(exist_ok=True)
    (folder / "pictures" / sha256[:2] / f"{sha256}.jpg").write_bytes(data)
    (folder / LINES).write_text((folder / LINES).read_text().replace(edge.pictures[0].sha256, sha256))
    report = build([folder], tmp_path / "set", lambda *_: None)
    assert report.left_out == {"a picture that is nearly one to measure on": 1}
    assert sha256 not in (tmp_path / "set" / "train.txt").read_text()


def test_the_set_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = export(tmp_path / "export", line(1), line(2))
    broken = next((folder / "pictures").rglob("*.jpg"))
    broken.write_bytes(b"half")
    with pytest.raises(BadExport, match=broken.name):
        build([folder], tmp_path / "set", lambda *_: None)
    assert not (tmp_path / "set").exists()
    with pytest.raises(BadExport, match="can teach nothing"):
        build([export(tmp_path / "empty")], tmp_path / "set", lambda *_: None)


def test_an_index_with_a_class_that_is_none_is_refused_by_line(tmp_path: Path) -> None:
    out, _ = made(tmp_path, line())
    (out / "index.tsv").write_text((out / "index.tsv").read_text().replace("crack", "unicorn"))
    with pytest.raises(BadSet, match=r"index.tsv:2: 'unicorn'"):
        read_set(out / "data.yaml", "train")


def test_the_verb_says_what_it_made_and_refuses_a_folder_that_is_there(tmp_path: Path) -> None:
    folder = export(tmp_path / "export", line(1), rejected(2))
    argv = [sys.executable, "-m", "trikeye", "models", "dataset", "from-verdicts", str(folder), "--out", str(tmp_path / "set"), "--json"]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["boxes"], said["negatives"]) == ({"road_damage": 1}, {"road_damage": 1})
    again = subprocess.run(argv, capture_output=True, text=True)
    assert again.returncode == 1
    assert "is there already" in again.stderr
