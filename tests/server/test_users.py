"""The administrator's page of people, and what becomes of who is changed there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from second_factors import app_of
from sightings import NOW, message

from models.contract import encode, topic
from server.accounts import people
from server.accounts.factors import has_second_factor
from server.accounts.models import User
from server.accounts.passwords import first_password
from server.audit.models import AuditRow
from server.fleet.models import City, Vehicle
from server.intake.services import take_sighting
from trikeye import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_user("boss", password="a long password", role="admin")


@pytest.fixture
def web(boss: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(boss)
    return client


def do(web: Client, person: User, deed: str, **more: str) -> Any:
    """As one who was asked and said yes."""
    return web.post("/users/", {"do": deed, "person": person.pk, "sure": "yes", **more})


def test_a_person_is_added_and_their_password_is_shown_once(web: Client, boss: User) -> None:
    City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")
    page = web.post("/users/", {"do": "add", "name": "zhao", "role": "supervisor", "city": "taiyuan"})
    password = re.search(r'class="secret">([^<]+)<', page.content.decode())[1]  # type: ignore[index]
    assert "no-store" in page["Cache-Control"]
    zhao = User.objects.get(username="zhao")
    assert (zhao.role, zhao.city.key, zhao.password_once, zhao.check_password(password)) == (
        "supervisor",
        "taiyuan",
        True,
        True,
    )  # type: ignore[union-attr]
    assert password not in web.get("/users/").content.decode()
    row = AuditRow.objects.get(verb="user_add")
    assert (row.actor, row.object_id, row.city) == (boss, str(zhao.pk), zhao.city)
    assert "zhao" not in str(row.detail)


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "a b"}, {"name": "boss"}, {"name": "BOSS"}, {"role": "king"}, {"city": "atlantis"}, {"do": "fly"}, {"do": "place", "person": "99"}, {"do": "place", "person": "²"}])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(web: Client, wrong: dict[str, str]) -> None:
    page = web.post("/users/", {"do": "add", "name": "li", "role": "reviewer", "city": "", **wrong})
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()
    assert User.objects.count() == 1


def test_what_was_typed_stays_where_a_name_is_refused_and_chinese_names_are_fit(web: Client, capsys: Any) -> None:
    City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")
    told = web.post("/users/", {"do": "add", "name": "li fang", "role": "auditor", "city": "taiyuan"}).content.decode()
    form = told.split('<details class="add"')[1].split("</details>")[0]
    assert form.startswith(" open>")
    assert 'value="li fang"' in form
    assert re.findall(r'value="([^"]*)" selected', form) == ["auditor", "taiyuan"]
    assert "letters (Chinese ones too)" in told
    assert "and no space" in told
    assert web.post("/users/", {"do": "add", "name": "李芳", "role": "auditor"}).status_code == 200
    assert main(["server", "user", "add", "li fang"]) == 2
    assert "no space" in capsys.readouterr().err


def test_a_first_password_is_easily_copied_by_hand() -> None:
    made = {first_password() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[a-kmnp-z2-9]{4}(-[a-kmnp-z2-9]{4}){3}", each) for each in made)


def test_a_change_of_role_city_password_or_factor_ends_the_sessions_of_who_it_concerns(web: Client, boss: User) -> None:
    city = City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")
    for deed, more in {"place": {"role": "supervisor"}, "place ": {"role": "supervisor", "city": city.key}, "password": {}, "factor": {}}.items():  # fmt: skip
        li = User.objects.get_or_create(username="li")[0]
        app_of("li")
        theirs = Client()
        theirs.force_login(li)
        assert theirs.get("/cases/").status_code == 200
        do(web, li, deed.strip(), **more)
        assert theirs.get("/cases/").headers.get("Location", "").startswith("/login/"), deed
    assert not has_second_factor(li)
    assert web.get("/users/").status_code == 200
    assert sorted(AuditRow.objects.filter(actor=boss).values_list("verb", flat=True)) == ["factor_reset", "user_password", "user_placed", "user_placed"]  # fmt: skip


@pytest.mark.parametrize(("deed", "question"), [("shut_out", "Deactivate li?"), ("password", "New password for li?"), ("factor", "Reset the second factor of li?")])  # fmt: skip
def test_what_throws_somebody_out_is_asked_first(web: Client, deed: str, question: str) -> None:
    li = User.objects.create_user("li", password="a long password", role="reviewer")
    app_of("li")
    theirs = Client()
    theirs.force_login(li)
    page = web.post("/users/?name=l", {"do": deed, "person": li.pk})
    told = page.content.decode()
    assert page.status_code == 200
    assert question in told
    assert 'href="/users/?name=l"' in told
    li.refresh_from_db()
    assert (li.is_active, li.check_password("a long password"), has_second_factor(li)) == (True, True, True)
    assert theirs.get("/cases/").status_code == 200
    assert not AuditRow.objects.filter(object_id=li.pk).exclude(verb="signed_in").exists()
    fields = dict(re.findall(r'name="(person|sure|do)" value="(\w+)"', told))
    assert web.post("/users/?name=l", fields).status_code in (200, 302)
    assert theirs.get("/cases/").status_code == 302
    assert AuditRow.objects.filter(object_id=li.pk).count() == 1


def test_a_change_of_ones_own_password_ends_ones_other_sessions() -> None:
    person, _ = people.add_person("li", "reviewer")
    theirs = Client()
    theirs.force_login(person)
    people.choose_password(person, "horse battery staple")
    assert theirs.get("/cases/").status_code == 302


def test_who_is_shut_out_is_out_at_once_stays_out_and_loses_nothing(web: Client, boss: User) -> None:
    li = User.objects.create_user("li", password="a long password", role="reviewer")
    theirs = Client()
    theirs.force_login(li)
    do(web, li, "shut_out")
    assert theirs.get("/cases/").status_code == 302
    assert "deactivated" in web.get("/users/").content.decode()
    assert Client().post("/login/", {"username": "li", "password": "a long password"}).status_code == 200
    do(web, li, "let_in")
    assert theirs.get("/cases/").status_code == 302  # the session from before stays over
    assert Client().post("/login/", {"username": "li", "password": "a long password"}).headers["Location"] == "/login/enrol/"  # fmt: skip
    assert list(AuditRow.objects.filter(actor=boss).values_list("verb", flat=True)) == ["user_out_of_use", "user_in_use"]  # fmt: skip
    assert do(web, li, "let_in").status_code == 302
    assert AuditRow.objects.filter(actor=boss).count() == 2


def test_each_change_says_what_was_done(web: Client) -> None:
    li = User.objects.create_user("li", role="reviewer")
    for deed, more, words in (
        ("shut_out", {}, "li is deactivated: signed out, and cannot sign in any more."),
        ("let_in", {}, "li may sign in again."),
        ("factor", {}, "The second factor of li is reset. The next sign-in sets up a new one."),
        ("place", {"role": "auditor"}, "li: role and city are changed. This person is signed out."),
        ("place", {"role": "auditor"}, "li has this role and city already."),
    ):
        assert do(web, li, deed, **more).status_code == 302
        assert f'role="status"><p>{words}</p>' in web.get("/users/").content.decode()


def test_an_open_page_of_who_is_shut_out_says_so_and_whom_to_ask(web: Client) -> None:
    """Its requests, which are no pages, and the sign-in that every page leads to; nobody else learns of it."""
    li = User.objects.create_user("li", password="a long password", role="reviewer")
    theirs = Client(headers={"Accept-Language": "en"})
    theirs.force_login(li)
    assert theirs.post("/session/").status_code == 204
    do(web, li, "shut_out")
    refused = theirs.post("/session/")
    assert refused.status_code == 403
    assert refused.json()["kind"] == "out_of_use"
    assert refused.json()["error"] == "This account is out of use. Nobody can work with it any more. Ask your administrator."  # fmt: skip
    led = theirs.get("/cases/", headers={"Accept": "text/html"}, follow=True).content.decode()
    assert "This account is out of use. Ask your administrator." in led
    for stranger in (Client(), Client(headers={"Cookie": "sessionid=x"})):
        assert stranger.post("/session/").status_code == 302
        assert "out of use" not in stranger.get("/login/", headers={"Accept-Language": "en"}).content.decode()
    do(web, li, "let_in")
    assert theirs.post("/session/").status_code == 302


def test_the_last_administrator_can_neither_go_nor_be_another(web: Client, boss: User, capsys: Any) -> None:
    assert do(web, boss, "shut_out").status_code == 400
    assert do(web, boss, "place", role="reviewer").status_code == 400
    assert main(["server", "user", "shut-out", "boss"]) == 1
    assert "last administrator" in capsys.readouterr().err
    idle = User.objects.create_user("idle", role="admin", is_active=False)
    assert do(web, boss, "shut_out").status_code == 400
    do(web, idle, "let_in")
    assert do(web, boss, "place", role="reviewer").status_code == 302
    boss.refresh_from_db()
    assert boss.role == "reviewer"


def test_the_page_costs_the_same_for_many_people(web: Client, django_assert_max_num_queries: Any) -> None:
    User.objects.bulk_create([User(username=f"p{number:04}") for number in range(600)])
    with django_assert_max_num_queries(6):
        page = web.get("/users/").content.decode()
    assert "search by user name" in page
    assert page.count('<th scope="row">') == 500
    assert ">p0599" in web.get("/users/?name=P0599").content.decode()


def test_the_command_line_does_the_same(db: None, capsys: Any) -> None:
    assert main(["server", "user", "add", "zhao", "--role", "auditor"]) == 0
    assert "password" in capsys.readouterr().out
    zhao = User.objects.get(username="zhao")
    app_of("zhao")
    assert main(["server", "user", "second-factor", "zhao"]) == 2
    assert main(["server", "user", "second-factor", "zhao", "--reset"]) == 0
    assert not has_second_factor(zhao)
    assert main(["server", "user", "place", "zhao", "--role", "city", "--city", "taiyuan"]) == 0
    zhao.refresh_from_db()
    assert (zhao.role, zhao.city.key) == ("city", "taiyuan")  # type: ignore[union-attr]
    assert main(["server", "user", "shut-out", "zhao"]) == 0
    zhao.refresh_from_db()
    assert not zhao.is_active
    assert main(["server", "user", "password", "nobody"]) == 1
    assert main(["server", "user", "add", "zhao"]) == 1


def test_an_empty_server_tells_its_administrator_what_to_do_first(web: Client) -> None:
    """Each step by the page or command it names, until people can begin."""
    page = web.get("/").headers["Location"]

    def left() -> list[str]:
        return [step.command or step.link for step in web.get(page).context["steps"] if not step.done]

    told = web.get(page).content.decode()
    assert "First steps" in told
    assert 'href="/users/"' in told
    assert len(left()) == 7
    for role in ("reviewer", "supervisor"):
        web.post("/users/", {"do": "add", "name": role, "role": role, "city": ""})
    vehicle, destination, *_ = (each for each in left() if each.startswith("trikeye server"))
    assert main(vehicle.replace(" --write-config edge.toml", "").split()[1:]) == 0
    assert main([*destination.split()[1:], "--allow-private"]) == 0
    assert [each.split()[1] for each in left()] == ["edge", "server", "server"]
    sighting = message()
    take_sighting(topic(sighting.vehicle, "sighting"), encode(sighting), NOW)
    assert web.get(page).context["steps"] == []
    assert "First steps" not in web.get(page).content.decode()
    theirs = Client(headers={"Accept-Language": "en"})
    theirs.force_login(User.objects.get(username="supervisor"))
    Vehicle.objects.update(revoked_at=NOW)
    assert "First steps" in web.get(page).content.decode()
    assert "First steps" not in theirs.get(page).content.decode()
