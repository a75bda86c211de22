"""How old a frame is when its inference starts, with a camera of thirty frames a second: a film at its own pace, driven as a watch drives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from run_timer import timed_sessions
from street_film import vehicle_on

from edge.capture import LiveCamera
from edge.ride import Ride
from edge.values import Fix, Frame
from models.packs import load_pack

FRAMES, SKIPPED = 600, 40


def frame_age(ride: Ride, film: Path, folder: Path) -> dict[str, float]:
    """`frame_age_ms`: the median; the 95th percentile is printed. Looks keep a processor as busy as is set, so a look begins with a frame that has just come."""
    with timed_sessions() as sessions:
        vehicle = vehicle_on(ride, load_pack("street"), folder / "age.sqlite3")
    vehicle.clock_s = time.monotonic
    first = ride.positions[0]
    fix = Fix(None, first.lat_deg, first.lon_deg, first.sigma_m, first.heading_deg, 3.0, first.quality)
    camera, ages_ms = LiveCamera(str(film), 1280, 720, "front", lambda: fix), list[float]()

    def noted() -> Iterator[Frame]:
        for frame in islice(camera.frames(), FRAMES):
            yield frame
            age_ms = (sessions[0].began_ns - frame.monotonic_ns) / 1e6
            if age_ms > 0 and frame.number > SKIPPED:
                ages_ms.append(age_ms)

    vehicle.drive(noted())
    camera.stop()
    vehicle.outbox.close()
    middle, late = np.quantile(ages_ms, [0.5, 0.95])
    print(f"  median {middle:.1f} ms, 95 % within {late:.1f} ms (aim 40), {len(ages_ms)} inferences in {FRAMES} frames")
    return {"frame_age_ms": round(float(middle), 1)}
