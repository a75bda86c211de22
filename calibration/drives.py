"""Recorded drives, opened for calibration: a film, or a ride's folder with where the vehicle was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration.exif import read_exif
from calibration.gnss import Position
from calibration.pictures import Image, files_of, film_rate, live_frames, read_grey
from calibration.receiver import read_log
from calibration.tables import MalformedTable, text_of
from calibration.tracks import MalformedTrack, track_of_csv, track_of_gpx
from calibration.words import toml_of


class BadDrive(Exception):
    """A drive that tells nothing; the text says what to do."""


@dataclass(frozen=True)
class Drive:
    """`positions` is empty where nobody told them; the n-th picture was taken n / `rate` seconds after the first."""

    film: Path
    stills: Sequence[Path]
    rate: float
    positions: Sequence[Position]

    def pictures(self) -> Iterator[tuple[Image, float]]:
        """Grey pictures [H, W] and their seconds. Raises Unreadable."""
        for number, image in enumerate(map(read_grey, self.stills) if self.stills else live_frames(str(self.film))):
            yield image, number / self.rate


def open_drive(path: Path) -> Drive:
    """A film, or a ride's folder. Raises Unreadable, MalformedTrack, BadDrive."""
    film = path / "video.mp4" if path.is_dir() else path
    told = _told_rate(path / "ride.toml") if path.is_dir() else 0.0
    stills = [] if film.exists() else files_of([str(path)])
    rate = told or (_rate_of(stills) if stills else film_rate(film))
    if not rate:
        raise BadDrive(
            f"{path}: nothing tells how many pictures a second there are; write fps = 10, or what it is, into its ride.toml"
        )
    return Drive(
        film,
        stills,
        rate,
        (recorded_positions(path, rate, [each.name for each in stills]) if path.is_dir() else None) or [],
    )


def _rate_of(stills: Sequence[Path]) -> float:
    """Pictures a second by the times in their EXIF; 0 if not all of them tell one."""
    times = [
        at.utc for at in (read_exif(each.read_bytes()) for each in stills) if at is not None and at.utc is not None
    ]
    span_s = (times[-1] - times[0]).total_seconds() if len(times) == len(stills) else 0.0
    return (len(times) - 1) / span_s if span_s > 0 else 0.0


def _told_rate(path: Path) -> float:
    try:
        told = toml_of(path.read_bytes()).get("fps", 0.0) if path.exists() else 0.0
    except ValueError as wrong:
        raise BadDrive(f"{path} cannot be read: {wrong}; or remove it") from None
    if not isinstance(told, int | float):
        raise BadDrive(f"{path}: fps must be a number, not {told!r}; correct it or remove it")
    return float(told)


def recorded_positions(folder: Path, rate: float, names: list[str]) -> list[Position] | None:
    """What a ride's folder says of where the vehicle was, in the order of docs/rides.md; None if it holds no track. Raises MalformedTrack."""
    track = folder / "track.csv"
    if track.exists():
        try:
            return track_of_csv(text_of(track.read_bytes(), track), track, rate, names)
        except MalformedTable as wrong:
            raise MalformedTrack(str(wrong)) from None
    for path in sorted((*folder.glob("*.nmea"), *folder.glob("*.ubx"))):
        return read_log(path.read_bytes())
    for path in sorted(folder.glob("*.gpx")):
        return track_of_gpx(path.read_bytes(), path)
    return None
