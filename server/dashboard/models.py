from __future__ import annotations

from django.db import models


class CaseDay(models.Model):
    """What a day brought of a category in a district of a city, out of shadow: cases first seen, confirmed, handed over, fixed, returned by the city and taken back from it on it.

    What was done on it stays counted, whatever becomes of the case (deeds.py). Of those fixed `in_time` were by their deadline and `late` after it; `overdue` are those whose deadline fell on the day and that are not fixed. Days are by the back office's clock.
    """

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    category = models.CharField(max_length=48)
    district_zh = models.CharField(max_length=100, blank=True)
    district_en = models.CharField(max_length=100, blank=True)
    seen = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)
    handed_over = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    retracted = models.PositiveIntegerField(default=0)
    in_time = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    overdue = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["city", "day", "category", "district_zh", "district_en"], name="case_day_once"
            )
        ]


class Day(models.Model):
    """When a city's day was summed up last, and how long its cases took: classes of duration with their numbers, by step, and the longest of each."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    made_at = models.DateTimeField()
    spans = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "day"], name="day_once")]
