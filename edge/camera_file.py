"""The camera's file as the settings name it: read for the watch, looked at for the doctor."""

from __future__ import annotations

from pathlib import Path

from calibration.camera import Camera, OtherShape
from calibration.files import MalformedCameraFile, default_camera, read_camera
from calibration.mount import Mount
from calibration.running import Block, Running
from edge.bracket import BracketPart
from edge.part import read_part
from edge.settings import CameraSource

Known = tuple[Camera, Mount, str]
"""Camera, mount and the SHA-256 in hex of what says them."""


def camera_of(source: CameraSource) -> Known:
    """What the file says that is set, else what is assumed. Raises MalformedCameraFile, for a file that cannot be opened too."""
    if source.calibration is None:
        return default_camera(source.width_px, source.height_px)
    return read_camera(source.calibration)


def look_at(source: CameraSource, folder: Path, size_px: tuple[int, int] | None) -> tuple[str, str]:
    """The trouble with the camera's file, `well` without any, and what was seen. `size_px` is of the pictures that come, if any do."""
    if source.calibration is None:
        return "camera_file_none", ""
    try:
        camera, mount, digest = camera_of(source)
        if size_px is not None:
            camera.fitted_to(*size_px)
    except (MalformedCameraFile, OtherShape) as wrong:
        return "camera_file_bad", str(wrong)
    kept = read_part(folder, BracketPart)
    running = Running()
    if kept is not None and kept.calibration == digest:
        running = Running(kept.home, [Block(*block) for block in kept.blocks], kept.moved or "")
    facts = _angles(mount, running)
    return ("not_straight", f"{facts}; {running.moved.replace('_', ' ')}") if running.moved else ("well", facts)


def _angles(mount: Mount, running: Running) -> str:
    """Pitch by the file; where driving has told, pitch and yaw by both."""
    driven = running.estimate
    if driven is None:
        return f"pitch {mount.pitch_deg:.1f}° by the file"
    return (
        f"pitch {mount.pitch_deg:.1f}° by the file, {driven.pitch_deg:.1f}° by driving; "
        f"yaw {mount.yaw_deg:.1f}° by the file, {driven.yaw_deg:.1f}° by driving"
    )
