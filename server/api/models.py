from __future__ import annotations

from django.db import models

from server.accounts.models import User


class ApiToken(models.Model):
    """What another program shows to read as a role, of one city or of all. Only the digest of it is kept.

    `minute` and `used` say how often it was used in the last minute that it was used in.
    """

    name = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16, choices=User.Role)
    city = models.ForeignKey("fleet.City", null=True, on_delete=models.PROTECT)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    minute = models.BigIntegerField(default=0)
    used = models.PositiveIntegerField(default=0)
