"""How well a camera's pitch and yaw are told by driving, how often the bracket's alarm is false or late, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from place_row import Row
from place_street import Image, Street

from calibration.camera import camera_of_field_of_view
from calibration.drift import Drift
from calibration.mount import Mount
from calibration.running import SURE_PAIRS, Running
from calibration.synthetic import Motion, Ride, Road
from edge.bracket import SURE_EVERY_M

MOUNTS, STRAIGHTS, STRAIGHT_M = 10, 3, 46.0
GUESS = Mount(1.4, 5.0)
EVERY_S = SURE_EVERY_M / 4.0
"""Seconds between pairs at 4 m/s."""
PAIR_SIGMA_DEG, STRAIGHT_SIGMA_DEG = 0.8, (0.1, 0.25)
"""What single pairs scatter by, and straights differ by in pitch and yaw; twice what the rendered drives show."""
HOURS, STEPS, STEP_DEG, LOOK_S = 100, 200, 1.5, 15.0


def figures(shared: Path | None) -> list[Row]:
    """Every figure of self-calibration."""
    off, pair_ms = np.array([_rendered(seed) for seed in range(MOUNTS)]), _pair_ms()
    pitch, yaw = np.percentile(np.abs(off), 90, axis=0)
    return [
        Row(f"pitch told by {SURE_PAIRS} pairs of rendered driving, {MOUNTS} mounts: p90", f"{pitch:.2f}°", "<= 0.2°", bool(pitch <= 0.2)),
        Row("the same, yaw", f"{yaw:.2f}°", "<= 0.2°", bool(yaw <= 0.2)),
        _turning(shared),
        *_alarms(),
        Row("following a pair of pictures on one thread", f"{pair_ms:.0f} ms of processor", "none", True),
    ]  # fmt: skip


def _ride(seed: int) -> Ride:
    """A drive with a mount of its own: shaken in pitch, roll and height, its pictures read row by row."""
    rng = np.random.default_rng([seed, 41])
    mount = Mount(float(rng.uniform(1.2, 1.7)), float(rng.uniform(0, 15)), 0.0, float(rng.uniform(-6, 6)))
    return Ride(camera_of_field_of_view(480, 270, 75.0), mount, Road(heading_deg=90.0), STRAIGHT_M, pitch_shake_deg=0.3, roll_shake_deg=0.2,
                height_shake_m=0.002, rolling_shutter_s=0.02)  # fmt: skip


def _pictures(ride: Ride, seed: int) -> Iterator[tuple[Image, float, float]]:
    """Pictures of STRAIGHTS drives with their times, and headings that tell these apart."""
    for straight in range(STRAIGHTS):
        street, motion = _street(straight), Motion(ride, np.random.default_rng([seed, straight, 42]))
        for number in range(int(ride.length_m / ride.speed_mps * ride.fps)):
            t_s = number / ride.fps
            yield street.draw(motion, t_s), 100.0 * straight + t_s, 90.0 * straight


@cache
def _street(number: int) -> Street:
    return Street(number)


def _rendered(seed: int) -> tuple[float, float]:
    """How far pitch and yaw are off after SURE_PAIRS pairs."""
    ride = _ride(seed)
    drift = Drift(ride.camera, GUESS, Running())
    for image, t_s, heading_deg in _pictures(ride, seed):
        drift.see(image, t_s, ride.speed_mps, heading_deg)
        if drift.pairs == SURE_PAIRS:
            break
    found = drift.running.estimate
    if found is None or not found.is_sure:
        return float("inf"), float("inf")
    return found.pitch_deg - ride.mount.pitch_deg, found.yaw_deg - ride.mount.yaw_deg


def _turning(shared: Path | None) -> Row:
    """A recorded ride that turns all the time."""
    what, aim = "ride kitti_0005, which turns all the time", "refused, or >= 0.5°"
    if shared is None:
        return Row(what, "", aim, None)
    from edge.ride import frames_of, open_ride

    ride = open_ride(shared / "data" / "replay" / "kitti_0005")
    drift = Drift(ride.camera, ride.mount, Running())
    for frame in frames_of(ride, "front", 5.0, lambda _: None):
        if frame.fix is not None:
            drift.see(frame.image, frame.monotonic_ns / 1e9, frame.fix.speed_mps, frame.fix.heading_deg)
    found = drift.running.estimate
    if found is None:
        return Row(what, f"refused: {drift.pairs} pairs of {drift.pairs + sum(drift.reasons.values())}", aim, True)
    least = min(found.pitch_sigma_deg, found.yaw_sigma_deg)
    return Row(what, f"sigma {least:.1f}°", aim, least >= 0.5)


def _alarms() -> list[Row]:
    """Hours without a step, and steps that come and go or stay."""
    running, rng = Running(), np.random.default_rng(43)
    began, t_s = 0, 0.0
    for _ in range(HOURS * 60):
        was = running.moved
        t_s = _drive(running, (7.0, 1.0), 60.0, t_s, rng)
        began += bool(running.moved) and not was
    late_s = []
    for number in range(STEPS):
        stepped = Running((7.0, 1.0))
        t_s = _drive(stepped, (7.0, 1.0), 300.0, 0.0, rng)
        step = STEP_DEG * np.eye(2)[number % 2] * (1 if number % 4 < 2 else -1)
        for look in range(20):
            t_s = _drive(stepped, (7.0 + step[0], 1.0 + step[1]), LOOK_S, t_s, rng)
            if stepped.moved:
                late_s.append(LOOK_S * (look + 1))
                break
    late = float(np.percentile(late_s, 90)) if late_s else float("inf")
    return [
        Row(f"false alarms in {HOURS} hours of driving", str(began), "0", began == 0),
        Row(f"steps of {STEP_DEG}° told, p90 of the time from the step", f"{100 * len(late_s) // STEPS} %, {late:.0f} s", ">= 95 %, <= 180 s", len(late_s) >= 0.95 * STEPS and late <= 180),
    ]  # fmt: skip


def _drive(
    running: Running, angles_deg: tuple[float, float], seconds: float, began_s: float, rng: np.random.Generator
) -> float:
    """A straight of so many seconds; the time at its end."""
    running.turn()
    off, t_s = rng.normal(0, STRAIGHT_SIGMA_DEG), began_s
    for scatter in rng.normal(0, PAIR_SIGMA_DEG, (int(seconds / EVERY_S), 2)):
        t_s += EVERY_S
        pitch, yaw = (np.asarray(angles_deg) + off + scatter).tolist()
        running.add(pitch, yaw, t_s)
    return t_s


def _pair_ms() -> float:
    """What a pair costs where each picture comes anew, as on a vehicle: two shrinkings, following, the motion."""
    ride = _ride(0)
    motion, street = Motion(ride, np.random.default_rng(1)), Street(1)
    large = [np.repeat(np.repeat(street.draw(motion, number / ride.fps), 2, axis=0), 2, axis=1) for number in range(12)]
    drift, began = Drift(ride.camera, GUESS, Running()), time.process_time()
    for number, image in enumerate(large):
        drift.see(image, number / ride.fps, ride.speed_mps, None)
    return 1000 * (time.process_time() - began) / (len(large) - 1)
