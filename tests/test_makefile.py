"""The first command that a newcomer types says what it is at: pip alone is silent for minutes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_setup_tells_each_step_before_it_takes_its_time() -> None:
    done = subprocess.run(["make", "-n", "-W", "requirements.lock", "setup"], cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    lines = done.stdout.splitlines()
    slow = [number for number, line in enumerate(lines) if re.search(r" -m venv |-r requirements\.lock|--no-deps", line)]  # fmt: skip
    assert len(slow) == 3
    assert all(lines[number - 1].startswith("echo ") for number in slow)
    told = [line for line in lines if line.startswith("echo ")]
    assert [line[6:12] for line in told[1:4]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert re.search(r"\d{2,} packages", told[2])
