"""Addresses of pictures that outsiders may open: for a while, for what they were given, and each look is a row."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server import pictures
from server.audit.models import AuditRow
from server.cases.models import Case, Picture
from server.city.services import PICTURE_DAYS, add_destination, picture_address, prepare_handovers, retract, send_due
from server.city.webhooks import Answer
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed(send: Any, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case that the city has received."""
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    send()
    screen_new(NOW)
    case = Case.objects.get()
    add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    return Case.objects.get()


def address(case: Case) -> str:
    sha256 = Picture.objects.filter(sighting__case=case)[0].sha256
    return picture_address(sha256).removeprefix(settings.PUBLIC_URL)


def test_the_city_opens_what_it_was_given_and_each_look_is_a_row(handed: Case) -> None:
    answer = Client().get(address(handed))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    row = AuditRow.objects.get(verb="picture_opened")
    assert (row.kind, row.city, row.actor) == ("picture", handed.city, None)
    assert row.object_id in address(handed)
    Client().get(address(handed))
    assert AuditRow.objects.filter(verb="picture_opened").count() == 2


def test_an_address_ends(handed: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    given, now = address(handed), signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + PICTURE_DAYS * 86400 - 60)
    assert Client().get(given).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + PICTURE_DAYS * 86400 + 60)
    assert Client().get(given).status_code == 404


def test_an_address_that_was_changed_opens_nothing(handed: Case, send: Any) -> None:
    send(east_m=60.0, seed=5)
    given = address(handed)
    name, stamp, signature = given.removeprefix("/pictures/signed/").removesuffix(".jpg").split(":")
    other = next(each.sha256 for each in Picture.objects.all() if each.sha256 != name) if Picture.objects.values("sha256").distinct().count() > 1 else "0" * 64  # fmt: skip
    for wrong in (f"{other}:{stamp}:{signature}", f"{name}:zzzzzz:{signature}", f"{name}:{stamp}:{signature[:-2]}AA", name, f"{name}:{stamp}", ":::"):  # fmt: skip
        assert Client().get(f"/pictures/signed/{wrong}.jpg").status_code == 404
    assert not AuditRow.objects.filter(verb="picture_opened").exists()


def test_an_address_opens_nothing_that_was_not_handed_over(send: Any) -> None:
    send()
    assert Client().get(address(Case.objects.get())).status_code == 404


def test_hiding_taking_back_and_erasing_end_an_address(handed: Case, reviewer: Any) -> None:
    given = address(handed)
    Picture.objects.update(hidden_at=timezone.now())
    assert Client().get(given).status_code == 404
    Picture.objects.update(hidden_at=None)
    assert Client().get(given).status_code == 200
    retract(handed, "a mistake", timezone.now(), reviewer.pk)
    assert Client().get(given).status_code == 404


def test_of_an_erased_picture_the_city_is_told_so(handed: Case) -> None:
    from server.keeping.models import Erasure

    sha256 = Picture.objects.get().sha256
    pictures.path_of(sha256).unlink()
    assert Client().get(address(handed)).status_code == 404
    Erasure.objects.create(sha256=sha256, case=handed, at=timezone.now(), rule="confirmed")
    answer = Client().get(address(handed))
    assert (answer.status_code, answer.json()["kind"]) == (410, "erased")
    by_rule = answer.json()["error"]
    Erasure.objects.update(rule="face")
    by_hand = Client().get(address(handed)).json()
    assert (by_hand["kind"], by_hand["error"] == by_rule) == ("erased", False), "why it went is told truly"
