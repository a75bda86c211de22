"""`trikeye server web`: the pages, by gunicorn."""

from __future__ import annotations

import argparse
from typing import Any

from server.start import count_as, start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="default: TRIKEYE_HTTP_PORT, else 8000")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=8)


def run(args: argparse.Namespace) -> int:
    count_as(f"web-{args.port or ''}")
    start()
    from django.conf import settings
    from gunicorn.app.base import BaseApplication

    from server.wsgi import application

    port = args.port or settings.HTTP_PORT

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in {"bind": f"{args.host}:{port}", "workers": args.workers, "threads": args.threads, "worker_class": "gthread",
                               "loglevel": "warning", "limit_request_field_size": 8190, "timeout": 60}.items():  # fmt: skip
                self.cfg.set(key, value)

        def load(self) -> Any:
            return application

    print(f"pages at http://{args.host}:{port}/", flush=True)
    Server().run()
    return 0
