"""How old a frame is when its inference starts, with a camera of thirty frames a second that is faster than the vehicle: a film at its own pace."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from run_timer import timed_sessions
from street_film import vehicle_on

from edge.capture import LiveCamera
from edge.ride import Ride
from edge.values import Fix
from models.packs import load_pack

FRAMES, SKIPPED = 300, 20


def frame_age(ride: Ride, film: Path, folder: Path) -> dict[str, float]:
    """`frame_age_ms`: the median; the 95th percentile is printed."""
    with timed_sessions() as sessions:
        vehicle = vehicle_on(ride, load_pack("street"), folder / "age.sqlite3")
    first = ride.positions[0]
    fix = Fix(None, first.lat_deg, first.lon_deg, first.sigma_m, first.heading_deg, 3.0, first.quality)
    camera, ages_ms, number = LiveCamera(str(film), 1280, 720, "front", lambda: fix), list[float](), 0
    for frame in islice(camera.frames(), FRAMES + SKIPPED):
        vehicle.see(frame)
        ages_ms.append((sessions[0].began_ns - frame.monotonic_ns) / 1e6)
        number = frame.number
    camera.stop()
    vehicle.outbox.close()
    middle, late = np.quantile(ages_ms[SKIPPED:], [0.5, 0.95])
    print(f"  median {middle:.1f} ms, 95 % within {late:.1f} ms (aim 40), {FRAMES} inferences, {number + 1} frames of the film went by")  # fmt: skip
    return {"frame_age_ms": round(float(middle), 1)}
