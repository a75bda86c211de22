"""`trikeye server token`: shown once, listed without it, revoked; what cannot be is said with what to do."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from server.command_token import run
from server.fleet.services import city_by_key

pytestmark = pytest.mark.django_db


def token(action: str, name: str = "", **asked: Any) -> int:
    return run(
        SimpleNamespace(
            **{"action": action, "name": name, "role": "auditor", "city": None, "days": 365, "json": False, **asked}
        )
    )  # type: ignore[arg-type]


def test_a_token_is_shown_once_listed_without_it_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    city_by_key("taiyuan")
    assert token("add", "grafana", city="taiyuan") == 0
    text = capsys.readouterr().out.split()[2]
    assert Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/cases").status_code == 200
    assert token("list") == 0
    listed = capsys.readouterr().out
    assert text not in listed
    assert listed.startswith("grafana: auditor, taiyuan, until ")
    assert "last used" in listed
    assert token("revoke", "grafana") == 0
    assert Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/cases").status_code == 401
    capsys.readouterr()
    assert token("list", json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)["tokens"]
    assert row["revoked_at"]


@pytest.mark.parametrize(("action", "name", "asked", "code", "words"), [
    ("add", "", {}, 2, "name it by letters"), ("add", "a b", {}, 2, "name it by letters"), ("add", "x", {"days": 0}, 2, "for 1 to 3660 days"),
    ("add", "x", {"city": "nowhere"}, 1, "there is no city nowhere here"), ("revoke", "x", {}, 1, "there is no token x"), ("add", "x", {"role": "reviewer"}, 1, "no program reads as"),
])  # fmt: skip
def test_what_cannot_be_is_said(action: str, name: str, asked: dict[str, Any], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert token(action, name, **asked) == code
    assert words in capsys.readouterr().err


def test_a_name_is_taken_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert token("add", "grafana") == 0
    assert token("add", "grafana") == 1
    assert "there is a token grafana already" in capsys.readouterr().err
