"""What was changed behind the back of the demo is told, by the command that shows codes and at the next start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.chain import SAMPLE, Chain
from demo.changed import what_changed
from demo.command_run import greeting
from demo.login import Login, write_logins
from trikeye import main

pytestmark = pytest.mark.process
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
WITH_AN_APP = "from server.start import start; start(); from server.accounts import factors; from server.accounts.models import User; factors.TOTP.activate(User.objects.get(username='reviewer'), '" + SECRET + "')"  # fmt: skip


def test_what_was_changed_is_told_with_the_way_back(tmp_path: Path, capsys: Any) -> None:
    server = tmp_path / "server"
    server.mkdir()

    def run(*argv: str) -> str:
        return subprocess.run([sys.executable, *argv], env={**os.environ, "TRIKEYE_DATA": str(server), "DJANGO_SETTINGS_MODULE": "server.settings"}, check=True, capture_output=True, text=True).stdout  # fmt: skip

    def user(*argv: str) -> str:
        return run("-m", "trikeye", "server", "user", *argv)

    def code() -> tuple[int, str, str]:
        done = main(["demo", "code", "reviewer", "--data", str(tmp_path)])
        out, err = capsys.readouterr()
        return done, out, err

    write_logins(tmp_path / "login.txt", {"reviewer": Login("reviewer", "x", SECRET)})
    assert what_changed(Login("reviewer", "x", SECRET), server) == {}
    run("-m", "trikeye", "server", "migrate", "--quiet")
    password = user("add", "reviewer").split("password ")[1].split()[0]
    run("-c", WITH_AN_APP)
    login = Login("reviewer", password, SECRET)
    write_logins(tmp_path / "login.txt", {"reviewer": login})
    chain = Chain(tmp_path, SAMPLE, False)
    assert what_changed(login, server) == {}
    assert code()[0] == 0
    assert f"reviewer / {password}" in greeting(chain)
    assert "\nchanged" not in greeting(chain)

    user("password", "reviewer")
    done, out, err = code()
    assert (done, len(out.split()[0])) == (0, 6)
    assert f"TRIKEYE_DATA={server} " in err
    assert "server user password reviewer" in err
    said = greeting(chain)
    assert password not in said
    assert "changed        the password of reviewer was changed" in said

    user("second-factor", "reviewer", "--reset")
    done, out, err = code()
    assert (done, out) == (1, "")
    assert "server user second-factor reviewer --reset" in err
    run("-c", WITH_AN_APP.replace(SECRET, SECRET[::-1]))
    assert code()[0] == 1
    user("shut-out", "reviewer")
    assert list(what_changed(login, server)) == ["account", "password", "second factor"]
    assert what_changed(Login("nobody", "x", SECRET), server) == {}


def test_cards_are_announced_where_the_ride_was_not_driven_before(tmp_path: Path) -> None:
    write_logins(tmp_path / "login.txt", {"reviewer": Login("reviewer", "x")})
    chain = Chain(tmp_path, SAMPLE, False)
    assert "each find is a card in the queue" in greeting(chain)
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "vehicle.log"
    log.write_text("a ride that was cut short\n")
    assert "each find is a card in the queue" in greeting(chain)
    log.write_text('{"frames": 791, "inferred": 202}\n{"event": "started"}\n')
    assert "each find is a card" not in greeting(chain)
    assert "no card is added" in greeting(chain)
