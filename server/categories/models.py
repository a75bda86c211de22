from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, QuerySet

from server.categories.rules import Standing


class CategoryStanding(models.Model):
    """How a category stands in a city, and since when. A category without a row is in shadow.

    It stands so by a person's word, by a pack's measured figures, or (neither) for a sandbox. `before`, `before_pack`, `before_person`: how it stood when a
    supervisor put it into shadow, to go back to. `tried_until`: until when its cases last went to sandboxes alone; what was confirmed before is no city's.
    """

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    category = models.CharField(max_length=48)
    standing = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Standing])
    since = models.DateTimeField()
    pack = models.CharField(max_length=64, blank=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    before = models.CharField(max_length=8, blank=True)
    before_pack = models.CharField(max_length=64, blank=True)
    before_person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    tried_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "category"], name="category_stands_once")]


def standing_of(case: str = "", *, at_least: Standing = Standing.TRIAL) -> QuerySet[CategoryStanding]:
    """For `Exists` in a query of cases, or of rows whose case is at `case` ("case__"): that the case's category is out of shadow; or live, and the case no trial's."""
    rows = CategoryStanding.objects.filter(city=OuterRef(f"{case}city"), category=OuterRef(f"{case}category"))
    if at_least != Standing.LIVE:
        return rows.filter(standing__in=(Standing.TRIAL, Standing.LIVE))
    no_trial = Q(tried_until=None) | Q(tried_until__lt=OuterRef(f"{case}confirmed_at"))
    return rows.filter(no_trial, standing=Standing.LIVE)
