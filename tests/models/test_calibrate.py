"""Probabilities fitted to verdicts, and the overlay that carries them: what it changes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judged import export, line, rejected

from models.command_show import card_of
from models.packs import MalformedPack, Pack, PackMissing, WrongDigest, load_pack
from models.runtime import Detector
from models.training.calibrate import OWN, SHARED, calibrate
from models.training.command_calibrate import overlay_of, write_overlay
from models.verdicts import Judged

STREET = load_pack("street")


def judged(number: int, category: str = "road_damage", bias: float = -1.5, **changes: Any) -> Judged:
    """A sighting whose chance of being right is sigmoid(1.3 * logit(score) + bias)."""
    lot = np.random.default_rng([number, 7])
    score = float(lot.uniform(0.25, 0.95))
    right = lot.random() < 1 / (1 + np.exp(-(1.3 * np.log(score / (1 - score)) + bias)))
    about = {"proposed": category, "label": "", "score": score, "pack_digest": STREET.digest, **changes}
    return line(number, decided=category, **about) if right else rejected(number, **about)


def many(count: int, start: int = 1, **changes: Any) -> Iterator[Judged]:
    return (judged(number, **changes) for number in range(start, start + count))


def overlay(out: Path, pack: Pack = STREET, named: str = "street", lines: int = 600) -> Path:
    write_overlay(out, overlay_of(named, out, pack, calibrate(pack, many(lines))))
    return out


def test_a_category_with_enough_verdicts_gets_the_fit_that_its_verdicts_were_drawn_by() -> None:
    made = calibrate(STREET, many(4000))
    fit = made.fits["road_damage"]
    assert fit.platt == pytest.approx((1.3, -1.5), abs=0.15)
    assert fit.source == "own"
    assert fit.before is not None
    assert fit.after is not None
    assert fit.after < 0.03 < fit.before


def test_few_verdicts_share_a_fit_and_very_few_change_nothing() -> None:
    few = calibrate(STREET, [*many(OWN), *many(OWN - 1, 1000, category="road_ponding", bias=0.5)])
    assert few.fits["road_damage"].source == "own"
    assert few.fits["road_ponding"].source == "shared"
    assert few.fits["road_ponding"].platt == few.shared
    garbage = next(label for label in STREET.labels if label.name == "garbage")
    assert few.platt_of(garbage) == few.shared, "a category that nobody judged yet shares it too"
    assert few.platt_of(next(label for label in STREET.labels if label.name == "person")) is None
    very = calibrate(STREET, many(SHARED - 1))
    assert very.shared is None
    assert very.fits["road_damage"].platt is None
    assert very.platt_of(garbage) is None


def test_a_case_seen_often_is_one_verdict() -> None:
    often = [judged(number % (OWN - 1) + 1) for number in range(5 * OWN)]
    assert calibrate(STREET, often).fits["road_damage"].verdicts == OWN - 1
    assert calibrate(STREET, often).fits["road_damage"].source == "shared"


def test_the_error_is_that_of_scenes_the_fit_did_not_see() -> None:
    """Scenes that are all right or all wrong, by chance: a fit to them all would look better than it is on a new one."""
    lines = [judged(number, lat_deg=37.87 + (number % 5) * 0.01) for number in range(1, 300)]
    flipped = [each for each in lines if (each.scene == lines[0].scene) != bool(each.is_right)]
    made = calibrate(STREET, flipped).fits["road_damage"]
    assert made.after is not None
    assert made.after > 0.2


def test_only_verdicts_on_this_network_that_say_what_is_there_count() -> None:
    lines = [judged(1), judged(2, pack_digest="e" * 64), rejected(3, reason=3, pack_digest=STREET.digest),
             line(4, proposed="illegal_parking", decided="illegal_parking", pack_digest=STREET.digest)]  # fmt: skip
    made = calibrate(STREET, lines)
    assert made.fits["road_damage"].verdicts == 1
    assert made.left_out == {"seen by another network": 1, "the verdict does not say what the picture shows": 1,
                             "no label of the pack has this category": 1}  # fmt: skip


def test_all_right_is_still_a_probability() -> None:
    made = calibrate(STREET, (line(n, score=0.5, pack_digest=STREET.digest) for n in range(1, 200)))
    platt = made.fits["road_damage"].platt
    assert platt is not None
    assert all(np.isfinite(platt))
    label = STREET.labels[0].model_copy(update={"platt": platt})
    assert 0.9 < STREET.probability(0.5, label) < 1


def test_an_overlay_is_a_pack_with_other_probabilities(tmp_path: Path) -> None:
    pack = load_pack(overlay(tmp_path / "here"))
    Detector(pack)
    crack = next(label for label in pack.labels if label.name == "crack")
    before = next(label for label in STREET.labels if label.name == "crack")
    assert pack.digest == STREET.digest
    assert pack.name.startswith(f"{STREET.name}+")
    assert crack.threshold == before.threshold
    assert pack.probability(0.5, crack) < STREET.probability(0.5, before) - 0.1
    assert [label.name for label in pack.labels] == [label.name for label in STREET.labels]
    assert any("road_damage" in words for words in card_of(pack)["card"]["overlay"])


def test_an_overlay_is_fitted_again_onto_its_base_and_keeps_its_thresholds(tmp_path: Path) -> None:
    first = overlay(tmp_path / "first")
    text = (first / "overlay.toml").read_text()
    (first / "overlay.toml").write_text(text.replace('name = "crack"', 'name = "crack"\nthreshold = 0.11'))
    second = load_pack(overlay(tmp_path / "second", load_pack(first), str(first), lines=200))
    assert 'base = "street"' in (tmp_path / "second" / "overlay.toml").read_text()
    assert {label.name: label.threshold for label in second.labels}["crack"] == 0.11


def test_a_base_may_lie_beside_the_overlay(tmp_path: Path) -> None:
    base = tmp_path / "packs" / "mine"
    base.mkdir(parents=True)
    for name in ("model.onnx", "pack.toml"):
        (base / name).write_bytes((STREET.model.parent / name).read_bytes())
    made = overlay(tmp_path / "packs" / "mine-here", STREET, str(base))
    assert 'base = "../mine"' in (made / "overlay.toml").read_text()
    moved = (tmp_path / "packs").rename(tmp_path / "elsewhere")
    assert load_pack(moved / "mine-here").digest == STREET.digest


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ('base = "street"', 'base = "gone"', PackMissing, r"overlay.toml: base: no pack at .*gone"),
        (STREET.digest, "0" * 64, WrongDigest, "fitted to another network"),
        ('name = "crack"', 'name = "unicorn"', MalformedPack, "has no unicorn"),
        ("version = 1", "version = 2", MalformedPack, "overlay.toml: version"),
        ("version = 1", "version 1", MalformedPack, "is no TOML"),
        ('base = "street"', 'base = "../here"', MalformedPack, "is an overlay itself"),
    ],
)
def test_an_overlay_that_does_not_fit_is_refused(
    tmp_path: Path, old: str, new: str, error: type[Exception], words: str
) -> None:
    path = overlay(tmp_path / "here", lines=60) / "overlay.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(error, match=words):
        load_pack(path.parent)


def test_the_verb_needs_neither_torch_nor_the_back_office(tmp_path: Path) -> None:
    folder = export(tmp_path / "export")
    (folder / "verdicts.jsonl").write_text("".join(f"{each.model_dump_json()}\n" for each in many(200)))
    argv = ["models", "calibrate", "street", "--verdicts", str(folder), "--out", str(tmp_path / "here"), "--json"]
    code = f"import sys, trikeye; code = trikeye.main({argv!r}); sys.exit(code or bool({{'torch', 'django', 'cv2'}} & set(sys.modules)) * 3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["categories"]["road_damage"]["fit"] == "own"
    assert said["pack"] == load_pack(tmp_path / "here").name
    verify = subprocess.run([sys.executable, "-m", "trikeye", "models", "verify", str(tmp_path / "here")], capture_output=True, text=True)  # fmt: skip
    assert verify.returncode == 0, verify.stderr
    missing = subprocess.run([sys.executable, "-m", "trikeye", *argv[:3], "--verdicts", str(tmp_path), *argv[5:]], capture_output=True, text=True)  # fmt: skip
    assert missing.returncode == 1
    assert "is no export" in missing.stderr
