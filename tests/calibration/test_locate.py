"""`trikeye calibrate locate` as a user calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trikeye

CAMERA = """version = 1
model = "pinhole"
size_px = [1242, 375]
focal_px = [721.5, 721.5]
centre_px = [609.6, 172.9]
[mount]
height_m = 1.65
pitch_deg = 0.0
pitch_sigma_deg = 0.6
"""
HEAD = "frame,category,x1,y1,x2,y2\n"


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    path = tmp_path / "camera.toml"
    path.write_text(CAMERA)
    return path


def table(tmp_path: Path, text: str) -> str:
    path = tmp_path / "boxes.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def located(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    assert trikeye.main(["calibrate", "locate", *argv, "--json"]) == 0
    return list(json.loads(capsys.readouterr().out))


def test_boxes_come_back_as_places_in_their_order(
    camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """119.05 px below the horizon at f 721.5 and 1.65 m up are 10 m ahead."""
    boxes = table(
        tmp_path, HEAD + "7,car,559.6,200,659.6,291.95\na.jpg,person,300,100,320,150\n8,坑洼,709.6,200,719.6,291.95\n"
    )
    ahead, sky, beside = located(capsys, str(camera), boxes)
    assert (ahead["frame"], ahead["category"], ahead["cut"]) == (7, "car", False)
    assert (ahead["right_m"], ahead["forward_m"]) == pytest.approx((0, 10), abs=1e-3)
    assert sky == {"frame": "a.jpg", "category": "person", "no_ground": True}
    assert (beside["category"], beside["right_m"]) == ("坑洼", pytest.approx(105 / 721.5 * 10, abs=1e-3))
    covariance = np.array(beside["covariance"])
    assert np.allclose(covariance, covariance.T)
    assert np.all(np.linalg.eigvalsh(covariance) > 0)
    assert covariance[1, 1] > covariance[0, 0]
    assert beside["near_m"] < beside["range_m"] < beside["far_m"]


def test_a_box_outside_of_the_picture_has_no_place_and_stops_no_other(
    camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = table(tmp_path, HEAD + "1,car,5000,200,5100,300\n1,car,500,250,600,330\n")
    outside, inside = located(capsys, str(camera), boxes)
    assert outside == {"frame": 1, "category": "car", "no_ground": True, "outside": True}
    assert inside["forward_m"] > 0


@pytest.mark.parametrize("offset_m", [1.91, -0.61])
def test_an_offset_moves_a_thing_along_its_bearing(
    offset_m: float, camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = table(tmp_path, HEAD + "1,car,700,200,800,290\n2,van,700,200,800,290\n")
    car, van = located(capsys, str(camera), boxes, "--depth-offset", f"car={offset_m}", "bus=3")
    assert car["range_m"] - van["range_m"] == pytest.approx(offset_m)
    assert car["bearing_right_deg"] == pytest.approx(van["bearing_right_deg"])


def test_a_box_that_the_border_cuts_is_less_sure(
    camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = table(
        tmp_path, HEAD + "1,car,500,250,600,370\n2,car,500,250,600,374\n3,car,0,250,100,330\n4,car,10,250,110,330\n"
    )
    whole, below, beside, near = located(capsys, str(camera), boxes)
    assert [each["cut"] for each in (whole, below, beside, near)] == [False, True, True, False]
    assert below["covariance"][1][1] > 2 * whole["covariance"][1][1]
    assert beside["covariance"][0][0] > 2 * near["covariance"][0][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frame,category,x1,y1,x2\n", "y2 is missing"),
        ("", "are missing"),
        (HEAD + "1,car,1,2,3\n", "line 2"),
        (HEAD + "1,car,1,2,3,4\n1,car,1,2,x,4\n", "line 3"),
        (HEAD + "1,car,9,2,3,4\n", "x1 <= x2"),
        (HEAD + "1,car,1,2,3,nan\n", "line 2, y2"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_by_line(
    text: str, words: str, camera: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trikeye.main(["calibrate", "locate", str(camera), table(tmp_path, text)]) == 1
    assert words in capsys.readouterr().err


def test_an_offset_that_is_none_is_wrong_usage(camera: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        trikeye.main(["calibrate", "locate", str(camera), table(tmp_path, HEAD), "--depth-offset", "car"])
    assert ended.value.code == 2


def test_a_table_may_come_by_standard_input_and_is_told_in_lines(
    camera: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.stdin",
        io.TextIOWrapper(
            io.BytesIO(
                f"{HEAD}1,car,500,250,600,330\n1,car,0,0,9,9\n1,car,1200,250,1400,330\n1,car,5000,200,5100,300\n".encode()
            )
        ),
    )
    assert trikeye.main(["calibrate", "locate", str(camera), "-"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5
    assert said[0].split()[:4] == ["frame", "category", "left", "m"]
    assert float(said[1].split()[2]) > 0, "left of the middle"
    assert float(said[3].split()[2]) < 0, "right of it"
    assert "to" in said[1]
    assert "cut" not in said[1]
    assert "horizon" in said[2]
    assert "cut by the border" in said[3]
    assert "outside of the picture, which is 1242x375" in said[4]
