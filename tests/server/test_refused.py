"""What a sign-in that failed leaves in the audit: enough to see that somebody guesses, and never more than the limits let through."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from second_factors import app_of, code_of

from server.accounts.models import User
from server.accounts.refused import NOBODYS, tell_wrong_names
from server.audit.models import AuditRow
from server.fleet.models import City

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"
NOW = timezone.now()


@pytest.fixture
def wang(reviewer: User) -> User:
    """A person of a city, with an app."""
    app_of("wang")
    User.objects.update(
        city=City.objects.get_or_create(key="taiyuan", defaults={"name_zh": "太原", "name_en": "Taiyuan"})[0]
    )
    return User.objects.get()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time of the sign-in's pages, moved by hand."""
    moved = SimpleNamespace(now=timezone.now())
    monkeypatch.setattr("server.accounts.signin_views.timezone.now", lambda: moved.now)
    return moved


def guess(name: str, password: str = "wrong", address: str = "192.0.2.1") -> int:
    return int(Client(REMOTE_ADDR=address).post("/login/", {"username": name, "password": password}).status_code)


def rows() -> list[tuple[str, dict[str, Any]]]:
    return list(AuditRow.objects.order_by("id").values_list("verb", "detail"))


def test_a_wrong_password_of_somebody_is_a_row_about_them_by_nobody(wang: User) -> None:
    guess("wang")
    row = AuditRow.objects.get()
    assert (row.verb, row.kind, row.object_id, row.actor, row.city) == ("password_refused", "user", str(wang.pk), None, wang.city)  # fmt: skip
    assert row.detail == {}
    User.objects.update(is_active=False)
    guess("wang", PASSWORD)
    assert rows()[1:] == [("password_refused", {"out_of_use": True})]


def test_a_slow_down_is_one_row_until_the_wrong_tries_are_forgotten(wang: User, clock: Any) -> None:
    for number in range(20):
        guess("wang", address=f"192.0.2.{number}")
    assert [verb for verb, _ in rows()] == ["password_refused"] * 5 + ["sign_in_slowed"]
    for _ in range(40):  # a guesser who waits as told: a row each half minute
        clock.now += timedelta(seconds=30)
        assert [guess("wang", address=f"192.0.2.{number}") for number in range(3)] == [200, 429, 429]
    assert AuditRow.objects.filter(verb="password_refused").count() == 45
    assert AuditRow.objects.filter(verb="sign_in_slowed").count() == 1


def test_an_address_that_has_to_wait_slows_nobody_down(wang: User) -> None:
    for number in range(10):
        guess(f"nobody{number}")
    assert guess("wang") == 429
    assert rows() == []


def test_names_that_nobody_has_are_a_row_a_minute_however_many(wang: User) -> None:
    assert tell_wrong_names(NOW) == 0
    for minute, tries in enumerate((30, 1, 0, 2)):
        for number in range(tries):
            guess(f"nobody{number}", address=f"192.0.2.{minute}{number}")
        for second in range(0, 60, 7):
            tell_wrong_names(NOW + timedelta(minutes=minute, seconds=second))
    assert rows() == [("names_refused", {"count": 30}), ("names_refused", {"count": 1}), ("names_refused", {"count": 2})]  # fmt: skip
    guess("somebody")
    tell_wrong_names(NOW - timedelta(days=1))  # a clock that was set back keeps nothing silent for long
    assert len(rows()) == 4
    assert set(AuditRow.objects.values_list("kind", "object_id", "actor", "city")) == {("sign_in", "", None, None)}


def test_a_name_that_somebody_has_costs_one_statement_more(wang: User) -> None:
    """The row itself, beside the tenth of a second that a password takes."""
    cost = {}
    for name in ("wang", "nobody", "wang", "nobody"):
        with CaptureQueriesContext(connection) as queries:
            assert guess(name) == 200
        cost[name] = Counter(sql.split(" ")[0] if "auditrow" not in sql else "row" for sql in (each["sql"] for each in queries))  # fmt: skip
    assert cost["wang"] - cost["nobody"] == Counter(["row"])
    assert cost["nobody"] - cost["wang"] == Counter()
    assert cache.get(NOBODYS)[0] == 2


def test_a_wrong_code_is_a_row_also_where_an_app_is_set_up(reviewer: User) -> None:
    web = Client()
    web.post("/login/", {"username": "wang", "password": PASSWORD})
    web.post("/login/enrol/", {"code": "000000"})
    assert rows() == [("code_refused", {"setting_up": True})]
    web = Client()
    web.force_login(reviewer)
    web.post("/account/", {"do": "confirm", "current": "wrong"})
    assert rows()[1:] == [("password_refused", {})]
    assert AuditRow.objects.last().actor == reviewer  # type: ignore[union-attr]
    web.post("/account/", {"do": "confirm", "current": PASSWORD})
    web.post("/account/", {"do": "begin_app"})
    for _ in range(5):
        assert web.post("/account/", {"do": "app", "code": "000000"}).status_code == 400
    assert web.post("/account/", {"do": "app", "code": "000000"}).status_code == 429
    assert rows()[2:] == [("code_refused", {"setting_up": True})] * 5 + [("sign_in_slowed", {})]
    cache.clear()
    web.post("/account/", {"do": "begin_app"})
    assert web.post("/account/", {"do": "app", "code": code_of(web.session["account_app"])}).status_code == 302


def test_the_audit_tells_them_in_words_by_nobody_who_is_signed_in(wang: User) -> None:
    guess("wang")
    guess("nobody")
    tell_wrong_names(NOW)
    auditor = User.objects.create_user("auditor", role="auditor")
    for language, words in (("en", ("Wrong password", "not signed in", "how many: 1", "Sign-in with names that nobody has", "person wang")), ("zh-hans", ("密码不对", "未登录者", "用不存在的用户名登录"))):  # fmt: skip
        web = Client(headers={"Accept-Language": language})
        web.force_login(auditor)
        page = web.get("/audit/").content.decode()
        assert [each for each in words if each not in page] == []
        assert len(web.get("/audit/?verb=names_refused").context["rows"]) == 1
        assert len(web.get("/audit/?verb=password_refused&kind=user&object=wang").context["rows"]) == 1
