from __future__ import annotations

from django.conf import settings
from django.db import models


class Verdict(models.Model):
    """One answer of one person to one card. The id is made in the browser, so that a resend is the same verdict."""

    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="verdicts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    answer = models.CharField(max_length=8)
    reason = models.PositiveSmallIntegerField(null=True)
    words = models.CharField(max_length=300, blank=True)
    category = models.CharField(max_length=48, blank=True)
    visible_ms = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(auto_now_add=True)
    counted = models.BooleanField(default=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-at"], name="verdict_of_person"),
            models.Index(fields=["case", "at"], name="verdict_of_case"),
        ]
