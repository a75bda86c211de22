"""The processes of the chain: started in their own groups, logged to files, started again when they die, stopped without orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from server.lifeline import end_with_parent

PAUSE_S, STOP_S = 0.5, 8.0


@dataclass
class Process:
    """One process. `once` means that its end with 0 is its work done."""

    name: str
    argv: list[str]
    env: dict[str, str]
    log: Path
    once: bool = False
    starts: int = 0
    done: bool = False
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _not_before: float = 0.0

    def start(self) -> None:
        """Start it, its output appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.argv,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        self.starts += 1

    def watch(self) -> None:
        """Start it again if it died; a pause keeps a broken one from spinning."""
        if self.done or self.popen is None or self.popen.poll() is None:
            return
        if self.once and self.popen.returncode == 0:
            self.done = True
        elif time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + PAUSE_S * min(self.starts, 10)
            self.start()

    def last_words(self) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-4:])
        except OSError:
            return ""


def stop_all(processes: list[Process]) -> None:
    """Ask all to end, last started first, and end those that don't."""
    for process in reversed(processes):
        if process.popen and process.popen.poll() is None:
            process.popen.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    for process in reversed(processes):
        if process.popen is None:
            continue
        try:
            process.popen.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        process.popen.wait()
