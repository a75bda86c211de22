"""The description of the interface: committed, the same as what is served, and no more than what it describes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from server import roles
from server.api.openapi import text

COMMITTED = Path(__file__).resolve().parents[2] / "docs/openapi.json"


def test_the_committed_description_is_that_of_the_code() -> None:
    assert COMMITTED.read_text() == text(), "write it again: trikeye server openapi --out docs/openapi.json"


def test_it_is_served_to_everybody(db: None) -> None:
    served = Client().get("/api/v1/openapi.json")
    assert served.status_code == 200
    assert served.json() == json.loads(COMMITTED.read_text())
    assert served.json()["openapi"].startswith("3.1")


def test_every_operation_reads_and_says_what_may_go_wrong() -> None:
    described = json.loads(COMMITTED.read_text())
    names = set()
    for item in described["paths"].values():
        assert set(item) == {"get"}
        operation = item["get"]
        names.add(f"api:{operation['operationId']}")
        assert {"200", "401", "403", "404", "422", "429", "503"} <= set(operation["responses"])
        assert {scheme for each in operation["security"] for scheme in each} == {"Token", "Session"}
        assert operation["description"]
    assert names | {"api:openapi-json", "api:api-root"} == {name for name in roles.MAY if name.startswith("api:")}


@pytest.mark.process
def test_the_command_writes_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    done = subprocess.run(
        [sys.executable, "-m", "trikeye", "server", "openapi", "--out", str(out)],
        cwd=COMMITTED.parents[1], env={"TRIKEYE_DATA": str(tmp_path / "data"), "PATH": ""}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_text() == COMMITTED.read_text()
    assert not (tmp_path / "data").exists()
