"""The verbs of fleets."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from models.taxonomy import city_codes
from server.audit.rules import Verb
from server.audit.services import record
from server.broker import embedded_hash, mosquitto_hash, new_password
from server.categories.services import begin
from server.fleet.models import City, Fleet, Vehicle

FIRST_CITY, FIRST_FLEET = "taiyuan", "fleet"


def city_by_key(key: str) -> City:
    """A city's row, made from its data at first use; its categories start as the shipped street pack was measured."""
    known = city_codes(key)
    with transaction.atomic():
        city, is_new = City.objects.get_or_create(key=key, defaults={
            "name_zh": known.name_zh if known else key, "name_en": known.name_en if known else key, "division_code": known.division_code if known else ""})  # fmt: skip
        if is_new:
            begin(city, timezone.now())
    return city


def add_vehicle(name: str, city_key: str | None = None, fleet_name: str | None = None) -> str:
    """Add a vehicle, or give it new credentials (a revoked one comes back). Returns the password, which is kept nowhere.

    A vehicle that is there stays in its city and fleet, unless others are named.
    """
    password = new_password()
    with transaction.atomic():
        vehicle = Vehicle.objects.filter(name=name).first() or Vehicle(name=name)
        if city_key or vehicle.pk is None:
            vehicle.city = city_by_key(city_key or FIRST_CITY)
        if fleet_name or vehicle.pk is None:
            vehicle.fleet, _ = Fleet.objects.get_or_create(name=fleet_name or FIRST_FLEET)
        vehicle.broker_hash, vehicle.embedded_hash, vehicle.revoked_at = (
            mosquitto_hash(password),
            embedded_hash(password),
            None,
        )
        vehicle.save()
        record(Verb.VEHICLE_ADDED, "vehicle", vehicle.pk, city_id=vehicle.city_id)
    return password


def revoke_vehicle(name: str) -> bool:
    """Take a vehicle's credentials away. False if there is none of this name."""
    with transaction.atomic():
        done = Vehicle.objects.filter(name=name, revoked_at=None).update(
            revoked_at=timezone.now(), broker_hash="", embedded_hash="", online=False
        )
        if done:
            vehicle = Vehicle.objects.get(name=name)
            record(Verb.VEHICLE_REVOKED, "vehicle", vehicle.pk, city_id=vehicle.city_id)
    return bool(done)
