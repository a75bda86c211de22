"""`trikeye models train`: build the training set and train."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from models.packs import PackError, load_pack, shipped_packs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path(__file__).with_name("street.toml"), help="recipe (default: %(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, help="folder with data.yaml; without it, one is built from the street photographs"
    )
    parser.add_argument(
        "--drawn", type=Path, help="folder with drawn frames (images/, labels/) to join to the photographs"
    )
    parser.add_argument(
        "--weights", type=Path, required=True, help="what to start from: a checkpoint, or a pack's name or folder"
    )
    parser.add_argument("--teacher", type=Path, help="COCO checkpoint that labels people and vehicles")
    parser.add_argument(
        "--work", type=Path, default=Path(".training"), help="where everything is kept (default: %(default)s)"
    )
    parser.add_argument(
        "--fold", type=int, choices=(0, 1, 2), help="train without one third of the scenes, to measure on"
    )
    parser.add_argument(
        "--licence-policy", choices=("strict", "shipped", "research"), default="shipped",
        help="which sets' terms allow training on them: open ones; those and unstated ones; all (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--run", default="street", help="name of this run inside --work; the same name resumes it")


def run(args: argparse.Namespace) -> int:
    # Read when torch is loaded: threads that spin while they wait take eight times the time where others work too.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from models.pixels import BadPicture
    from models.training.data import build, street_folder, teach
    from models.training.dataset import fit_to_train
    from models.training.sets import BadSet
    from models.training.train import train

    data = args.data
    try:
        if data is None:
            street = street_folder()
            teacher = args.work / "teacher"
            if args.teacher:
                pictures = [p for split in ("train", "val") for p in sorted((street / "images" / split).iterdir())]
                teach(pictures, args.teacher, teacher)
            data = args.work / f"{args.run}-data"
            if not data.exists():
                print(
                    json.dumps(
                        build(street, teacher, args.drawn, data, policy=args.licence_policy, fold=args.fold), indent=1
                    ),
                    flush=True,
                )
        else:
            fit_to_train(data / "data.yaml")
        last = train(
            args.config, data, starting_point(args.weights, args.work / f"{args.run}-start.pt"), args.work / args.run
        )
    except (FileNotFoundError, PackError, BadSet, BadPicture, ValueError) as wrong:
        print(f"trikeye models train: {wrong}", file=sys.stderr)
        return 1
    print(f"checkpoint: {last}; next: trikeye models export {last} --out PACK --name NAME")
    return 0


def starting_point(weights: Path, out: Path) -> Path:
    """A checkpoint as it is; of a pack one that is made for it at `out`, once."""
    if not weights.is_dir() and str(weights) not in shipped_packs():
        return weights
    if not out.exists():
        from models.training.examples import examples
        from models.training.unpack import PICTURES, unpack

        unpack(load_pack(str(weights)), examples(None, PICTURES), out)
    return out
