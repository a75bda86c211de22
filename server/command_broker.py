"""`trikeye server broker`: write the broker's files, or run a broker on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from server.start import start

INSTALL = "sudo apt-get install mosquitto"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("config", "run"))
    parser.add_argument("--out", type=Path, help="config: write into this folder (default: the data folder)")
    parser.add_argument(
        "--kind",
        choices=("mosquitto", "amqtt"),
        help="run: default Mosquitto if it is installed, else the embedded amqtt",
    )


def run(args: argparse.Namespace) -> int:
    start()
    from django.conf import settings

    from server.broker import command, found_mosquitto, why_not_open, write_files

    if wrong := why_not_open():
        print(f"trikeye server broker: {wrong}", file=sys.stderr)
        return 1
    if args.action == "config":
        folder = write_files(args.out)
        print(
            f"{folder}: mosquitto.conf, passwd, acl, amqtt.yaml; start with: mosquitto -c {folder / 'mosquitto.conf'}"
        )
        return 0
    write_files()
    kind = args.kind or ("mosquitto" if found_mosquitto() else "amqtt")
    if kind == "amqtt":
        if settings.BROKER_CERT:
            print(f"trikeye server broker: the embedded broker speaks no TLS; {INSTALL}", file=sys.stderr)
            return 1
        try:
            import amqtt  # noqa: F401
        except ImportError:
            print(
                f"trikeye server broker: no broker here; install one: {INSTALL}   (or for trials: pip install 'trikeye[demo]')",
                file=sys.stderr,
            )
            return 1
    print(
        f"broker: {kind} at {settings.BROKER}"
        + ("" if kind == "mosquitto" else f" (embedded, for trials: it forgets when it stops; better: {INSTALL})"),
        flush=True,
    )
    (settings.DATA / "broker.pid").write_text(str(os.getpid()))
    line = command(kind)
    return os.execv(line[0], line)
