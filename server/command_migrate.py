"""`trikeye server migrate`: create or update the database."""

from __future__ import annotations

import argparse

from server.start import start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true")


def run(args: argparse.Namespace) -> int:
    start()
    from django.conf import settings
    from django.core.management import call_command

    settings.DATA.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0 if args.quiet else 1, interactive=False)
    return 0
