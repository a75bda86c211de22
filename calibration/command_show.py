"""`trikeye calibrate show`: what a camera file says, in words."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from math import atan, degrees
from pathlib import Path

from calibration.camera import Camera, OutsideField
from calibration.files import CameraFile, MalformedCameraFile, read_camera_file
from calibration.ground import NoGround, ground_from_pixel, pixel_from_ground
from calibration.mount import Mount

NAME = "trikeye calibrate show"
TOLD_M = (5.0, 10.0, 20.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a camera file")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        file = read_camera_file(args.file)
    except MalformedCameraFile as wrong:
        more = "" if args.file.exists() else "; trikeye calibrate camera writes one"
        print(f"{NAME}: {wrong}{more}", file=sys.stderr)
        return 1
    print(json.dumps(told(file)) if args.json else "\n".join(in_words(file)))
    return 0


def told(file: CameraFile) -> dict[str, object]:
    """All that a file says and what follows from it, for programs."""
    return {
        "camera": asdict(file.camera), "mount": asdict(file.mount), "made": file.made.model_dump() if file.made else None,
        "digest": file.digest, "is_vouched": file.is_vouched, "field_of_view_deg": list(field_of_view_deg(file.camera)),
        "range_95_m": {f"{m:g}": between for m in TOLD_M if (between := range_95_m(file.camera, file.mount, m))},
    }  # fmt: skip


def in_words(file: CameraFile) -> list[str]:
    """What a file says, a sentence each."""
    camera, mount = file.camera, file.mount
    width, height = camera.size_px
    across, down = (f"{each:.0f}°" if each else "more than 170°" for each in field_of_view_deg(camera))
    sigma = f" (± {file.made.focal_sigma_px:.1f})" if file.made and file.made.focal_sigma_px else ""
    lines = [
        f"{camera.model} camera for pictures of {width}x{height} pixels (other sizes of that shape are scaled); it sees {across} across and {down} down, focal length {camera.focal_px[0]:.1f} px{sigma}"
    ]
    if file.made:
        made = file.made
        lines.append(f"made from {f'{made.pictures} ' if made.pictures else ''}{made.how}" + (f"; boards that were left out are off by {made.held_out_px[0]:.2f} px (median), 9 of 10 by less than {made.held_out_px[1]:.2f} px" if made.held_out_px else ""))  # fmt: skip
    lines.append(
        "its checksum is right"
        if file.is_vouched
        else "it has no checksum: written or changed by hand, nothing vouches for its figures"
    )
    pitch_deg = round(mount.pitch_deg, 1)
    lean = "level" if pitch_deg == 0 else "nose down" if pitch_deg > 0 else "nose up"
    lines.append(
        f"mounted {_short(mount.height_m, 2)} m (± {_short(mount.height_sigma_m, 2, 0.01)}) over the road, pitch {_short(abs(pitch_deg), 1)}° {lean} (± {_short(mount.pitch_sigma_deg, 1, 0.1)}), "
        f"roll {_short(mount.roll_deg, 1)}° (± {_short(mount.roll_sigma_deg, 1, 0.1)}), yaw {_short(mount.yaw_deg, 1)}° (± {_short(mount.yaw_sigma_deg, 1, 0.1)}); ± is one sigma"
    )
    return lines + [
        f"a thing on the road {metres:g} m ahead is {_told_to_be(camera, mount, metres)}" for metres in TOLD_M
    ]


def _short(value: float, digits: int, least: float | None = None) -> str:
    """A number with up to so many digits after the point, never "-0"; a sigma no smaller than the least that these can tell."""
    return f"{round(value if least is None else max(value, least), digits) + 0.0:g}"


def _told_to_be(camera: Camera, mount: Mount, ahead_m: float) -> str:
    if not is_seen(camera, mount, ahead_m):
        return "not in the picture"
    between = range_95_m(camera, mount, ahead_m)
    return f"told to be {between[0]:.1f} to {between[1]:.1f} m away (95 %)" if between else f"too near the horizon to tell where it is: the pitch is known to {_short(mount.pitch_sigma_deg, 1, 0.1)}° only"  # fmt: skip


def field_of_view_deg(camera: Camera) -> tuple[float | None, float | None]:
    """Degrees across and down through the middle of the picture; None if the model tells no direction at an edge."""
    (width, height), (cx, cy) = camera.size_px, camera.centre_px
    try:
        across = degrees(atan(camera.ray(width - 0.5, cy)[0]) - atan(camera.ray(-0.5, cy)[0]))
    except OutsideField:
        across = None
    try:
        return across, degrees(atan(camera.ray(cx, height - 0.5)[1]) - atan(camera.ray(cx, -0.5)[1]))
    except OutsideField:
        return across, None


def is_seen(camera: Camera, mount: Mount, ahead_m: float) -> bool:
    """Whether the road straight ahead is in the picture at that distance."""
    try:
        u, v = pixel_from_ground(ahead_m, 0.0, 0.0, camera, mount)
    except (NoGround, OutsideField):
        return False
    return 0 <= u < camera.size_px[0] and 0 <= v < camera.size_px[1]


def range_95_m(camera: Camera, mount: Mount, ahead_m: float) -> tuple[float, float] | None:
    """Between which ranges something straight ahead is told to be (95 %), None if it is not seen, or too near the horizon."""
    if not is_seen(camera, mount, ahead_m):
        return None
    try:
        point = ground_from_pixel(pixel_from_ground(ahead_m, 0.0, 0.0, camera, mount), camera, mount)
    except NoGround:
        return None
    return point.range_between_m()
