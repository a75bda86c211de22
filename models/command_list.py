"""`trikeye models list`: the packs that travel with the project."""

from __future__ import annotations

import argparse
import json

from models.packs import load_pack, shipped_packs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    rows = [(name, load_pack(name)) for name in shipped_packs()]
    if args.json:
        print(
            json.dumps(
                [
                    {
                        "folder": name,
                        "name": p.name,
                        "digest": p.digest,
                        "input": [p.width, p.height],
                        "sides_px": list(p.sides_px),
                        "labels": len(p.labels),
                    }
                    for name, p in rows
                ]
            )
        )
        return 0
    for name, pack in rows:
        size = ", ".join(map(str, pack.sides_px)) + " px" if pack.sides_px else f"{pack.width}x{pack.height}"
        print(f"{name:12} {pack.name:28} {size:12} {len(pack.labels)} labels  {pack.licence.get('name', '')}")
    return 0
