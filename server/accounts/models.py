from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person of the back office; `role` says what they may do, `language` is empty where the browser decides, `keys` are those of their queue (server/review/keys.py)."""

    class Role(models.TextChoices):
        REVIEWER = "reviewer", _("Reviewer")
        SUPERVISOR = "supervisor", _("Supervisor")
        FLEET = "fleet", _("Fleet operator")
        CITY = "city", _("City officer")
        AUDITOR = "auditor", _("Auditor")
        ADMIN = "admin", _("Administrator")

    role = models.CharField(max_length=16, choices=Role, default=Role.REVIEWER)
    language = models.CharField(max_length=10, default="", blank=True)
    keys = models.JSONField(default=dict, blank=True)
    password_once = models.BooleanField(default=False)  # given by an administrator: replaced at the next sign-in
    sign_outs = models.PositiveIntegerField(default=0)  # one more ends every session of this person
    last_seen_at = models.DateTimeField(null=True)
    city = models.ForeignKey("fleet.City", null=True, blank=True, on_delete=models.PROTECT)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions are for an account as it is: another password, role or city ends them."""
        account = f"{self.password} {self.role} {self.city_id} {self.sign_outs}"
        return salted_hmac("server.accounts.session", account, secret=secret, algorithm="sha256").hexdigest()
