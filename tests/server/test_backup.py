"""A backup made while others write holds one instant, comes back whole, and says what it lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from server.keeping import backup, restore
from server.keeping.backup import NotCopied, back_up, copies_in, copy_database, keep_newest, path_under
from trikeye import main

pytestmark = pytest.mark.process
NOW = datetime(2026, 11, 28, 8, tzinfo=timezone.utc)  # noqa: UP017
ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys, time
from uuid import UUID
sys.path.insert(0, "tests/support")
from server.start import start
start()
from django.utils import timezone
from models.contract import encode, topic
from server.audit.seals import Sealer
from server.intake.services import take_sighting
from sightings import jpeg, message
sealer, number = Sealer(), 0
while True:
    number += 1
    sighting = message(east_m=60.0 * number, outbox=UUID(int=number), picture=jpeg(number))
    take_sighting(topic(sighting.vehicle, "sighting"), encode(sighting), timezone.now())
    sealer.seal_audit(timezone.now())
    if number == 3:
        print("writing", flush=True)
"""


def trikeye(data: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "trikeye", *argv], env={**os.environ, "TRIKEYE_DATA": str(data)}, capture_output=True, text=True, timeout=280)  # fmt: skip


def ask(database: Path, query: str) -> Any:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as db:
        return db.execute(query).fetchone()[0]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a vehicle."""
    data = tmp_path_factory.mktemp("office")
    assert trikeye(data, "server", "migrate", "--quiet").returncode == 0
    assert trikeye(data, "server", "vehicle", "add", "TY-01", "--city", "taiyuan").returncode == 0
    return data


@pytest.fixture
def writer(office: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that takes sightings with pictures, one after the other."""
    process = subprocess.Popen([sys.executable, "-c", WRITER], cwd=ROOT, env={**os.environ, "TRIKEYE_DATA": str(office), "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "server.settings"}, stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()


def test_the_drill_back_up_while_others_write_lose_everything_restore(office: Path, writer: subprocess.Popen[str], tmp_path: Path) -> None:  # fmt: skip
    done = trikeye(office, "server", "backup", str(tmp_path / "copies"), "--with-secrets", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    time.sleep(1.2)
    assert writer.poll() is None
    again = json.loads(trikeye(office, "server", "backup", str(tmp_path / "copies"), "--with-secrets", "--json").stdout)
    assert again["pictures"] - told["pictures"] == again["new_pictures"] > 0  # what is there is not copied again
    assert told["missing"] == again["missing"] == []
    back = tmp_path / "back"
    done = trikeye(back, "server", "restore", str(tmp_path / "copies"))
    assert done.returncode == 0, done.stderr
    database = back / "db.sqlite3"
    sightings = ask(database, "SELECT COUNT(*) FROM cases_sighting")
    assert 3 <= sightings <= ask(office / "db.sqlite3", "SELECT COUNT(*) FROM cases_sighting")
    assert ask(database, "SELECT COUNT(DISTINCT sha256) FROM cases_picture") == again["pictures"] == len(list(back.glob("pictures/*/*/*.jpg")))  # fmt: skip
    assert ask(database, "SELECT COUNT(*) FROM cases_sighting s WHERE NOT EXISTS (SELECT 1 FROM cases_picture p WHERE p.sighting_id = s.id)") == 0  # fmt: skip
    assert ask(database, "SELECT SUM(sightings_count) FROM cases_case") == sightings
    heads = re.findall(r"--head \w+", done.stdout)
    assert "next: trikeye server migrate; trikeye server broker config; trikeye server audit verify" in done.stdout
    verified = trikeye(back, "server", "audit", "verify", *" ".join(heads).split())
    assert verified.returncode == 0, verified.stderr
    told_rows = "SELECT group_concat(verb || ' ' || object_id, ', ') FROM (SELECT * FROM audit_auditrow WHERE kind = 'backup' ORDER BY id)"
    first_copy, second_copy = Path(told["copy"]).name, Path(again["copy"]).name
    assert ask(office / "db.sqlite3", told_rows) == f"backed_up {first_copy}, backed_up {second_copy}"
    assert ask(back / "db.sqlite3", told_rows) == f"backed_up {first_copy}, restored {second_copy}"
    detail = json.loads(ask(office / "db.sqlite3", "SELECT detail FROM audit_auditrow WHERE kind = 'backup' ORDER BY id"))  # fmt: skip
    assert detail == {"bytes": told["database_bytes"], "pictures": told["pictures"], "secrets": True, "missing": 0, "folder": "copies"}  # fmt: skip
    assert (back / "secrets" / "django").read_text() == (office / "secrets" / "django").read_text()
    assert all(path.stat().st_mode & 0o77 == 0 for path in [*back.rglob("*"), *(tmp_path / "copies").rglob("*")])
    assert trikeye(back, "server", "migrate", "--quiet").returncode == 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small data folder: two pictures and a secret."""
    folder = tmp_path / "data"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "db.sqlite3")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE cases_picture (sha256 TEXT)")
        db.execute("CREATE TABLE keeping_erasure (sha256 TEXT)")
        db.commit()
    for text in (b"one", b"two"):
        add_picture(folder, text)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "django").write_text("secret")
    return folder


def add_picture(folder: Path, text: bytes) -> str:
    name = backup.sha256(text).hexdigest()
    path = path_under(folder / "pictures", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    execute(folder, f"INSERT INTO cases_picture VALUES ('{name}')")
    return name


def execute(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "db.sqlite3")) as db:
        db.execute(statement)
        db.commit()


def copy(data: Path, days: int = 0, **more: Any) -> tuple[Path, backup.Manifest]:
    return back_up(data, data.parent / "copies", NOW + timedelta(days=days), "1.0", **{"with_secrets": False, "say": lambda _: None, **more})  # fmt: skip


def bring_back(data: Path) -> restore.Restored:
    back = data.parent / "back"
    shutil.rmtree(back, ignore_errors=True)
    return restore.restore(data.parent / "copies", back, lambda _: None)


def test_one_instant_is_copied_while_another_connection_writes(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("server.keeping.backup.PAGES_AT_ONCE", 500)
    execute(data, "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i, hex(randomblob(400)) t FROM n")  # fmt: skip
    said: list[str] = []

    def write(words: str) -> None:
        said.append(words)
        execute(data, "INSERT INTO big VALUES (0, 'later')")

    copy_database(data / "db.sqlite3", tmp_path / "copy.sqlite3", write)
    assert len(said) > 3
    assert ask(tmp_path / "copy.sqlite3", "SELECT COUNT(*) FROM big") == 30000
    assert ask(data / "db.sqlite3", "SELECT COUNT(*) FROM big") == 30000 + len(said)


def test_the_newest_copies_are_kept_and_pictures_that_none_names_go(data: Path) -> None:
    first = add_picture(data, b"erased later")
    for day in range(2):
        copy(data, day)
    execute(data, f"DELETE FROM cases_picture WHERE sha256 = '{first}'")
    for day in range(2, 5):
        copy(data, day)
    folder = data.parent / "copies"
    (folder / "20200101T000000Z").mkdir()  # cut short
    assert keep_newest(folder, 4) == (2, 0)
    assert path_under(folder / "pictures", first).exists()
    assert keep_newest(folder, 3) == (1, 1)
    assert not path_under(folder / "pictures", first).exists()
    assert len(copies_in(folder)) == 3
    assert bring_back(data).pictures == 2


def test_what_was_erased_is_not_missed_and_what_is_lost_is_told(data: Path, db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    gone, erased = add_picture(data, b"gone"), add_picture(data, b"erased")
    execute(data, f"INSERT INTO keeping_erasure VALUES ('{erased}')")
    for name in (gone, erased):
        path_under(data / "pictures", name).unlink()
    monkeypatch.setenv("TRIKEYE_DATA", str(data))
    assert main(["server", "backup", str(data.parent / "copies"), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["missing"] == [gone]
    assert "1 pictures that rows name are gone" in said.err
    assert bring_back(data).lost == []
    path_under(data.parent / "copies" / "pictures", backup.sha256(b"one").hexdigest()).write_bytes(b"rotten")
    assert bring_back(data).lost == [backup.sha256(b"one").hexdigest()]


def test_a_picture_that_is_damaged_is_not_copied_over_a_good_one(data: Path) -> None:
    copy(data)
    name = backup.sha256(b"one").hexdigest()
    path_under(data / "pictures", name).write_bytes(b"rotten")
    _, manifest = copy(data, 1)
    assert manifest.missing == []
    assert bring_back(data).lost == []


@pytest.mark.parametrize("harm", ["database", "manifest", "secret", "newer"])
def test_a_copy_that_is_not_as_it_was_written_is_refused(data: Path, harm: str) -> None:
    into, _ = copy(data, with_secrets=True)
    if harm == "database":
        with (into / "db.sqlite3").open("r+b") as file:
            file.seek(4000)
            file.write(b"harm")
    elif harm == "manifest":
        (into / "manifest.json").write_text("{")
    elif harm == "secret":
        (into / "secrets" / "django").write_text("other")
    else:
        manifest = json.loads((into / "manifest.json").read_text()) | {"format": 2}
        (into / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NotCopied, match=r"older copy|with that one"):
        bring_back(data)
    assert not (data.parent / "back" / "db.sqlite3").exists()


def test_what_cannot_be_is_told_in_a_sentence(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:  # fmt: skip
    with pytest.raises(NotCopied, match="no database"):
        back_up(tmp_path / "nowhere", tmp_path / "copies", NOW, "1.0", with_secrets=False, say=print)
    with pytest.raises(NotCopied, match="another disk"):
        back_up(data, data / "copies", NOW, "1.0", with_secrets=False, say=print)
    with pytest.raises(NotCopied, match="no finished backup"):
        restore.restore(tmp_path, tmp_path / "back", print)
    copy(data)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    monkeypatch.setenv("TRIKEYE_DATA", str(tmp_path / "full"))
    assert main(["server", "restore", str(tmp_path / "copies")]) == 1
    assert "is not empty" in capsys.readouterr().err
    with backup.alone(tmp_path / "copies"), pytest.raises(NotCopied, match="is running"), backup.alone(tmp_path / "copies"):  # fmt: skip
        pass
    assert not (tmp_path / "copies" / "running").exists(), "nothing that is no copy stays in the folder"


def test_a_copy_that_the_audit_was_not_told_of_is_whole_and_says_so(data: Path, db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from django.db import OperationalError

    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setenv("TRIKEYE_DATA", str(data))
    monkeypatch.setattr("server.audit.services.record", locked)
    assert main(["server", "backup", str(data.parent / "copies")]) == 1
    assert "the copy is whole, but the audit has no row of it: database is locked" in capsys.readouterr().err
    assert bring_back(data).pictures == 2


def test_a_full_disk_leaves_no_half_copy(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("TRIKEYE_DATA", str(data))
    folder = data.parent / "copies"
    real = shutil.disk_usage
    monkeypatch.setattr("server.keeping.backup.shutil.disk_usage", lambda path: real(path)._replace(free=10))
    assert main(["server", "backup", str(folder)]) == 1
    assert "free some room" in capsys.readouterr().err
    monkeypatch.setattr("server.keeping.backup.shutil.disk_usage", real)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr("server.keeping.backup.write_whole", full)
    assert main(["server", "backup", str(folder)]) == 1
    assert "free some room there" in capsys.readouterr().err
    assert copies_in(folder) == []
    assert [path.name for path in folder.iterdir() if path.is_dir()] in ([], ["pictures"])
