"""What the parts of `make bench-review` share. Each part is a script over a filled back office (TRIKEYE_DATA) whose last line is JSON."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from tempfile import TemporaryFile
from typing import Any

from demo.chain import free_port

LOG_BYTES = 4000


class NotMeasured(Exception):
    """What is missing, or did not happen, and what to do."""


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of all does not exceed."""
    return sorted(values)[max(0, ceil(part * len(values)) - 1)]


def said(values_ms: Sequence[float]) -> str:
    """Median and tail in words."""
    return f"p50 {share(values_ms, 0.5):.1f} ms, p95 {share(values_ms, 0.95):.1f} ms, longest {max(values_ms):.0f} ms"


@contextmanager
def running(argv: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on a port, until the block is left; of its log the end is shown if the block fails. Raises NotMeasured."""
    with TemporaryFile() as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ | {"TRIKEYE_HTTP_PORT": str(port)})
        try:
            end = time.monotonic() + 30
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise NotMeasured(f"{' '.join(argv)} did not begin to listen on port {port}")
                time.sleep(0.05)
            yield process
        except BaseException:
            told = os.pread(log.fileno(), LOG_BYTES, max(os.fstat(log.fileno()).st_size - LOG_BYTES, 0))
            print(told.decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def pages() -> Iterator[str]:
    """`trikeye server web` as shipped; its address."""
    port = free_port()
    with running([sys.executable, "-m", "trikeye", "server", "web", "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}"


def signed_in(role: str) -> str:
    """The session of somebody with a role, as its cookie holds it."""
    from django.test import Client

    from server.accounts.models import User

    client = Client()
    client.force_login(User.objects.filter(role=role).order_by("id")[0])
    return str(client.cookies["sessionid"].value)


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium. Raises NotMeasured."""
    import shutil

    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise NotMeasured("chromium is missing; sudo apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
