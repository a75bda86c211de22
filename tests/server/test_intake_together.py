"""Many sightings in one transaction: one answer each, and what is wrong with one costs the others nothing."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext
from paho.mqtt.client import MQTTMessage
from sightings import NOW, message

from models.contract import Ack, decode, digest_of, encode, topic
from models.contract import Sighting as Message
from server.audit.models import AuditRow
from server.cases.models import Case, Sighting
from server.intake import services
from server.intake.models import SetAside
from server.intake.mqtt import Intake
from server.intake.services import take_sighting, take_sightings

pytestmark = pytest.mark.django_db(transaction=True)


def many(count: int, **changes: Any) -> list[tuple[str, bytes]]:
    """Messages of places 60 m apart, with the ids 1, 2, 3…"""
    made = [message(id=UUID(int=n), outbox=UUID(int=7), sequence=n, east_m=60.0 * n, **changes) for n in range(1, count + 1)]  # fmt: skip
    return [(topic("TY-01", "sighting"), encode(each)) for each in made]


def commits(work: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        work()
    return sum(query["sql"] == "COMMIT" for query in seen.captured_queries)


def test_fifty_cost_one_commit_and_get_fifty_answers(vehicle: Any) -> None:
    messages, answers = many(50), []
    assert commits(lambda: answers.extend(take_sightings(messages, NOW))) == 1
    assert [(each.id, each.digest, each.outcome) for each in answers] == [
        (UUID(int=n), digest_of(body), "accepted") for n, (_, body) in enumerate(messages, 1)
    ]
    assert Sighting.objects.count() == Case.objects.count() == 50


def test_a_sighting_that_joins_a_case_costs_five_queries_and_its_batch_six(vehicle: Any) -> None:
    take_sightings(many(50), NOW)
    again = [message(id=UUID(int=n + 100), outbox=UUID(int=7), sequence=n + 100, east_m=60.0 * n) for n in range(1, 51)]
    with CaptureQueriesContext(connection) as seen:
        take_sightings([(topic("TY-01", "sighting"), encode(each)) for each in again], NOW)
    asked = [query["sql"].removeprefix("50 times: ").split()[0] for query in seen.captured_queries]
    assert sum(word in ("SELECT", "INSERT", "UPDATE") for word in asked) == 5 * 50 + 6
    assert Case.objects.filter(sightings_count=2).count() == Case.objects.count() == 50


def test_a_place_in_the_outbox_that_comes_twice_at_once_is_noted_at_the_second(vehicle: Any) -> None:
    messages = [*many(2), (topic("TY-01", "sighting"), encode(message(outbox=UUID(int=7), sequence=1, east_m=300.0)))]
    assert [each and each.outcome for each in take_sightings(messages, NOW)] == ["accepted"] * 3
    taken = AuditRow.objects.filter(verb="sighting_taken").order_by("id")
    assert ["sequence_reused" in row.detail for row in taken] == [False, False, True]


def test_together_or_alone_the_rows_are_the_same(vehicle: Any) -> None:
    messages = [*many(10), (topic("TY-01", "sighting"), encode(message(id=UUID(int=99), east_m=61.0)))]
    take_sightings(messages, NOW)
    together = sorted(Sighting.objects.values_list("id", "digest", "case__number", "case__lat_deg", "case__lon_deg"))
    Sighting.objects.all().delete()
    Case.objects.all().delete()
    for each in messages:
        take_sighting(*each, NOW)
    alone = sorted(Sighting.objects.values_list("id", "digest", "case__number", "case__lat_deg", "case__lon_deg"))
    assert [(row[:2], row[3:]) for row in together] == [(row[:2], row[3:]) for row in alone]


def test_one_that_is_refused_known_or_comes_twice_is_answered_as_if_alone(vehicle: Any) -> None:
    messages = many(5)
    take_sighting(*messages[0], NOW)
    messages[1] = (messages[1][0], b"not cbor at all")
    messages.append(messages[2])
    answers = [each and each.outcome for each in take_sightings(messages, NOW)]
    assert answers == ["known", "refused", "accepted", "accepted", "accepted", "known"]
    assert Sighting.objects.count() == 4
    assert SetAside.objects.get().reason == "not_cbor"


def test_one_that_brings_intake_to_an_error_is_set_aside_and_the_others_are_stored_with_it(
    vehicle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = services.join

    def broken(row: Sighting, *more: Any) -> Any:
        if row.id == UUID(int=3):
            raise ZeroDivisionError("float division by zero")
        return real(row, *more)

    monkeypatch.setattr(services, "join", broken)
    messages, answers = many(5), []
    assert commits(lambda: answers.extend(take_sightings(messages, NOW))) == 1
    assert [each.outcome for each in answers] == ["accepted", "accepted", "refused", "accepted", "accepted"]
    assert Sighting.objects.count() == 4
    assert SetAside.objects.get().sighting_id == UUID(int=3)


def test_pictures_of_many_are_made_durable_at_once(vehicle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk syncs many files in little more time than one."""
    all_here = threading.Barrier(4)
    monkeypatch.setattr(services.pictures, "keep", lambda *_: all_here.wait(20))
    messages = [each for number in range(4) for each in many(1, seed=number)]
    sent = [(where, encode(decode(Message, body).model_copy(update={"id": UUID(int=n)}))) for n, (where, body) in enumerate(messages)]  # fmt: skip
    assert [each and each.outcome for each in take_sightings(sent, NOW)] == ["accepted"] * 4


