"""Frames for training: random looks along streets of many seeds, with YOLO labels. `python -m demo.ride.training --seeds 100-118 --out DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from demo.ride import standing
from demo.ride.camera_look import look
from demo.ride.pose import Pose
from demo.ride.renderer import Renderer
from demo.ride.street import Street, layout
from demo.ride.truth import LABELLED_SHARE, LABELLED_SHORT_PX, Truth, View

# The network's classes, in its order (models/training/classes.py holds the same; a test compares).
NAMES = ["garbage", "garbage_bag", "bin_overflow", "bin_ok", "rubble", "dumped_bulky", "pothole", "crack", "road_patch", "manhole_ok", "manhole_bad", "water_on_road", "footpath_damaged", "streetlight_broken", "sign_ok", "sign_damaged", "roadwork", "cone", "graffiti", "bad_billboard", "window_ad", "shop_sign", "facade_unkept", "sand_on_road", "person", "bicycle", "motorcycle", "car", "bus", "truck", "umbrella", "chair", "dining_table"]  # fmt: skip


ALONG_M = 335.0
SAVED_PX = (640, 360)
"""The size at which the network sees a frame."""


def worth_a_label(view: View) -> bool:
    """Large enough and not mostly hidden."""
    return view.short_px >= LABELLED_SHORT_PX and view.visible_share >= LABELLED_SHARE


def draw(street: Street, end_m: float, frames: int, out: Path, name: str, width: int = 960, height: int = 540) -> None:
    """Draw `frames` looks at a street, of which the last is taken before `end_m`."""
    renderer, truth, rng = Renderer(street, width, height), Truth(street), np.random.default_rng([street.seed, 11])
    problems = [thing for thing in street.objects if thing.category]
    for number in range(frames):
        # Half of the looks come close to a problem, as the best view of a pass does; the rest are anywhere.
        if number % 2:
            aim = problems[int(rng.integers(len(problems)))]
            x = aim.foot_m[0] - rng.uniform(3.5, 12) - (6 if abs(aim.foot_m[1]) > 4 else 0)
        else:
            x = rng.uniform(2, end_m)
        pose = Pose(float(x), float(rng.normal(-2.4, 0.45)), float(rng.normal(1.4, 0.06)), float(rng.normal(0, 0.04)),
                    float(np.radians(rng.normal(7, 1.3))), float(rng.normal(0, 0.012)))  # fmt: skip
        picture = look(renderer.draw(pose), rng, exposure=float(rng.uniform(0.75, 1.2)))
        picture = np.asarray(cv2.resize(picture, SAVED_PX, interpolation=cv2.INTER_AREA), np.uint8)
        labels = [_row(view, width, height) for view in truth.views(pose, renderer.ids(pose)) if worth_a_label(view)]
        stem = f"{name}_{street.seed}_{number:03d}"
        cv2.imwrite(str(out / "images" / f"{stem}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 94))])
        (out / "labels" / f"{stem}.txt").write_text("".join(labels))


def _row(view: View, width: int, height: int) -> str:
    x1, y1, x2, y2 = view.box_px
    return f"{NAMES.index(view.thing.label)} {(x1 + x2) / 2 / width:.5f} {(y1 + y2) / 2 / height:.5f} {(x2 - x1) / width:.5f} {(y2 - y1) / height:.5f}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="100-118", help="first-last (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=20, help="frames a seed (default: %(default)s)")
    parser.add_argument("--standing", type=int, default=0, help="frames a seed of parked bicycles, cars and stalls on top (default: %(default)s)")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    first, last = map(int, args.seeds.split("-"))
    for part in ("images", "labels"):
        (args.out / part).mkdir(parents=True, exist_ok=True)
    for seed in range(first, last + 1):
        draw(layout(seed), ALONG_M, args.frames, args.out, "drawn")
        if args.standing:
            draw(standing.layout(seed), standing.end_m(), args.standing, args.out, "standing")
        print(f"seed {seed}: {args.frames + args.standing} frames", flush=True)  # noqa: T201
    (args.out / "DONE").touch()


if __name__ == "__main__":
    main()
