"""From verdicts to a new pack, in small: an export of the sample ride's frames becomes a set, two tiny epochs, a pack; what was rejected is background in full."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
import torch

from models.training.augment import Strength
from models.training.classes import CLASSES, NAMES
from models.training.from_verdicts import build
from models.training.sets import trained
from models.training.sources import class_weights, vary
from models.verdicts import LINES, Judged

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "demo" / "ride" / "sample"
CATEGORY = {each.name: each.category for each in CLASSES}
RECIPE = Path(__file__).with_name("tiny.toml").read_text()


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clearest view of every problem of the sample ride: confirmed, and of every third one an empty place beside it, rejected."""
    out = tmp_path_factory.mktemp("verdicts")
    truth = json.loads((SAMPLE / "truth.json").read_text())
    best = {p["id"]: max((v for v in p["views"] if v[5] > 0.8), key=lambda v: v[4] - v[2], default=None) for p in truth["problems"]}  # fmt: skip
    frames = _frames({view[0] for view in best.values() if view}, out)
    lines = []
    for problem in truth["problems"]:
        view = best[problem["id"]]
        if view is None:
            continue
        x1, y1, x2, y2 = (edge / side for edge, side in zip(view[1:5], (960, 540) * 2, strict=True))
        lines.append(_line(len(lines) + 1, problem, frames[view[0]], (x1, y1, x2, y2)))
        if len(lines) % 3 == 0:
            lines.append(_line(len(lines) + 1, problem, frames[view[0]], (0.0, 0.0, 0.1, 0.1), right=False))
    (out / LINES).write_text("".join(f"{line.model_dump_json(exclude_none=True)}\n" for line in lines))
    return out


def _frames(wanted: set[int], out: Path) -> dict[int, str]:
    """Frames of the ride as pictures of the export: frame → sha256."""
    video, digests = cv2.VideoCapture(str(SAMPLE / "video.mp4")), {}
    for number in range(max(wanted) + 1):
        image = video.read()[1]
        if number in wanted:
            data = cv2.imencode(".jpg", cv2.resize(image, (320, 180)))[1].tobytes()
            digests[number] = hashlib.sha256(data).hexdigest()
            path = out / "pictures" / digests[number][:2] / f"{digests[number]}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return digests


def _line(number: int, problem: dict[str, Any], sha256: str, box: tuple[float, ...], right: bool = True) -> Judged:
    answer = {"verdict": "confirmed", "decided": problem["category"]} if right else {"verdict": "rejected", "reason": 2}
    return Judged.model_validate({
        "case": number, "sighting": str(UUID(int=number)), "proposed": problem["category"], "label": problem["class"], "score": 0.5, "probability": 0.5,
        "pack": "street", "pack_digest": "b" * 64, "redaction": "c" * 64, "vehicle": "TY-01", "pass_id": str(UUID(int=1)), "day": "2026-11-02",
        "lat_deg": problem["lat"], "lon_deg": problem["lon"], "pictures": [{"role": "best", "sha256": sha256, "box": box}], **answer,
    })  # fmt: skip


def test_verdicts_become_a_pack(export: Path, tmp_path: Path) -> None:
    report = build([export], tmp_path / "set", lambda *_: None)
    assert sum(report.boxes.values()) > 30
    assert min(report.pictures["train"], report.pictures["val"], sum(report.negatives.values())) > 3
    (tmp_path / "recipe.toml").write_text(RECIPE)
    _run("-m", "trikeye", "models", "train", "--config", str(tmp_path / "recipe.toml"), "--data", str(tmp_path / "set"),
         "--weights", "yolo26n.yaml", "--work", str(tmp_path), "--run", "tiny")  # fmt: skip
    last = tmp_path / "tiny" / "run" / "weights" / "last.pt"
    _run("-m", "trikeye", "models", "export", str(last), "--out", str(tmp_path / "pack"), "--name", "tiny")
    said = _run("-m", "trikeye", "models", "evaluate", str(tmp_path / "pack"), "--data", str(tmp_path / "set" / "data.yaml"), "--json")  # fmt: skip
    measured = json.loads(said.splitlines()[-1])
    assert sum(row["boxes"] for row in measured["categories"].values()) > 3, "confirmed boxes are what is measured on"


def _run(*argv: str) -> str:
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-800:]
    return done.stdout


def test_what_was_rejected_is_background_in_full_and_nothing_else_is(export: Path, tmp_path: Path) -> None:
    build([export], tmp_path / "set", lambda *_: None)
    weights = [
        dict(zip(NAMES, class_weights(trained(path), 0.2), strict=True))
        for path in sorted((tmp_path / "set").glob("images/*/*.jpg"))
    ]
    kinds = {frozenset(CATEGORY[name] for name, weight in row.items() if weight == 1) for row in weights}
    assert frozenset() in kinds
    assert len(kinds) > 2
    assert all(weight in (0.2, 1.0) for row in weights for weight in row.values())
    for row in weights:
        assert len({row[name] for name in ("pothole", "crack", "footpath_damaged")}) == 1, "of one category"


def test_a_mosaic_mixes_only_pictures_of_which_the_same_is_known(export: Path, tmp_path: Path) -> None:
    """A row of weights is one picture's: in its mosaic must be no other kind."""
    build([export], tmp_path / "set", lambda *_: None)
    paths = sorted((tmp_path / "set").glob("images/train/*.jpg"))
    silent = [path for path in paths if not trained(path)][:4]
    other = next(path for path in paths if trained(path))
    colours = [1.0] * len(silent) + [0.0]
    pictures = torch.tensor(np.array(colours, np.float32))[:, None, None, None].expand(-1, 3, 64, 64).clone()
    batch = {"img": pictures, "im_file": [*map(str, silent), str(other)], "ori_shape": [(64, 64)] * len(colours), "batch_idx": torch.zeros(0),
             "bboxes": torch.zeros(0, 4), "cls": torch.zeros(0, 1)}  # fmt: skip
    plain = replace(Strength(), mosaic=1.0, scale=0.0, shift=0.0, flip=0.0, hue=0.0, saturation=0.0, brightness=0.0)
    for _ in range(10):
        mixed = vary(dict(batch), plain)["img"]
        assert mixed[:-1].min() > 0.4, "no black tile among the white ones (grey is padding)"
        assert mixed[-1].max() < 0.5
