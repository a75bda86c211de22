"""What is wrong with a set is found all at once, by file and line, before anything is trained or measured on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.pixels import BadPicture, read_picture
from models.training import looks
from models.training.alike import ALIKE, BITS, alike, fingerprint
from models.training.check import Checked, check
from models.training.dataset import BadSet, fit_to_train, labels_of, read_set
from models.training.sets import shares

BOX = "0 0.5 0.5 0.2 0.2\n"


def scene(seed: int, width: int = 200, height: int = 150) -> np.ndarray:
    """A made picture of large patches: two seeds are two places."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set in order: two pictures to train on, two to measure on."""
    for split, seeds in (("train", (1, 2)), ("val", (3, 4))):
        for part in ("images", "labels"):
            (tmp_path / part / split).mkdir(parents=True)
        for seed in seeds:
            cv2.imwrite(str(tmp_path / "images" / split / f"p{seed}.jpg"), scene(seed))
            (tmp_path / "labels" / split / f"p{seed}.txt").write_text(BOX)
    (tmp_path / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [garbage, pothole]\n")
    rows = "".join(f"p{seed}.jpg\tmalta\ts{seed}\n" for seed in (1, 2, 3, 4))
    (tmp_path / "index.tsv").write_text("file\tset\tscene\n" + rows)
    return tmp_path / "data.yaml"


def checked(data: Path) -> Checked:
    return check(data, lambda done, of: None)


def said(data: Path, weight: str = "error") -> str:
    return "\n".join(f"{each.where}: {each.words}" for each in checked(data).findings if each.weight == weight)


def test_a_set_in_order_has_no_finding(data: Path) -> None:
    found = checked(data)
    assert found.findings == []
    assert found.splits == {"train": (2, 2), "val": (2, 2)}
    assert found.sets == {"malta": (4, 4)}


def test_every_bad_line_is_told_by_file_and_number(data: Path) -> None:
    lines = [
        "0 0.5 0.5 0.2",
        "7 0.5 0.5 0.2 0.2",
        "0 0.95 0.5 0.2 0.2",
        "0 0.5 0.5 0 0.1",
        "nan 0.5 0.5 0.1 0.1",
        BOX.strip(),
        BOX.strip(),
    ]
    path = data.parent / "labels" / "train" / "p1.txt"
    path.write_text("\n".join(lines))
    words = said(data)
    for number, what in enumerate(["five numbers", "class 7", "outside", "empty", "class nan"], start=1):
        assert any(f"p1.txt:{number}: " in line and what in line for line in words.split("\n")), what
    assert "p1.txt:7: exposed_garbage is boxed twice" in words
    assert checked(data).errors == 6
    path.write_bytes(b"\xff\xfe\x00")
    assert "p1.txt: " in said(data)


def test_missing_and_empty_and_strange_labels_are_noted_and_none_at_all_is_an_error(data: Path) -> None:
    train = data.parent / "labels" / "train"
    (train / "p1.txt").write_text("")
    (train / "p2.txt").rename(train / "other.txt")
    notes = said(data, "note")
    assert "1 of 2 pictures have an empty label file and count as holding nothing" in notes
    assert "1 of 2 pictures have no label file" in notes
    assert "1 label files have no picture" in notes
    assert checked(data).errors == 0
    for path in train.iterdir():
        path.unlink()
    assert "no picture has a label file" in said(data)
    with pytest.raises(
        BadSet, match=r"no picture of 'train' has a label file; the first was looked for at .*labels/train/p1\.txt"
    ):
        read_set(data, "train")


def test_a_class_that_the_taxonomy_lacks_is_refused_by_name(data: Path) -> None:
    data.write_text(data.read_text().replace("pothole", "unicorn"))
    with pytest.raises(BadSet, match=r"'unicorn' is no category and no class; there are: .*bagged_garbage.*pothole"):
        checked(data)


def test_an_unknown_class_is_told_with_those_that_may_be_meant(data: Path) -> None:
    text = data.read_text()
    for given, meant in (("potholes", "pothole"), ("Illegal Car", "misparked_car"), ("manhole_missing", "manhole_bad")):
        data.write_text(text.replace("pothole", given))
        with pytest.raises(BadSet, match=f"'{given}' is no category and no class; the nearest are: .*{meant}"):
            checked(data)


def test_a_folder_stands_for_its_data_yaml(data: Path) -> None:
    assert checked(data.parent).splits == {"train": (2, 2), "val": (2, 2)}
    assert len(read_set(data.parent, "val")) == 2
    with pytest.raises(BadSet, match=r"images is a folder; name the data\.yaml of a YOLO set"):
        checked(data.parent / "images")


def test_one_folder_for_both_splits_is_told_once_and_in_words(data: Path) -> None:
    data.write_text(data.read_text().replace("images/val", "images/train"))
    assert said(data) == f"{data}: train and val are the same pictures (images/train): give val pictures of its own"
    (data.parent / "some.txt").write_text("images/train/p1.jpg\nimages/val/p3.jpg\n")
    data.write_text(data.read_text().replace("val: images/train", "val: some.txt"))
    shared = data.parent / "images" / "train" / "p1.jpg"
    assert said(data) == f"{data}: train and val share 1 pictures: leave them out of one, {shared}"


def test_a_picture_that_is_cut_off_is_told_and_never_measured(data: Path) -> None:
    path = data.parent / "images" / "val" / "p3.jpg"
    path.write_bytes(path.read_bytes()[:-400])
    assert f"{path}: is cut off" in said(data)
    with pytest.raises(BadPicture, match=r"p3\.jpg is cut off"):
        read_picture(path)


def test_a_scene_on_both_sides_is_an_error_that_names_both_files(data: Path) -> None:
    index = data.parent / "index.tsv"
    index.write_text(index.read_text().replace("s3", "s1"))
    words = said(data)
    assert "p3.jpg: is of scene s1, and so is" in words
    assert "p1.jpg of train" in words


def test_training_refuses_a_scene_on_both_sides_and_a_bad_label(data: Path) -> None:
    fit_to_train(data)
    index = data.parent / "index.tsv"
    index.write_text(index.read_text().replace("s3", "s1"))
    with pytest.raises(BadSet, match=r"scene s1 is on both sides: .*p1\.jpg is to train on, .*p3\.jpg to measure on"):
        fit_to_train(data)
    (data.parent / "labels" / "train" / "p2.txt").write_text("0 0.5\n")
    with pytest.raises(BadSet, match=r"p2\.txt:1: a box is five numbers"):
        fit_to_train(data)


def test_what_is_nearly_one_picture_may_not_be_on_both_sides(data: Path) -> None:
    nearly = cv2.flip(cv2.resize(scene(1), (160, 120)), 1)
    cv2.imwrite(str(data.parent / "images" / "val" / "p4.jpg"), nearly, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert "p4.jpg: is nearly the picture" in said(data)
    cv2.imwrite(str(data.parent / "images" / "val" / "p4.jpg"), scene(4))
    cv2.imwrite(str(data.parent / "images" / "train" / "p2.jpg"), scene(1))
    assert said(data) == "", "twice on one side is no error"


def test_an_index_that_says_too_little_is_noted(data: Path) -> None:
    index = data.parent / "index.tsv"
    index.write_text("file\tset\tscene\np1.jpg\tatlantis\ts1\n")
    notes = said(data, "note")
    assert "3 pictures have no row" in notes
    assert "does not know the sets atlantis" in notes
    index.unlink()
    assert "there is no index" in said(data, "note")


@pytest.mark.parametrize("changed", ["brighter", "noisy", "small", "mirrored", "shifted"])
def test_a_fingerprint_survives_what_copying_does_to_a_picture(changed: str) -> None:
    one = scene(1)
    noise = np.random.default_rng(1).normal(0, 8, one.shape)
    other = {
        "brighter": np.clip(one * 0.8 + 30, 0, 255).astype(np.uint8),
        "noisy": np.clip(one + noise, 0, 255).astype(np.uint8),
        "small": cv2.resize(one, (80, 60), interpolation=cv2.INTER_AREA),
        "mirrored": cv2.flip(one, 1),
        "shifted": one[:, 4:],
    }[changed]
    assert alike([fingerprint(one)], [fingerprint(other)])


def test_different_pictures_differ_in_nearly_half_of_the_bits() -> None:
    prints = [fingerprint(scene(seed)) for seed in range(40)]
    assert [(pair.one, pair.other) for pair in alike(prints, prints)] == [(n, n) for n in range(40)]
    most = [pair.bits for pair in alike(prints[:20], prints[20:], most=BITS)]
    assert min(most) > ALIKE + 20
    assert 0.4 < np.mean(most) / BITS < 0.5
    assert alike([], prints) == []


def test_shares_are_of_pictures_and_of_boxes_and_say_the_terms() -> None:
    rows = {row["set"]: row for row in shares({"spb": (3, 10), "malta": (1, 0), "atlantis": (0, 0)})}
    assert (rows["spb"]["terms"], rows["spb"]["pictures_share"], rows["spb"]["boxes_share"]) == ("open", 0.75, 1.0)
    assert (rows["malta"]["terms"], rows["atlantis"]["terms"]) == ("unstated", "unstated")


def test_labels_lie_beside_the_last_folder_called_images() -> None:
    assert labels_of(Path("/images/set/images/val/a.jpg")) == Path("/images/set/labels/val/a.txt")


def test_out_of_memory_names_the_picture(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(looks, "read_picture", exhausted)
    with pytest.raises(looks.OutOfMemory, match=r"p3\.jpg: out of memory at picture 1 of 2"):
        looks.look_at(None, read_set(data, "val"), lambda done, of: None)  # type: ignore[arg-type]


@pytest.mark.process
def test_the_command_ends_with_1_on_an_error_and_0_with_notes(data: Path) -> None:
    argv = [sys.executable, "-m", "trikeye", "models", "dataset", "check", str(data)]
    done = subprocess.run([*argv, "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1])["errors"] == 0
    (data.parent / "labels" / "train" / "p1.txt").write_text("0 0.5 0.5 2 2\n")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "p1.txt:1: the box lies outside" in done.stdout
    assert done.stderr.strip().endswith("1 errors; mend or leave out what they name")
