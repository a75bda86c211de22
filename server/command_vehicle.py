"""`trikeye server vehicle`: credentials of a vehicle."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path

from models.contract import VEHICLE_NAME
from server.start import start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "revoke"))
    parser.add_argument("name")
    parser.add_argument("--city", help="key of the city it drives in (default: where it is, a new one in taiyuan)")
    parser.add_argument("--fleet", help='name of its fleet (default: where it is, a new one in "fleet")')
    parser.add_argument(
        "--write-config", type=Path, metavar="FILE", help="write an edge.toml with the credentials, mode 0600"
    )
    parser.add_argument(
        "--origin", choices=("camera", "demo"), default="camera", help="demo: its cases never leave for a real city"
    )


def run(args: argparse.Namespace) -> int:
    start()
    if not re.fullmatch(VEHICLE_NAME, args.name) or args.name == "intake":
        print(
            f"trikeye server vehicle: {args.name!r} is no vehicle's name; use letters, digits, - and _", file=sys.stderr
        )
        return 2
    from django.conf import settings

    from server.broker import write_files
    from server.fleet.services import add_vehicle, revoke_vehicle

    host, _, port = settings.BROKER.partition(":")
    if args.action == "revoke":
        if not revoke_vehicle(args.name):
            print(f"trikeye server vehicle: there is no {args.name}", file=sys.stderr)
            return 1
        print(f"{args.name} is revoked; restart the broker, or send it SIGHUP, to shut it out now")
    else:
        password = add_vehicle(args.name, args.city, args.fleet)
        if args.write_config:
            text = (f'origin = "{args.origin}"\n\n[vehicle]\nname = "{args.name}"\n\n[uplink]\nhost = "{host}"\nport = {port or 1883}\n'
                    f'user = "{args.name}"\npassword = "{password}"\n')  # fmt: skip
            with os.fdopen(os.open(args.write_config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            print(f"{args.name}: credentials in {args.write_config}")
        else:
            print(f"{args.name}: password {password}   (shown this once; put it into edge.toml under [uplink])")
    write_files(host, int(port or 1883))
    _tell_broker(settings.DATA / "broker.pid")
    return 0


def _tell_broker(pid_file: Path) -> None:
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return
