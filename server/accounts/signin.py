"""Between the password and the session: what a person has shown so far, and which step is next. Nobody is signed in before the last one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.contrib.auth import login
from django.http import HttpRequest

from server.accounts.factors import has_second_factor
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record

KEPT_S = 900
"""How long a sign-in that was begun may go on."""
BACKEND = "django.contrib.auth.backends.ModelBackend"
KEY = "sign_in"


@dataclass
class Begun:
    """A person who gave the right password. `account` ends this sign-in where the account was changed since; `codes`: new recovery codes to be shown."""

    person: int
    account: str
    at_s: float
    next: str
    secret: str = ""
    factor: bool = False
    codes: list[str] | None = None


def begin(request: HttpRequest, person: User, next_address: str, now: datetime) -> Begun:
    """The password was right. The browser's session gets a new key, and nothing of an earlier one."""
    request.session.flush()
    begun = Begun(person.pk, person.get_session_auth_hash(), now.timestamp(), next_address)
    keep(request, begun)
    return begun


def keep(request: HttpRequest, begun: Begun) -> None:
    """Remember how far a person has come."""
    request.session[KEY] = asdict(begun)


def begun_by(request: HttpRequest, now: datetime) -> tuple[User, Begun] | None:
    """Who is signing in, and how far they are; None if nobody, or too long ago, or the account is another by now."""
    kept = request.session.get(KEY)
    begun = Begun(**kept) if kept else None
    if begun is None or not 0 <= now.timestamp() - begun.at_s < KEPT_S:
        return None
    person = User.objects.filter(pk=begun.person, is_active=True).first()
    if person is None or person.get_session_auth_hash() != begun.account:
        return None
    return person, begun


def next_step(person: User, begun: Begun) -> str:
    """The name of the address that comes next; empty if all is shown."""
    if not begun.factor:
        return "login_code" if has_second_factor(person) else "login_enrol"
    if begun.codes:
        return "login_recovery"
    return "login_password" if person.password_once else ""


def finish(request: HttpRequest, person: User, begun: Begun) -> None:
    """Sign in; called where no step is left."""
    request.session.pop(KEY, None)
    login(request, person, BACKEND)
    record(Verb.SIGNED_IN, "user", person.pk, city_id=person.city_id, actor_id=person.pk)
