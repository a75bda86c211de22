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
