"""The verbs of fleets."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from models.taxonomy import city_codes
from server.audit.rules import Verb
from server.audit.services import record
from server.broker import embedded_hash, mosquitto_hash, new_password
from server.fleet.models import City, Fleet, Vehicle


def city_by_key(key: str) -> City:
    """A city's row, made from its data at first use."""
    known = city_codes(key)
    city, _ = City.objects.get_or_create(key=key, defaults={
        "name_zh": known.name_zh if known else key, "name_en": known.name_en if known else key, "division_code": known.division_code if known else ""})  # fmt: skip
    return city


def add_vehicle(name: str, city_key: str, fleet_name: str) -> str:
    """Add a vehicle, or give it new credentials (a revoked one comes back). Returns the password, which is kept nowhere."""
    password = new_password()
    with transaction.atomic():
        city, (fleet, _) = city_by_key(city_key), Fleet.objects.get_or_create(name=fleet_name)
        vehicle, _ = Vehicle.objects.update_or_create(name=name, defaults={
            "city": city, "fleet": fleet, "broker_hash": mosquitto_hash(password), "embedded_hash": embedded_hash(password), "revoked_at": None})  # fmt: skip
        record(Verb.VEHICLE_ADDED, "vehicle", vehicle.pk, city_id=city.pk)
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
