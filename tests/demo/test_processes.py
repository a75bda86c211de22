"""Who starts processes leaves none behind, even when killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from brokers import free_port
from receiver import until

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel ends orphans"),
]

DEMO = """
import sys, time
from pathlib import Path
from demo.processes import Process
Process("sleeper", ["sleep", "300"], {}, Path(sys.argv[1]) / "log").start()
time.sleep(300)
"""


def killed(argv: list[str], children: int, environment: dict[str, str]) -> list[psutil.Process]:
    """Start, wait for its children, kill it as the kernel does when memory is short; the children."""
    parent = subprocess.Popen([sys.executable, *argv], env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        here = psutil.Process(parent.pid)
        until(lambda: len(here.children()) >= children, 30)
        return here.children(recursive=True)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)


def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    left = killed(["-c", DEMO, str(tmp_path)], 1, {})
    assert left
    assert not psutil.wait_procs(left, timeout=10)[1]


def test_a_killed_server_leaves_no_process_that_holds_its_ports(tmp_path: Path) -> None:
    environment = {
        "TRIKEYE_DATA": str(tmp_path),
        "TRIKEYE_HTTP_PORT": str(free_port()),
        "TRIKEYE_BROKER": f"127.0.0.1:{free_port()}",
    }
    left = killed(["-m", "trikeye", "server", "run", "--no-broker"], 3, environment)
    assert len(left) >= 3
    assert not psutil.wait_procs(left, timeout=20)[1]
