from __future__ import annotations

from django.db import models


class SetAside(models.Model):
    """A message that was refused: kept, with the reason, so that nothing is lost silently."""

    at = models.DateTimeField(auto_now_add=True)
    topic = models.CharField(max_length=200)
    vehicle_name = models.CharField(max_length=32, blank=True)
    sighting_id = models.UUIDField(null=True)
    digest = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=32)
    text = models.CharField(max_length=300)
    body = models.BinaryField()
