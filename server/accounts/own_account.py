"""The page of one's own account: another password, second factors, recovery codes. Every change asks for the present password first, and ends the person's other sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from server.accounts import factors, people
from server.accounts.attempts import ACCOUNT, Counted, forgive, take_try
from server.accounts.models import User
from server.accounts.passwords import new_password
from server.accounts.refused import note_code, note_slowed
from server.audit.rules import Verb
from server.audit.services import record
from server.words import span

CONFIRMED_S = 600
"""So long after the present password was typed things may be changed here."""
CONFIRMED, SECRET = "account_confirmed_s", "account_app"
LONGEST_NAME = 40


@never_cache
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who one is and how one signs in; a POST changes one thing of it. New recovery codes are shown in the answer, once."""
    person = request.user
    assert isinstance(person, User)
    told: dict[str, Any] = {}
    if request.method == "POST":
        deed = DEEDS.get(request.POST.get("do", ""))
        if deed is None:
            told = {"wrong": [_("The form is not one of this page. Load it again.")]}
        elif deed is not _confirm and not is_confirmed(request):
            told = {"wrong": [_("Nothing was changed: first type your current password.")]}
        else:
            told = deed(request, person)
        if not told:
            return redirect("account")
    status = 429 if "wait" in told else 400 if "wrong" in told else 200
    return render(request, "account/account.html", _shown(request, person) | told, status=status)


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the present password was typed a moment ago, in this session."""
    confirmed_s: float = request.session.get(CONFIRMED, 0.0)
    return 0 <= timezone.now().timestamp() - confirmed_s < CONFIRMED_S


def _confirm(request: HttpRequest, person: User) -> dict[str, Any]:
    counted = [Counted(ACCOUNT, f"confirm {person.pk}")]
    now = timezone.now()
    if wait := take_try(counted, now):
        note_slowed(person.username, counted[0], now)
        return {"wait": span(wait)}
    if not person.check_password(request.POST.get("current", "")):
        record(Verb.PASSWORD_REFUSED, "user", person.pk, city_id=person.city_id, actor_id=person.pk)
        return {"wrong": [_("That is not your current password.")]}
    forgive(counted)
    request.session[CONFIRMED] = now.timestamp()
    return {}


def _password(request: HttpRequest, person: User) -> dict[str, Any]:
    password, wrong = new_password(request.POST, person)
    if wrong:
        return {"wrong": wrong}
    people.choose_password(person, password)
    return _done(request, person, _("Your password is changed. Your other sessions are ended."))


def _begin_app(request: HttpRequest, person: User) -> dict[str, Any]:
    request.session[SECRET] = factors.new_secret()
    return {}


def _app(request: HttpRequest, person: User) -> dict[str, Any]:
    """The code of an app that holds the new secret; the app from before ends."""
    secret, code = request.session.get(SECRET, ""), "".join(request.POST.get("code", "").split())[:20]
    counted = [Counted(ACCOUNT, f"app {person.pk}")]
    if wait := take_try(counted, now := timezone.now()):
        note_slowed(person.username, counted[0], now)
        return {"wait": span(wait)}
    with transaction.atomic():
        had = any(each.kind == "app" for each in factors.factors_of(person))
        made = bool(secret) and factors.add_app(person, secret, code)
        if made:
            people.change_factors(person, Verb.FACTOR_MADE, factor="app", replaced=had)
    if not made:
        note_code(person, setting_up=True)
        return {"wrong": [_("That was not right. Wait for the next code; if it fails again, see whether this device's and your phone's clocks are right.")]}  # fmt: skip
    forgive(counted)
    request.session.pop(SECRET)
    return _done(request, person, _("Your authenticator app is set up. Your other sessions are ended."))


def _passkey(request: HttpRequest, person: User) -> dict[str, Any]:
    name = request.POST.get("name", "").strip()[:LONGEST_NAME]
    with transaction.atomic():
        made = factors.works_here(request) and factors.add_passkey(person, request.POST.get("credential", ""), name)
        if made:
            people.change_factors(person, Verb.FACTOR_MADE, factor="passkey")
    if not made:
        return {"wrong": [_("The passkey was not taken. Try again, or use a code.")]}
    return _done(request, person, _("The passkey is added. Your other sessions are ended."))


def _forget(request: HttpRequest, person: User) -> dict[str, Any]:
    key = request.POST.get("factor", "")
    with transaction.atomic():
        gone = factors.forget_factor(person, int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else ""
        if gone:
            people.change_factors(person, Verb.FACTOR_FORGOTTEN, factor=gone)
    if not gone:
        return {"wrong": [_("That one stays: it is gone already, or it is your last. Add another one first.")]}
    return _done(request, person, _("It is removed. Your other sessions are ended."))


def _codes(request: HttpRequest, person: User) -> dict[str, Any]:
    with transaction.atomic():
        codes = factors.fresh_recovery_codes(person)
        people.change_factors(person, Verb.RECOVERY_RENEWED)
    _go_on(request, person)
    return {"codes": codes} | factors.head_of_codes(request, person)


def _done(request: HttpRequest, person: User, words: str) -> dict[str, Any]:
    _go_on(request, person)
    messages.success(request, words)
    return {}


def _go_on(request: HttpRequest, person: User) -> None:
    """This session alone outlives the change."""
    person.refresh_from_db()
    update_session_auth_hash(request, person)


def _shown(request: HttpRequest, person: User) -> dict[str, Any]:
    values: dict[str, Any] = {"person": person, "factors": factors.factors_of(person), "left": factors.codes_left(person)}  # fmt: skip
    if not is_confirmed(request):
        return values
    values |= {"confirmed": True, "works_here": factors.works_here(request)}
    if values["works_here"]:
        values["options"] = factors.passkey_to_make(person)
    if secret := request.session.get(SECRET, ""):
        picture, address = factors.secret_picture(person, secret)
        values |= {"picture": picture, "address": address, "secret": factors.in_fours(secret)}
    return values


DEEDS: dict[str, Callable[[HttpRequest, User], dict[str, Any]]] = {
    "confirm": _confirm, "password": _password, "begin_app": _begin_app, "app": _app, "passkey": _passkey, "forget": _forget, "codes": _codes,
}  # fmt: skip
"""What a form of the page asks for (`do`). Each says what the page then tells; nothing where it is loaded anew."""
