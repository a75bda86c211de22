"""Whether the back office lives and can work: what is missing is named, and to whom."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from server import alive
from server.accounts.models import User
from server.api.tokens import add_token

HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}


@pytest.fixture
def office(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Everything runs: each part has just said so."""
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(settings, "DISK_FLOOR_MB", 0.0)
    monkeypatch.setattr(alive, "_told_s", {})
    for part in alive.PARTS:
        alive.beat(part)
    return Client(**HERE)


def checks(client: Client, **more: Any) -> tuple[int, dict[str, str]]:
    """The status of readiness, and what is missing by name of the check."""
    answered = client.get("/health/ready/", **more)
    return answered.status_code, {name: each["do"] for name, each in answered.json()["checks"].items() if not each["ok"]}  # fmt: skip


def test_all_that_is_needed_is_there(office: Client) -> None:
    assert checks(office) == (200, {})
    assert [*office.get("/health/ready/").json()["checks"]] == ["database", "pictures", "disk", "intake", "work"]
    assert "no-store" in office.get("/health/ready/").headers["Cache-Control"]


def test_it_lives_while_the_database_is_gone_but_is_not_ready(office: Client) -> None:
    with patch.object(connection, "cursor", side_effect=DatabaseError("disk I/O error")):
        assert office.get("/health/").json() == {"ok": True}
        status, missing = checks(office)
    assert (status, [*missing]) == (503, ["database"])
    assert "disk I/O error" in missing["database"]


def test_a_database_older_than_the_software_is_not_ready(office: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'api'")
    status, missing = checks(office)
    assert status == 503
    assert missing["database"].endswith("run: trikeye server migrate")


@pytest.mark.parametrize("part", alive.PARTS)
def test_a_part_that_is_silent_for_a_minute_is_named_with_its_start(office: Client, part: str) -> None:
    file = settings.DATA / "alive" / part
    os.utime(file, (time.time() - 61, time.time() - 61))
    status, missing = checks(office)
    assert (status, [*missing]) == (503, [part])
    assert f"start it: trikeye server {part}" in missing[part]
    file.unlink()
    assert "never seen" in checks(office)[1][part]


def test_a_beat_is_written_at_most_every_few_seconds_and_survives_a_full_disk(office: Client) -> None:
    file = settings.DATA / "alive" / "work"
    os.utime(file, (1, 1))
    alive.beat("work")
    assert file.stat().st_mtime == 1
    alive._told_s.clear()
    with patch.object(Path, "touch", side_effect=OSError(28, "No space left on device")):
        alive.beat("work")
    alive._told_s.clear()
    alive.beat("work")
    assert alive.silent_s("work") == pytest.approx(0, abs=5)


def test_a_disk_that_is_nearly_full_and_a_folder_that_cannot_be_written_are_named(office: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.setattr(settings, "DISK_FLOOR_MB", 1e12)
    (tmp_path / "a file").touch()
    monkeypatch.setattr(settings, "PICTURES", tmp_path / "a file")
    status, missing = checks(office)
    assert (status, [*missing]) == (503, ["pictures", "disk"])
    assert "TRIKEYE_DISK_FLOOR_MB" in missing["disk"]
    assert not list(tmp_path.glob(".probe*"))


@pytest.mark.parametrize("told", [
    {"REMOTE_ADDR": "10.0.0.9", "HTTP_HOST": "127.0.0.1:8000"}, {**HERE, "HTTP_X_FORWARDED_FOR": "10.0.0.9"}, {**HERE, "HTTP_FORWARDED": "for=10.0.0.9"},
    {**HERE, "HTTP_HOST": "testserver"}, {**HERE, "HTTP_HOST": "localhost.evil"}, {**HERE, "HTTP_HOST": "127.0.0.1.evil:1"},
])  # fmt: skip
def test_strangers_learn_whether_it_is_ready_and_no_more(office: Client, told: dict[str, str], settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answered = Client(**told).get("/health/ready/")
    assert (answered.status_code, answered.json()) == (200, {"ok": True})
    assert Client(**told).get("/metrics").status_code == 401


@pytest.mark.parametrize("role", User.Role)
def test_of_people_administrators_alone_are_told(office: Client, role: User.Role) -> None:
    client = Client()
    client.force_login(User.objects.create_user("someone", role=role))
    assert ("checks" in client.get("/health/ready/").json()) is (role == User.Role.ADMIN)
    assert client.get("/metrics").status_code == (200 if role == User.Role.ADMIN else 403)


def test_a_token_of_an_administrator_is_told(office: Client) -> None:
    for role, status in (("admin", 200), ("auditor", 403)):
        text = add_token(role, role, None, 1, timezone.now())
        client = Client(headers={"Authorization": f"Bearer {text}"})
        assert ("checks" in client.get("/health/ready/").json()) is (role == "admin")
        assert client.get("/metrics").status_code == status