def test_one_picture_without_room_is_told_once_no_other_is_being_written(
    vehicle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is tried again alone must not meet its own picture half written."""
    kept, again, met = [], threading.Event(), []

    def keep(sha256: str, data: bytes) -> None:
        kept.append(sha256)
        if len(kept) == 1:
            raise OSError(28, "No space left on device")
        if len(kept) == 2:
            met.append(again.wait(0.5))
        else:
            again.set()

    monkeypatch.setattr(services.pictures, "keep", keep)
    messages = [*many(1, seed=1), (topic("TY-01", "sighting"), encode(message(seed=2, east_m=300.0)))]
    assert [each and each.outcome for each in take_sightings(messages, NOW)] == ["accepted"] * 2
    assert met == [False]


def test_where_the_common_transaction_fails_each_gets_its_own(vehicle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = services._store

    def broken(ready: Any, now: Any) -> Any:
        if ready.sighting.id == UUID(int=2):
            raise OperationalError("this one is too much")
        return real(ready, now)

    monkeypatch.setattr(services, "_store", broken)
    assert [each and each.outcome for each in take_sightings(many(4), NOW)] == ["accepted", None, "accepted", "accepted"]  # fmt: skip
    assert Sighting.objects.count() == 3


def test_a_database_that_refuses_only_at_the_commit_is_asked_for_each(
    vehicle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BaseDatabaseWrapper._commit
    refusals = iter(["FOREIGN KEY constraint failed"])

    def refuse_once(self: Any) -> None:
        if why := next(refusals, None):
            raise IntegrityError(why)
        real(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", refuse_once)
    assert [each and each.outcome for each in take_sightings(many(3), NOW)] == ["accepted"] * 3
    assert Sighting.objects.count() == 3


def test_a_database_that_is_gone_is_not_asked_fifty_times(vehicle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def gone(*_: object) -> None:
        asked.append(1)
        raise OperationalError("database is locked")

    monkeypatch.setattr(services, "_store", gone)
    assert take_sightings(many(50), NOW) == [None] * 50
    assert len(asked) == 1 + services.ENOUGH_FAILED
    assert not Sighting.objects.exists()


def from_broker(number: int, where: str, body: bytes) -> MQTTMessage:
    made = MQTTMessage(number, where.encode())
    made.qos, made.payload = 1, body
    return made


def test_each_vehicle_gets_its_answers_and_the_broker_hears_only_of_what_was_stored(
    vehicle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = services._store

    def broken(ready: Any, now: Any) -> Any:
        if ready.sighting.id == UUID(int=2):
            raise OperationalError("no")
        return real(ready, now)

    monkeypatch.setattr(services, "_store", broken)
    monkeypatch.setattr("server.intake.mqtt.time.sleep", lambda _: None)
    stranger = encode(message(id=UUID(int=50), vehicle="TY-09"))
    messages = [from_broker(n, *each) for n, each in enumerate(many(3), 1)] + [from_broker(9, topic("TY-09", "sighting"), stranger)]  # fmt: skip
    client, intake = MagicMock(), Intake("127.0.0.1", 1, "intake", "")
    intake._take(client, "sighting", messages)
    answers = {call.args[0]: decode(Ack, call.args[1]).items for call in client.publish.call_args_list}
    assert [item.id.int for item in answers[topic("TY-01", "ack")]] == [1, 3]
    assert [item.reason.split(":")[0] for item in answers[topic("TY-09", "ack")]] == ["unknown_vehicle"]
    assert [call.args[0] for call in client.ack.call_args_list] == [1, 3, 9]
    assert intake._failed, "what was not stored is asked for again"
