"""`trikeye server run`: broker, web, intake and work on one machine, started again when one dies."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading

from server.command_migrate import begin_categories
from server.lifeline import end_with_parent
from server.start import start

PARTS = ("broker run", "web", "intake", "work")
STOP_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", help="data folder (default: TRIKEYE_DATA, else ./data)")
    parser.add_argument("--no-broker", action="store_true", help="a broker runs already at TRIKEYE_BROKER")


def run(args: argparse.Namespace) -> int:
    if args.data:
        os.environ["TRIKEYE_DATA"] = args.data
    start()
    from django.conf import settings
    from django.core.management import call_command

    from server.broker import why_not_open

    if wrong := why_not_open():
        print(f"trikeye server run: {wrong}", file=sys.stderr)
        return 1
    settings.DATA.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    begin_categories()
    parts = [part for part in PARTS if not (args.no_broker and part.startswith("broker"))]
    stopped = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopped.set())
    running = {part: _start(part) for part in parts}
    while not stopped.wait(0.5):
        for part, process in running.items():
            if process.poll() is not None:
                print(f"{part} has ended with {process.returncode}; starting it again", file=sys.stderr, flush=True)
                stopped.wait(1.0)
                running[part] = _start(part)
    for process in running.values():
        process.terminate()
    for process in running.values():
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    return 0


def _start(part: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "trikeye", "server", *part.split()]
    return subprocess.Popen(argv, start_new_session=True, preexec_fn=end_with_parent())
