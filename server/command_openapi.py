"""`trikeye server openapi`: what other programs may ask, as OpenAPI 3.1. The same text lies in docs/openapi.json, and is served at /api/v1/openapi.json."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there (default: to standard output)")


def run(args: argparse.Namespace) -> int:
    from server.api.openapi import text

    if args.out is None:
        print(text(), end="")
        return 0
    args.out.write_text(text())
    print(args.out)
    return 0
