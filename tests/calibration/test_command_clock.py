"""`trikeye calibrate clock` as a user calls it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import trikeye
from calibration.gnss import Position
from edge.position import carried
from models.pixels import encode_jpeg


def ride(folder: Path, headings: str = "heading_deg_cw_from_north") -> Path:
    folder.mkdir()
    for number in range(3):
        (folder / f"{number:04}.jpg").write_bytes(encode_jpeg(np.zeros((90, 160, 3), np.uint8)))
    (folder / "ride.toml").write_text("fps = 10\n")
    rows = [f"{number / 10},37.87,{112.54 + number * 1e-9},10" for number in range(3)]
    (folder / "track.csv").write_text("\n".join([f"t_s,lat,lon,{headings}", *rows]))
    return folder


def test_a_drive_without_camera_file_headings_or_bends_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street = ride(tmp_path / "a")
    assert trikeye.main(["calibrate", "clock", str(street)]) == 1
    assert "--camera" in capsys.readouterr().err
    known = [
        "calibrate",
        "camera",
        "--known",
        "100,100,79.5,44.5",
        "--size",
        "160x90",
        "--height",
        "1.4",
        "--pitch",
        "7",
    ]
    assert trikeye.main([*known, "--output", str(street / "camera.toml")]) == 0
    assert trikeye.main(["calibrate", "clock", str(street)]) == 1
    assert "record one minute of both" in capsys.readouterr().err
    (street / "ride.toml").unlink()
    assert trikeye.main(["calibrate", "clock", str(street)]) == 1
    assert "fps = 10" in capsys.readouterr().err
    aimless = ride(tmp_path / "b", "note")
    shutil.copy(street / "camera.toml", aimless)
    assert trikeye.main(["calibrate", "clock", str(aimless)]) == 1
    assert "heading" in capsys.readouterr().err


def test_a_ride_that_does_not_exist_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main(["calibrate", "clock", str(tmp_path / "nowhere")]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.shared
def test_pictures_and_positions_of_one_clock_are_told_to_be_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared: Path
) -> None:
    """Of a recorded drive the positions are told half a second late: its pictures then are early."""
    street = shutil.copytree(shared / "data" / "replay" / "kitti_0005", tmp_path / "ride")
    (street / "ride.toml").write_text("fps = 10\n")
    lines = (street / "track.csv").read_text().splitlines()
    later = [
        ",".join((str(int(line.split(",")[0].removesuffix(".jpg")) / 10 + 0.5), *line.split(",")[1:]))
        for line in lines[1:]
    ]
    (street / "track.csv").write_text("\n".join((lines[0].replace("frame", "t_s", 1), *later)))
    assert trikeye.main(["calibrate", "clock", str(street), "--json"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said.splitlines()[-1])["offset_s"] == pytest.approx(-0.5, abs=0.12)
    assert "camera_late_s = -0.5" in said or "camera_late_s = -0.4" in said


def test_a_late_picture_gets_the_place_where_the_vehicle_was_before() -> None:
    here = Position(0.0, 37.0, 112.0, 1.0, 0.0, 5.0)
    now, earlier = carried(here, 0.0), carried(here, -0.4)
    assert (now.lat_deg - earlier.lat_deg) * 110_960 == pytest.approx(2.0, abs=0.01)
    assert earlier.sigma_m > now.sigma_m
