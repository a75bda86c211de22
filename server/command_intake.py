"""`trikeye server intake`: sightings from the broker into the database."""

from __future__ import annotations

import argparse
import signal

from server.start import start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", help="host:port (default: TRIKEYE_BROKER, else 127.0.0.1:1883)")


def run(args: argparse.Namespace) -> int:
    start()
    from django.conf import settings

    from server.broker import INTAKE
    from server.intake.mqtt import Intake
    from server.settings import secret

    host, _, port = (args.broker or settings.BROKER).partition(":")
    intake = Intake(host, int(port or 1883), INTAKE, secret("broker-intake"))
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: intake.stop())
    intake.run()
    return 0
