from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Day(models.Model):
    """One day's sum of a city. Rows of a day are written anew whenever its verdicts changed. `is_real`: of what cameras saw, not of drawn or replayed rides."""

    day = models.DateField()
    city = models.ForeignKey("fleet.City", on_delete=models.CASCADE, db_index=False)
    count = models.PositiveIntegerField()

    class Meta:
        abstract = True


class DayFigure(Day):
    """So many verdicts of one kind. Every verdict counts twice: in a row of its vehicle, and in one of all (`vehicle` None).

    `category` is what was proposed, `became` what it was confirmed as if that is another. `screening` is why the card had been set aside, if it was shown blind all the same.
    """

    is_real = models.BooleanField()
    category = models.CharField(max_length=48)
    pack = models.CharField(max_length=64)
    vehicle = models.ForeignKey("fleet.Vehicle", null=True, on_delete=models.CASCADE, db_index=False)
    answer = models.CharField(max_length=8)
    reason = models.PositiveSmallIntegerField(null=True)
    became = models.CharField(max_length=48, blank=True)
    screening = models.CharField(max_length=32, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["city", "day"], name="figure_of_city", condition=Q(vehicle__isnull=True)),
            models.Index(fields=["city", "category", "day"], name="figure_of_category"),
            models.Index(fields=["vehicle", "category", "day"], name="figure_of_vehicle", condition=Q(vehicle__isnull=False)),
            models.Index(fields=["day"], name="figure_of_day"),
        ]  # fmt: skip


class DayPace(Day):
    """How many verdicts took how long, in steps of time (rules.step_of)."""

    is_real = models.BooleanField()
    category = models.CharField(max_length=48)
    step = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["city", "day"], name="pace_of_city"), models.Index(fields=["day"], name="pace_of_day")]  # fmt: skip


class DayScore(Day):
    """How many cards of a probability, in steps of a twentieth, were rightly proposed and how many were not. Cards that had been set aside are not among them."""

    is_real = models.BooleanField()
    category = models.CharField(max_length=48)
    twentieth = models.PositiveSmallIntegerField()
    right = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["city", "day"], name="score_of_city"), models.Index(fields=["day"], name="score_of_day")]  # fmt: skip


class DayPair(Day):
    """What two people said of the same cards without knowing of each other, on the day of the later answer. `one` is the person of the lower id."""

    one = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    one_said = models.CharField(max_length=56)
    other_said = models.CharField(max_length=56)

    class Meta:
        indexes = [models.Index(fields=["city", "day"], name="pair_of_city"), models.Index(fields=["day"], name="pair_of_day")]  # fmt: skip


class DayPerson(Day):
    """How many answers a person gave, how many of them too fast to have looked, and how many of known answers were asked and missed."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    fast = models.PositiveIntegerField(default=0)
    gold = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["city", "day"], name="person_of_city"), models.Index(fields=["day"], name="person_of_day")]  # fmt: skip


class Wish(models.Model):
    """The least probability that a supervisor wants a city's vehicles to tell a category with; the newest row of a category holds. None takes it back."""

    city = models.ForeignKey("fleet.City", on_delete=models.CASCADE, db_index=False)
    category = models.CharField(max_length=48)
    least_probability = models.FloatField(null=True)
    at = models.DateTimeField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["city", "category", "-id"], name="wish_of_category")]
