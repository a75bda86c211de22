"""Which passwords a person may choose: what guessers try first is refused, wherever a password is chosen, with a sentence that says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from second_factors import code_of

from server.accounts import people
from server.accounts.guessing import is_a_row, is_common, is_hardly_more_than
from server.accounts.models import User
from server.accounts.passwords import first_password, why_not

WEAK = ["wang.cg", "wang.cgwang.cg", "wang.cg12345", "Wang.CG-2026!!", "administrator1", "password1234", "Password!2026!", "passwordpassword", "123456789012", "098765432109", "314159265358", "aaaaaaaaaaaa", "abcabcabcabc", "abababababac", "abcdefghijkl", "qwertyuiop12", "asdfghjkl;12", "1qaz2wsx3edc", "111222333444"]  # fmt: skip
GOOD = ["horse battery staple", "a long password", "correct-horse-42", "我每天早上七点半骑车去上班", "wang.cg rides a green trike", "Tr1k3!eye#Tai", "xQ7-pLm2-vB9z"]  # fmt: skip


@pytest.fixture
def wang() -> User:
    return User(username="wang.cg", password="!")


@pytest.mark.parametrize("weak", WEAK)
def test_what_is_guessed_first_is_refused(wang: User, weak: str) -> None:
    with translation.override("en"):
        told = why_not(wang, weak)
    assert told
    assert all(re.search("Take |add some", each) for each in told)
    assert len(set(told)) == len(told)
    with translation.override("zh-hans"):
        assert not re.search("[a-zA-Z]{3}", "".join(why_not(wang, weak)))


@pytest.mark.parametrize("good", [*GOOD, pytest.param(first_password(), id="a first password")])
def test_what_is_hard_to_guess_is_taken(wang: User, good: str) -> None:
    assert why_not(wang, good) == []


def test_each_way_of_guessing_alone() -> None:
    assert is_common("Letter2026", {"letter"})
    assert not is_common("2026", {"letter", ""})
    assert is_hardly_more_than("li", "lilililililili")
    assert not is_hardly_more_than("li", "a delicate lily pond")
    assert not is_hardly_more_than("x", "xxxxxxxxxxxx")
    assert is_a_row("zyxwvutsrqpo")
    assert not is_a_row("abc does not matter here")


@pytest.mark.django_db
def test_it_is_refused_wherever_a_password_is_chosen(reviewer: Any) -> None:
    own = Client(headers={"Accept-Language": "en"})
    own.force_login(reviewer)
    assert own.post("/account/", {"do": "confirm", "current": "a long password"}).status_code == 302
    answer = own.post("/account/", {"do": "password", "password": "password1234"})
    assert (answer.status_code, "digits after it do not help" in answer.content.decode()) == (400, True)
    person, given = people.add_person("zhao", "reviewer")
    first = Client(headers={"Accept-Language": "en"})
    first.post("/login/", {"username": "zhao", "password": given})
    page = first.get("/login/enrol/").content.decode()
    first.post("/login/enrol/", {"code": code_of(re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", ""))})  # type: ignore[index]
    first.post("/login/recovery/")
    assert "too much like your user name" in first.post("/login/password/", {"password": "zhao12345678"}).content.decode()  # fmt: skip
    person.refresh_from_db()
    assert person.check_password(given)
