"""Camera files: `camera.toml`, or `camera.json` of a recorded ride. All errors of a file are told at once."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.camera import Camera, Model, camera_of_field_of_view
from calibration.mount import HEIGHTS_M, STEEPEST_ROLL_DEG, Mount
from calibration.words import of_file, of_keys, toml_of

DEFAULT_FIELD_OF_VIEW_DEG = 60.0
DEFAULT_MOUNT = Mount(height_m=1.4, pitch_deg=0.0, pitch_sigma_deg=3.0)
HEAD = """\
# A camera and how it is mounted: pixels from the centre of the top-left one, metres, degrees; what the words mean is in calibration/README.md.
# Everything may be edited by hand. The checksum vouches for size_px to distortion: whoever changes one of these deletes its line.
"""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Angle = Annotated[float, Field(gt=-90, lt=90, allow_inf_nan=False)]
Height = Annotated[float, Field(ge=HEIGHTS_M[0], le=HEIGHTS_M[1], allow_inf_nan=False)]
Roll = Annotated[float, Field(ge=-STEEPEST_ROLL_DEG, le=STEEPEST_ROLL_DEG, allow_inf_nan=False)]
Pixels = Annotated[int, Field(gt=0)]


class MalformedCameraFile(Exception):
    """A camera file that does not say what it must; the text names file and keys."""


class _Mount(BaseModel):
    model_config = ConfigDict(extra="forbid")
    height_m: Height
    pitch_deg: Angle
    roll_deg: Roll = 0.0
    yaw_deg: Angle = 0.0
    pitch_sigma_deg: Positive = 1.5
    roll_sigma_deg: Positive = 0.5
    yaw_sigma_deg: Positive = 1.0
    height_sigma_m: Positive = 0.03


class Made(BaseModel):
    """Where a camera's figures come from, for people: how, from how many pictures, and what held-out boards are off by (p50, p90)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    how: str
    pictures: int | None = None
    held_out_px: tuple[Positive, Positive] | None = None
    focal_sigma_px: Positive | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: Literal[1]
    model: Model
    size_px: tuple[Pixels, Pixels]
    focal_px: tuple[Positive, Positive]
    centre_px: tuple[Finite, Finite]
    distortion: Annotated[list[Finite], Field(max_length=5)] = []
    checksum: str | None = None
    mount: _Mount
    made: Made | None = None


@dataclass(frozen=True)
class CameraFile:
    """All that a camera file says; `digest` is its SHA-256 in hex, `is_vouched` that its checksum is there and right."""

    camera: Camera
    mount: Mount
    made: Made | None
    digest: str
    is_vouched: bool


def read_camera(path: Path) -> tuple[Camera, Mount, str]:
    """Camera, mount and the file's SHA-256 in hex. Raises MalformedCameraFile."""
    file = read_camera_file(path)
    return file.camera, file.mount, file.digest


def read_camera_file(path: Path) -> CameraFile:
    """All of a camera file. Raises MalformedCameraFile."""
    try:
        return _parsed(path, path.read_bytes())
    except OSError as wrong:
        raise MalformedCameraFile(of_file(path, wrong)) from None


def _parsed(path: Path, data: bytes) -> CameraFile:
    digest = hashlib.sha256(data).hexdigest()
    try:
        if path.suffix == ".json":
            return CameraFile(*_recorded(data), None, digest, False)
        file = _File.model_validate(toml_of(data))
    except ValidationError as wrong:
        raise MalformedCameraFile(f"{path}: {_in_words(wrong)}") from None
    except ValueError as wrong:
        raise MalformedCameraFile(f"{path} cannot be read: {wrong}") from None
    camera = Camera(file.size_px, file.focal_px, file.centre_px, tuple(file.distortion), file.model)
    if file.model == "fisheye" and len(file.distortion) > 4:
        raise MalformedCameraFile(f"{path}: distortion: a fisheye has at most four numbers")
    if file.checksum not in (None, checksum_of(camera)):
        raise MalformedCameraFile(
            f"{path}: checksum: it does not fit size_px to distortion; if you changed them on purpose, delete the line "
            "'checksum', else the file is damaged: take a copy, or calibrate again"
        )
    return CameraFile(camera, Mount(**file.mount.model_dump()), file.made, digest, file.checksum is not None)


