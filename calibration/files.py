"""Camera files: `camera.toml`, or `camera.json` of a recorded ride. All errors of a file are told at once."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.camera import Camera, camera_of_field_of_view
from calibration.mount import Mount

DEFAULT_FIELD_OF_VIEW_DEG = 60.0
DEFAULT_MOUNT = Mount(height_m=1.4, pitch_deg=0.0, pitch_sigma_deg=3.0)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Angle = Annotated[float, Field(gt=-90, lt=90, allow_inf_nan=False)]


class MalformedCameraFile(Exception):
    """A camera file that does not say what it must; the text names file and keys."""


class _Mount(BaseModel):
    model_config = ConfigDict(extra="forbid")
    height_m: Positive
    pitch_deg: Angle
    roll_deg: Angle = 0.0
    yaw_deg: Angle = 0.0
    pitch_sigma_deg: Positive = 1.5
    roll_sigma_deg: Positive = 0.5
    yaw_sigma_deg: Positive = 1.0
    height_sigma_m: Positive = 0.03


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: Literal[1]
    model: Literal["pinhole"]
    size_px: tuple[int, int]
    focal_px: tuple[Positive, Positive]
    centre_px: tuple[float, float]
    distortion: Annotated[list[float], Field(max_length=5)] = []
    mount: _Mount


def read_camera(path: Path) -> tuple[Camera, Mount, str]:
    """Camera, mount and the file's SHA-256 in hex. Raises MalformedCameraFile, FileNotFoundError."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        if path.suffix == ".json":
            return (*_recorded(json.loads(data)), digest)
        file = _File.model_validate(tomllib.loads(data.decode()))
    except ValidationError as wrong:
        lines = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors(include_url=False)]
        raise MalformedCameraFile(f"{path}: " + "; ".join(lines)) from None
    except (ValueError, KeyError, TypeError) as wrong:
        raise MalformedCameraFile(f"{path} cannot be read: {wrong!r}") from None
    return (
        Camera(file.size_px, file.focal_px, file.centre_px, tuple(file.distortion)),
        Mount(**file.mount.model_dump()),
        digest,
    )


def default_camera(width_px: int, height_px: int) -> tuple[Camera, Mount, str]:
    """What is assumed when nobody said: 60° wide, 1.4 m high, level within 3°."""
    camera = camera_of_field_of_view(width_px, height_px, DEFAULT_FIELD_OF_VIEW_DEG)
    return camera, DEFAULT_MOUNT, hashlib.sha256(repr((camera, DEFAULT_MOUNT)).encode()).hexdigest()


def _recorded(raw: dict[str, Any]) -> tuple[Camera, Mount]:
    """A recorded ride's camera.json: K as rows, the picture's size, the height over the road; its pitch is not known."""
    width, height = raw["image_size"]
    (fx, _, cx), (_, fy, cy), _ = raw["K"]
    camera = Camera(
        (int(width), int(height)),
        (float(fx), float(fy)),
        (float(cx), float(cy)),
        tuple(d for d in map(float, raw.get("distortion", ())) if d),
    )
    return camera, Mount(height_m=float(raw["camera_height_above_road_m"]), pitch_deg=0.0, pitch_sigma_deg=1.5)
