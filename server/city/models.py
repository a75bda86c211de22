from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from server.city.rules import HandoverState


class Destination(models.Model):
    """Where confirmed cases of a city go. The secret lies in a file of this name under the data folder."""

    city = models.ForeignKey("fleet.City", on_delete=models.PROTECT)
    name = models.CharField(max_length=64)
    url = models.URLField(max_length=500)
    secret_file = models.CharField(max_length=64)
    sandbox = models.BooleanField(default=False)
    allow_private = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="destination_name_once")]


class Handover(models.Model):
    """One message to one destination. Its id is the webhook's id: the same over all tries.

    `ended_at`: since when the destination no longer has the case by this message: withdrawn by us, or returned or fixed by the city.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="handovers")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16)
    state = models.CharField(max_length=10, default=HandoverState.WAITING)
    body = models.JSONField()
    attempts = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)
    next_try_at = models.DateTimeField()
    receipted_at = models.DateTimeField(null=True)
    external_id = models.CharField(max_length=100, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_try_at"], name="handover_due", condition=Q(state="waiting")),
            models.Index(
                fields=["destination", "kind", "-case"], name="handover_came", condition=Q(receipted_at__isnull=False)
            ),
            models.Index(
                fields=["destination", "kind", "-receipted_at", "-case"],
                name="handover_when",
                condition=Q(receipted_at__isnull=False),
            ),
        ]


class StatusReport(models.Model):
    """What the city said, as received; append-only. `webhook_id` makes a repeat the same report."""

    webhook_id = models.CharField(max_length=100)
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="reports")
    status = models.CharField(max_length=24)
    text = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    applied = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["destination", "webhook_id"], name="report_once")]
