"""The logins of the demo's people: their codes are those of any authenticator app, and their file survives what may happen to it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from demo.login import Login, read_logins, write_logins
from demo.typed import typed
from trikeye import main

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("at_s", "code"), [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")])  # fmt: skip
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    """RFC 6238, appendix B, the last six of eight digits."""
    assert Login("li", "password", SECRET).code(at_s) == code


def test_the_file_is_its_owners_and_older_ones_are_read(tmp_path: Path) -> None:
    path = tmp_path / "login.txt"
    assert read_logins(path) == {}
    path.write_text("reviewer of-old\n")
    logins = read_logins(path) | {"chief": Login("chief", "pass", SECRET)}
    write_logins(path, logins)
    assert read_logins(path) == {"reviewer": Login("reviewer", "of-old"), "chief": Login("chief", "pass", SECRET)}
    assert path.stat().st_mode & 0o77 == 0
    assert "trikeye demo code" in path.read_text().splitlines()[0]


def test_the_command_shows_the_code_of_now(tmp_path: Path, capsys: Any) -> None:
    argv = ["demo", "code", "chief", "--data", str(tmp_path)]
    assert main(argv) == 1
    assert "start the demo first" in capsys.readouterr().err
    login = Login("chief", "pass", SECRET)
    write_logins(tmp_path / "login.txt", {"chief": login})
    assert main(["demo", "code", "boss", "--data", str(tmp_path)]) == 1
    assert "is called boss; there are chief" in capsys.readouterr().err
    before = login.code(time.time())
    assert main(argv) == 0
    assert capsys.readouterr().out.split()[0] in (before, login.code(time.time()))


def test_the_command_that_the_file_names_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by a path that is not on PATH, and from another folder."""
    started = Path(sys.executable).parent / "trikeye"
    monkeypatch.setattr(sys, "argv", [str(started)])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    login = Login("chief", "pass", SECRET)
    write_logins(tmp_path / "login.txt", {"chief": login})
    command = (tmp_path / "login.txt").read_text().splitlines()[0].split(": ")[1]
    assert command.startswith(f"{started} demo code chief --data ")
    before = login.code(time.time())
    done = subprocess.run(command, shell=True, cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] in (before, login.code(time.time()))


def test_a_command_is_short_where_path_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "trikeye"
    started.write_text("#!/bin/sh\n")
    started.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(started)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed("demo", "run") == "trikeye demo run"
    monkeypatch.setenv("PATH", "/usr/bin")
    assert typed("demo", "run") == f"{started} demo run"
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert typed("demo", "run") == f"{sys.executable} -m trikeye demo run"
