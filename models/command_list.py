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
                        "labels": len(p.labels),
                    }
                    for name, p in rows
                ]
            )
        )
        return 0
    for name, pack in rows:
        print(
            f"{name:12} {pack.name:20} {pack.width}x{pack.height}  {len(pack.labels)} labels  {pack.licence.get('name', '')}"
        )
    return 0
