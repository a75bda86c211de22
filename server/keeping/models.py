"""What was erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Erasure(models.Model):
    """A picture that was erased: of which case, when, and by which rule, or by whose hand. The picture is gone, this stays."""

    sha256 = models.CharField(max_length=64)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="erasures")
    at = models.DateTimeField()
    rule = models.CharField(max_length=12)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sha256", "case"], name="erased_once")]
