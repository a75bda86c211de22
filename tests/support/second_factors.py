"""An authenticator app for tests: its secret, and the codes it shows."""

from __future__ import annotations

import time


def app_of(name: str) -> str:
    """The secret of a person's app; one is set up if there is none."""
    from server.accounts.factors import forget_factors, new_secret
    from server.accounts.models import User

    secret = new_secret()
    person = User.objects.get(username=name)
    forget_factors(person)
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(person, secret)
    return secret


def code_of(secret: str, later: int = 0) -> str:
    """What the app shows now, or `later` times 30 seconds from now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later)))
