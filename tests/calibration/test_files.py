"""Camera files: what is written is read, what was edited by hand is told from what is damaged, and a good file stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calibration.camera import Camera
from calibration.files import Made, MalformedCameraFile, read_camera, read_camera_file, write_camera
from calibration.mount import Mount

CAMERA = Camera((640, 480), (500.1, 1 / 3 * 1500), (319.25, 240.0), (-0.1, 0.02, 1e-17, -0.0005), "fisheye")
MOUNT = Mount(1.37, -6.5, 0.25, 1.0, 0.4)
MADE = Made(how='30 pictures of a "board" 9x6', pictures=30, held_out_px=(0.25, 0.4))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "camera.toml"
    write_camera(path, CAMERA, MOUNT, MADE)
    return path


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as with an editor."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_written_is_read(written: Path) -> None:
    file = read_camera_file(written)
    assert (file.camera, file.mount, file.made, file.is_vouched) == (CAMERA, MOUNT, MADE, True)
    assert read_camera(written) == (CAMERA, MOUNT, file.digest)
    assert written.stat().st_mode & 0o777 == 0o644


def test_a_mount_may_be_edited(written: Path) -> None:
    edit(written, "height_m = 1.37", "height_m = 1.5")
    assert read_camera(written)[1].height_m == 1.5


def test_a_changed_camera_is_refused_until_its_checksum_is_deleted(written: Path) -> None:
    edit(written, "500.1", "510.1")
    with pytest.raises(MalformedCameraFile, match="delete the line 'checksum'"):
        read_camera(written)
    written.write_text("".join(line for line in written.read_text().splitlines(True) if "checksum =" not in line))
    file = read_camera_file(written)
    assert (file.camera.focal_px[0], file.is_vouched) == (510.1, False)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("version = 1", "version = 2", "version"),
        ('model = "fisheye"', 'model = "orthographic"', "model"),
        ("-0.0005]", "-0.0005, 0.0]", "distortion"),
        ("size_px = [640, 480]", "size_px = [0, 480]", "size_px"),
        ("centre_px = [319.25", "centre_px = [nan", "centre_px"),
        ("height_m = 1.37", "height_m = 140.0", r"mount\.height_m: must be 5 or less, not 140"),
        ("height_m = 1.37", "height_m = 0.1", r"mount\.height_m: must be 0\.3 or more, not 0\.1"),
        ("height_m = 1.37", "height_m = nan", r"mount\.height_m: must be"),
        ("pitch_deg = -6.5", "pitch_deg = 90.0", r"mount\.pitch_deg: must be below 90"),
        ("roll_deg = 0.25", "roll_deg = -31.0", r"mount\.roll_deg: must be -30 or more, not -31"),
        ("yaw_deg = 1.0", "yaw_deg = -90.0", r"mount\.yaw_deg: must be above -90"),
    ],
)
def test_what_a_file_may_not_say_is_named(written: Path, old: str, new: str, named: str) -> None:
    edit(written, old, new)
    with pytest.raises(MalformedCameraFile, match=named):
        read_camera(written)


@pytest.mark.parametrize("bad", [Mount(1.4, 95.0), Mount(-1.0, 0.0), Mount(1.4, float("nan"))])
def test_a_bad_file_never_takes_the_place_of_a_good_one(written: Path, bad: Mount) -> None:
    before = written.read_bytes()
    with pytest.raises(MalformedCameraFile):
        write_camera(written, CAMERA, bad)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_a_full_disk_leaves_the_good_file(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = written.read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_camera(written, CAMERA, Mount(2.0, 0.0))
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_a_recorded_rides_distortion_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"image_size": [640, 480], "K": [[500, 0, 320], [0, 500, 240], [0, 0, 1]],
                                "distortion": [0.1, 0, 0.001, 0, 0], "camera_height_above_road_m": 1.5}))  # fmt: skip
    assert read_camera(path)[0].distortion == (0.1, 0.0, 0.001, 0.0, 0.0)


@pytest.mark.parametrize("height_m", [140.0, 0.0, -1.5, float("nan")])
def test_a_recorded_ride_of_an_impossible_height_is_refused_by_key(tmp_path: Path, height_m: float) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"image_size": [640, 480], "K": [[500, 0, 320], [0, 500, 240], [0, 0, 1]],
                                "camera_height_above_road_m": height_m}))  # fmt: skip
    with pytest.raises(MalformedCameraFile, match=r"camera_height_above_road_m: must be 0\.3 to 5, not"):
        read_camera(path)
