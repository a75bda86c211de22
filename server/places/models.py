from __future__ import annotations

from django.db import models

from server.places.rules import Kind


class Import(models.Model):
    """What was imported last of a kind in a city. Each import has a higher id, so that what was named by an older one is known. `tallest_deg`: how far the tallest feature reaches from south to north."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in Kind])
    made_at = models.DateTimeField()
    features = models.PositiveIntegerField()
    tallest_deg = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "kind"], name="places_imported_once")]


class Feature(models.Model):
    """Something of a city that has a name. `edges`: float64 of longitude and latitude of both ends, edge after edge."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in Kind])
    name_zh = models.CharField(max_length=100, blank=True)
    name_en = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=15, blank=True)
    is_area = models.BooleanField()
    lat_min = models.FloatField()
    lat_max = models.FloatField()
    lon_min = models.FloatField()
    lon_max = models.FloatField()
    edges = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["city", "kind", "lat_min", "lat_max", "lon_min", "lon_max"], name="feature_around")
        ]


class CasePlace(models.Model):
    """What a case's place is called, by the import `named_by`, when it was at `lat_deg` and `lon_deg`."""

    case = models.OneToOneField("cases.Case", primary_key=True, on_delete=models.CASCADE, related_name="place")
    named_by = models.PositiveBigIntegerField()
    lat_deg = models.FloatField()
    lon_deg = models.FloatField()
    road_zh = models.CharField(max_length=100, blank=True)
    road_en = models.CharField(max_length=100, blank=True)
    side = models.CharField(max_length=5, blank=True)
    landmark_zh = models.CharField(max_length=100, blank=True)
    landmark_en = models.CharField(max_length=100, blank=True)
    landmark_m = models.PositiveIntegerField(null=True)
    grid = models.CharField(max_length=15, blank=True)
    district_zh = models.CharField(max_length=100, blank=True)
    district_en = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=[column, "-case"], name=f"place_by_{column.removesuffix('_zh')}")
            for column in ("road_zh", "landmark_zh", "grid", "district_zh")
        ]
