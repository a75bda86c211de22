"""What the vehicle's tests share: an outbox, sightings, and scenes whose answer is known in metres."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from calibration.camera import Camera
from calibration.geodesy import moved
from calibration.mount import Mount
from edge.outbox import Outbox
from edge.values import Fix, Frame
from models.contract import Sighting
from models.packs import SHIPPED
from models.pixels import encode_jpeg

START = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
LAT, LON = 37.87, 112.55
Make = Callable[[UUID, int], Sighting]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """A new outbox."""
    return Outbox(tmp_path / "outbox.sqlite3")


@pytest.fixture
def unloadable(tmp_path: Path) -> Path:
    """A pack for redaction whose digest is right and whose network is none."""
    network, folder = b"no network", tmp_path / "unloadable"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(network)
    card = (SHIPPED / "redaction" / "pack.toml").read_text(encoding="utf-8")
    digest = f'digest = "sha256:{hashlib.sha256(network).hexdigest()}"'
    (folder / "pack.toml").write_text(re.sub(r'^digest = "sha256:\w+"', digest, card, flags=re.MULTILINE))
    return folder


@pytest.fixture
def sighting_of() -> Callable[..., Make]:
    """Makes what `Outbox.put` asks for, of a wanted size."""

    def sighting_of(sighting_id: UUID, probability: float = 0.5, filling: int = 0, **changed: object) -> Make:
        jpeg = encode_jpeg(np.full((32, 32, 3), 90, np.uint8)) + bytes(filling)
        picture = {"role": "best", "sha256": hashlib.sha256(jpeg).hexdigest(), "width": 32, "height": 32, "bytes": jpeg}
        place = {
            "lat_deg": LAT, "lon_deg": LON, "covariance_m2": ((1.0, 0.0), (0.0, 1.0)), "bearing_deg": 0.0, "range_m": 5.0,
            "near_m": 4.0, "far_m": 6.0, "method": "ground",
        }  # fmt: skip
        fix = {"utc": START, "lat_deg": LAT, "lon_deg": LON, "sigma_m": 1.0, "quality": "gnss"}
        return lambda box, sequence: Sighting.model_validate({
            "id": sighting_id, "outbox": box, "sequence": sequence, "vehicle": "TY-01", "camera": "front", "pass_id": UUID(int=1),
            "origin": "demo", "seen_at": {"utc": START, "source": "file", "sigma_s": 1.0}, "boot_id": UUID(int=2), "monotonic_ns": 0,
            "category": "road_damage", "score": 0.5, "probability": probability, "place": place, "fix": fix,
            "calibration_digest": "0" * 64, "settings_revision": 0, "pack": {"name": "t", "digest": "0" * 64},
            "redaction": {"digest": "0" * 64, "regions": 0}, "pictures": (picture,), **changed,
        })  # fmt: skip

    return sighting_of


@pytest.fixture
def camera() -> Camera:
    """A level pinhole camera's picture: 960 x 540."""
    return Camera((960, 540), (760.0, 760.0), (479.5, 269.5))


@pytest.fixture
def mount() -> Mount:
    """1.4 m high, 8 degrees nose down."""
    return Mount(1.4, 8.0, pitch_sigma_deg=0.75)


@pytest.fixture
def frame_at() -> Callable[..., Frame]:
    """A frame taken so many metres east and north of the origin."""

    def frame_at(number: int, east_m: float, north_m: float = 0.0, heading_deg: float | None = 90.0, t_s: float | None = None,
                 image: np.ndarray | None = None, with_fix: bool = True) -> Frame:  # fmt: skip
        t_s = float(number) if t_s is None else t_s
        utc = START + timedelta(seconds=t_s)
        lat, lon = moved(LAT, LON, east_m, north_m)
        fix = Fix(utc, lat, lon, 1.0, heading_deg, 3.0, "file") if with_fix else None
        noise = (
            np.random.default_rng(number).integers(0, 255, (540, 960, 3), dtype=np.uint8) if image is None else image
        )
        return Frame(number, "front", noise, utc, "file", 1.0, int(t_s * 1e9), fix)

    return frame_at
