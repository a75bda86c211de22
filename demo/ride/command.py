"""`trikeye demo ride`: draw a ride, or make one of photographs."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder to write the ride into")
    parser.add_argument("--seed", type=int, default=1, help="which street to draw (default: %(default)s)")
    parser.add_argument("--fps", type=float, default=10.0, help="frames a second (default: %(default)s)")
    parser.add_argument(
        "--standing", action="store_true", help="draw things that stand where they may not, and others where they may"
    )
    parser.add_argument(
        "--from-photos", type=Path, metavar="DIR", help="make the ride of the photographs in DIR instead of drawing"
    )
    parser.add_argument(
        "--labels", type=Path, metavar="DIR", help="YOLO labels of the photographs; they become the ride's truth"
    )
    parser.add_argument("--limit", type=int, help="use only the first so many photographs")


def run(args: argparse.Namespace) -> int:
    if args.from_photos:
        from demo.ride.photos import ride_from_photos

        try:
            count = ride_from_photos(args.from_photos, args.out, args.labels, args.limit)
        except (OSError, ValueError) as wrong:
            print(f"trikeye demo ride: {wrong}", file=sys.stderr)
            return 1
        print(f"{args.out}: a ride of {count} photographs")
        return 0
    if not shutil.which("ffmpeg"):
        print("trikeye demo ride: ffmpeg is missing; install it: sudo apt-get install ffmpeg", file=sys.stderr)
        return 1
    from demo.ride.write import draw_ride, draw_standing_ride

    try:
        (draw_standing_ride if args.standing else draw_ride)(args.seed, args.out, _progress, args.fps)
    except (ImportError, OSError) as missing:
        if "EGL" not in str(missing) and "GL" not in str(missing):
            raise
        print(
            f"trikeye demo ride: no OpenGL to draw with ({missing}); install it: sudo apt-get install libegl1 libgl1-mesa-dri",
            file=sys.stderr,
        )
        return 1
    size = sum(path.stat().st_size for path in args.out.iterdir()) / 1e6
    print(f"{args.out}: ride of seed {args.seed}, {size:.1f} MB")
    return 0


def _progress(done: int, total: int) -> None:
    if done % 25 == 0 or done == total:
        print(f"\rdrawing frame {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
