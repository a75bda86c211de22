"""A whole training in small: two epochs on frames of the sample ride, killed in between, resumed, exported, compared."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from models.training.classes import NAMES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "demo" / "ride" / "sample"
Start = Callable[[Path], subprocess.Popen[bytes]]
RECIPE = Path(__file__).with_name("tiny.toml").read_text()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fourth frame of the sample ride with the boxes of its truth."""
    out = tmp_path_factory.mktemp("data")
    for part in ("images/train", "labels/train"):
        (out / part).mkdir(parents=True)
    truth, video = json.loads((SAMPLE / "truth.json").read_text()), cv2.VideoCapture(str(SAMPLE / "video.mp4"))
    things = [*truth["problems"], *truth["others"]]
    for number in range(400):
        image = video.read()[1]
        if number % 4:
            continue
        cv2.imwrite(str(out / "images" / "train" / f"drawn_{number}.jpg"), cv2.resize(image, (320, 180)))
        rows = [(NAMES.index(t["class"]), *v[1:5]) for t in things for v in t["views"] if v[0] == number and v[5] > 0.5]
        lines = [f"{n} {(a + c) / 1920:.5f} {(b + d) / 1080:.5f} {(c - a) / 960:.5f} {(d - b) / 540:.5f}" for n, a, b, c, d in rows]  # fmt: skip
        (out / "labels" / "train" / f"drawn_{number}.txt").write_text("\n".join(lines))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (out / "data.yaml").write_text(f"path: {out}\ntrain: images/train\nval: images/train\nnames:\n{names}")
    (out / "recipe.toml").write_text(RECIPE)
    return out


@pytest.fixture
def start(data: Path, request: pytest.FixtureRequest) -> Start:
    """Starts a training in a folder; none outlives its test."""

    def begin(work: Path) -> subprocess.Popen[bytes]:
        process = _start(data, work)
        request.addfinalizer(process.kill)
        return process

    return begin


def _start(data: Path, work: Path) -> subprocess.Popen[bytes]:
    argv = ["models", "train", "--config", str(data / "recipe.toml"), "--data", str(data), "--weights", "yolo26n.yaml",
            "--work", str(work), "--run", "tiny"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "trikeye", *argv], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def epochs(work: Path) -> list[int]:
    path = work / "tiny" / "run" / "results.csv"
    return [int(row["epoch"]) for row in csv.DictReader(path.open())] if path.exists() else []


def test_a_killed_training_goes_on_where_it_was_and_ends_as_a_pack(data: Path, start: Start, tmp_path: Path) -> None:
    first = start(tmp_path)
    last = tmp_path / "tiny" / "run" / "weights" / "last.pt"
    deadline = time.monotonic() + 240
    while not (epochs(tmp_path) == [1] and last.exists()):
        assert first.poll() is None, (
            first.stderr and first.stderr.read().decode()[-800:]
        ) or "ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    again = start(tmp_path)
    assert again.stderr is not None
    said = again.stderr.read().decode()
    assert again.wait() == 0, said[-800:]
    assert epochs(tmp_path) == [1, 2]

    pack = tmp_path / "pack"
    export = subprocess.run([sys.executable, "-m", "trikeye", "models", "export", str(last), "--out", str(pack), "--name", "tiny"],
                            cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert export.returncode == 0, export.stderr
    assert "off its network by" in export.stdout
    assert (pack / "model.onnx").stat().st_size < 12 * 1024 * 1024
    compare = [sys.executable, "-m", "trikeye", "models", "compare", str(pack), str(pack), "--data", str(data / "data.yaml"), "--split", "train", "--json"]  # fmt: skip
    done = subprocess.run(compare, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mean"]["verdict"] == "within noise"


def test_a_training_that_is_done_is_left_alone(start: Start, tmp_path: Path) -> None:
    """Called again after its end, it neither trains nor fails."""
    for _ in range(2):
        run = start(tmp_path)
        assert run.stderr is not None
        said = run.stderr.read().decode()
        assert run.wait() == 0, said[-800:]
    assert epochs(tmp_path) == [1, 2]
