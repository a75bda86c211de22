"""The logins of the demo's people: their codes are those of any authenticator app, and their file survives what may happen to it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from demo.login import Login, read_logins, write_logins
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
    before = login.code(time.time())
    assert main(argv) == 0
    assert capsys.readouterr().out.split()[0] in (before, login.code(time.time()))
