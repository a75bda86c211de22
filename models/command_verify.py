"""`trikeye models verify`: whether a pack is what its card says."""

from __future__ import annotations

import argparse
import sys

from models.packs import PackError, load_pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pack", help="a shipped pack's name, or a folder")


def run(args: argparse.Namespace) -> int:
    from models.runtime import Detector

    try:
        pack = load_pack(args.pack)
        Detector(pack)
    except PackError as wrong:
        print(f"trikeye models verify: {wrong}", file=sys.stderr)
        return 1
    print(f"{pack.name}: sha256 {pack.digest}, {pack.width}x{pack.height}, {len(pack.labels)} labels: as its card says")
    return 0
