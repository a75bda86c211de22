"""What is answered when something is wrong: in both languages, as page or JSON, with a number that the log has too."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import Client

from server.log import WithNumber
from server.roles import NotForThisRole

pytestmark = pytest.mark.django_db

FAULTS: list[tuple[Exception, int, str]] = [
    (SuspiciousOperation("x"), 400, "bad_request"), (NotForThisRole(frozenset()), 403, "role"), (Http404(), 404, "not_found"),
    (ValueError("x"), 500, "failed"), (OperationalError("database or disk is full"), 503, "database"),
]  # fmt: skip
TITLES = {
    ("zh-hans", 400): "请求无法识别", ("zh-hans", 403): "此角色无权查看", ("zh-hans", 404): "此地址没有内容", ("zh-hans", 500): "服务器出错", ("zh-hans", 503): "数据库没有响应",
    ("en", 400): "The request cannot be read", ("en", 403): "Not for this role", ("en", 404): "Nothing at this address", ("en", 500): "Something failed here", ("en", 503): "The database does not answer",
}  # fmt: skip


@pytest.fixture
def faulty(reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A browser whose list of cases fails as told."""
    client = Client(raise_request_exception=False)
    client.force_login(reviewer)

    def fail(with_: Exception, **headers: str) -> Any:
        def raises(*_: Any, **__: Any) -> None:
            raise with_

        monkeypatch.setattr("server.cases.list_views.search", raises)
        return client.get("/cases/", headers=headers)

    fail.client = client  # type: ignore[attr-defined]
    return fail


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(("fault", "status", "kind"), FAULTS, ids=[str(each[1]) for each in FAULTS])
def test_a_fault_is_told_with_the_number_that_its_line_in_the_log_has(
    language: str, fault: Exception, status: int, kind: str, faulty: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(WithNumber())
    loggers = [logging.getLogger(name) for name in ("django.request", "django.security")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    try:
        faulty.client.cookies["trikeye_language"] = language
        page = faulty(fault, accept="text/html")
        number = page.headers["X-Request-ID"]
        assert {each.number for each in caplog.records} == {number}  # type: ignore[attr-defined]
        plain = faulty(fault, accept="application/json")
    finally:
        for logger in loggers:
            logger.removeHandler(caplog.handler)
    assert page.status_code == plain.status_code == status
    text = page.content.decode()
    assert f"<h1>{TITLES[language, status]}</h1>" in text
    assert number in text
    assert plain.json()["kind"] == kind
    assert plain.json()["error"].startswith(TITLES[language, status])
    assert plain.json()["request"] == plain.headers["X-Request-ID"] != number
    assert ("Retry-After" in page.headers) is (status == 503)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_a_database_that_is_gone_is_told_without_asking_it(reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions and people lie in it too."""
    client = Client(raise_request_exception=False, headers={"accept": "text/html", "accept-language": "en"})
    client.force_login(reviewer)

    def gone(*_: Any) -> None:
        raise OperationalError("unable to open database file")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", gone)
    for address in ("/cases/", "/health/", "/review/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "The database does not answer" in answer.content.decode()
        assert 'action="/logout/"' not in answer.content.decode()


def test_a_form_from_before_the_last_sign_in_is_told_from_a_wrong_role(reviewer: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)
    answer = client.post("/review/verdicts", {"id": "x"})
    assert (answer.status_code, answer.json()["kind"]) == (403, "csrf")
    assert "too old" in answer.json()["error"] or "过期" in answer.json()["error"]


def test_an_address_that_leads_nowhere_is_told_to_strangers_too() -> None:
    answer = Client(headers={"accept": "text/html"}).get("/nowhere/")
    assert answer.status_code == 404
    assert "此地址没有内容" in answer.content.decode()


@pytest.mark.parametrize(("language", "title", "stop"), [("en", "The server refused an answer", ". "), ("zh-hans", "服务器未接受一条结论", "。")])  # fmt: skip
def test_an_error_is_sentences_of_the_readers_language_and_leaves_its_number_to_a_field(
    language: str, title: str, stop: str, reviewer: Any
) -> None:
    client = Client(headers={"accept-language": language})
    client.force_login(reviewer)
    for form in ({"id": "x"}, {"id": str(uuid4()), "case": "1", "answer": "reject", "reason": "9"}):
        told = client.post("/review/verdicts", form).json()
        assert told["error"].startswith(title)
        assert told["error"].endswith(stop.strip())
        assert stop in told["error"][:-1]
        assert not [twice for twice in ("..", "。。", ".。", "。.", "。 ") if twice in told["error"]]
        assert told["request"] not in told["error"]


def test_the_queue_waits_longer_for_an_answer_than_the_server_for_its_database() -> None:
    """Else a database that is held is told as a server that cannot be reached."""
    script = (Path(__file__).parents[2] / "server/static/js/post.js").read_text(encoding="utf-8")
    (patience_ms,) = re.findall(r"PATIENCE_MS = (\d+);", script)
    assert int(patience_ms) / 1000 > settings.DATABASES["default"]["OPTIONS"]["timeout"] + 2
