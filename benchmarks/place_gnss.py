"""What the vehicle makes of receivers: recorded logs against another decoder's word, and drawn drives against the truth."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from place_row import Row

from calibration.clock_offset import NoOffset, clock_offset
from calibration.drift import seen_travel
from calibration.files import read_camera
from calibration.gnss import Position
from calibration.motion import Motion
from calibration.pictures import read_grey
from calibration.receiver import Listener
from calibration.synthetic_drive import Noise, fixes, town_drive

DAY_S, SAME_S = 86400.0, 0.006
DRIVES = 40


def figures(shared: Path | None) -> list[Row]:
    """The logs' three figures, two of drawn drives, one of a recorded one. Some thirty seconds."""
    return [*_of_logs(shared), _headings(), _offsets(), _recorded_offset(shared)]


@dataclass(frozen=True)
class Log:
    """What was told of one log: positions, seconds of the day at which its bytes say that there is no fix, and gpsd's word of each."""

    positions: list[Position]
    without_fix: list[float]
    reference: dict[float, list[tuple[float, float]]]


def _of_logs(shared: Path | None) -> list[Row]:
    names = (
        "GNSS logs: exceptions",
        "GNSS logs: positions out of an epoch without fix",
        "GNSS logs: distance to the reference",
    )
    aims = ("0", "0", "≤ 1e-6°")
    if shared is None:
        return [Row(name, "", aim, None) for name, aim in zip(names, aims, strict=True)]
    paths = sorted(path for path in (shared / "data" / "gnss").iterdir() if path.suffix in (".log", ".ubx"))
    raised, logs = 0, []
    for path in paths:
        try:
            logs.append(read(path))
        except Exception as wrong:  # what this counts
            print(f"{path.name}: {wrong!r}")
            raised += 1
    positions = sum(_second(position) is not None for log in logs for position in log.positions)
    false = sum(_is_without_fix(log, position) for log in logs for position in log.positions)
    away = [each for log in logs for position in log.positions if (each := _away_deg(log, position)) is not None]
    return [
        Row(names[0], f"{raised} in {len(paths)} logs", aims[0], raised == 0),
        Row(names[1], f"{false} of {positions}", aims[1], false == 0 and positions > 0),
        Row(names[2], f"{max(away):.1e}°, {len(away)} compared", aims[2], max(away) <= 1e-6),
    ]


def read(path: Path) -> Log:
    """One log, in chunks as a serial port gives them, and what `.chk` beside it says: gpsd's TPV, JSON lines."""
    data, listener = path.read_bytes(), Listener()
    positions = [each for at in range(0, len(data), 61) for each in listener.feed(data[at : at + 61])]
    positions += listener.feed(b"", is_all=True)
    reference: dict[float, list[tuple[float, float]]] = {}
    check = path.with_name(path.name + ".chk")
    for line in check.read_bytes().splitlines() if check.exists() else ():
        if line.startswith(b"{"):
            said = json.loads(line)
            if said["class"] == "TPV" and said["mode"] >= 2 and {"lat", "time"} <= said.keys():
                reference.setdefault(_second_of(said["time"][11:23].replace(":", "")), []).append((said["lat"], said["lon"]))  # fmt: skip
    return Log(positions, _seconds_without_fix(data), reference)


def _seconds_without_fix(data: bytes) -> list[float]:
    """Out of the bytes themselves, by field and offset, without any of what is measured: RMC V, GGA 0, and NAV-PVT without gnssFixOK."""
    seconds = []
    for line in data.splitlines():
        fields = line[line.rfind(b"$") :].split(b"*")[0].split(b",")
        if (fields[0][3:] == b"RMC" and fields[2:3] == [b"V"]) or (fields[0][3:] == b"GGA" and fields[6:7] == [b"0"]):
            with suppress(ValueError):
                seconds.append(_second_of(fields[1].decode("ascii", "replace")))
    at = data.find(b"\xb5\x62\x01\x07")
    while at >= 0:
        body = data[at + 6 : at + 98]
        if len(body) > 21 and (not body[21] & 1 or body[20] in (0, 1, 5)):
            seconds.append(body[8] * 3600.0 + body[9] * 60 + body[10] + int.from_bytes(body[16:20], "little", signed=True) * 1e-9)  # fmt: skip
        at = data.find(b"\xb5\x62\x01\x07", at + 1)
    return seconds


def _second_of(clock: str) -> float:
    return int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + float(clock[4:])


def _second(position: Position) -> float | None:
    utc = position.utc
    return None if utc is None else utc.hour * 3600 + utc.minute * 60 + utc.second + utc.microsecond / 1e6


