"""Vehicles and their credentials."""

from __future__ import annotations

import pytest

from server.fleet.models import Vehicle
from server.fleet.services import add_vehicle

pytestmark = pytest.mark.django_db(transaction=True)


def whereabouts() -> tuple[str, str]:
    vehicle = Vehicle.objects.select_related("city", "fleet").get(name="JN-1")
    return vehicle.city.key, vehicle.fleet.name


def test_new_credentials_move_no_vehicle_to_another_city() -> None:
    first = add_vehicle("JN-1", "jinan", "post")
    hashes = Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1")
    assert add_vehicle("JN-1") != first
    assert Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1") != hashes
    assert whereabouts() == ("jinan", "post")
    add_vehicle("JN-1", fleet_name="other")
    assert whereabouts() == ("jinan", "other")
    add_vehicle("JN-1", "taiyuan")
    assert whereabouts() == ("taiyuan", "other")
