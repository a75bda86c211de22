"""The chaos suite itself: every fault bites, nothing is lost under any of them, and a loss made on purpose is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from needs import need

from demo.chaos.actions import ACTIONS
from demo.chaos.plan import KINDS, plan

pytestmark = [pytest.mark.process, pytest.mark.broker]


def chaos(data: Path, *argv: str, kinds: tuple[str, ...] = (), code: int = 0) -> dict[str, Any]:
    """One short run in a folder; its last line."""
    line = [sys.executable, "-m", "demo.chaos.command", "--short", "--data", str(data), *argv, *(["--kinds", *kinds] if kinds else [])]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=280)
    assert done.returncode == code, done.stderr[-3000:]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def clean(result: dict[str, Any], kinds: tuple[str, ...]) -> None:
    """Nothing lost, doubled or left, and every fault really happened."""
    assert result["lost"] == result["doubled"] == result["waiting"] == result["evicted"] == result["unreadable"] == 0
    assert result["committed"] == result["delivered"] + result["set_aside"] > 0
    assert [kind for kind in kinds if not result["faults"].get(kind)] == []


def test_a_plan_is_the_same_for_the_same_seed_and_leaves_no_fault_out() -> None:
    first, again, other = (list(islice(plan(seed, 4), len(KINDS))) for seed in (3, 3, 4))
    assert first == again != other
    assert {fault.kind for fault in first} == set(KINDS) == set(ACTIONS)


def test_every_fault_bites_and_nothing_is_lost(mosquitto: str, compiler: str, tmp_path: Path) -> None:
    """The short form of the suite: each kind once, two vehicles."""
    clean(chaos(tmp_path), KINDS)


@pytest.fixture
def compiler() -> str:
    """gcc's path."""
    return need(shutil.which("gcc"), "gcc", "sudo apt-get install gcc libc6-dev")
