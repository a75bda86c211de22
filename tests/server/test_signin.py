"""Signing in: two factors, forced at the first sign-in, and nobody is in before the last step."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from second_factors import app_of, code_of

from server.accounts import people
from server.accounts.attempts import ACCOUNT, ADDRESS, wait_s
from server.accounts.models import User
from server.accounts.signin import KEPT_S
from server.audit.models import AuditRow

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


def steps(answer: Any) -> str:
    return str(answer.headers.get("Location", ""))


def give_password(client: Client, name: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login/", {"username": name, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/cases/").status_code == 200


def test_the_first_sign_in_leads_through_a_second_factor_its_codes_and_a_password_of_ones_own() -> None:
    person, password = people.add_person("zhao", "reviewer")
    client = Client()
    assert steps(give_password(client, "zhao", password, next="/cases/")) == "/login/enrol/"
    assert not is_in(client)
    page = client.get("/login/enrol/").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    assert client.get("/login/enrol/").content.decode().count(secret[:4]) >= 1
    assert "That was not right" in client.post("/login/enrol/", {"code": "000000"}, headers={"Accept-Language": "en"}).content.decode()  # fmt: skip
    assert steps(client.post("/login/enrol/", {"code": code_of(secret)})) == "/login/recovery/"
    assert not is_in(client)
    sheet = client.get("/login/recovery/", headers={"Accept-Language": "zh-Hans"}).content.decode()
    assert "<b>zhao</b> 的恢复码 · trikeye，http://testserver · 生成于 20" in sheet
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", sheet)
    assert len(codes) == 10
    assert steps(client.post("/login/recovery/")) == "/login/password/"
    assert not is_in(client)
    assert client.post("/login/password/", {"password": password}).status_code == 200
    assert client.post("/login/password/", {"password": "short"}).status_code == 200
    assert steps(client.post("/login/password/", {"password": "horse battery staple"})) == "/cases/"
    assert is_in(client)
    assert codes[0] not in client.get("/login/recovery/", follow=True).content.decode()
    later = Client()
    assert steps(give_password(later, "zhao", password)) == ""
    assert steps(give_password(later, "zhao", "horse battery staple")) == "/login/code/"
    assert not is_in(later)
    assert steps(later.post("/login/code/", {"code": codes[0]})) == "/"
    assert is_in(later)
    again = Client()
    give_password(again, "zhao", "horse battery staple")
    assert again.post("/login/code/", {"code": codes[0]}).status_code == 200
    assert not is_in(again)
    assert person.pk == User.objects.get().pk


@pytest.fixture
def wang(reviewer: Any) -> Any:
    """A person with an app; its secret."""
    return app_of("wang")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time of the sign-in's pages, moved by hand."""
    moved = SimpleNamespace(now=timezone.now())
    moved.on = lambda seconds: setattr(moved, "now", moved.now + timedelta(seconds=seconds))
    monkeypatch.setattr("server.accounts.signin_views.timezone.now", lambda: moved.now)
    return moved


def test_no_page_but_the_sign_in_opens_between_the_steps(wang: str) -> None:
    client = Client()
    give_password(client, "wang")
    for address in ("/", "/review/", "/cases/", "/pictures/" + "0" * 64 + ".jpg", "/session/"):
        assert steps(client.get(address)).startswith("/login/"), address
    assert steps(client.get("/login/enrol/")) == "/login/code/"
    assert steps(client.get("/login/password/")) == "/login/code/"
    assert steps(client.post("/login/recovery/")) == "/login/code/"
    assert steps(Client().get("/login/code/")) == "/login/"


def test_each_code_lets_in_once(wang: str) -> None:
    first, second = Client(), Client()
    code = code_of(wang)
    for client in (first, second):
        give_password(client, "wang")
        client.post("/login/code/", {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)
    second.post("/login/code/", {"code": code_of(wang, 1)})  # a phone that is half a minute ahead
    assert is_in(second)


def test_a_sign_in_that_was_begun_ends_by_time_and_by_a_change_of_the_account(wang: str, clock: Any) -> None:
    client = Client()
    give_password(client, "wang")
    clock.on(KEPT_S + 1)
    assert steps(client.post("/login/code/", {"code": code_of(wang)})) == "/login/"
    give_password(client, "wang")
    people.renew_password(User.objects.get())
    assert steps(client.post("/login/code/", {"code": code_of(wang)})) == "/login/"
    assert not is_in(client)


def test_the_session_of_the_password_is_not_the_one_that_is_signed_in(wang: str) -> None:
    client = Client()
    give_password(client, "wang")
    before = client.cookies["sessionid"].value
    client.post("/login/code/", {"code": code_of(wang)})
    assert client.cookies["sessionid"].value != before


def test_where_the_sign_in_leads_is_within_these_pages(wang: str) -> None:
    for back, meant in (("/cases/?state=all", "/cases/?state=all"), ("https://elsewhere.example/", "/"), ("//elsewhere.example", "/"), ("javascript:alert(1)", "/")):  # fmt: skip
        client = Client()
        give_password(client, "wang", next=back)
        cache.clear()
        assert steps(client.post("/login/code/", {"code": code_of(wang)})) == meant


def test_names_that_are_there_and_names_that_are_not_are_answered_alike(wang: str) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)

    def told(name: str, password: str) -> str:
        answer = give_password(Client(), name, password)
        assert answer.status_code == 200
        return re.sub(r'value="[^"]*"', "", answer.content.decode())

    assert told("wang", "wrong") == told("nobody", "wrong") == told("gone", "wrong")


