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
        indexes = [models.Index(fields=["kind", "object_id", "id"], name="audit_of_object")]
