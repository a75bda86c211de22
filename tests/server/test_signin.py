"""Signing in: two factors, forced at the first sign-in, and nobody is in before the last step."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from second_factors import code_of

from server.accounts import people
from server.accounts.models import User

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
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", client.get("/login/recovery/").content.decode())
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
