"""`trikeye calibrate check`, `show` and `board`: what a camera file means, where anyone can see it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import trikeye
from calibration.camera import Camera
from calibration.files import Made, write_camera
from calibration.grid import grid
from calibration.ground import ground_from_pixel, pixel_from_ground
from calibration.mount import Mount

CAMERA = Camera((640, 360), (420.0, 420.0), (319.5, 179.5))
FISHEYE = Camera((640, 640), (311.0, 311.0), (326.4, 310.5), (-0.02, 0.03, -0.05, 0.02), "fisheye")
MOUNT = Mount(1.4, 8.0, 0.0, 1.5, 0.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "camera.toml"
    write_camera(path, CAMERA, MOUNT, Made(how="pictures of a board", pictures=20, held_out_px=(0.31, 0.52)))
    return path


@pytest.mark.parametrize("camera", [CAMERA, FISHEYE])
def test_each_line_is_as_far_as_its_label_says(camera: Camera) -> None:
    lines = {line.label: line for line in grid(camera, MOUNT) if line.kind == "ahead"}
    assert {"3 m", "5 m", "10 m"} <= lines.keys()
    for label, line in lines.items():
        for u, v in np.concatenate(line.strokes):
            point = ground_from_pixel((float(u), float(v)), camera, MOUNT) if float(label[:-2]) <= 15 else None
            assert point is None or point.forward_m == pytest.approx(float(label[:-2]), abs=1e-6)


def test_the_horizon_is_where_the_road_ends() -> None:
    (horizon,) = [line for line in grid(CAMERA, MOUNT) if line.kind == "horizon"]
    _, far_v = pixel_from_ground(1e7, 0.0, 0.0, CAMERA, MOUNT)
    at = np.concatenate(horizon.strokes)
    assert at[np.argmin(np.abs(at[:, 0] - 319.5)), 1] == pytest.approx(far_v, abs=0.5)
    assert far_v == pytest.approx(179.5 - 420 * np.tan(np.radians(8.0)), abs=0.5)


def test_a_camera_that_looks_up_sees_no_road() -> None:
    assert [line.kind for line in grid(CAMERA, Mount(1.4, -60.0))] == []


def test_the_grid_is_drawn_on_the_picture(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, out = tmp_path / "street.png", tmp_path / "grid.png"
    cv2.imwrite(str(picture), np.full((720, 1280, 3), 60, np.uint8))
    assert trikeye.main(["calibrate", "check", str(picture), "--camera", str(file), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "across the road at 3 m, 4 m, 5 m, 10 m" in said
    assert "lay something 3 m before the lens" in said
    drawn = cv2.imread(str(out))
    assert drawn is not None
    assert drawn.shape == (720, 1280, 3)
    u, v = pixel_from_ground(5.0, 0.5, 0.0, CAMERA.fitted_to(1280, 720), MOUNT)
    assert tuple(drawn[round(v), round(u)]) == (0, 220, 255)
    assert tuple(drawn[40, 40]) == (60, 60, 60)


def test_no_line_strikes_a_label_through() -> None:
    from calibration.pictures import draw_lines

    blue, yellow = (255, 0, 0), (0, 220, 255)
    bars = [((np.array([(x, 0.0), (x, 199.0)]),), "", blue, 1) for x in np.arange(0.0, 400.0, 3.0)]
    drawn = draw_lines(np.full((200, 400, 3), 60, np.uint8), [((np.array([(0.0, 100.0), (399.0, 100.0)]),), "10 m", yellow, 1), *bars])  # fmt: skip
    label = drawn[88:97, 3:30].astype(int)
    assert (label[..., 2] > 150).any(), "the words"
    assert not (label[..., 0] > label[..., 2] + 40).any(), "and nothing of the bars"


@pytest.mark.parametrize(
    ("picture", "camera", "out", "words"),
    [
        ("none.png", "camera.toml", "grid.png", "none.png"),
        ("none.mp4", "camera.toml", "grid.png", "none.mp4 does not exist"),
        ("notes.txt", "camera.toml", "grid.png", "notes.txt is neither a picture nor a film"),
        ("notes.jpg", "camera.toml", "grid.png", "notes.jpg is no picture"),
        ("square.png", "camera.toml", "grid.png", "do not fit a camera known at 640x360"),
        ("square.png", "none.toml", "grid.png", "none.toml"),
        ("street.png", "camera.toml", "grid.txt", "take .png or .jpg"),
    ],
)
def test_check_says_what_is_wrong(
    picture: str, camera: str, out: str, words: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("notes.txt", "notes.jpg"):
        file.with_name(name).write_text("what was seen")
    cv2.imwrite(str(file.with_name("square.png")), np.zeros((300, 300, 3), np.uint8))
    cv2.imwrite(str(file.with_name("street.png")), np.zeros((360, 640, 3), np.uint8))
    argv = [str(file.with_name(picture)), "--camera", str(file.with_name(camera)), "--out", str(file.with_name(out))]
    assert trikeye.main(["calibrate", "check", *argv]) == 1
    assert words in capsys.readouterr().err
    assert not file.with_name(out).exists()


def test_show_says_in_words_what_a_file_means(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main(["calibrate", "show", str(file)]) == 0
    words = capsys.readouterr().out
    for each in (
        "640x360",
        "75° across",
        "1.4 m",
        "8° nose down (± 0.5)",
        "20 pictures",
        "0.31 px",
        "checksum is right",
        "road 10 m ahead is told to be 8",
    ):
        assert each in words
    assert trikeye.main(["calibrate", "show", str(file), "--json"]) == 0
    near, far = json.loads(capsys.readouterr().out)["range_95_m"]["10"]
    assert near < 10 < far
    assert far - near > 1.5


def test_show_says_that_an_edited_file_has_no_checksum_and_a_broken_one_what_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.read_text()
    file.write_text(text.replace("420.0", "421.0"))
    assert trikeye.main(["calibrate", "show", str(file)]) == 1
    assert "delete the line 'checksum'" in capsys.readouterr().err
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("checksum")))
    assert trikeye.main(["calibrate", "show", str(file)]) == 0
    assert "no checksum" in capsys.readouterr().out
    assert trikeye.main(["calibrate", "show", str(file.with_name("none.toml"))]) == 1
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_impossible_mount_is_told_by_its_key(verb: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text().replace("height_m = 1.4", "height_m = 140"))
    given = [str(file)] if verb == "show" else ["street.png", "--camera", str(file)]
    assert trikeye.main(["calibrate", verb, *given]) == 1
    assert f"{file}: mount.height_m: must be 5 or less, not 140" in capsys.readouterr().err


def test_what_is_measured_is_the_nearest_line_that_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, picture = tmp_path / "camera.toml", tmp_path / "street.png"
    write_camera(path, CAMERA, Mount(1.4, -8.0))
    cv2.imwrite(str(picture), np.full((360, 640, 3), 60, np.uint8))
    assert (
        trikeye.main(["calibrate", "check", str(picture), "--camera", str(path), "--out", str(tmp_path / "g.png")]) == 0
    )
    said = capsys.readouterr().out
    assert "across the road at 10 m, 15 m" in said
    assert "lay something 10 m before the lens" in said


def test_show_tells_no_digits_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    write_camera(path, CAMERA, Mount(1.41837, -0.004, -0.04, 2.3456, 0.04, 0.523, 1.0, 0.0314))
    assert trikeye.main(["calibrate", "show", str(path)]) == 0
    assert (
        "1.42 m (± 0.03) over the road, pitch 0° level (± 0.1), roll 0° (± 0.5), yaw 2.3° (± 1)"
        in capsys.readouterr().out
    )


def test_what_the_pitch_leaves_open_is_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    write_camera(path, CAMERA, Mount(1.4, 8.0, pitch_sigma_deg=3.0))
    assert trikeye.main(["calibrate", "show", str(path)]) == 0
    assert "20 m ahead is too near the horizon" in capsys.readouterr().out


def test_a_board_is_written_with_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "board.pdf"
    assert trikeye.main(["calibrate", "board", "--squares", "9x6", "--charuco", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"%PDF-")
    typed = capsys.readouterr().out.partition("then: trikeye ")[2].split()
    assert trikeye.parser_for(typed).parse_args(typed).board == "charuco"
    assert trikeye.main(["calibrate", "board", "--squares", "40x40", "--out", str(tmp_path / "no.pdf")]) == 2
    assert "does not fit on A4 or A3" in capsys.readouterr().err
    assert not (tmp_path / "no.pdf").exists()
    assert trikeye.main(["calibrate", "board", "--out", str(tmp_path / "board.svg")]) == 2
    assert "end its name in .pdf" in capsys.readouterr().err
    assert not (tmp_path / "board.svg").exists()
