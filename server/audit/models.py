from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditRow(models.Model):
    """Who did what to what, written in the transaction of what it records. Ids only, never a name."""

    at = models.DateTimeField(auto_now_add=True)
    city = models.ForeignKey("fleet.City", null=True, on_delete=models.PROTECT)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    verb = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "object_id", "id"], name="audit_of_object"),
            models.Index(fields=["verb", "id"], name="audit_of_verb"),
        ]


class AuditSeal(models.Model):
    """A batch of a city's audit rows under a hash that holds the hash of the batch before: what was changed since shows. `chain` is the city's key, empty for rows of none."""

    chain = models.CharField(max_length=32, blank=True)
    number = models.PositiveIntegerField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="audit_seal_once")]
