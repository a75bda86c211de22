"""A pack may not lie, and without a network that can redact there is no picture."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.command_show import card_of, standings
from models.packs import SHIPPED, MalformedPack, PackMissing, WrongDigest, load_pack
from models.published import MEASURED, published_of
from models.redaction import FLOOR, SUSPECTED, RedactedImage, RedactionUnavailable, Redactor, merged, region_of
from models.runtime import Detector
from models.taxonomy import CATEGORIES

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample" / "video.mp4"


def test_the_shipped_pack_is_what_its_card_says() -> None:
    pack = load_pack("street")
    Detector(pack)
    assert {label.category for label in pack.labels if label.role == "problem"} <= set(CATEGORIES)
    assert (pack.model.stat().st_size) <= 12 * 1024 * 1024


def test_the_card_says_what_was_measured_of_this_very_network() -> None:
    """`trikeye models evaluate street --json` prints measured.json again, given the photographs; `models.training.fit` the other."""
    pack = load_pack("street")
    published = published_of(pack.model.parent)
    thresholds = {label.category: label.threshold for label in pack.labels if label.role == "problem"}
    for stored in (published, json.loads((SHIPPED / "street" / MEASURED).read_text())):
        assert stored["digest"] == pack.digest
        for category, figures in stored["categories"].items():
            assert figures["threshold"] == pytest.approx(thresholds.get(category, figures["threshold"]))
            assert (figures["ap50"] is None) == (figures["boxes"] < 30)
    assert published["map50"] == pack.card["map50"]
    live = {
        c
        for c, f in published["categories"].items()
        if c in thresholds and f["precision_interval"] and f["precision_interval"][0] >= 0.7 and f["pictures"] >= 10
    }
    assert set(pack.card["live"]) == live
    assert {c for c, f in published["categories"].items() if f.get("standing") == "live"} <= live


def test_a_category_that_is_not_live_is_in_shadow_and_few_boxes_give_no_figure() -> None:
    shown = card_of(load_pack("street"))
    standings = {category: row["standing"] for category, row in shown["categories"].items()}
    assert set(standings.values()) == {"live", "shadow"}
    assert sum(standing == "live" for standing in standings.values()) == shown["live"]
    assert shown["live"] + shown["shadow"] == len(standings)
    assert all(row["ap50"] is None for row in shown["categories"].values() if row["boxes"] < 30)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_names_what_is_live_and_what_in_shadow(readme: str) -> None:
    """A pack that measures otherwise needs these two lines renewed: trikeye models show street."""
    text = (SHIPPED.parents[1] / readme).read_text(encoding="utf-8")
    assert "\n".join(standings(card_of(load_pack("street")))) in text


@pytest.mark.shared
def test_what_was_measured_is_measured_again(shared: Path) -> None:
    argv = ["models", "evaluate", "street", "--data", str(shared / "data" / "street" / "data.yaml"), "--json"]
    done = subprocess.run([sys.executable, "-m", "trikeye", *argv], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    again, measured = json.loads(done.stdout), json.loads((SHIPPED / "street" / "measured.json").read_text())
    assert again["map50"] == pytest.approx(measured["map50"], abs=0.002)
    for category, figures in measured["categories"].items():
        assert again["categories"][category]["boxes"] == figures["boxes"]
        if figures["ap50"] is not None:
            assert again["categories"][category]["ap50"] == pytest.approx(figures["ap50"], abs=0.01)


def test_a_changed_network_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "street", tmp_path / "street")
    with (tmp_path / "street" / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WrongDigest, match="copy the pack again"):
        load_pack(tmp_path / "street")


def test_a_missing_pack_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="street"):
        load_pack(tmp_path / "nothing")


def test_a_broken_card_names_the_key(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "street", tmp_path / "street")
    card = tmp_path / "street" / "pack.toml"
    card.write_text(card.read_text().replace("width = 640", "width = -1"))
    with pytest.raises(MalformedPack, match=r"input\.width"):
        load_pack(tmp_path / "street")


def test_a_network_that_knows_no_people_cannot_redact() -> None:
    detector = Detector(load_pack("street"))
    detector.pack = replace(
        detector.pack, labels=tuple(label for label in detector.pack.labels if label.name != "person")
    )
    with pytest.raises(RedactionUnavailable, match="person"):
        Redactor(detector)


def test_nobody_else_makes_a_redacted_image() -> None:
    with pytest.raises(RedactionUnavailable):
        RedactedImage(np.zeros((4, 4, 3), np.uint8), 0, "")


def test_every_region_that_was_made_unreadable_before_is_so_still_and_more_are() -> None:
    video = cv2.VideoCapture(str(SAMPLE))
    video.set(cv2.CAP_PROP_POS_FRAMES, 100)
    frame = np.asarray(video.read()[1], np.uint8)
    detector = Detector(load_pack("street"))
    surest = [r for f in detector.detect(frame, FLOOR) if (r := region_of(f.label.name, f.box_px)) is not None]
    every = [
        r for f in detector.suspects(frame, SUSPECTED, FLOOR) if (r := region_of(f.label.name, f.box_px)) is not None
    ]
    regions = merged(every)
    assert 0 < len(surest) < len(regions) < len(every)
    assert Redactor(detector).redact(frame).regions == len(regions)
    for region in [*surest, *every]:
        assert any(
            np.all(np.subtract(region[:2], kept[:2]) > -0.01) and np.all(np.subtract(kept[2:], region[2:]) > -0.01)
            for kept in regions
        )


def test_the_head_of_a_person_and_the_plate_of_a_car_are_regions() -> None:
    head = region_of("person", (100, 100, 140, 220))
    plate = region_of("car", (0, 0, 100, 100))
    assert head is not None
    assert plate is not None
    assert head[1] < 100 < head[3] < 150
    assert plate[1] > 40
    assert region_of("garbage", (0, 0, 9, 9)) is None
