"""`trikeye calibrate camera` with pictures, a film and a camera, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import trikeye
from calibration.board import Board
from calibration.camera import Camera
from calibration.files import read_camera_file, write_camera
from calibration.mount import Mount

TRUTH = Camera((640, 400), (520.0, 521.0), (315.0, 204.0), (-0.2, 0.05, 0.0, 0.0))
CHARUCO = ["--charuco", "--squares", "9x6"]


@pytest.fixture(scope="module")
def drawn(drawn_boards: ModuleType) -> list[npt.NDArray[np.uint8]]:
    board = Board("charuco", (9, 6), 25.0, 18.0)
    return [grey for _, grey in drawn_boards.pictures(board, TRUTH, 12, 3)]


@pytest.fixture(scope="module")
def folder(drawn: list[npt.NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("boards")
    for number, grey in enumerate(drawn):
        cv2.imwrite(str(path / f"{number:02}.png"), grey)
    cv2.imwrite(str(path / "empty.png"), np.full((400, 640), 99, np.uint8))
    cv2.imwrite(str(path / "odd.png"), cv2.resize(drawn[0], (641, 401)))
    return path


@pytest.fixture(scope="module")
def film(drawn: list[npt.NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "boards.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, TRUTH.size_px)
    for grey in drawn:
        for blur in (4.0, 0.0, 2.0, 4.0, 4.0):
            writer.write(cv2.cvtColor(cv2.GaussianBlur(grey, (0, 0), blur) if blur else grey, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def calibrate(*given: str) -> int:
    """Run the verb; the exit code, also of an argument that is no good."""
    try:
        return trikeye.main(["calibrate", "camera", *given])
    except SystemExit as left:
        return int(left.code or 0)


def test_pictures_become_a_file_and_a_report(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, report = tmp_path / "camera.toml", tmp_path / "report"
    write_camera(path, Camera((10, 10), (9.0, 9.0), (5.0, 5.0)), Mount(1.3, 6.0, pitch_sigma_deg=0.4))
    assert calibrate(str(folder), *CHARUCO, "--report", str(report), "--output", str(path), "--json") == 0
    out, err = capsys.readouterr()
    told, file = json.loads(out), read_camera_file(path)
    assert file.camera.focal_px == pytest.approx(TRUTH.focal_px, rel=0.004)
    assert file.mount == Mount(1.3, 6.0, pitch_sigma_deg=0.4)
    assert file.made is not None
    assert file.made.held_out_px is not None
    assert file.made.held_out_px[1] < 0.2
    assert (told["made"]["pictures"], len(told["used"]), set(told["refused"])) == (12, 12, {"empty.png", "odd.png"})
    assert "pictures looked at: 1 of 14, a ChArUco board of 9x6 squares found in 1\n" in err
    assert "empty.png: no ChArUco board of 9x6 squares found" in err
    assert "was kept from" in err
    page = (report / "index.html").read_text()
    for name in ("coverage.png", "residuals.png", "distortion.png"):
        image = cv2.imread(str(report / name))
        assert image is not None
        assert np.std(image) > 10
        assert f'src="{name}"' in page
    assert "odd.png: is 641x401, most are 640x400" in page


def test_a_report_that_fails_late_does_not_hide_that_the_file_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "cannot be written: No space left on device", str(path))

    path = tmp_path / "camera.toml"
    monkeypatch.setattr("calibration.command_camera.write_whole", full)
    assert calibrate(str(folder), *CHARUCO, "--report", str(tmp_path / "report"), "--output", str(path)) == 1
    err = capsys.readouterr().err
    page = tmp_path / "report" / "coverage.png"
    assert f"the camera file {path} is written, but not the report: {page}: cannot be written: No space left" in err
    assert read_camera_file(path).is_vouched


def test_a_report_without_what_draws_it_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("calibration.command_camera.find_spec", lambda name: None)
    given = ("nowhere/*.jpg", "--report", str(tmp_path / "report"), "--output", str(tmp_path / "camera.toml"))
    assert calibrate(*given) == 2
    assert "--report needs matplotlib" in capsys.readouterr().err


def test_of_a_film_the_sharp_frames_are_taken(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    assert calibrate(str(film), *CHARUCO, "--output", str(path), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["used"] == [f"boards.avi frame {5 * number + 2}" for number in range(12)]
    assert read_camera_file(path).camera.focal_px == pytest.approx(TRUTH.focal_px, rel=0.01)


def test_a_live_camera_says_what_to_show_it_next(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "camera.toml"
    assert calibrate("--live", str(film), *CHARUCO, "--output", str(path)) == 0
    err = capsys.readouterr().err
    assert "views; next: the board in the " in err
    assert " # " in err
    assert read_camera_file(path).camera.focal_px == pytest.approx(TRUTH.focal_px, rel=0.02)


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ([], 2, "--live CAMERA"),
        (["--live", "0", "x.jpg"], 2, "--live CAMERA"),
        (["nowhere/*.jpg"], 1, "no such file"),
        (["--live", "/dev/no-camera"], 1, "cannot be opened"),
        (["--charuco", "--dictionary", "8X8", "BOARDS"], 2, "there is no dictionary 8X8"),
        (["--squares", "1x6", "BOARDS"], 2, "4 to 50"),
        (["--size", "640x400", "BOARDS"], 2, "--known"),
        (["--height", "-1", "BOARDS"], 2, "no camera on a vehicle"),
        (["--squares", "9by6", "BOARDS"], 2, "as 9x6"),
        (["--report", "BOARDS/00.png", "BOARDS"], 2, "no folder that can be written to"),
        (["--report", "/proc/report", "BOARDS"], 2, "/proc is no folder that can be written to"),
        (["--charuco", "--squares", "6x9", "BOARDS"], 1, "count its squares"),
        (["--charuco", "BOARDS/00.png", "BOARDS/01.png"], 1, "needed are 8"),
        (["BOARDS/empty.png"], 1, "in 0 of 1 pictures"),
        (["BOARDS/broken.jpg"], 1, "no picture"),
        (["BOARDS/broken.mp4"], 1, "broken.mp4 is neither a picture nor a film"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence_and_the_good_file_stays(
    given: list[str], code: int, words: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "broken.mp4").write_bytes(b"no film")
    path = tmp_path / "camera.toml"
    write_camera(path, TRUTH, Mount(1.3, 6.0))
    before = path.read_bytes()
    try:
        assert calibrate(*(each.replace("BOARDS", str(folder)) for each in given), "--output", str(path)) == code
    finally:
        (folder / "broken.jpg").unlink()
    assert words in capfd.readouterr().err.splitlines()[-1]
    assert path.read_bytes() == before
