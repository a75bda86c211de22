"""`trikeye server intake`: sightings from the broker into the database."""

from __future__ import annotations

import argparse
import signal

from server.start import count_as, start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", help="host:port, without TLS (default: the broker of this machine)")


def run(args: argparse.Namespace) -> int:
    count_as("intake")
    start_over_data()
    from server.broker import INTAKE, own_address
    from server.intake.mqtt import Intake
    from server.settings import secret

    host, port = own_address()
    if args.broker:
        host, _, named = args.broker.partition(":")
        port = int(named or 1883)
    intake = Intake(host, port, INTAKE, secret("broker-intake"))
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: intake.stop())
    intake.run()
    return 0
