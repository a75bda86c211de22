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
    assert "--height" in capsys.readouterr().err


def test_a_new_camera_keeps_the_mount_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, mount = tmp_path / "camera.toml", Mount(1.23, 4.5, 0.1, 0.2, 0.3)
    write_camera(path, Camera((640, 480), (500.0, 500.0), (320.0, 240.0)), mount)
    assert trikeye.main([*KNOWN, "--output", str(path)]) == 0
    assert read_camera(path)[:2] == (Camera((1242, 375), (721.5377, 721.5377), (609.5593, 172.854)), mount)
    assert "was kept from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["--known", "1,2,3"], 2, "four numbers"),
        (["--known", "700,700,3000,100"], 2, "principal point"),
        (["--known", "0,700,600,100"], 2, "above zero"),
        (["--report", "there"], 2, "without pictures or --report"),
        (["--size", "1242"], 2, "width and a height"),
        (["--pitch", "99"], 1, "pitch_deg"),
        (["--height", "-1"], 1, "height_m"),
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
