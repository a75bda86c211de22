"""What a pack sees, drawn where anybody can look."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.process
SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample" / "video.mp4"


@pytest.fixture
def frame() -> np.ndarray:
    film = cv2.VideoCapture(str(SAMPLE))
    film.set(cv2.CAP_PROP_POS_FRAMES, 300)
    return np.asarray(film.read()[1])


def preview(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trikeye", "models", "preview", *argv], capture_output=True, text=True, timeout=60
    )


def test_a_picture_a_folder_and_a_film_are_drawn_into(tmp_path: Path, frame: np.ndarray) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), frame)
    cv2.imwrite(str(folder / "b.png"), np.zeros_like(frame))
    film = cv2.VideoWriter(
        str(tmp_path / "film.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (frame.shape[1], frame.shape[0])
    )
    for _ in range(3):
        film.write(frame)
    film.release()
    picture = preview(str(folder / "a.png"))
    assert picture.returncode == 0, picture.stderr
    drawn = cv2.imread(str(folder / "preview-a.jpg"))
    assert drawn is not None
    assert (np.abs(drawn.astype(int) - frame) > 60).any(axis=2).sum() > 500
    assert preview(str(folder), "--out", str(tmp_path / "out")).returncode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.jpg", "b.jpg", "preview-a.jpg"}
    moving = preview(str(tmp_path / "film.mp4"))
    assert moving.returncode == 0, moving.stderr
    out = cv2.VideoCapture(str(tmp_path / "preview-film.mp4"))
    assert int(out.get(cv2.CAP_PROP_FRAME_COUNT)) == 3


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty").mkdir()
    for source, words in (
        ("text.mp4", "neither a picture nor a film"),
        ("none.jpg", "does not exist"),
        ("empty", "holds no pictures"),
    ):
        done = preview(str(tmp_path / source))
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()[-1]) < 300
