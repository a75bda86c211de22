"""The interface for other programs: who comes in, how often, and what they read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from sightings import LAT, LON, NOW

from server.accounts.models import User
from server.api.models import ApiToken
from server.api.tokens import ROLES, add_token, revoke_token
from server.audit.models import AuditRow
from server.cases.models import Case, Picture
from server.coverage.models import Cell
from server.coverage.rules import cells_about
from server.fleet.models import City
from server.fleet.services import add_vehicle
from server.quality.services import sum_day
from server.review.services import decide
from server.screening.services import screen_new
from server.words import deed_name

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]


def by_token(role: str, city: City | None = None, name: str = "a program") -> Ask:
    """Asks by a token of this role."""
    text = add_token(name, role, city, 1, timezone.now())
    return lambda path, **asked: Client(headers={"Authorization": f"Bearer {text}"}).get(f"/api/v1{path}", asked)


@pytest.fixture
def three(send: Any) -> list[Case]:
    """Three cases in the queue."""
    for number in range(3):
        send(east_m=60.0 * number, seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


# Who comes in


def test_a_token_reads_as_its_role_until_it_is_revoked_or_over(three: list[Case]) -> None:
    ask = by_token("auditor")
    assert ask("/cases").status_code == 200
    refused = ask("/categories")
    assert (refused.status_code, refused.json()["kind"]) == (403, "role")
    row = ApiToken.objects.get()
    assert row.last_used_at is not None
    ApiToken.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert ask("/cases").status_code == 401
    ApiToken.objects.update(ends_at=timezone.now() + timedelta(days=1))
    assert ask("/cases").status_code == 200
    assert revoke_token("a program", timezone.now())
    gone = ask("/cases")
    assert (gone.status_code, gone.json()["kind"]) == (401, "sign_in")
    assert gone.headers["WWW-Authenticate"].startswith("Bearer")
    assert gone.json()["request"] == gone.headers["X-Request-ID"]
    assert not revoke_token("a program", timezone.now())
    assert add_token("a program", "auditor", None, 1, timezone.now())  # its name is free again


def test_a_token_is_kept_as_its_digest_and_its_making_and_end_are_recorded(db: None) -> None:
    text = add_token("grafana", "admin", None, 1, timezone.now())
    revoke_token("grafana", timezone.now())
    assert text not in str(ApiToken.objects.values())
    assert list(AuditRow.objects.order_by("id").values_list("verb", "kind")) == [("token_added", "token"), ("token_revoked", "token")]  # fmt: skip
    assert all(deed_name(verb) for verb in ("token_added", "token_revoked"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "y" * 5000, "Bearer \xff"])
def test_who_is_nobody_is_told_so_and_not_sent_to_the_sign_in(header: str, db: None) -> None:
    answered = Client(headers={"Authorization": header, "accept": "text/html"}).get("/api/v1/cases")
    assert answered.status_code == 401
    assert answered.json()["kind"] == "sign_in"


def test_a_wrong_token_is_refused_also_to_who_is_signed_in(reviewer: Any, client: Client) -> None:
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    assert client.get("/api/v1/cases").status_code == 200
    assert client.get("/api/v1/cases", headers={"Authorization": "Bearer x"}).status_code == 401


def test_no_program_reads_for_a_reviewer(reviewer: Any, client: Client) -> None:
    assert User.Role.REVIEWER not in ROLES
    with pytest.raises(ValueError, match="no program reads as 'reviewer'"):
        add_token("a program", "reviewer", None, 1, timezone.now())
    client.force_login(reviewer)
    assert client.get("/api/v1/cases").status_code == 403


def test_a_token_opens_no_page_and_writes_nothing(three: list[Case]) -> None:
    text = add_token("a program", "supervisor", None, 1, timezone.now())
    client = Client(headers={"Authorization": f"Bearer {text}"})
    for page in ("/cases/", "/review/", f"/pictures/{Picture.objects.all()[0].sha256}.jpg"):
        assert client.get(page).status_code == 302
    for method in ("post", "put", "patch", "delete"):
        answered = getattr(client, method)("/api/v1/cases")
        assert answered.status_code == 405
        assert (answered.headers["Allow"], answered.json()["kind"]) == ("GET", "method")


def test_a_token_used_too_often_waits_for_the_next_minute(db: None, settings: Any) -> None:
    settings.API_PER_MINUTE = 3
    ask, other = by_token("auditor"), by_token("auditor", name="another")
    at = timezone.now().replace(second=20, microsecond=0)
    with patch("server.api.gate.timezone.now", return_value=at):
        assert [ask("/cases").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        last = ask("/cases")
        assert last.headers["Retry-After"] == "40"
        assert last.json()["kind"] == "too_often"
        assert other("/cases").status_code == 200
    with patch("server.api.gate.timezone.now", return_value=at + timedelta(seconds=40)):
        assert ask("/cases").status_code == 200


def test_a_database_that_is_gone_is_told_as_a_problem(three: list[Case]) -> None:
    ask = by_token("auditor")
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    with patch("server.api.api.search", side_effect=OperationalError("disk I/O error")):
        answered = client.get("/api/v1/cases")
    assert (answered.status_code, answered.json()["kind"]) == (503, "database")
    assert answered.headers["Retry-After"]
    assert ask("/cases").status_code == 200


# What is read


def test_cases_are_paged_by_cursor_without_gap_or_double(three: list[Case], django_assert_max_num_queries: Any) -> None:
    ask, seen, cursor = by_token("auditor"), [], None
    while True:
        with django_assert_max_num_queries(12):
            page = ask("/cases", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [row["number"] for row in page["items"]]
        if not seen[2:]:  # a newer one shifts no page
            case = Case.objects.order_by("id")[0]
            case.pk, case.number = None, 99
            case.save(force_insert=True)
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [3, 2, 1]


def test_a_case_is_told_with_its_place_and_error_and_names_in_both_languages(three: list[Case]) -> None:
    row = by_token("auditor")("/cases", state="queued", category="bagged_garbage", since="2026-11-01", until="2026-11-30").json()["items"][-1]  # fmt: skip
    assert (row["city"], row["number"], row["state"], row["severity"]) == ("taiyuan", 1, "queued", row["severity"])
    assert row["category_zh"]
    assert row["category_en"]
    assert row["address"].endswith("/cases/1/?city=taiyuan")
    place = row["place"]
    assert (place["crs"], place["error_m"], place["placed_by"]) == ("WGS-84", pytest.approx(2.4, abs=0.2), "vehicles")
    assert (place["lat_deg"], place["lon_deg"]) == (pytest.approx(LAT, abs=1e-4), pytest.approx(LON, abs=1e-4))


@pytest.mark.parametrize(("asked", "fault"), [
    ({"limit": "0"}, "limit"), ({"limit": "201"}, "limit"), ({"limit": "many"}, "limit"), ({"state": "merged"}, "state"), ({"cursor": "-1"}, "cursor"),
    ({"cursor": str(2**63)}, "cursor"), ({"since": "2026-02-30"}, "since"), ({"city": "Ä"}, "city"), ({"radius_m": "0"}, "radius_m"), ({"radius_m": "2001"}, "radius_m"), ({"shadow": "perhaps"}, "shadow"),
])  # fmt: skip
def test_a_parameter_that_cannot_be_is_named(asked: dict[str, str], fault: str, db: None) -> None:
    answered = by_token("auditor")("/cases", **asked)
    assert (answered.status_code, answered.json()["kind"]) == (422, "parameter")
    assert fault in answered.json()["error"]


def test_one_case_tells_its_timeline_and_what_the_city_has(three: list[Case], reviewer: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    decide(reviewer, uuid4(), three[0].pk, "confirm", timezone.now())
    ask = by_token("supervisor", name="before")
    with django_assert_max_num_queries(16):
        told = ask("/cases/taiyuan/1").json()
    assert told["state"] == "confirmed"
    assert [line["by"] for line in told["timeline"] if "wang" in line["by"]]
    assert (told["handovers"], told["reports"]) == ([], [])
    for path in ("/cases/taiyuan/999", "/cases/nowhere/1", "/cases/taiyuan/0", f"/cases/taiyuan/{2**40}", "/cases/taiyuan/1/more"):  # fmt: skip
        gone = by_token("supervisor", name=path)(path)
        assert (gone.status_code, gone.json()["kind"]) == (404, "not_found")


def test_sightings_are_paged_tell_no_way_of_a_vehicle_and_no_hidden_picture(send: Any, vehicle: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    ids = [send(id=UUID(int=number + 1), vehicle=f"TY-0{number % 2 + 1}", seed=number).id for number in range(4)]
    ask, seen, cursor = by_token("auditor"), [], None
    while True:
        with django_assert_max_num_queries(8):
            page = ask("/cases/taiyuan/1/sightings", limit=3, **({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [row["id"] for row in seen] == [str(each) for each in reversed(ids)]
    assert not {"fix", "fix_lat_deg", "outbox", "boot_id"} & set(seen[0])
    picture = seen[0]["pictures"][0]
    path = picture["address"].partition("/api/v1")[2]
    shown = ask(path)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert hashlib.sha256(b"".join(shown.streaming_content)).hexdigest() == picture["sha256"]
    opened = AuditRow.objects.get(verb="picture_opened")
    assert (opened.object_id, opened.detail) == (picture["sha256"], {"program": "a program"})
    assert by_token("fleet", name="another")(path).status_code == 403
    Picture.objects.filter(sha256=picture["sha256"]).update(hidden_at=NOW)
    assert ask("/cases/taiyuan/1/sightings").json()["items"][0]["pictures"] == []
    assert ask(path).status_code == 404


def test_a_token_of_one_city_reads_that_city_alone(send: Any, vehicle: Any) -> None:
    send()
    add_vehicle("JN-01", "jinan")
    send(vehicle="JN-01", seed=2)
    jinan = City.objects.get(key="jinan")
    hers, all_ = by_token("supervisor", jinan), by_token("supervisor", name="all")
    assert [row["city"] for row in hers("/cases").json()["items"]] == ["jinan"]
    assert {row["city"] for row in all_("/cases").json()["items"]} == {"jinan", "taiyuan"}
    assert [row["vehicle"] for row in hers("/vehicles").json()["items"]] == ["JN-01"]
    assert {row["city"] for row in hers("/categories").json()["items"]} == {"jinan"}
    for path in ("/cases/taiyuan/1", "/cases/taiyuan/1/sightings"):
        assert hers(path).status_code == 404
    for path in ("/cases", "/categories", "/figures/verdicts"):
        assert hers(path, city="taiyuan").status_code == 404
    assert hers("/coverage/seen-well", city="taiyuan", lat_deg=LAT, lon_deg=LON, since=NOW.isoformat()).status_code == 404  # fmt: skip


def test_a_city_officer_reads_what_was_handed_over_alone(three: list[Case]) -> None:
    assert by_token("city")("/cases", state="all").json()["items"] == []
    assert by_token("city", name="another")("/cases/taiyuan/1").status_code == 404


def test_vehicles_are_paged_by_name_with_their_health(vehicle: Any) -> None:
    ask = by_token("fleet")
    first = ask("/vehicles", limit=1).json()
    assert ([row["vehicle"] for row in first["items"]], first["next"]) == (["TY-01"], "TY-01")
    second = ask("/vehicles", limit=1, cursor=first["next"]).json()
    assert ([row["vehicle"] for row in second["items"]], second["next"]) == (["TY-02"], None)
    assert (first["items"][0]["troubles"], first["items"][0]["health"]) == (["new"], None)


def test_whether_a_place_was_seen_well_is_answered_without_a_vehicle(vehicle: Any) -> None:
    for cell in cells_about(LAT, LON, 0.0):
        Cell.objects.create(city=vehicle.city, origin="camera", cell=cell, well_s=int(NOW.timestamp()), seen_s=int(NOW.timestamp()))  # fmt: skip
    ask = by_token("fleet")
    asked = {"city": "taiyuan", "lat_deg": LAT, "lon_deg": LON}
    assert ask("/coverage/seen-well", **asked, since=NOW.isoformat()).json()["seen_at"] == "2026-11-02T03:00:00Z"
    assert ask("/coverage/seen-well", **asked, since=(NOW + timedelta(seconds=1)).isoformat()).json()["seen_at"] is None
    assert ask("/coverage/seen-well", **asked, since=NOW.replace(tzinfo=None).isoformat()).status_code == 422
    assert ask("/coverage/seen-well", **{**asked, "lat_deg": "nan"}, since=NOW.isoformat()).status_code == 422


def test_categories_and_verdicts_are_told_by_city(three: list[Case], reviewer: Any) -> None:
    Case.objects.update(origin="camera")
    for case, answer in zip(three, ("confirm", "reject", "unsure"), strict=True):
        case.sightings.update(origin="camera")
        decide(reviewer, uuid4(), case.pk, answer, timezone.now(), reason=1 if answer == "reject" else None)
    sum_day(timezone.localdate())
    ask = by_token("supervisor")
    rows = {row["category"]: row for row in ask("/categories", city="taiyuan").json()["items"]}
    assert rows["bagged_garbage"]["standing"] in ("live", "trial", "shadow")
    told = ask("/figures/verdicts").json()
    (row,) = told["items"]
    assert told["until"] == timezone.localdate().isoformat()
    assert (row["category"], row["decided"], row["confirmed"], row["of_detector"], row["right"], row["unsure"], row["reasons"]) == ("bagged_garbage", 2, 1, 2, 1, 1, {"1": 1})  # fmt: skip
    assert row["low"] < row["precision"] == 0.5 < row["high"]
    assert ask("/figures/verdicts", until="2020-01-01").json()["items"] == []
