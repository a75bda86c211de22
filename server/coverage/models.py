from __future__ import annotations

from django.db import models


class Cell(models.Model):
    """When a cell of the ground was last looked at by a camera of a city: hardly, from afar, well, from near, each of them or better.

    Seconds since 1970, 0 for never. Nobody's way can be read from it: it knows no vehicle and no look but the last. The coarser cells around
    those that were told are rows of their own, as new as the newest within.
    """

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT, db_index=False)
    origin = models.CharField(max_length=8)
    cell = models.BigIntegerField()
    seen_s = models.BigIntegerField(default=0)
    afar_s = models.BigIntegerField(default=0)
    well_s = models.BigIntegerField(default=0)
    near_s = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "origin", "cell"], name="cell_once")]
