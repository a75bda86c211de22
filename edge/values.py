"""What the stages hand to each other. Every value is frozen; every number carries its unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Fix:
    """A position of the camera: WGS-84, one sigma per axis in metres, course clockwise from true north. `utc` by the receiver, if it tells.

    `heading_sigma_deg` is None where nobody told how sure the heading is.
    """

    utc: datetime | None
    lat_deg: float
    lon_deg: float
    sigma_m: float
    heading_deg: float | None
    speed_mps: float | None
    quality: str  # rtk, gnss, exif, file, stale
    heading_sigma_deg: float | None = None


@dataclass(frozen=True)
class Frame:
    """One picture at the instant it was taken. `image` is uint8 HxWx3 BGR. `fix` is None without a position."""

    number: int
    camera: str
    image: Image
    utc: datetime
    clock_source: str
    clock_sigma_s: float
    monotonic_ns: int
    fix: Fix | None

    def without_pixels(self) -> Frame:
        """The same frame for geometry alone: the image keeps its shape and holds one byte."""
        return replace(self, image=np.broadcast_to(np.uint8(0), self.image.shape)) if self.has_pixels else self

    @property
    def has_pixels(self) -> bool:
        """Whether they were not taken away."""
        return any(self.image.strides)


@dataclass(frozen=True)
class Detection:
    """One box of the full frame (x1, y1, x2, y2 in pixels) with the network's raw score and the calibrated probability."""

    box_px: Box
    label: str
    category: str
    score: float
    probability: float


@dataclass(frozen=True)
class TrackView:
    """One look at a tracked thing."""

    frame: Frame
    detection: Detection


@dataclass(frozen=True)
class Track:
    """One thing followed through the looked-at frames of one pass; `ordinal` is its place among those that began in its first frame."""

    ordinal: int
    pass_id: UUID
    views: tuple[TrackView, ...]

    @property
    def best(self) -> Detection:
        """The detection with the highest score; its label and category are the track's."""
        return max(self.views, key=lambda view: view.detection.score).detection

    @property
    def label(self) -> str:
        return self.best.label
