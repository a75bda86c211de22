"""Who may open what: every address is walked for every role, and for who has not signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from sightings import NOW

from server import roles
from server.accounts.models import User
from server.accounts.services import cases_for
from server.cases.models import Case, Picture
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db

STRANGER = None
ARGUMENTS: dict[str, list[Any]] = {"picture": ["0" * 64], "picture_signed": ["x"], "case": [1], **{key: [1] for key in ("case_print", "case_note", "case_merge", "case_split", "case_reopen", "case_hand_over")}, "case_peek": [1], "report": ["2026-11"], "case_export": ["csv"], "city_status": [1],
                                   "api:case": ["taiyuan", 1], "api:case_sightings": ["taiyuan", 1], "api:picture": ["0" * 64], "quality_category": ["waste_pile"], "quality_vehicle": ["TY-01"], "review_face": ["0" * 64], "case_retract": [1]}  # fmt: skip


def addresses() -> Iterator[tuple[str, str]]:
    for name in names(get_resolver().url_patterns):
        yield name, reverse(name, args=ARGUMENTS.get(name, []))


def names(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from names(each.url_patterns, f"{each.namespace}:" if each.namespace else before)
        else:
            assert each.name
            yield before + each.name


def test_every_address_has_its_row_and_every_row_its_address() -> None:
    assert {name for name, _ in addresses()} == set(roles.MAY)
    assert {page.name for page in roles.PAGES} <= set(roles.MAY)


@pytest.mark.parametrize("role", [*User.Role, STRANGER])
def test_an_address_opens_for_the_roles_of_its_row_alone(role: User.Role | None) -> None:
    """Whatever comes of it: what may be opened is neither refused nor sent to the sign-in, by whatever method it is asked."""
    for name, address in addresses():
        for method in ("get", "post"):
            client = Client()
            if role is not STRANGER:
                client.force_login(User.objects.get_or_create(username=role, role=role)[0])
            answer = getattr(client, method)(address)
            meant = roles.MAY[name]
            if meant is roles.ANYBODY or role in meant:
                assert answer.status_code != 403, (name, method)
                assert not answer.headers.get("Location", "").startswith("/login/?next="), (name, method)
            elif role is STRANGER and roles.is_for_programs(name):
                assert answer.status_code == 401, (name, method)
            elif role is STRANGER:
                assert answer.headers["Location"].startswith("/login/?next="), (name, method)
            else:
                assert answer.status_code == 403, (name, method)
                assert answer.json()["kind"] == "role"


def test_what_the_table_lacks_is_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(roles.MAY, "vehicles")
    client = Client()
    assert client.get("/fleet/").status_code == 302
    client.force_login(User.objects.create_user("admin", role="admin"))
    assert client.get("/fleet/").status_code == 403


@pytest.mark.parametrize("role", User.Role)
def test_the_navigation_holds_what_a_role_may_open(role: User.Role) -> None:
    client = Client()
    client.force_login(User.objects.create_user("someone", role=role))
    first = client.get("/").headers["Location"]
    page = client.get(first).content.decode()
    links = [each.name for each in roles.PAGES if f'href="{reverse(each.name)}"' in page]
    assert links == [each.name for each in roles.PAGES if role in (roles.MAY[each.name] or ())]
    assert first == reverse(links[0])


DESIGN = {
    "review_verdicts": "reviewer supervisor", "review_undo": "reviewer supervisor", "review_disputes": "supervisor", "review_gold": "supervisor",
    "quality_threshold": "supervisor", "categories": "supervisor", "case_retract": "supervisor", "case_merge": "supervisor", "case_hand_over": "supervisor",
    "case": "reviewer supervisor city auditor admin", "vehicles": "fleet supervisor auditor admin", "users": "admin",
    "audit": "supervisor auditor", "audit_erase": "auditor", "review_faces": "supervisor auditor", "review_faces_show": "supervisor auditor", "account": "reviewer supervisor fleet city auditor admin",
}  # fmt: skip
"""Who may do what, as the design of the pages has it and DECISIONS.md where this differs: a slip in the table must not pass unseen."""


@pytest.mark.parametrize("name", DESIGN)
def test_the_table_gives_nobody_more_than_the_design(name: str) -> None:
    assert {role.value for role in roles.MAY[name] or ()} == set(DESIGN[name].split())


def test_a_city_officer_sees_what_was_handed_over_to_the_city(send: Any, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    for number in range(3):
        send(east_m=60.0 * number, seed=number)
    screen_new(NOW)
    handed, confirmed, waiting = Case.objects.order_by("id")
    add_destination(handed.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), handed.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    decide(reviewer, uuid4(), confirmed.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    officer = User.objects.create_user("officer", role="city")
    assert list(cases_for(officer)) == [handed]
    client = Client()
    client.force_login(officer)
    assert [client.get(f"/cases/{case.number}/").status_code for case in (handed, confirmed, waiting)] == [200, 404, 404]  # fmt: skip
    pictures = [Picture.objects.get(sighting__case=case).sha256 for case in (handed, confirmed, waiting)]
    assert [client.get(f"/pictures/{sha256}.jpg").status_code for sha256 in pictures] == [200, 404, 404]
    page = client.get("/cases/?state=all").content.decode()
    assert [f"/cases/{case.number}/" in page for case in (handed, confirmed, waiting)] == [True, False, False]
    Case.objects.filter(id=handed.pk).update(shadow=True)
    assert not cases_for(officer).exists()


def test_every_page_of_every_role_has_a_policy_without_inline_script_or_eval() -> None:
    for role in (*User.Role, None):
        client = Client(headers={"Accept": "text/html"})
        if role is not None:
            client.force_login(User.objects.create_user(role, role=role))
        for name, address in addresses():
            answer = client.get(address)
            policy = dict(each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";"))
            assert policy["default-src"] == "'none'", name
            assert "'unsafe-inline'" not in str(policy), name
            assert "'unsafe-eval'" not in str(policy), name
            assert policy["frame-ancestors"] == "'none'"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                page = answer.content.decode()
                assert not re.search(r"\son\w+=|\sstyle=\"|javascript:", re.sub(r'content="[^"]*"', "", page)), name
                assert all('src="' in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", page)), name  # fmt: skip
