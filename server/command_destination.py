"""`trikeye server destination`: where a city's confirmed cases go."""

from __future__ import annotations

import argparse
import json
import sys

from server.start import start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add",))
    parser.add_argument("name")
    parser.add_argument("url", help="https address that takes Standard Webhooks")
    parser.add_argument("--city", default="taiyuan", help="key of the city (default: %(default)s)")
    parser.add_argument(
        "--sandbox", action="store_true", help="for trials: also takes cases of replays and of the demo"
    )
    parser.add_argument(
        "--allow-private", action="store_true", help="the address may lie in a private network, or be http"
    )


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from server.city.models import Destination
    from server.city.services import add_destination
    from server.fleet.services import city_by_key

    city = city_by_key(args.city)
    known = Destination.objects.filter(city=city, name=args.name).exists()
    try:
        destination, secret = add_destination(
            city, args.name, args.url, sandbox=args.sandbox, allow_private=args.allow_private
        )
    except ValueError as wrong:
        print(f"trikeye server destination: {wrong}", file=sys.stderr)
        return 2
    if known:
        print(f"{args.name} was there already: it has the new address, and its old secret no longer holds")
    print(f"{args.name}: give the city this secret (shown once) and the path its status reports go to")
    print(
        json.dumps({"destination": destination.pk, "secret": secret, "status_path": f"/city/status/{destination.pk}"})
    )
    return 0
