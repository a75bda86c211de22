"""`trikeye models dataset`: what can be done with labelled pictures before a pack is trained or measured on them."""

from __future__ import annotations

import argparse
import importlib

DEEDS = {
    "check": "models.training.command_check",
    "from-verdicts": "models.training.command_from_verdicts",
}
"""What can be done → the module that adds its arguments and does it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    deeds = parser.add_subparsers(dest="deed", metavar="DEED", required=True)
    for deed, module in DEEDS.items():
        does = importlib.import_module(module)
        own = deeds.add_parser(deed, help=does.SUMMARY, description=does.SUMMARY)
        does.add_arguments(own)


def run(args: argparse.Namespace) -> int:
    return int(importlib.import_module(DEEDS[args.deed]).run(args))
