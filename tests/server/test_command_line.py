"""The back office's verbs as somebody types them: what lies on the disk afterwards, and what is said when something is missing."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


def trikeye(data: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One verb, over a data folder, as a process whose umask is the usual 022."""
    env = {**os.environ, "TRIKEYE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "server.settings", **environment}
    return subprocess.run(
        [sys.executable, "-m", "trikeye", *argv], env=env, umask=0o022, capture_output=True, text=True, timeout=60
    )


def open_to_others(folder: Path) -> list[Path]:
    """What group or others may read or enter."""
    return [each for each in [folder, *folder.rglob("*")] if stat.S_IMODE(each.lstat().st_mode) & 0o077]


def test_nobody_else_on_the_machine_reads_database_pictures_or_outbox(tmp_path: Path) -> None:
    data = tmp_path / "server"
    assert trikeye(data, "server", "migrate", "--quiet").returncode == 0
    assert trikeye(data, "server", "user", "add", "wang").returncode == 0
    assert (data / "db.sqlite3").exists()
    keep = "import server.wsgi, hashlib; from server.pictures import keep; b = b'a picture'; keep(hashlib.sha256(b).hexdigest(), b)"
    env = {**os.environ, "TRIKEYE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "server.settings"}
    subprocess.run([sys.executable, "-c", keep], env=env, umask=0o022, check=True, timeout=60)
    assert list(data.glob("pictures/*/*/*.jpg"))
    assert not open_to_others(data)
    config, outbox = tmp_path / "edge.toml", tmp_path / "vehicle"
    config.write_text("[uplink]\nport = 1\n")
    trikeye(data, "edge", "uplink", "--config", str(config), "--data", str(outbox), "--until-empty")
    assert list(outbox.glob("*.sqlite3"))
    assert not open_to_others(outbox)


@pytest.mark.parametrize("verb", ["user add wang", "category list", "export verdicts --out out", "intake"])
def test_a_missing_database_is_told_in_one_sentence_and_nothing_is_left_behind(tmp_path: Path, verb: str) -> None:
    for data in (tmp_path, tmp_path / "nowhere"):
        done = trikeye(data, "server", *verb.split())
        assert done.returncode == 1
        assert done.stderr == (
            f"trikeye: no trikeye data in {data}; trikeye server migrate makes it (TRIKEYE_DATA names the folder)\n"
        )
        assert not list(tmp_path.iterdir())


def test_a_database_without_its_tables_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").touch()
    done = trikeye(tmp_path, "server", "user", "add", "wang")
    assert done.returncode == 1
    assert re.fullmatch(r"trikeye: the database: .*; create or update it: trikeye server migrate .*\n", done.stderr)


def test_a_data_folder_that_cannot_be_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = trikeye(tmp_path / "file" / "data", "server", "migrate")
    assert done.returncode == 1
    assert re.fullmatch(r"trikeye: .*Not a directory.*; see that the place exists.*\n", done.stderr)


@pytest.mark.parametrize("argv", [["/home/x/mypython/gunicorn"], ["trikeye", "server", "vehicle", "add", "check"]])
def test_a_server_never_signs_with_the_key_of_tools(tmp_path: Path, argv: list[str]) -> None:
    code = f"import sys; sys.argv = {argv!r}; from server import settings; print(settings.SECRET_KEY)"
    env = {**os.environ, "TRIKEYE_DATA": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == (tmp_path / "secrets" / "django").read_text()
