"""`trikeye demo city`: the sandbox city as a process of its own."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from demo.city import City, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder of the city's own database")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument(
        "--secret-file", type=Path, required=True, help="the webhook secret shared with the back office"
    )
    parser.add_argument("--status-url", required=True, help="where status goes back to")


def run(args: argparse.Namespace) -> int:
    city, stopped = City(args.data, args.secret_file.read_text().strip(), args.status_url), threading.Event()
    server = serve(city, args.port)
    threading.Thread(target=city.work, args=(stopped,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"sandbox city at http://127.0.0.1:{args.port}/", flush=True)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        stopped.set()
        server.server_close()
    return 0
