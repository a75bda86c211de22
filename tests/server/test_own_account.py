"""The page of one's own account: nothing changes without the present password, every change is on record and ends the other sessions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from second_factors import app_of, code_of

from server.accounts import own_account
from server.accounts.factors import check_code, codes_left, factors_of, fresh_recovery_codes
from server.accounts.models import User
from server.audit.models import AuditRow

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@pytest.fixture
def wang(reviewer: Any) -> User:
    """A person with an app and recovery codes."""
    app_of("wang")
    fresh_recovery_codes(reviewer)
    cache.clear()
    return User.objects.get(username="wang")


def signed_in(person: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(person)
    return client


@pytest.fixture
def web(wang: User) -> Client:
    return signed_in(wang)


@pytest.fixture
def other(wang: User) -> Client:
    """A session of the same person in another browser."""
    return signed_in(wang)


def do(web: Client, deed: str, **fields: str) -> Any:
    return web.post("/account/", {"do": deed, **fields})


def confirm(web: Client) -> None:
    assert do(web, "confirm", current=PASSWORD).status_code == 302


def is_in(web: Client) -> bool:
    return web.get("/account/").status_code == 200


def deeds() -> list[tuple[str, dict[str, Any]]]:
    return list(AuditRow.objects.filter(kind="user").order_by("id").values_list("verb", "detail"))


CHANGES = [
    ("password", {"password": "horse battery staple"}),
    ("begin_app", {}),
    ("app", {"code": "1"}),
    ("passkey", {"credential": "{}"}),
    ("forget", {"factor": "1"}),
    ("codes", {}),
]


@pytest.mark.parametrize(("deed", "fields"), CHANGES)
def test_nothing_is_changed_before_the_present_password(web: Client, wang: User, other: Client, deed: str, fields: dict[str, str]) -> None:  # fmt: skip
    before = list(Authenticator.objects.order_by("pk").values("pk", "data"))
    page = do(web, deed, **fields)
    assert page.status_code == 400
    assert "first type your current password" in page.content.decode()
    wang.refresh_from_db()
    assert wang.check_password(PASSWORD)
    assert list(Authenticator.objects.order_by("pk").values("pk", "data")) == before
    assert deeds() == []
    assert is_in(other)
    assert 'name="do" value="password"' not in web.get("/account/").content.decode()


def test_the_present_password_holds_for_ten_minutes_in_this_session(web: Client, other: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    assert do(web, "confirm", current="wrong").status_code == 400
    confirm(web)
    assert 'name="do" value="password"' in web.get("/account/").content.decode()
    assert 'name="do" value="password"' not in other.get("/account/").content.decode()
    later = timezone.now() + timedelta(seconds=own_account.CONFIRMED_S)
    monkeypatch.setattr("server.accounts.own_account.timezone.now", lambda: later)
    assert 'name="do" value="password"' not in web.get("/account/").content.decode()


def test_guessing_the_password_at_an_open_screen_is_slowed_down(web: Client) -> None:
    for _ in range(5):
        assert do(web, "confirm", current="wrong").status_code == 400
    slow = do(web, "confirm", current=PASSWORD)
    assert slow.status_code == 429
    assert "Try again in 30 s" in slow.content.decode()


def test_a_new_password_ends_the_other_sessions_and_this_one_goes_on(web: Client, wang: User, other: Client) -> None:
    confirm(web)
    assert do(web, "password", password="short").status_code == 400
    assert "password you have now" in do(web, "password", password=PASSWORD).content.decode()
    assert "not the same" in do(web, "password", password="horse battery staple", again="horse battery").content.decode()  # fmt: skip
    assert is_in(other)
    done = do(web, "password", password="horse battery staple", again="horse battery staple")
    assert done.status_code == 302
    assert "Your password is changed" in web.get("/account/").content.decode()
    assert (is_in(web), is_in(other)) == (True, False)
    wang.refresh_from_db()
    assert (wang.check_password("horse battery staple"), wang.password_once) == (True, False)
    assert deeds() == [("user_password", {"own": True})]
    assert AuditRow.objects.get().actor == wang


def test_an_app_is_set_up_anew_and_the_one_from_before_ends(web: Client, wang: User, other: Client) -> None:
    old = Authenticator.objects.get(user=wang, type="totp").pk
    confirm(web)
    do(web, "begin_app")
    page = web.get("/account/").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    assert "That was not right" in do(web, "app", code="000000").content.decode()
    assert Authenticator.objects.get(user=wang, type="totp").pk == old
    assert do(web, "app", code=f"{code_of(secret)[:3]} {code_of(secret)[3:]}").status_code == 302
    assert (is_in(web), is_in(other)) == (True, False)
    cache.clear()
    assert check_code(wang, code_of(secret))
    assert not Authenticator.objects.filter(pk=old).exists()
    assert deeds() == [("code_refused", {"setting_up": True}), ("factor_made", {"factor": "app", "replaced": True})]
    assert secret[:4] + " " not in web.get("/account/").content.decode()


def test_a_factor_is_removed_but_the_last(web: Client, wang: User, other: Client) -> None:
    confirm(web)
    app = factors_of(wang)[0]
    assert 'value="forget"' not in web.get("/account/").content.decode()
    assert do(web, "forget", factor=str(app.key)).status_code == 400
    passkey = Authenticator.objects.create(user=wang, type="webauthn", data={"name": "desk", "credential": {}})
    theirs = User.objects.create_user("li")
    foreign = Authenticator.objects.create(user=theirs, type="totp", data={})
    for key in (str(foreign.pk), "0", "\u00b2", "9" * 30):
        assert do(web, "forget", factor=key).status_code == 400
    assert is_in(other)
    assert do(web, "forget", factor=str(app.key)).status_code == 302
    assert [each.key for each in factors_of(wang)] == [passkey.pk]
    assert not is_in(other)
    assert Authenticator.objects.filter(pk=foreign.pk).exists()
    assert deeds() == [("factor_forgotten", {"factor": "app"})]


def test_new_recovery_codes_are_shown_once_and_end_the_older_ones(web: Client, wang: User, other: Client) -> None:
    older = Authenticator.objects.get(user=wang, type="recovery_codes").wrap().get_unused_codes()[0]
    assert "Left: 10 of 10" in web.get("/account/").content.decode()
    confirm(web)
    page = do(web, "codes")
    assert "no-store" in page["Cache-Control"]
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", page.content.decode())
    assert len(set(codes)) == 10
    assert "Recovery codes of <b>wang</b> · trikeye, http://testserver · made 20" in page.content.decode()
    assert codes[0] not in web.get("/account/").content.decode()
    assert not check_code(wang, older)
    assert check_code(wang, codes[0].replace(" ", ""))
    assert codes_left(wang) == 9
    assert (is_in(web), is_in(other)) == (True, False)
    assert deeds() == [("recovery_renewed", {})]


def test_a_deed_that_is_none_is_refused_and_the_head_leads_here(web: Client) -> None:
    assert do(web, "fly").status_code == 400
    head = web.get("/cases/").content.decode().split('id="own"')[1].split("</nav>")[0]
    assert re.findall('href="([^"]+)"', head) == ["/review/mine/", "/me/keys/", "/account/"]


def test_the_page_asks_the_database_little(web: Client, django_assert_max_num_queries: Any) -> None:
    confirm(web)
    with django_assert_max_num_queries(6):
        assert is_in(web)
