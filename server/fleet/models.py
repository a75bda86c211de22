from __future__ import annotations

from django.db import models


class City(models.Model):
    """A city, its names and the counter its case numbers come from."""

    key = models.SlugField(max_length=32, unique=True)
    name_zh = models.CharField(max_length=64)
    name_en = models.CharField(max_length=64)
    division_code = models.CharField(max_length=6, blank=True)
    last_case_number = models.PositiveIntegerField(default=0)


class Fleet(models.Model):
    """Vehicles of one operator."""

    name = models.CharField(max_length=64, unique=True)


class Vehicle(models.Model):
    """A vehicle that may send; the hashes are what Mosquitto's and the embedded broker's password files hold for it."""

    name = models.CharField(max_length=32, unique=True)
    city = models.ForeignKey(City, on_delete=models.PROTECT)
    fleet = models.ForeignKey(Fleet, on_delete=models.PROTECT)
    broker_hash = models.CharField(max_length=256, blank=True)
    embedded_hash = models.CharField(max_length=256, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    online = models.BooleanField(default=False)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_sighting_at = models.DateTimeField(null=True, blank=True)


class Heartbeat(models.Model):
    """The last word of a vehicle on itself. `received_at` is None where only the broker's kept copy was seen; `skew_s` is its clock less ours."""

    vehicle = models.OneToOneField(Vehicle, on_delete=models.CASCADE)
    received_at = models.DateTimeField(null=True)
    skew_s = models.FloatField(null=True)
    digest = models.CharField(max_length=64)
    body = models.JSONField()


class Desire(models.Model):
    """What a vehicle should be like. Each change is a new revision; intake signs and publishes it."""

    vehicle = models.OneToOneField(Vehicle, on_delete=models.CASCADE)
    revision = models.PositiveIntegerField()
    settings = models.JSONField(default=dict)
    pack = models.JSONField(null=True)
    zones = models.JSONField(null=True)
    send_again_since = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
