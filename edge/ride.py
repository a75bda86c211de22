"""A recorded ride: a folder with pictures, positions and what the camera was. Every frame is looked at, none is skipped."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

from calibration.camera import Camera
from calibration.drives import recorded_positions
from calibration.exif import read_exif
from calibration.files import default_camera, read_camera
from calibration.gnss import Position, position_at
from calibration.mount import Mount
from calibration.tracks import in_order
from edge.capture import NoPictures, film_fps, pictures, size_of
from edge.values import Fix, Frame
from edge.zones import Zones, zones_beside

UTC = timezone.utc  # noqa: UP017
STILLS_APART_S = 1.0
CAMERA_FILES = ("camera.toml", "camera.json")
UNTRUSTED_START = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ride:
    """A recorded ride, opened: how many frames, when it began, where it went, and what the camera was."""

    folder: Path
    digest: str
    vehicle: str | None
    began: datetime
    clock_trusted: bool
    fps: float
    stills: tuple[Path, ...]
    video: Path | None
    positions: tuple[Position, ...]
    camera: Camera
    mount: Mount
    calibration_digest: str
    zones: Zones
    camera_guessed: bool


def open_ride(folder: Path) -> Ride:
    """Read everything about a ride but its pixels. Raises NoPictures, MalformedTrack, MalformedCameraFile, BadZones."""
    video = folder / "video.mp4"
    stills = () if video.exists() else tuple(sorted(folder.glob("*.jpg")))
    if not video.exists() and not stills:
        raise NoPictures(f"{folder} holds neither video.mp4 nor *.jpg; docs/rides.md says what a ride is")
    about = _about(folder / "ride.toml")
    fps = float(about.get("fps") or (film_fps(video) if video.exists() else 0) or 1 / STILLS_APART_S)
    exif = [read_exif(path.read_bytes()) for path in stills]
    times = _still_times(exif)
    if times is None and stills and not about.get("fps"):
        fps = 1 / STILLS_APART_S
    if times and len(times) > 1 and times[-1] > 0:
        fps = (len(times) - 1) / times[-1]
    positions = _positions(folder, fps, [path.name for path in stills], exif)
    began, trusted = _began(about.get("start"), [*positions, *(each for each in exif if each is not None)])
    camera, mount, digest = _camera(folder, video, stills)
    return Ride(folder, _digest(video if video.exists() else None, stills), about.get("vehicle"), began, trusted, fps,
                stills, video if video.exists() else None, tuple(positions), camera, mount, digest, zones_beside(folder / "zones.geojson"),
                not any((folder / name).exists() for name in CAMERA_FILES))  # fmt: skip


def _began(told: str | datetime | None, known: list[Position]) -> tuple[datetime, bool]:
    """When a ride began, and whether that is true UTC: as ride.toml says, else as the first position or picture knows it."""
    if told is not None:
        start = datetime.fromisoformat(told) if isinstance(told, str) else told
        return start.astimezone(UTC), True
    first = next((each for each in known if each.utc is not None), None)
    if first is None or first.utc is None:
        return UNTRUSTED_START, False
    return first.utc.astimezone(UTC), first.utc_trusted


def _about(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        if "fps" in about and not 0.1 < float(about["fps"]) < 240:
            raise ValueError(f"fps is {about['fps']}, it must lie between 0.1 and 240")
        if isinstance(about.get("start"), str):
            datetime.fromisoformat(about["start"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as wrong:
        raise NoPictures(f"{path}: {wrong}; correct it or remove it") from None
    return about


def frames_of(ride: Ride, camera_name: str, oldest_fix_s: float, count_bad: Callable[[str], None]) -> Iterator[Frame]:
    """Every frame of a ride in order. A picture that cannot be read is counted and passed over."""
    for number, image in pictures(ride.video, ride.stills, count_bad):
        t_s = number / ride.fps
        found = position_at(ride.positions, t_s, oldest_fix_s)
        fix = (
            None
            if found is None
            else Fix(
                ride.began + timedelta(seconds=t_s),
                found.lat_deg,
                found.lon_deg,
                found.sigma_m,
                found.heading_deg,
                found.speed_mps,
                found.quality,
                found.heading_sigma_deg,
            )
        )
        yield Frame(number, camera_name, image, ride.began + timedelta(seconds=t_s), "file" if ride.clock_trusted else "none",
                    1.0 if ride.clock_trusted else 86400.0, int(t_s * 1e9), fix)  # fmt: skip


def _still_times(exif: list[Position | None]) -> list[float] | None:
    stamps = [each.utc for each in exif if each is not None and each.utc is not None]
    if len(stamps) < len(exif) or not stamps:
        return None
    times = [(stamp - stamps[0]).total_seconds() for stamp in stamps]
    return times if all(b > a for a, b in pairwise(times)) else None


def _positions(folder: Path, fps: float, names: list[str], exif: list[Position | None]) -> list[Position]:
    recorded = recorded_positions(folder, fps, names)
    if recorded is not None:
        return recorded
    found = [
        Position(i / fps, e.lat_deg, e.lon_deg, e.sigma_m, e.heading_deg, None, e.utc, "exif", e.utc_trusted)
        for i, e in enumerate(exif)
        if e is not None
    ]
    return in_order(found)


def _camera(folder: Path, video: Path, stills: tuple[Path, ...]) -> tuple[Camera, Mount, str]:
    for name in CAMERA_FILES:
        if (folder / name).exists():
            return read_camera(folder / name)
    return default_camera(*size_of(stills[0] if stills else video))


def _digest(video: Path | None, stills: tuple[Path, ...]) -> str:
    total = hashlib.sha256()
    for path in (video,) if video else stills:
        with path.open("rb") as file:
            total.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
