"""What a pack sees, drawn where anybody can look."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.command_preview import name_of
from models.packs import load_pack

pytestmark = pytest.mark.process
SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample" / "video.mp4"


@pytest.fixture
def frame() -> np.ndarray:
    film = cv2.VideoCapture(str(SAMPLE))
    film.set(cv2.CAP_PROP_POS_FRAMES, 300)
    return np.asarray(film.read()[1])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Whoever previews stands in a folder of their own, not beside the source."""
    monkeypatch.setenv("PYTHONPATH", str(SAMPLE.parents[3]))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def preview(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trikeye", "models", "preview", *argv], capture_output=True, text=True, timeout=60
    )


def test_a_picture_a_folder_and_a_film_are_drawn_into(tmp_path: Path, elsewhere: Path, frame: np.ndarray) -> None:
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
    drawn = cv2.imread(str(elsewhere / "preview-a.jpg"))
    assert drawn is not None
    assert (np.abs(drawn.astype(int) - frame) > 60).any(axis=2).sum() > 500
    assert preview(str(folder), "--out", str(tmp_path / "out")).returncode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.jpg", "b.jpg"}
    moving = preview(str(tmp_path / "film.mp4"))
    assert moving.returncode == 0, moving.stderr
    assert "frame 1 of 3" in moving.stderr
    out = cv2.VideoCapture(str(elsewhere / "preview-film.mp4"))
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


def test_a_place_that_takes_no_picture_is_named_in_words(tmp_path: Path, frame: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), frame)
    (tmp_path / "file").write_bytes(b"")
    told = preview(str(tmp_path / "a.png"), "--out", str(tmp_path / "file" / "a.jpg"))
    assert told.returncode == 1
    assert "cannot be written" in told.stderr
    assert "--out" in told.stderr
    assert "Errno" not in told.stderr


def test_what_is_seen_is_named_as_the_card_names_it() -> None:
    pack = load_pack("street")
    named = {label.name: name_of(label, set(pack.card["live"])) for label in pack.labels}
    assert named["garbage"] == "garbage (exposed_garbage)"
    assert named["manhole_bad"] == "manhole_bad (manhole_fault, in shadow)"
    assert named["person"] == "person (no problem)"


@pytest.mark.parametrize(
    ("floor", "words"),
    [("7", "7 is no score between 0 and 1"), ("nan", "nan is no score"), ("half", "invalid score value: 'half'")],
)
def test_a_score_that_is_none_is_refused(floor: str, words: str) -> None:
    done = preview(str(SAMPLE), f"--floor={floor}")
    assert done.returncode == 2
    assert words in done.stderr