def test_an_account_out_of_use_is_told_to_who_knows_its_password_alone(wang: str) -> None:
    gone = User.objects.create_user("gone", password=PASSWORD, is_active=False)
    web = Client(headers={"Accept-Language": "en"})
    words = "This account is out of use. Ask your administrator."
    assert words not in web.post("/login/", {"username": "gone", "password": "wrong"}).content.decode()
    assert words in web.post("/login/", {"username": "gone", "password": PASSWORD}).content.decode()
    assert web.get("/login/code/").headers["Location"] == web.get("/login/enrol/").headers["Location"] == "/login/"
    assert gone.get_session_auth_hash() not in str(dict(web.session))


def test_an_account_slows_down_after_five_wrong_passwords_and_never_stops(wang: str, clock: Any) -> None:
    for name in ("wang", "nobody"):
        cache.clear()
        for number in range(5):
            assert give_password(Client(REMOTE_ADDR=f"192.0.2.{number}"), name, "wrong").status_code == 200
        slow = give_password(Client(REMOTE_ADDR="192.0.2.99", headers={"Accept-Language": "en"}), name)
        assert (slow.status_code, slow.headers["Retry-After"]) == (429, "30")
        assert "Try again in 30 s" in slow.content.decode()
        clock.on(30)
        assert give_password(Client(REMOTE_ADDR="192.0.2.99"), name, "wrong").status_code == 200
        assert give_password(Client(REMOTE_ADDR="192.0.2.99"), name).status_code == 429
        clock.on(30)
    assert steps(give_password(Client(), "wang")) == "/login/code/"


def test_strangers_do_not_slow_a_person_down_in_their_own_browser(wang: str, clock: Any) -> None:
    own = Client()
    give_password(own, "wang")
    own.post("/login/code/", {"code": code_of(wang)})
    own.post("/logout/")
    for number in range(6):
        give_password(Client(REMOTE_ADDR=f"192.0.2.{number}"), "wang", "wrong")
    assert give_password(Client(), "wang").status_code == 429
    assert steps(give_password(own, "wang")) == "/login/code/"
    forged = Client()
    forged.cookies["trikeye_known"] = "1:forged"
    assert give_password(forged, "wang").status_code == 429


def test_one_address_tries_ten_times_a_minute(wang: str, clock: Any) -> None:
    for number in range(10):
        assert give_password(Client(), f"guess{number}", "wrong").status_code == 200
    assert give_password(Client(), "wang").status_code == 429
    assert steps(give_password(Client(REMOTE_ADDR="192.0.2.1"), "wang")) == "/login/code/"
    told = Client(headers={"X-Forwarded-For": "198.51.100.7, 192.0.2.9"})  # as the proxy on this machine says
    assert steps(give_password(told, "wang")) == "/login/code/"
    clock.on(61)
    assert steps(give_password(Client(), "wang")) == "/login/code/"


def test_codes_slow_down_too(wang: str, clock: Any) -> None:
    client = Client()
    give_password(client, "wang")
    for _ in range(5):
        assert client.post("/login/code/", {"code": "000000"}).status_code == 200
    assert client.post("/login/code/", {"code": code_of(wang)}).status_code == 429
    clock.on(31)
    assert steps(client.post("/login/code/", {"code": code_of(wang)})) == "/"
    assert AuditRow.objects.filter(verb="code_refused").count() == 5


def test_the_secret_lies_encrypted_and_without_its_key_no_code_is_right(
    wang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wang not in str(list(Authenticator.objects.values_list("data", flat=True)))
    key = Fernet.generate_key().decode()
    monkeypatch.setattr("server.accounts.factors.secret", lambda _: key)
    client = Client()
    give_password(client, "wang")
    assert client.post("/login/code/", {"code": code_of(wang)}).status_code == 200
    assert not is_in(client)


def test_what_a_browser_sends_for_a_passkey_may_be_anything(reviewer: Any) -> None:
    client = Client(HTTP_HOST="localhost")
    give_password(client, "wang")
    for rubbish in ("{", "[]", "1", "{}", '{"id": 1, "rawId": "x", "response": {}, "type": "public-key"}'):
        assert client.post("/login/enrol/", {"credential": rubbish}).status_code in (200, 429)
    cache.clear()
    app_of("wang")
    for rubbish in ("{", "[]", "{}", '{"id": "x"}'):
        assert client.post("/login/code/", {"credential": rubbish}).status_code in (200, 429)
    assert not is_in(client)


def test_tries_are_counted_alike_in_all_processes() -> None:
    """Pure: how long to wait after wrong tries at these seconds."""
    assert wait_s(ACCOUNT, [0, 1, 2, 3], 4) == 0
    assert wait_s(ACCOUNT, [0, 1, 2, 3, 4], 5) == 29
    assert wait_s(ACCOUNT, [0, 1, 2, 3, 4], 34) == 0
    assert wait_s(ADDRESS, [float(second) for second in range(10)], 20) == 40
    assert wait_s(ADDRESS, [float(second) for second in range(10)], 60) == 0
    assert wait_s(ACCOUNT, [1000.0] * 9, 10) == 0  # a clock that was set back