def check_mount(mount: Mount) -> None:
    """Raises MalformedCameraFile for a mount that no file may say."""
    try:
        _Mount.model_validate(asdict(mount))
    except ValidationError as wrong:
        raise MalformedCameraFile(f"how it is mounted: {_in_words(wrong)}") from None


def _in_words(wrong: ValidationError) -> str:
    return "; ".join(of_keys(wrong))


def checksum_of(camera: Camera) -> str:
    """What vouches for a camera's figures in its file: 16 hex digits of the SHA-256 of their JSON."""
    said = [camera.model, *camera.size_px, *map(float, (*camera.focal_px, *camera.centre_px, *camera.distortion))]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def keep_old(path: Path) -> Path:
    """Copy a file to FILE.old beside it, and tell that name. Raises OSError."""
    old = path.with_name(f"{path.name}.old")
    write_whole(old, path.read_bytes())
    return old


def write_camera(path: Path, camera: Camera, mount: Mount, made: Made | None = None, is_vouched: bool = True) -> None:
    """Write a camera file whole or not at all, after reading it back; with a checksum if it is vouched for. Raises MalformedCameraFile, OSError."""
    text = HEAD + "\n".join(
        [
            "version = 1",
            f'model = "{camera.model}"',
            f"size_px = {list(camera.size_px)}",
            f"focal_px = {_numbers(camera.focal_px)}",
            f"centre_px = {_numbers(camera.centre_px)}",
            f"distortion = {_numbers(camera.distortion)}",
            *([f'checksum = "{checksum_of(camera)}"'] if is_vouched else []),
            "\n[mount]",
            *(f"{field.name} = {float(getattr(mount, field.name))!r}" for field in fields(mount)),
        ]
    )
    if made is not None:
        said = made.model_dump(exclude_none=True)
        text += "\n\n[made]\n" + "\n".join(
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in said.items()
        )
    data = f"{text}\n".encode()
    _parsed(path, data)
    write_whole(path, data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file for all to read: whole or not at all, and flushed. Raises OSError, which names `path`, or the folder that cannot be made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _replace(path, data)
    except OSError as wrong:
        raise OSError(wrong.errno, f"cannot be written: {wrong.strerror}", str(path)) from None
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _numbers(values: tuple[float, ...]) -> list[float]:
    return [float(value) for value in values]


def default_camera(width_px: int, height_px: int) -> tuple[Camera, Mount, str]:
    """What is assumed when nobody said: 60° wide, 1.4 m high, level within 3°."""
    camera = camera_of_field_of_view(width_px, height_px, DEFAULT_FIELD_OF_VIEW_DEG)
    return camera, DEFAULT_MOUNT, hashlib.sha256(repr((camera, DEFAULT_MOUNT)).encode()).hexdigest()


def _recorded(data: bytes) -> tuple[Camera, Mount]:
    """A recorded ride's camera.json: K as rows, the picture's size, the height over the road; its pitch is not known. Raises ValueError."""
    try:
        raw: dict[str, Any] = json.loads(data)
        width, height = raw["image_size"]
        (fx, _, cx), (_, fy, cy), _ = raw["K"]
        camera = Camera(
            (int(width), int(height)), (float(fx), float(fy)), (float(cx), float(cy)), tuple(map(float, raw.get("distortion", ()))),
        )  # fmt: skip
        height_m = float(raw["camera_height_above_road_m"])
    except json.JSONDecodeError as wrong:
        raise ValueError(f"line {wrong.lineno} is no JSON") from None
    except KeyError as missing:
        raise ValueError(f"{missing} is missing") from None
    except (ValueError, TypeError, AttributeError):
        raise ValueError("image_size must be two numbers, K three rows of three, camera_height_above_road_m one, distortion a list") from None  # fmt: skip
    if not HEIGHTS_M[0] <= height_m <= HEIGHTS_M[1]:
        raise ValueError(f"camera_height_above_road_m: must be {HEIGHTS_M[0]:g} to {HEIGHTS_M[1]:g}, not {height_m:g}")
    return camera, Mount(height_m=height_m, pitch_deg=0.0, pitch_sigma_deg=1.5)
