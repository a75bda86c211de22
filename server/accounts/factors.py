"""Second factors: a code of an authenticator app, a passkey, or a recovery code. The one door to allauth, which does the computing and holds the rows."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, validate_totp_code
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from server.accounts.models import User
from server.settings import secret

KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
KIND_NAMES = {Authenticator.Type.TOTP.value: "app", Authenticator.Type.WEBAUTHN.value: "passkey"}


@dataclass(frozen=True)
class Factor:
    """One second factor of a person: an "app" or a "passkey", and what they call it."""

    key: int
    kind: str
    name: str
    made_at: datetime
    used_at: datetime | None


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets lie in the database encrypted: whoever reads a copy of it cannot make codes."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "trikeye"}


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(base64.urlsafe_b64decode(secret("second-factors"))[:32]))


def made_by(person: User | OuterRef) -> QuerySet[Any]:
    """A person's second factors; recovery codes alone are none."""
    rows: QuerySet[Any] = Authenticator.objects.filter(user=person, type__in=KINDS)
    return rows


def has_second_factor(user: User) -> bool:
    """Whether this person has one already."""
    return made_by(user).exists()


def has_passkey(user: User) -> bool:
    """Whether a passkey may be asked for."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists())


def new_secret() -> str:
    """What an authenticator app will share with us."""
    return str(generate_totp_secret())


def in_fours(secret: str) -> str:
    """A secret as somebody types it."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def secret_picture(user: User, secret: str) -> tuple[str, str]:
    """The secret for an app: its QR code as an address of an image, and the address in it."""
    address = get_adapter().build_totp_url(user, secret)
    image = get_adapter().build_totp_svg(address)
    return "data:image/svg+xml;base64," + base64.b64encode(image.encode()).decode(), address


def add_app(user: User, secret: str, code: str) -> bool:
    """Make an app this person's second factor if it shows the right code; an app from before ends. Call inside a transaction."""
    if not validate_totp_code(secret, code):
        return False
    Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).delete()
    TOTP.activate(user, secret)
    return True


def check_code(user: User, code: str) -> bool:
    """Whether a code of the app, or an unused recovery code, is right; it is used up by this. What cannot be decrypted any more is wrong."""
    for row in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        try:
            if row.wrap().validate_code(code):
                row.record_usage()
                return True
        except InvalidToken:
            continue
    return False


def fresh_recovery_codes(user: User) -> list[str]:
    """New recovery codes; older ones end."""
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def head_of_codes(request: HttpRequest, user: User) -> dict[str, Any]:
    """What stands above recovery codes, so that a sheet of paper says whose they are, where they hold and since when."""
    return {"person": user, "site": request.build_absolute_uri("/").rstrip("/"), "made_at": timezone.now()}


def codes_left(user: User) -> int:
    """How many recovery codes are not used yet; none where they cannot be decrypted any more."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    try:
        return len(row.wrap().get_unused_codes()) if row else 0
    except InvalidToken:
        return 0


def factors_of(user: User) -> list[Factor]:
    """A person's second factors, the oldest first."""
    return [
        Factor(row.pk, KIND_NAMES[row.type], row.data.get("name", ""), row.created_at, row.last_used_at)
        for row in made_by(user).order_by("created_at", "pk")
    ]


def forget_factor(user: User, key: int) -> str:
    """Take one second factor away unless it is the last; its kind, empty if nothing was taken. Call inside a transaction."""
    rows = made_by(user)
    row = rows.filter(pk=key).first()
    if row is None or rows.count() < 2:
        return ""
    row.delete()
    return KIND_NAMES[row.type]


def passkey_to_make(user: User) -> dict[str, Any]:
    """What a browser needs to make a passkey."""
    return dict(webauthn.begin_registration(user, passwordless=False))


def add_passkey(user: User, answer: str, name: str = "") -> bool:
    """Keep the passkey a browser made, under a name of the person's."""
    try:
        credential = json.loads(answer)
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return False
    webauthn.WebAuthn.add(user, name, credential)
    return True


def passkey_to_show(user: User) -> dict[str, Any]:
    """What a browser needs to show a passkey."""
    return dict(webauthn.begin_authentication(user))


def check_passkey(user: User, answer: str) -> bool:
    """Whether a browser showed one of this person's passkeys."""
    try:
        credential = json.loads(answer)
        webauthn.parse_authentication_response(credential)
        webauthn.complete_authentication(user, credential).record_usage()
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return False
    return True


def forget_factors(user: User) -> int:
    """Take every second factor from a person; at the next sign-in a new one is asked for."""
    return int(Authenticator.objects.filter(user=user).delete()[0])


def works_here(request: HttpRequest) -> bool:
    """Whether passkeys can work at this address: they need HTTPS and a name, or localhost."""
    host = request.get_host().partition(":")[0]
    return host == "localhost" or (request.is_secure() and not host.replace(".", "").isdigit())
