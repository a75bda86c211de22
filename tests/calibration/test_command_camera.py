"""`trikeye calibrate camera`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import trikeye
from calibration.camera import Camera
from calibration.files import read_camera, write_camera
from calibration.mount import Mount

KNOWN = ["calibrate", "camera", "--known", "721.5377,721.5377,609.5593,172.854", "--size", "1242x375"]


def test_known_values_become_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    given = ["--height", "1.65", "--pitch", "-0.5", "--pitch-sigma", "0.6", "--roll", "0.1", "--yaw", "-0.2"]
    assert trikeye.main([*KNOWN, *given, "--output", str(path), "--json"]) == 0
    camera, mount, _ = read_camera(path)
    assert camera == Camera((1242, 375), (721.5377, 721.5377), (609.5593, 172.854))
    assert mount == Mount(1.65, -0.5, 0.1, -0.2, 0.6)
    assert json.loads(capsys.readouterr().out)["mount"]["height_m"] == 1.65


def test_a_told_pitch_is_within_a_degree_and_a_half(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    assert trikeye.main([*KNOWN, "--height", "1.65", "--pitch", "0", "--output", str(path)]) == 0
    assert read_camera(path)[1] == Mount(1.65, 0.0, pitch_sigma_deg=1.5)


def test_an_untold_mount_is_assumed_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.toml"
    assert trikeye.main([*KNOWN, "--output", str(path)]) == 0
    assert read_camera(path)[1].pitch_sigma_deg == 3.0
    said = capsys.readouterr().err
    assert "how it is mounted was not told: taken are 1.4 m high and 0° nose down within 3°" in said
    assert "(--height, --pitch)" in said
    path.unlink()
    assert trikeye.main([*KNOWN, "--height", "1.4", "--output", str(path)]) == 0
    said = capsys.readouterr().err
    assert "its pitch was not told: taken is 0° nose down within 3°; measure it (--pitch)" in said
    assert "1.4 m" not in said


def test_a_principal_point_far_from_the_middle_is_taken_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "camera.toml"
    assert trikeye.main([*KNOWN, "--output", str(path)]) == 0
    assert "principal point" not in capsys.readouterr().err
    assert trikeye.main([*KNOWN, "--known", "721,721,609,120", "--output", str(path)]) == 0
    assert "the principal point (609, 120) is far from the middle" in capsys.readouterr().err
    assert read_camera(path)[0].centre_px == (609, 120)


def test_a_new_camera_keeps_the_mount_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, mount = tmp_path / "camera.toml", Mount(1.23, 4.5, 0.1, 0.2, 0.3)
    write_camera(path, Camera((640, 480), (500.0, 500.0), (320.0, 240.0)), mount)
    before, old = path.read_bytes(), path.with_name("camera.toml.old")
    assert trikeye.main([*KNOWN, "--output", str(path)]) == 0
    assert old.read_bytes() == before
    assert read_camera(path)[:2] == (Camera((1242, 375), (721.5377, 721.5377), (609.5593, 172.854)), mount)
    said = capsys.readouterr().err
    assert "was kept from" in said
    assert f"of another lens, is kept as {old}" in said
    old.unlink()
    assert trikeye.main([*KNOWN, "--pitch", "5", "--output", str(path)]) == 0
    assert not old.exists(), "the same lens again"
    capsys.readouterr()
    write_camera(path, Camera((640, 480), (500.0, 500.0), (320.0, 240.0)), mount)
    assert trikeye.main([*KNOWN, "--output", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept_as"] == str(old)


def test_a_file_that_cannot_be_written_is_the_one_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main([*KNOWN, "--output", "/proc/camera.toml"]) == 1
    assert "trikeye: /proc/camera.toml: cannot be written: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["--known", "1,2,3"], 2, "four numbers"),
        (["--known", "700,700,3000,100"], 2, "principal point"),
        (["--known", "0,700,600,100"], 2, "above zero"),
        (["--report", "there"], 2, "without pictures or --report"),
        (["--size", "1242"], 2, "width and a height"),
        (["--pitch", "99"], 1, "pitch_deg"),
        (["--height", "140"], 2, "140 m high, which no camera on a vehicle is"),
        (["--height", "-1"], 2, "no camera on a vehicle"),
        (["--known", "62,625.5,609.6,172.9"], 2, "no digit is missing"),
        (["--known", "72,72,609.6,172.9"], 2, "would show 166.8°"),
        (["--known", "72153,72153,609.6,172.9"], 2, "would show 1.0°"),
        (["--output", "camera.json"], 2, ".toml"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    given: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "camera.toml"
    try:
        done = trikeye.main([*KNOWN, "--output", str(path), *given])
    except SystemExit as left:
        done = int(left.code or 0)
    assert (done, path.exists()) == (code, False)
    assert words in capsys.readouterr().err
