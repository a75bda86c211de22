"""What the doctor sees of a camera's file."""

from __future__ import annotations

from pathlib import Path

from calibration.camera import camera_of_field_of_view
from calibration.files import write_camera
from calibration.mount import Mount
from edge.camera_file import look_at
from edge.settings import CameraSource


def test_an_impossible_mount_is_told_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    write_camera(path, camera_of_field_of_view(640, 360, 60.0), Mount(height_m=1.4, pitch_deg=2.0))
    source = CameraSource(calibration=path)
    assert look_at(source, tmp_path, None) == ("well", "pitch 2.0° by the file")
    path.write_text(path.read_text().replace("height_m = 1.4", "height_m = 0.14"))
    assert look_at(source, tmp_path, None) == (
        "camera_file_bad",
        f"{path}: mount.height_m: must be 0.3 or more, not 0.14",
    )
