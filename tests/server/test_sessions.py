"""How long a session lasts, whom that concerns, and what each answer says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from server.accounts.models import User

pytestmark = pytest.mark.django_db
MINUTES = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that goes on when it is told to."""

    class Clock:
        now = timezone.now()

        def on(self, **by: float) -> None:
            self.now += timedelta(**by)

    clock = Clock()
    monkeypatch.setattr("server.accounts.sessions.timezone.now", lambda: clock.now)
    return clock


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(role, role=role))
    return client


def ends(answer: Any) -> int:
    return int(answer.headers["X-Session-Ends"])


def test_who_sees_pictures_is_signed_out_after_thirty_idle_minutes(clock: Any) -> None:
    web = signed_in("reviewer")
    assert ends(web.get("/cases/")) == 30 * 60
    clock.on(minutes=29)
    assert ends(web.get("/cases/")) == 30 * 60
    clock.on(minutes=30)
    assert web.get("/cases/").headers["Location"].startswith("/login/?next=")
    assert "X-Session-Ends" not in web.get("/login/").headers


def test_what_a_page_asks_for_by_itself_is_no_sign_of_life_and_one_key_is(clock: Any) -> None:
    web = signed_in("reviewer")
    web.get("/cases/")
    clock.on(minutes=20)
    assert ends(web.post("/review/renew")) == 10 * 60
    assert ends(web.get("/cases/", headers={"X-By-Itself": "1"})) == 10 * 60
    assert ends(web.get("/session/")) == 10 * 60
    assert ends(web.post("/session/")) == 30 * 60
    clock.on(minutes=29)
    assert ends(web.get("/session/")) == 60


def test_no_session_is_longer_than_twelve_hours(clock: Any) -> None:
    web = signed_in("reviewer")
    for _ in range(35):
        clock.on(minutes=20)
        assert web.get("/cases/").status_code == 200
    assert ends(web.get("/cases/")) == 20 * 60
    clock.on(minutes=20)
    assert web.get("/cases/").status_code == 302


def test_who_sees_no_picture_may_be_idle(clock: Any) -> None:
    web = signed_in("fleet")
    web.get("/fleet/")
    clock.on(hours=11)
    assert ends(web.get("/fleet/")) == 3600


def test_a_sign_of_life_is_written_once_a_minute(clock: Any, django_assert_num_queries: Any) -> None:
    web = signed_in("fleet")
    clock.on(minutes=5)
    web.get("/session/")
    with django_assert_num_queries(2):  # the session, the person
        web.get("/session/")
    web.post("/session/")
    seen = User.objects.get().last_seen_at
    assert seen == clock.now
    clock.on(seconds=30)
    with django_assert_num_queries(2):
        web.post("/session/")
    assert User.objects.get().last_seen_at == seen
    clock.on(seconds=31)
    web.post("/session/")
    assert User.objects.get().last_seen_at == clock.now


def test_the_sign_in_itself_is_a_sign_of_life(clock: Any) -> None:
    """Who looks something up and is gone within a minute was there."""
    web = signed_in("city")
    assert User.objects.get().last_seen_at == clock.now
    came = clock.now
    clock.on(seconds=40)
    web.get("/cases/")
    assert User.objects.get().last_seen_at == came


def test_a_clock_that_jumped_back_ends_no_session(clock: Any) -> None:
    web = signed_in("reviewer")
    web.get("/cases/")
    clock.on(hours=-3)
    assert web.get("/cases/").status_code == 200
    clock.on(minutes=29)
    assert ends(web.get("/cases/")) == 30 * 60


def test_sessions_from_before_there_were_limits_count_from_now(clock: Any) -> None:
    web = signed_in("reviewer")
    session = web.session
    del session["began_s"], session["seen_s"]
    session.save()
    assert ends(web.get("/cases/")) == 30 * 60
    assert isinstance(clock.now, datetime)
