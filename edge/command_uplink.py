"""`trikeye edge uplink`: send the outbox until stopped."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from pathlib import Path

from edge.outbox import Outbox, OutboxError
from edge.prometheus import serve
from edge.settings import BadSettings, read_settings
from edge.uplink import Uplink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, required=True, help="edge.toml with the broker and the vehicle's credentials"
    )
    parser.add_argument("--data", type=Path, help="folder of the outbox (default: as in the settings)")
    parser.add_argument(
        "--until-empty", action="store_true", help="end as soon as the server has acknowledged everything"
    )


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    try:
        settings = read_settings(args.config)
        outbox = Outbox(
            (args.data or settings.vehicle.data) / "outbox.sqlite3", settings.outbox.cap_bytes, settings.outbox.urgent
        )
        uplink = Uplink(settings, outbox)
        if settings.health.prometheus_port:
            serve(settings.health.prometheus_port, lambda: uplink.reporter.newest)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: uplink.stop())
        uplink.run(args.until_empty)
    except (BadSettings, OutboxError) as trouble:
        print(f"trikeye edge uplink: {trouble}", file=sys.stderr)
        return 1
    print(json.dumps({**outbox.counts(), **uplink.counts}))
    return 0