def _is_without_fix(log: Log, position: Position) -> bool:
    second = _second(position)
    return second is not None and any(abs(second - each) < SAME_S for each in log.without_fix)


def _away_deg(log: Log, position: Position) -> float | None:
    """How far off gpsd's nearest word of the same instant is, in degrees of latitude or longitude; None if it has none."""
    second = _second(position)
    places = [place for at, known in log.reference.items() if second is not None and abs(at - second) < SAME_S for place in known]  # fmt: skip
    return min((max(abs(position.lat_deg - lat), abs(position.lon_deg - lon)) for lat, lon in places), default=None)


def _headings() -> Row:
    """Headings of drawn drives through a town, waits at lights included, live."""
    within, sigmas_deg = [], []
    for seed in range(DRIVES):
        drive, motion = town_drive(seed), Motion()
        for fix in fixes(drive, seed, Noise() if seed % 2 else Noise(velocity_mps=None)):
            told = motion.see(fix)
            if told.heading_deg is not None and told.heading_sigma_deg is not None:
                off_deg = (
                    told.heading_deg - float(np.interp(told.t_s, drive.t_s, drive.heading_deg)) + 180
                ) % 360 - 180
                within.append(abs(off_deg) < 1.96 * told.heading_sigma_deg)
                sigmas_deg.append(told.heading_sigma_deg)
    holds = float(np.mean(within))
    return Row("headings by motion: 95 % region holds, median sigma", f"{holds:.1%}, {np.median(sigmas_deg):.1f}°", "≥ 93 %", holds >= 0.93)  # fmt: skip


def _offsets() -> Row:
    """Camera and receiver apart by up to a second, three minutes of driving, course off by 1°, the camera's turn rate by 1.5° a second."""
    off_s, within = [], []
    for seed in range(DRIVES):
        drive, rng = town_drive(seed), np.random.default_rng([seed, 7])
        true_s = float(rng.uniform(-1, 1))
        camera_s, receiver_s = np.arange(0, drive.t_s[-1], 0.1), np.arange(0.3, drive.t_s[-1], 1.0)
        turn = np.interp(camera_s, drive.t_s, drive.turn_deg_s) + rng.normal(0, 1.5, camera_s.size)
        course = np.interp(receiver_s, drive.t_s, drive.heading_deg) + rng.normal(0, 1.0, receiver_s.size)
        with suppress(NoOffset):
            found = clock_offset(camera_s + true_s, turn, receiver_s, course)
            off_s.append(abs(found.offset_s - true_s))
            within.append(off_s[-1] < 1.96 * found.sigma_s)
    p90_s = float(np.percentile(off_s, 90))
    return Row("camera-GNSS time offset out of a drive: p90, 95 % region holds", f"{p90_s:.3f} s, {np.mean(within):.0%}", "≤ 0.05 s, ≥ 87 %", bool(p90_s <= 0.05 and np.mean(within) >= 0.87))  # fmt: skip


def _recorded_offset(shared: Path | None) -> Row:
    """Pictures and positions of a recorded drive that turns all the time, both stamped by one clock, and the same with the pictures 0.3 s later."""
    what, aim, late_s = "the same on kitti_0005, whose clocks are one; 0.3 s later by", "≤ 0.1 s; 0.27-0.33 s", 0.3
    if shared is None:
        return Row(what, "", aim, None)
    folder = shared / "data" / "replay" / "kitti_0005"
    camera, mount, *_ = read_camera(folder / "camera.json")
    with (folder / "track.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    image_s, fix_s = (np.array([datetime.fromisoformat(row[key]).timestamp() for row in rows]) for key in ("image_time", "fix_time"))  # fmt: skip
    greys = [read_grey(folder / row["frame"]) for row in rows]
    seen_s, turn_deg_s = [], []
    for i in range(len(greys) - 1):
        seen = seen_travel(greys[i], greys[i + 1], camera, mount)
        if not isinstance(seen, str):
            seen_s.append((image_s[i] + image_s[i + 1]) / 2)
            turned_rad = (mount.road_from_camera() @ seen.turn_rad)[2]
            turn_deg_s.append(np.degrees(turned_rad) / (image_s[i + 1] - image_s[i]))
    courses = fix_s, [float(row["heading_deg_cw_from_north"]) for row in rows]
    found, later = (clock_offset(np.array(seen_s) + each_s, turn_deg_s, *courses) for each_s in (0.0, late_s))
    moved_s = later.offset_s - found.offset_s
    holds = abs(found.offset_s) <= 0.1 and abs(moved_s - late_s) <= 0.03
    return Row(what, f"{found.offset_s:.3f} ± {found.sigma_s:.3f} s; {moved_s:.3f} s", aim, holds)
