"""What people write wrongly into files is told by file and key, in words of neither Python, TOML nor pydantic."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import trikeye
from calibration.camera import Camera
from calibration.files import MalformedCameraFile, read_camera, write_camera
from calibration.mount import Mount
from calibration.words import toml_of

RAW = re.compile(r"Input should|Field required|Extra inputs|\(at line|Errno|Error\(|pydantic|Value error")


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    path = tmp_path / "camera.toml"
    write_camera(path, Camera((640, 480), (500.0, 500.0), (319.5, 239.5)), Mount(1.4, 5.0), is_vouched=False)
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version = 1", "version = 2", "version: must be 1, not 2"),
        ('"pinhole"', '"orthographic"', "model: must be 'pinhole' or 'fisheye', not 'orthographic'"),
        ("[640, 480]", "[640.5, 480]", "size_px.0: must be a whole number, not 640.5"),
        ("[640, 480]", "640", "size_px: must be a list of values in [ ], not 640"),
        ("[640, 480]", "[640]", "size_px.1: is missing"),
        ("[500.0, 500.0]", "[-5, 500.0]", "focal_px.0: must be above 0, not -5"),
        ("[500.0, 500.0]", "[inf, 500.0]", "focal_px.0: must be a finite number, not inf"),
        ("pitch_deg = 5.0", "pitch_deg = 95.0", "mount.pitch_deg: must be below 90, not 95.0"),
        ("pitch_deg = 5.0", 'pitch_deg = "low"', "mount.pitch_deg: must be a number, not 'low'"),
        ("pitch_deg", "pich_deg", "mount.pich_deg: is no key that is known here: see how it is spelt"),
        ("distortion = []", "distortion = [0,0,0,0,0,0]", "distortion: has 6 values, at most 5 may be there"),
        ("version = 1", "version 1", "cannot be read: line 3 (version 1) is no TOML: write key = value"),
        ("version = 1", "version = 1\nversion = 1", "cannot be read: line 4 says again"),
        ("yaw_deg = 0.0", "yaw_deg = [0.0", "is no TOML"),
    ],
)
def test_each_fault_of_a_camera_file_is_told_in_plain_words(camera: Path, old: str, new: str, says: str) -> None:
    text = camera.read_text()
    assert old in text
    camera.write_text(text.replace(old, new, 1))
    with pytest.raises(MalformedCameraFile) as told:
        read_camera(camera)
    assert str(told.value).startswith(str(camera))
    assert says in str(told.value)
    assert not RAW.search(str(told.value))


def test_a_camera_file_that_an_editor_saved_with_a_bom_is_read(camera: Path) -> None:
    camera.write_bytes(b"\xef\xbb\xbf" + camera.read_bytes())
    assert read_camera(camera)[1].pitch_deg == 5.0


@pytest.mark.parametrize(
    ("text", "says"),
    [("[1", "line 1 is no JSON"), ("{}", "'image_size' is missing"), ('{"image_size": 3}', "image_size must be two numbers"), ("[]", "image_size must be")],
)  # fmt: skip
def test_each_fault_of_a_recorded_camera_is_told_in_plain_words(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(MalformedCameraFile, match=re.escape(f"{path} cannot be read: {says}")):
        read_camera(path)


def test_a_value_that_breaks_a_line_is_not_told_for_it_may_be_a_password() -> None:
    with pytest.raises(ValueError, match=r"line 2 \(password\)") as told:
        toml_of(b"[uplink]\npassword = geheim\n")
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "{folder}"],
        ["check", "picture.png", "--camera", "{folder}"],
        ["locate", "{folder}", "boxes.csv"],
        ["locate", "{camera}", "{folder}"],
        ["mount", "--camera", "{camera}", "--marks", "{folder}"],
        ["check", "{picture}", "--camera", "{camera}"],
        ["camera", "{picture}", "--output", "new.toml"],
    ],
)
def test_a_folder_where_a_file_should_be_is_told_as_that(
    argv: list[str], camera: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("folder.toml", "p.png"):
        (tmp_path / name).mkdir()
    named = {"folder": "folder.toml", "camera": str(camera), "picture": "p.png"}
    assert trikeye.main(["calibrate", *(word.format(**named) for word in argv)]) == 1
    said = capsys.readouterr().err
    assert re.search(r"is a folder, not a file|no pictures in it", said)
    assert not RAW.search(said)
    assert "see that the place" not in said


def test_a_missing_file_is_told_once(camera: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["locate", str(camera), "no.csv"], ["mount", "--camera", str(camera), "--marks", "no.csv"], ["show", "no.csv"]):  # fmt: skip
        assert trikeye.main(["calibrate", *argv]) == 1
        said = capsys.readouterr().err
        assert said.count("no.csv does not exist") == 1
        assert not RAW.search(said)


@pytest.mark.parametrize(
    ("out", "says"),
    [("there.pdf", "there.pdf: cannot be written: Is a directory; name a file, not a folder"), ("file/board.pdf", "file: File exists; a folder is needed there, or another name"),
     ("file/x/board.pdf", "file/x: Not a directory; see that the place exists")],
)  # fmt: skip
def test_a_place_that_cannot_be_written_is_told_with_what_fits_it(
    out: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.pdf").mkdir()
    (tmp_path / "file").touch()
    assert trikeye.main(["calibrate", "board", "--out", out]) == 1
    assert capsys.readouterr().err == f"trikeye: {says}\n"
