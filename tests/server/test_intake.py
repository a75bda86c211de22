"""Intake: what is good is stored once, what is bad is answered and kept aside, nothing is dropped."""

from __future__ import annotations

import hashlib
import struct
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID, uuid4

import cbor2
import pytest
from paho.mqtt.client import MQTTMessage
from sightings import NOW, message

from models.contract import MAX_MESSAGE_BYTES, encode, topic
from server import pictures
from server.audit.models import AuditRow
from server.cases.models import Case, Picture, Sighting
from server.intake.models import SetAside
from server.intake.mqtt import Intake
from server.intake.services import take_sighting, take_status

pytestmark = pytest.mark.django_db(transaction=True)


def raw(body: bytes, vehicle: str = "TY-01") -> Any:
    return take_sighting(topic(vehicle, "sighting"), body, NOW)


def test_a_sighting_becomes_a_row_a_picture_and_a_case(send: Any) -> None:
    answer = send()
    assert answer.outcome == "accepted"
    assert Case.objects.get().sightings.count() == 1
    assert pictures.path_of(Picture.objects.get().sha256).exists()


def test_the_same_message_twice_is_known_and_stored_once(send: Any) -> None:
    body = encode(message())
    assert [raw(body).outcome, raw(body).outcome] == ["accepted", "known"]
    assert Sighting.objects.count() == 1


def test_the_same_id_with_other_bytes_keeps_the_first_and_names_its_digest(send: Any) -> None:
    first = message()
    kept = raw(encode(first))
    again = raw(encode(first.model_copy(update={"score": 0.5})))
    assert again.outcome == "known"
    assert again.digest == kept.digest
    assert Sighting.objects.get().score == 0.8


def test_a_sequence_used_twice_loses_no_sighting(send: Any) -> None:
    """A card copied after its first start, or a backup put back: other sightings under the same numbers."""
    first = message()
    answers = [raw(encode(first)), raw(encode(message(outbox=first.outbox, sequence=first.sequence, east_m=60.0)))]
    assert [answer.outcome for answer in answers] == ["accepted", "accepted"]
    assert Sighting.objects.count() == 2
    taken = AuditRow.objects.filter(verb="sighting_taken").order_by("id")
    assert ["sequence_reused" in row.detail for row in taken] == [False, True]


def test_an_id_of_another_vehicle_is_refused_and_set_aside(send: Any) -> None:
    first = message()
    raw(encode(first))
    stolen = first.model_copy(update={"vehicle": "TY-02", "outbox": uuid4()})
    answer = raw(encode(stolen), "TY-02")
    assert answer.outcome == "refused"
    assert answer.reason.startswith("id_conflict")
    assert SetAside.objects.get().sighting_id == first.id


def test_a_vehicle_cannot_write_in_anothers_name(send: Any) -> None:
    assert raw(encode(message(vehicle="TY-02"))).reason.startswith("wrong_vehicle")


def test_a_revoked_vehicle_is_refused(send: Any) -> None:
    from server.fleet.services import revoke_vehicle

    revoke_vehicle("TY-01")
    assert raw(encode(message())).reason.startswith("unknown_vehicle")


def test_an_unknown_category_is_refused(send: Any) -> None:
    assert send(category="flying_saucer").reason.startswith("unknown_category")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not cbor at all", "not_cbor"),
        (b"", "not_cbor"),
        (b"\x81" * 5000, "not_cbor"),
        (b"\xa1" * 900 + b"\x01", "not_cbor"),
        (b"\x5b" + b"\xff" * 8, "not_cbor"),
        (b"\x9b\x00\x00\x00\x10\x00\x00\x00\x00", "not_cbor"),
        (b"\x00" * (MAX_MESSAGE_BYTES + 1), "too_large"),
        (cbor2.dumps({"version": 2, "id": UUID(int=7)}), "unknown_version"),
        (cbor2.dumps({"version": 1}), "malformed"),
    ],
)
def test_hostile_bytes_are_refused_with_a_reason_and_kept(send: Any, body: bytes, reason: str) -> None:
    assert raw(body).reason.startswith(reason)
    assert SetAside.objects.get().reason == reason


def with_picture(data: bytes, width: int = 320, height: int = 180) -> Any:
    picture = {
        "role": "best",
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": width,
        "height": height,
        "bytes": data,
    }
    return message(pictures=[picture])


def test_a_picture_that_is_no_jpeg_is_refused(send: Any) -> None:
    assert raw(encode(with_picture(b"\x89PNG" + b"0" * 200))).reason.startswith("bad_picture")


def test_a_picture_bomb_is_refused_before_it_is_unpacked(send: Any) -> None:
    bomb = b"\xff\xd8\xff\xc0" + struct.pack(">HBHH", 17, 8, 60000, 60000) + b"\x03" + b"\x00" * 60
    answer = raw(encode(with_picture(bomb, 8192, 8192)))
    assert "60000 x 60000" in answer.reason
    assert not Sighting.objects.exists()


def test_a_full_disk_is_no_acknowledgement(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures, "keep", full)
    with pytest.raises(OSError, match="No space"):
        send()
    assert not Sighting.objects.exists()


def covariance(value: float) -> Any:
    """The bytes of a message whose place is this uncertain, as a vehicle that checks nothing would send them."""
    body = cbor2.loads(encode(message()))
    body["place"]["covariance_m2"] = [[value, 0.0], [0.0, value]]
    return cbor2.dumps(body, canonical=True, timezone=None, datetime_as_timestamp=False)


@pytest.mark.parametrize("value", [1e308, 1e9, 5e-324, 0.0])
def test_a_place_too_uncertain_to_reckon_with_is_refused(send: Any, value: float) -> None:
    assert raw(covariance(value)).reason.startswith("malformed: place.covariance_m2")
    assert raw(covariance(1.0)).outcome == "accepted"


def test_a_message_that_brings_intake_to_an_error_is_set_aside_and_not_asked_for_again(
    send: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr("server.intake.services.join", broken)
    answer = send()
    assert (answer.outcome, answer.reason) == ("refused", "internal_error: ZeroDivisionError: float division by zero")
    assert SetAside.objects.get().reason == "internal_error"
    assert not Sighting.objects.exists()


def test_a_message_intake_cannot_even_set_aside_is_acknowledged_to_the_broker(
    vehicle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("server.intake.mqtt.take_status", broken)
    client, poison = MagicMock(), MQTTMessage(7, topic("TY-01", "status").encode())
    poison.qos = 1
    Intake("127.0.0.1", 1, "intake", "")._handle(client, poison)
    client.ack.assert_called_once_with(7, 1)


def test_a_status_marks_its_own_vehicle_only(send: Any, vehicle: Any) -> None:
    from models.contract import Status

    take_status(topic("TY-01", "status"), encode(Status(vehicle="TY-02", online=True)), NOW)
    vehicle.refresh_from_db()
    assert not vehicle.online
    take_status(topic("TY-01", "status"), encode(Status(vehicle="TY-01", online=True)), NOW)
    vehicle.refresh_from_db()
    assert vehicle.online
