"""What a process of the vehicle tells its neighbours: one small file each in the data folder, written aside and renamed, ages by a clock that nobody sets."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.contract import Counts, FixHealth, Name, PackName, Seconds, Sha256

BOOT = Path("/proc/sys/kernel/random/boot_id")
LARGEST_BYTES = 64 * 1024


class Part(BaseModel):
    """`boot` and `monotonic_s` say when it was written, to every process of this machine."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    boot: str = ""
    monotonic_s: Seconds = 0.0
    pid: int = 0

    def age_s(self, now_s: float) -> float | None:
        """Seconds since it was written, by the machine's monotonic clock; None if that was before the machine's last start."""
        return max(0.0, now_s - self.monotonic_s) if self.boot == boot() else None

    def is_of_the_living(self) -> bool:
        """Whether the process that wrote it may still run: one that was killed leaves its last word behind."""
        if self.boot != boot():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # it is there, and another user's
            return True
        return True


class Picture(BaseModel):
    """How the last picture looks: mean grey 0–255, variance of the Laplacian, share of pixels that are white."""

    model_config = ConfigDict(frozen=True)
    brightness: float
    sharpness: float
    white_share: float
    width_px: int
    height_px: int


class WatchPart(Part):
    """The watch's. `ended` is the trouble it ended with, `starts_s` the starts of the last half hour, `said` its troubles in words."""

    starts_s: Annotated[tuple[Seconds, ...], Field(max_length=100)] = ()
    ended: Name | None = None
    pack: PackName | None = None
    redaction: Sha256 | None = None
    calibration_digest: Sha256 | None = None
    calibration_alarm: Name | None = None
    settings_revision: int = 0
    zones: Sha256 | None = None
    clock_source: str = "none"
    clock_sigma_s: Seconds = 0.0
    troubles: tuple[Name, ...] = ()
    said: tuple[str, ...] = ()
    rates_per_s: dict[Name, Seconds] = {}
    gate: Counts = {}
    stretch: float = 1.0
    stretched_by: Name | None = None
    faults: Counts = {}
    fix: FixHealth | None = None
    picture: Picture | None = None


class UplinkPart(Part):
    """The uplink's: whether it is connected, and what it last complained of."""

    connected: bool = False
    said: str = ""
    troubles: tuple[Name, ...] = ()


P = TypeVar("P", bound=Part)


def boot() -> str:
    """The kernel's name of this start of the machine; empty where it tells none."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def write_part(folder: Path, part: P) -> None:
    """Write a process's file, stamped now. Not flushed to the card: after a power cut nobody wants it. Raises OSError."""
    stamped = part.model_copy(update={"boot": boot(), "monotonic_s": time.monotonic(), "pid": os.getpid()})
    write_aside(_path(folder, type(part)), stamped.model_dump_json(exclude_none=True).encode(), durable=False)


def read_part(folder: Path, kind: type[P]) -> P | None:
    """A process's file; None if there is none that can be read."""
    try:
        with _path(folder, kind).open("rb") as file:
            return kind.model_validate_json(file.read(LARGEST_BYTES))
    except (OSError, ValidationError):
        return None


def write_aside(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a file anew, whole or not at all; `durable` flushes it and its folder to the card. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    aside.replace(path)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _path(folder: Path, kind: type[Part]) -> Path:
    return folder / f"{kind.__name__.removesuffix('Part').lower()}.json"
