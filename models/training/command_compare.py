"""`trikeye models compare`: whether pack B is better than pack A beyond noise. Exits with 1 if it is worse."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from models.packs import PackError, load_pack
from models.pixels import BadPicture
from models.training.command_evaluate import add_set_arguments, progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", help="the pack that is there: a shipped one's name, or a folder")
    parser.add_argument("b", help="the pack that may take its place")
    add_set_arguments(parser)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from models.runtime import Detector
    from models.training.compare import compare
    from models.training.data import street_folder
    from models.training.dataset import BadSet, read_set
    from models.training.looks import OutOfMemory, look_at

    try:
        packs = [load_pack(each) for each in (args.a, args.b)]
        samples = read_set(args.data or street_folder() / "data.yaml", args.split)
        if is_one := packs[0].digest == packs[1].digest:
            print("A and B are one network, so there is nothing to choose: it looks once, and differs from itself by nothing", file=sys.stderr)  # fmt: skip
        looks = [look_at(Detector(pack), samples, progress) for pack in packs[: 1 if is_one else 2]]
    except (PackError, BadSet, BadPicture, OutOfMemory, FileNotFoundError) as wrong:
        print(f"trikeye models compare: {wrong}", file=sys.stderr)
        return 1
    differences = compare(looks[0], looks[-1])
    if not differences:
        print(
            "trikeye models compare: no problem category has 30 boxes in this set, so nothing can be said",
            file=sys.stderr,
        )
        return 1
    if args.json:
        print(json.dumps({name: {**asdict(d), "verdict": d.verdict} for name, d in differences.items()}))
    else:
        print(
            f"AP50 on {len(samples)} pictures; A {packs[0].name}, B {packs[1].name}; 95 % interval of B - A over resampled scenes"
        )
        for name, d in differences.items():
            print(f"{name:22} A {d.a:.3f}  B {d.b:.3f}  {d.b - d.a:+.3f} ({d.low:+.3f} to {d.high:+.3f})  {d.verdict}")
    return 1 if differences["mean"].verdict == "worse" else 0
