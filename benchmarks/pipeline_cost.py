"""What the vehicle does around its network, in units of one run of the 416x256 network: from frames in memory, and from a film.

Processor time of one thread, the unit in turn with the vehicle. The film is decoded on other threads too: there the whole process counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from run_timer import timed_sessions
from street_film import frames_from, vehicle_on

from edge.decide import Finding
from edge.pipeline import Vehicle
from edge.ride import Ride
from edge.values import Frame
from models.packs import Pack, load_pack
from models.pixels import Image
from models.training.examples import seen
from models.training.export import run_onnx

IN_MEMORY, ROUNDS, FROM_FILM = 120, 3, 400


def pipeline_cost(ride: Ride, unit: Pack, folder: Path) -> dict[str, float]:
    """`pipeline_added`: gate, preparing, decoding, tracking, locating and deciding, over the unit."""
    added, whole, unit_ms, bracket_ms = list[float](), list[float](), list[float](), list[float]()
    frames = list(islice(frames_from(ride), IN_MEMORY))
    once = _unit_run(unit, frames[0].image)
    once()
    for number in range(ROUNDS):
        with timed_sessions() as sessions:
            vehicle = vehicle_on(ride, load_pack("street"), folder / f"memory{number}.sqlite3")
        session = sessions[0]
        vehicle.bracket.see = _stopped(vehicle.bracket.see, bracket_ms)  # type: ignore[method-assign]
        for frame in frames:
            unit_ms.append(_thread_ms(once))
            inside, before = session.taken_ms, time.thread_time()
            vehicle.see(frame)
            whole.append(1e3 * (time.thread_time() - before))
            added.append(whole[-1] - (session.taken_ms - inside))
        vehicle.outbox.close()
    ratio = float(np.mean(added) / np.mean(unit_ms))
    print(f"  unit {np.mean(unit_ms):.1f} ms; a frame in memory {np.mean(whole):.1f} ms, around the network {np.mean(added):.2f} ms "
          f"(median {median(added):.2f}; {np.mean(bracket_ms):.2f} of it for self-calibration), {len(added)} frames")  # fmt: skip
    return {"pipeline_added": round(ratio, 3)}


def video_cost(ride: Ride, unit: Pack, folder: Path) -> dict[str, float]:
    """`video_added`: the same with the decoding of 1280x720 H.264; what evidence costs is printed apart."""
    with timed_sessions() as sessions:
        vehicle = vehicle_on(ride, load_pack("street"), folder / "film.sqlite3")
    session, once = sessions[0], _unit_run(unit, next(frames_from(ride)).image)
    once()
    unit_ms, evidence_ms = list[float](), list[float]()
    before, frames = time.process_time(), 0
    for frame in islice(frames_from(ride), FROM_FILM):
        unit_ms.append(_thread_ms(once))
        evidence_ms += [_keep_ms(vehicle, finding) for finding in vehicle.see(frame)]
        frames += 1
    all_ms = 1e3 * (time.process_time() - before)
    vehicle.outbox.close()
    around_ms = (all_ms - sum(unit_ms) - sum(evidence_ms) - session.taken_ms) / frames
    print(f"  unit {np.mean(unit_ms):.1f} ms; a frame of the film, around the network {around_ms:.2f} ms, {frames} frames; "
          f"evidence {np.mean(evidence_ms or [0]):.0f} ms for each of {len(evidence_ms)} finds")  # fmt: skip
    return {"video_added": round(around_ms / float(np.mean(unit_ms)), 3)}


def _keep_ms(vehicle: Vehicle, finding: Finding) -> float:
    return _thread_ms(lambda: vehicle.keep(finding))


def _unit_run(unit: Pack, look: Image) -> Callable[[], object]:
    """One run of the unit's network on a picture, and nothing else."""
    return partial(run_onnx(unit.model), seen(look, (unit.height, unit.width)))


def _stopped(see: Callable[[Frame], bool], took_ms: list[float]) -> Callable[[Frame], bool]:
    """The same, with a stopwatch."""

    def timed(frame: Frame) -> bool:
        before = time.thread_time()
        changed = see(frame)
        took_ms.append(1e3 * (time.thread_time() - before))
        return changed

    return timed


def _thread_ms(call: Callable[[], object]) -> float:
    before = time.thread_time()
    call()
    return 1e3 * (time.thread_time() - before)
