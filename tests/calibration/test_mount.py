"""A mount is found from marks and from driving, with an error that holds, and is refused in words where it cannot be."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import trikeye
from calibration.camera import Camera, camera_of_field_of_view
from calibration.files import read_camera, read_camera_file, write_camera
from calibration.ground import pixel_from_ground
from calibration.marks import BadMarks, Mark, Solved, solve_mount
from calibration.mount import Mount
from calibration.synthetic import Motion, Ride, Road

CAMERA = camera_of_field_of_view(960, 540, 75.0)
BENT = replace(CAMERA, distortion=(-0.25, 0.06, 0.001, -0.001, 0.0))
TRUE = Mount(1.42, 8.0, -1.5, 3.0)
GROUND = ((3.0, 1.0), (3.0, -1.2), (5.0, 0.0), (5.0, 2.0), (8.0, -2.0), (9.0, 1.5))


def marks_of(
    mount: Mount, ground: Sequence[tuple[float, float]] = GROUND, camera: Camera = CAMERA, rng: np.random.Generator | None = None
) -> list[Mark]:  # fmt: skip
    """Marks as a camera sees them, with a hand's and a tape's error if there is a generator."""
    made = []
    for number, (forward, left) in enumerate(ground):
        u, v = pixel_from_ground(forward, left, 0.0, camera, mount)
        if rng is not None:
            u, v = rng.normal((u, v), 1.5)
            forward, left = rng.normal((forward, left), 0.02)
        made.append(Mark(u, v, forward, left, f"line {number + 2}"))
    return made


@pytest.mark.parametrize("camera", [CAMERA, BENT])
@pytest.mark.parametrize("mount", [TRUE, Mount(1.1, 0.0), Mount(2.2, 30.0, 4.0, -8.0)])
def test_marks_without_error_give_the_mount_back(mount: Mount, camera: Camera) -> None:
    ground = GROUND if mount.pitch_deg < 20 else ((2.2, 0.5), (2.8, -0.8), (4.0, 1.0), (5.0, -0.5))
    found = solve_mount(marks_of(mount, ground, camera), camera).mount
    for part, off in (("height_m", 1e-4), ("pitch_deg", 1e-3), ("roll_deg", 1e-3), ("yaw_deg", 1e-3)):
        assert getattr(found, part) == pytest.approx(getattr(mount, part), abs=off)


def test_three_marks_are_enough() -> None:
    found = solve_mount(marks_of(TRUE, GROUND[1:4]), CAMERA).mount
    assert (found.pitch_deg, found.height_m) == pytest.approx((TRUE.pitch_deg, TRUE.height_m), abs=1e-3)


def test_what_a_hand_and_a_tape_are_off_by_is_what_sigma_says() -> None:
    rng = np.random.default_rng(1)
    found = [solve_mount(marks_of(TRUE, rng=rng), CAMERA).mount for _ in range(60)]
    for name, unit, beside in (("height", "m", 0.0), ("pitch", "deg", 0.3), ("roll", "deg", 0.3), ("yaw", "deg", 0.5)):
        values = np.array([getattr(each, f"{name}_{unit}") for each in found])
        told = np.sqrt(np.mean([getattr(each, f"{name}_sigma_{unit}") ** 2 - beside**2 for each in found]))
        off = np.sqrt(np.mean((values - getattr(TRUE, f"{name}_{unit}")) ** 2))
        assert 0.6 < off / told < 1.4, name


def refusal(marks: Sequence[Mark]) -> str:
    with pytest.raises(BadMarks) as refused:
        solve_mount(marks, CAMERA)
    return str(refused.value)


def test_marks_that_tell_no_mount_are_refused_by_name() -> None:
    good = marks_of(TRUE)
    assert "2 marks are too few" in refusal(good[:2])
    assert "in a line" in refusal(marks_of(TRUE, [(3.0, 0.0), (4.0, 0.1), (5.0, 0.0), (8.0, 0.1)]))
    assert "line 3 (-3 m ahead" in refusal([good[0], replace(good[1], forward_m=-3.0), *good[2:]])
    assert "line 3" in refusal([good[0], replace(good[1], u_px=1200.0), *good[2:]])
    wrong = refusal([*good[:3], replace(good[3], forward_m=6.5), *good[4:]])
    assert wrong.startswith("the mark of line 5 (6.5 m ahead")
    assert "measure it again" in wrong
    assert "left and right" in refusal([replace(each, left_m=-each.left_m) for each in good])
    in_cm = refusal([replace(each, forward_m=each.forward_m * 100, left_m=each.left_m * 100) for each in good])
    assert "metres" in in_cm


# The command


@pytest.fixture
def camera_file(tmp_path: Path) -> Path:
    write_camera(tmp_path / "camera.toml", CAMERA, Mount(1.4, 0.0, pitch_sigma_deg=3.0))
    return tmp_path / "camera.toml"


def csv_of(path: Path, marks: Sequence[Mark]) -> Path:
    rows = [f"{m.u_px:.1f},{m.v_px:.1f},{m.forward_m},{m.left_m}" for m in marks]
    path.write_text("\n".join(["u_px,v_px,forward_m,left_m", *rows, ""]))
    return path


def calibrate(camera: Path, *more: object) -> int:
    return trikeye.main(["calibrate", "mount", "--camera", str(camera), *map(str, more)])


def test_marks_are_written_into_the_camera_file_and_told_before_and_after(camera_file: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert calibrate(camera_file, "--marks", csv_of(camera_file.parent / "m.csv", marks_of(TRUE)), "--json") == 0
    told = capsys.readouterr().out.splitlines()
    assert "6 marks" in told[0]
    assert any(line.split()[:4] == ["pitch", "0.0", "±", "3.0°"] and "8.0" in line for line in told)
    said = json.loads(told[-1])
    camera, mount, _ = read_camera(camera_file)
    assert camera == CAMERA
    assert said["after"]["pitch_deg"] == mount.pitch_deg == pytest.approx(8.0, abs=0.05)
    assert said["before"]["pitch_deg"] == 0.0
    assert mount.pitch_sigma_deg < 0.5


def test_what_changes_far_more_than_the_file_allowed_for_is_told_and_the_old_file_kept(
    camera_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marks, old = csv_of(camera_file.parent / "m.csv", marks_of(TRUE)), camera_file.with_name("camera.toml.old")
    write_camera(camera_file, CAMERA, Mount(1.4, -1.3, pitch_sigma_deg=0.5, yaw_sigma_deg=2.0))
    before = camera_file.read_bytes()
    assert calibrate(camera_file, "--marks", marks) == 0
    out, err = capsys.readouterr()
    assert "pitch changed by 9.3°, far more than the file allowed for: check that the file is of this camera" in err
    assert "yaw changed" not in err
    assert "height changed" not in err
    assert str(old) in out
    assert old.read_bytes() == before
    assert calibrate(camera_file, "--marks", marks) == 0
    out, err = capsys.readouterr()
    assert "changed by" not in err


def test_a_file_without_a_checksum_gets_none(camera_file: Path) -> None:
    write_camera(camera_file, CAMERA, Mount(1.4, 0.0, pitch_sigma_deg=3.0), is_vouched=False)
    assert calibrate(camera_file, "--marks", csv_of(camera_file.parent / "m.csv", marks_of(TRUE))) == 0
    file = read_camera_file(camera_file)
    assert (file.is_vouched, file.mount.pitch_deg) == (False, pytest.approx(8.0, abs=0.05))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("u_px,v_px,forward_m\n1,2,3\n", "left_m is missing"),
        ("u_px,v_px,forward_m,left_m\n400,400,3,x\n", "line 2, left_m: 'x' is not a number"),
        ("u_px,v_px,forward_m,left_m\n400,400,nan,0\n", "line 2, forward_m"),
        ("u_px,v_px,forward_m,left_m\n400,400\n", "line 2, forward_m: '' is not a number"),
        ("", "u_px,v_px,forward_m,left_m"),
        ("u_px,v_px,forward_m,left_m\n400,400,3,1\n", "1 marks are too few"),
    ],
)
def test_a_bad_file_of_marks_is_refused_in_words_and_the_camera_file_stays(
    text: str, word: str, camera_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, path = camera_file.read_bytes(), camera_file.parent / "marks.csv"
    path.write_text(text)
    assert calibrate(camera_file, "--marks", path) == 1
    assert word in capsys.readouterr().err
    assert camera_file.read_bytes() == before


def test_wrong_usage_and_missing_files_are_told(camera_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marks = csv_of(camera_file.parent / "m.csv", marks_of(TRUE))
    assert calibrate(camera_file, "--marks", marks, "--height", 1.4) == 2
    with pytest.raises(SystemExit, match="2"):
        calibrate(camera_file, "--drive", marks, "--height", 140)
    assert "140 m high, which no camera on a vehicle is" in capsys.readouterr().err
    for camera, more, word in (
        (camera_file.with_name("none.toml"), ("--marks", marks), "make it first"),
        (camera_file.with_suffix(".json"), ("--marks", marks), "ends in .toml"),
        (camera_file, ("--marks", marks.with_name("none.csv")), "does not exist"),
        (camera_file, ("--drive", marks.with_name("none.mp4")), "no such file"),
        (camera_file, ("--drive", marks), "m.csv"),
    ):
        assert calibrate(camera, *more) == 1
        err = capsys.readouterr().err
        assert word in err
        assert "Traceback" not in err


@pytest.fixture
def short_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seconds of a rendered drive as pictures."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    street = importlib.import_module("place_street").Street(1)
    ride = Ride(camera_of_field_of_view(480, 270, 75.0), TRUE, Road(heading_deg=90.0))
    motion, folder = Motion(ride, np.random.default_rng(1)), tmp_path / "drive"
    folder.mkdir()
    for number in range(20):
        cv2.imwrite(str(folder / f"{number:03}.jpg"), street.draw(motion, number / 10))
    return folder


def test_a_drive_too_short_is_refused_with_what_to_do(short_drive: Path, camera_file: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    before = camera_file.read_bytes()
    assert calibrate(camera_file, "--drive", short_drive) == 1
    assert "fps = 10" in capsys.readouterr().err
    (short_drive / "ride.toml").write_text("fps = 10\n")
    assert calibrate(camera_file, "--drive", short_drive) == 1
    err = capsys.readouterr().err
    assert "drive a minute straight ahead" in err
    assert "needed are 150" in err
    (short_drive / "track.csv").write_text("t_s,lat,lon\n0,37.87,112.55\n1,37.87,112.55\n2,37.87,112.55\n")
    assert calibrate(camera_file, "--drive", short_drive) == 1
    assert "too slow" in capsys.readouterr().err, "who stands is told so"
    assert camera_file.read_bytes() == before


def test_pictures_of_another_shape_are_refused(short_drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    write_camera(tmp_path / "square.toml", camera_of_field_of_view(500, 500, 75.0), Mount(1.4, 0.0))
    (short_drive / "ride.toml").write_text("fps = 10\n")
    assert calibrate(tmp_path / "square.toml", "--drive", short_drive) == 1
    assert "480x270" in capsys.readouterr().err


def test_a_drawn_ride_tells_its_mount_by_driving(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = Path(__file__).parents[2] / "demo" / "ride" / "sample"
    film, ride = cv2.VideoCapture(str(sample / "video.mp4")), tmp_path / "ride"
    ride.mkdir()
    for number in range(200):
        cv2.imwrite(str(ride / f"{number:03}.jpg"), film.read()[1])
    (ride / "ride.toml").write_text("fps = 10\n")
    shutil.copy(sample / "track.csv", ride)
    camera, _, _ = read_camera(sample / "camera.toml")
    write_camera(tmp_path / "camera.toml", camera, Mount(1.2, 3.0, pitch_sigma_deg=0.5))
    assert calibrate(tmp_path / "camera.toml", "--drive", ride, "--height", 1.4, "--json") == 0
    out, err = capsys.readouterr()
    told = out.splitlines()
    assert "would make it surer" in told[0]
    said = json.loads(told[-1])
    assert "--height 1.4 m differs from the file's 1.2 m; yours is written" in err
    assert [each.split(" by ")[0] for each in said["far_changes"]] == ["pitch changed"]
    assert "pitch changed by" in err
    assert "check that the file is of this camera" in err
    assert read_camera(Path(said["kept_as"]))[1] == Mount(1.2, 3.0, pitch_sigma_deg=0.5)
    assert (said["after"]["pitch_deg"], said["after"]["yaw_deg"]) == pytest.approx((7.0, 0.0), abs=0.2)
    assert (said["after"]["height_m"], said["after"]["pitch_sigma_deg"]) == (1.4, 1.0)
    assert said["straights"] == 1
    assert said["pairs"] >= 160


def test_marks_that_fit_say_how_well() -> None:
    solved: Solved = solve_mount(marks_of(TRUE), CAMERA)
    assert max(solved.residuals_px) <= 0.1
    assert len(solved.residuals_px) == len(GROUND)


@pytest.mark.shared
def test_a_ride_that_turns_all_the_time_is_refused(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera, mount, _ = read_camera(shared / "data" / "replay" / "kitti_0005" / "camera.json")
    write_camera(tmp_path / "camera.toml", camera, mount)
    assert calibrate(tmp_path / "camera.toml", "--drive", shared / "data" / "replay" / "kitti_0005") == 1
    err = capsys.readouterr().err
    assert "turning" in err
    assert "drive a minute straight ahead" in err
