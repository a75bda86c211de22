"""`trikeye server migrate`: create or update the database."""

from __future__ import annotations

import argparse
import sys

from server.start import start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true")


def run(args: argparse.Namespace) -> int:
    start()
    from django.conf import settings
    from django.core.management import call_command

    settings.DATA.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0 if args.quiet else 1, interactive=False)
    begin_categories()
    return 0


def begin_categories() -> None:
    """Give every city that has no standings yet those of the shipped street pack, and say where another pack is shipped by now. The database must be up to date."""
    from django.utils import timezone

    from server.categories.services import begin, newer_pack
    from server.fleet.models import City

    for city in City.objects.all():
        begin(city, timezone.now())
        for line in newer_pack(city):
            print(line, file=sys.stderr)
