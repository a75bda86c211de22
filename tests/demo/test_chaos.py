"""The chaos suite itself: every fault bites, nothing is lost under any of them, and a loss made on purpose is found."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from needs import need
from receiver import until

from demo.chaos.actions import ACTIONS, Action, Begun
from demo.chaos.plan import DAMAGE, KINDS, Fault, plan
from demo.chaos.run import Run
from demo.chaos.stage import Load, Stage

pytestmark = [pytest.mark.process, pytest.mark.broker]


def chaos(data: Path, *argv: str, kinds: tuple[str, ...] = (), code: int = 0) -> dict[str, Any]:
    """One short run in a folder; its last line."""
    line = [sys.executable, "-m", "demo.chaos.command", "--short", "--data", str(data), *argv, *(["--kinds", *kinds] if kinds else [])]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, timeout=280)
    assert done.returncode == code, done.stderr[-3000:]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def clean(result: dict[str, Any], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Nothing lost, doubled or left; the faults that did not happen are returned."""
    assert result["lost"] == result["doubled"] == result["waiting"] == result["evicted"] == result["unreadable"] == 0
    assert result["committed"] == result["delivered"] + result["set_aside"] > 0
    return tuple(kind for kind in kinds if not result["faults"].get(kind))


def test_a_plan_is_the_same_for_the_same_seed_and_leaves_no_fault_out() -> None:
    first, again, other = (list(islice(plan(seed, 4), len(KINDS))) for seed in (3, 3, 4))
    assert first == again != other
    assert {fault.kind for fault in first} == set(KINDS) == set(ACTIONS) - set(DAMAGE)


def test_every_fault_bites_and_nothing_is_lost(mosquitto: str, compiler: str, tmp_path: Path) -> None:
    """The short form of the suite, two vehicles; what came too late to bite, on a busy machine, has two more tries."""
    kinds = KINDS
    for number in range(3):
        if kinds:
            kinds = clean(chaos(tmp_path / str(number), "--seed", str(number), kinds=kinds), kinds)
    assert kinds == ()


@pytest.fixture
def compiler() -> str:
    """gcc's path."""
    return need(shutil.which("gcc"), "gcc", "sudo apt-get install gcc libc6-dev")


def test_a_cap_evicts_and_counts(mosquitto: str, compiler: str, tmp_path: Path) -> None:
    """An outage longer than the outbox is large: what had to go is named, the rest arrives."""
    result = chaos(tmp_path, "--cap-bytes", "1", "--full-size-every", "0", "--count", "100", kinds=("offline", "kill_uplink"))  # fmt: skip
    assert result["evicted"] > 0
    assert result["lost"] == result["doubled"] == result["waiting"] == result["unreadable"] == 0


def spoiled(stage: Stage, fault: Fault) -> Begun:
    """A message leaves an outbox as if it had never been promised."""
    with closing(sqlite3.connect(stage.machines[fault.vehicle].outbox, timeout=10)) as db:
        gone = db.execute("DELETE FROM message WHERE sequence=(SELECT MAX(sequence) FROM message WHERE aside IS NULL)").rowcount  # fmt: skip
        db.commit()
    return Begun(lambda: gone)


def forgotten(stage: Stage, fault: Fault) -> Begun:
    """A sighting leaves the server after its acknowledgement."""
    with closing(sqlite3.connect(stage.server_data / "db.sqlite3", timeout=10)) as db:
        newest = "(SELECT id FROM cases_sighting ORDER BY received_at LIMIT 1)"
        db.execute(f"DELETE FROM cases_picture WHERE sighting_id={newest}")
        gone = db.execute(f"DELETE FROM cases_sighting WHERE id={newest}").rowcount
        db.commit()
    return Begun(lambda: gone)


def lying(stage: Stage, fault: Fault) -> Begun:
    """The vehicle's disk says synced and is not; then the power goes."""
    machine = stage.machines[fault.vehicle]
    machine.layer.switch("lies", 1)
    before = machine.committed()
    until(lambda: machine.committed() > before + 20, 30)
    return ACTIONS["power_cut"](stage, fault)


@pytest.mark.parametrize("sabotage", [spoiled, forgotten, lying])
def test_a_loss_made_on_purpose_is_found(sabotage: Action, mosquitto: str, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Nothing in the product can lose these: if the suite stayed silent here, its silence elsewhere would say nothing."""
    monkeypatch.setitem(ACTIONS, "sabotage", sabotage)
    faults = [Fault("offline", 0, 3.0, 4.0, 1), Fault("sabotage", 0, 2.0, 0.0, 2)]
    run = Run(Stage(tmp_path, Load(1, 1, 60, 20.0)), iter(faults), 100.0)
    verdict = run.go()
    assert run.bitten["sabotage"] > 0
    assert verdict.lost > 0, verdict
    assert not verdict.is_clean
