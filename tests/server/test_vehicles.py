"""Heartbeats: the last word of a vehicle counts, whatever order, copy or clock it comes with; and the page that sorts vehicles worst first."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import cbor2
import pytest
from django.test import Client
from django.utils import timezone
from heartbeats import body, heartbeat
from sightings import NOW

import trikeye
from models.contract import MAX_HEALTH_BYTES, Health, RefusedMessage, Status, encode, topic
from models.troubles import TROUBLES
from server.accounts.models import User
from server.fleet.heartbeats import overview, take_health
from server.fleet.models import Desire, Heartbeat, Vehicle
from server.fleet.rules import PASSES_WHEN_OFF, Known, is_news, troubles_of
from server.intake.services import take_status

pytestmark = pytest.mark.django_db(transaction=True)
TOPIC = topic("TY-01", "health")


def take(data: bytes, now: datetime = NOW, kept: bool = False, name: str = "TY-01") -> bool:
    return take_health(topic(name, "health"), data, now, kept)


def known(health: Health | None = None, **changes: Any) -> Known:
    values: dict[str, Any] = {
        "online": True,
        "last_seen_at": NOW,
        "received_at": NOW if health else None,
        "skew_s": 0.0,
    }
    return Known(health=health, **(values | changes))


# What is wrong, in words


def test_a_vehicle_that_says_it_is_well_is_well() -> None:
    assert troubles_of(known(heartbeat()), NOW) == ["well"]


def test_never_heard_off_missing_and_silent_are_told_apart() -> None:
    assert troubles_of(known(last_seen_at=None), NOW) == ["new"]
    hour, day = timedelta(hours=1), timedelta(days=1, seconds=1)
    assert troubles_of(known(heartbeat(), online=False), NOW + hour) == ["off"]
    assert troubles_of(known(heartbeat(), online=False), NOW + day) == ["missing"]
    assert troubles_of(known(heartbeat()), NOW + hour) == ["silent"]
    assert troubles_of(known(), NOW + timedelta(minutes=1)) == ["well"], "it has just come, and is given time"
    assert troubles_of(known(), NOW + hour) == ["silent"]
    assert troubles_of(known(heartbeat(), every_s=3600.0), NOW + hour) == ["well"], "it was told to speak once an hour"


def test_what_is_broken_waits_in_the_yard_what_passes_does_not() -> None:
    health = heartbeat(troubles=("camera_gone", "no_fix", "hot"))
    assert troubles_of(known(health, online=False), NOW) == ["camera_gone"]
    assert set(TROUBLES) >= PASSES_WHEN_OFF


def test_a_pause_is_a_state_and_no_trouble_and_is_over_when_the_vehicle_is_off() -> None:
    paused = heartbeat(troubles=("paused",))
    assert troubles_of(known(paused), NOW) == ["paused"]
    assert TROUBLES["paused"].severity == "well"
    assert troubles_of(known(paused, online=False), NOW) == ["off"]
    assert troubles_of(known(heartbeat(troubles=("paused", "disk_full"))), NOW) == ["disk_full", "paused"]


def test_worst_comes_first_and_words_of_a_newer_vehicle_are_shown() -> None:
    assert troubles_of(known(heartbeat(troubles=("backlog", "wheel_lost", "camera_gone"))), NOW) == ["camera_gone", "wheel_lost", "backlog"]  # fmt: skip


@pytest.mark.parametrize(("source", "skew_s", "is_wrong"), [("gnss", 301.0, True), ("ntp", -301.0, True), ("gnss", 299.0, False), ("system", 1e8, False)])  # fmt: skip
def test_a_clock_that_is_believed_and_far_off_is_told(source: str, skew_s: float, is_wrong: bool) -> None:
    health = heartbeat(at={"utc": NOW, "source": source, "sigma_s": 1.0})
    assert (troubles_of(known(health, skew_s=skew_s), NOW) == ["clock_wrong"]) is is_wrong


def test_settings_that_were_not_applied_yet_are_told() -> None:
    assert troubles_of(known(heartbeat(settings_revision=6), desired_revision=7), NOW) == ["settings_waiting"]
    assert troubles_of(known(heartbeat(settings_revision=7), desired_revision=7), NOW) == ["well"]


# What is kept


def test_within_one_start_the_machines_own_seconds_decide_whatever_its_clock_says() -> None:
    future = {"utc": NOW + timedelta(days=3650), "source": "gnss", "sigma_s": 0.5}
    first, later = heartbeat(at=future), heartbeat(monotonic_s=160.0)
    assert is_news(later, first, False)
    assert is_news(later, first, True)
    assert not is_news(first, later, False)
    assert not is_news(first, first, False)


def test_a_copy_the_broker_kept_of_another_start_counts_only_by_a_trusted_clock() -> None:
    kept = heartbeat()
    other = {"boot_id": UUID(int=9), "monotonic_s": 1.0}
    later = {"utc": NOW + timedelta(hours=1), "sigma_s": 0.5}
    assert is_news(heartbeat(**other), kept, False)
    assert not is_news(heartbeat(**other), kept, True)
    assert is_news(heartbeat(**other, at={**later, "source": "gnss"}), kept, True)
    assert not is_news(heartbeat(**other, at={**later, "source": "system"}), kept, True)


def test_duplicates_and_copies_bring_no_vehicle_back_to_life(vehicle: Any) -> None:
    assert take(body())
    assert not take(body(), NOW + timedelta(hours=1))
    assert not take(body(), NOW + timedelta(hours=1), kept=True)
    assert Heartbeat.objects.get().received_at == NOW
    assert take(body(monotonic_s=160.0), NOW + timedelta(hours=2), kept=True)
    assert Heartbeat.objects.get().received_at == NOW, "nobody knows when that was said"
    assert take(body(monotonic_s=220.0), NOW + timedelta(hours=3))
    assert Heartbeat.objects.get().received_at == NOW + timedelta(hours=3)


def test_a_copy_is_all_there_is_after_the_database_was_lost(vehicle: Any) -> None:
    assert take(body(troubles=("camera_gone",)), kept=True)
    assert Heartbeat.objects.get().received_at is None
    Vehicle.objects.filter(name="TY-01").update(online=True, last_seen_at=NOW)
    (first, _) = overview(Vehicle.objects.all(), NOW)
    assert first.troubles == ["camera_gone"]
    (first, _) = overview(Vehicle.objects.all(), NOW + timedelta(minutes=6))
    assert first.troubles == ["camera_gone", "silent"]


def test_what_means_harm_is_refused_by_name(vehicle: Any) -> None:
    take(body())
    values = cbor2.loads(body())
    bad: list[tuple[str, bytes, str]] = [
        ("too_large", body() + bytes(MAX_HEALTH_BYTES), "TY-01"), ("not_cbor", b"\xff", "TY-01"), ("wrong_vehicle", body(), "TY-02"),
        ("unknown_vehicle", body(vehicle="TY-99"), "TY-99"),
        *(("malformed", cbor2.dumps(values | change), "TY-01") for change in (
            {"troubles": ["<script>"]}, {"troubles": ["a"] * 33}, {"gate": {"x": -1}}, {"gate": {"../x": 1}}, {"temperatures_c": {"cpu": float("nan")}},
            {"disk_free_bytes": 2**63}, {"monotonic_s": float("inf")}, {"software": "x" * 33}, {"settings_revision": -1})),
    ]  # fmt: skip
    for reason, data, name in bad:
        with pytest.raises(RefusedMessage) as refused:
            take(data, name=name)
        assert refused.value.reason == reason
    Vehicle.objects.filter(name="TY-01").update(revoked_at=NOW)
    with pytest.raises(RefusedMessage):
        take(body(monotonic_s=1e6))
    assert Heartbeat.objects.get().body["monotonic_s"] == 100.0


# The page and the verb


@pytest.fixture
def fleet(vehicle: Any) -> None:
    """Three vehicles: one broken, one well, one never heard."""
    from server.fleet.services import add_vehicle

    add_vehicle("JN-01", "jinan", "post")
    now = timezone.now()
    at = {"utc": now, "source": "gnss", "sigma_s": 0.5}
    take(
        body(
            vehicle="TY-02", at=at, troubles=("camera_gone", "backlog"), pack={"name": "<i>x</i>", "digest": "b" * 64}
        ),
        now,
        name="TY-02",
    )
    take(body(at=at, gate={"wheel_lost": 9}, monotonic_s=200.0), now)
    Vehicle.objects.filter(name__startswith="TY").update(online=True, last_seen_at=now)


def page_of(role: str, language: str = "en", **more: Any) -> Any:
    person = User.objects.create_user(f"{role}-{language}", password="a long password", role=role, **more)
    client = Client()
    client.force_login(person)
    client.cookies["trikeye_language"] = language
    return client.get("/fleet/")


@pytest.mark.parametrize("role", list(User.Role.values))
def test_the_page_is_for_those_who_look_after_vehicles(fleet: None, role: str) -> None:
    answer = page_of(role)
    assert answer.status_code == (200 if role in ("fleet", "supervisor", "auditor", "admin") else 403)
    link = 'href="/fleet/"'
    assert (link in answer.content.decode()) is (answer.status_code == 200)


def test_nobody_without_a_login_sees_it(fleet: None) -> None:
    assert Client().get("/fleet/").status_code == 302


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_vehicles_come_worst_first_with_what_to_do(fleet: None, language: str) -> None:
    html = page_of("fleet", language).content.decode()
    assert re.findall(r'<th scope="row">([^<]+)', html) == ["TY-02", "JN-01", "TY-01"]
    gone = TROUBLES["camera_gone"]
    assert gone.word(language) in html
    assert gone.remedy(language) in html
    assert TROUBLES["backlog"].word(language) in html
    assert "wheel lost" in html
    assert "<i>" not in html


@pytest.mark.parametrize(("reason", "en", "zh"), [("heat", "rarer: heat", "降频：高温"), ("battery", "rarer: battery low", "降频：电量低"), (None, None, None)])  # fmt: skip
def test_a_vehicle_that_looks_less_often_says_why(vehicle: Any, reason: str | None, en: str | None, zh: str | None) -> None:  # fmt: skip
    take(body(look_stretch=2.0 if reason else 1.0, look_stretched_by=reason))
    for language, word in (("en", en), ("zh-hans", zh)):
        html = page_of("fleet", language).content.decode()
        assert word in html if word else "rarer" not in html and "降频" not in html


def test_the_page_holds_no_position_and_nothing_that_persons_decided(fleet: None, send: Any) -> None:
    send()
    html = page_of("fleet").content.decode()
    assert not re.search(r"37\.8|112\.5|confirm|reject", html)


def test_a_person_of_one_city_sees_its_vehicles_alone(fleet: None) -> None:
    city = Vehicle.objects.get(name="JN-01").city
    assert re.findall(r'<th scope="row">([^<]+)', page_of("fleet", city=city).content.decode()) == ["JN-01"]


def test_a_heartbeat_that_can_no_longer_be_read_breaks_no_page(fleet: None) -> None:
    Heartbeat.objects.update(body={"version": 1})
    assert page_of("fleet").status_code == 200


def test_the_page_asks_the_database_once_whatever_the_number_of_vehicles(fleet: None, django_assert_num_queries: Any) -> None:  # fmt: skip
    Desire.objects.create(vehicle=Vehicle.objects.get(name="TY-01"), revision=1, changed_at=NOW)
    with django_assert_num_queries(1):
        rows = overview(Vehicle.objects.all(), timezone.now())
    assert [row.troubles[0] for row in rows] == ["camera_gone", "settings_waiting", "new"]


def test_the_verb_prints_the_same(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main(["server", "vehicle", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["vehicles"]
    assert [(row["vehicle"], row["troubles"][0]) for row in rows] == [("TY-02", "camera_gone"), ("JN-01", "new"), ("TY-01", "well")]  # fmt: skip
    assert trikeye.main(["server", "vehicle", "list"]) == 0
    assert TROUBLES["camera_gone"].do_en in capsys.readouterr().out


def test_when_something_last_came_is_what_came_live(vehicle: Any, send: Any) -> None:
    status = topic("TY-01", "status")
    take_status(status, encode(Status(vehicle="TY-01", online=False)), NOW, is_kept_copy=True)
    assert Vehicle.objects.get(name="TY-01").last_seen_at is None, "a copy the broker kept may be a year old"
    assert take_status(status, encode(Status(vehicle="TY-01", online=True)), NOW)
    row = Vehicle.objects.get(name="TY-01")
    assert (row.online, row.last_seen_at, row.last_sighting_at) == (True, NOW, None)
    send()
    assert Vehicle.objects.get(name="TY-01").last_sighting_at == NOW
