"""The pages of signing in: password, then a second factor (made at the first sign-in), its recovery codes, and a password of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.backends import AllowAllUsersModelBackend
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from server.accounts import factors, people
from server.accounts.attempts import ACCOUNT, ADDRESS, Counted, address_of, forgive, take_try
from server.accounts.models import User
from server.accounts.passwords import new_password
from server.accounts.refused import note_code, note_password, note_slowed
from server.accounts.sessions import is_shut_out
from server.accounts.signin import Begun, begin, begun_by, finish, keep, next_step
from server.audit.rules import Verb
from server.audit.services import record
from server.words import span

Step = Callable[[HttpRequest, User, Begun], HttpResponse]
KNOWN_DAYS = 180


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password. What is wrong is not said, nor whether there is such a name. That an account is out of use learns who knows its password."""
    back = _safe(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(back or "home")
    values: dict[str, Any] = {"next": back}
    if request.method != "POST":
        values["out_of_use"] = is_shut_out(request)
        return render(request, "account/sign_in.html", values)
    name, now = request.POST.get("username", "")[:150], timezone.now()
    counted = [Counted(ADDRESS, address_of(request)), Counted(ACCOUNT, _account_of(request, name))]
    if wait := take_try(counted, now):
        note_slowed(name, counted[1], now)
        return _slow_down(request, "account/sign_in.html", wait, values | {"name": name})
    person = AllowAllUsersModelBackend().authenticate(request, username=name, password=request.POST.get("password", ""))
    if not isinstance(person, User) or not person.is_active:
        known = isinstance(person, User)
        note_password(name, out_of_use=known)
        return render(request, "account/sign_in.html", values | {"out_of_use": known, "wrong": not known, "name": name})
    forgive(counted)
    return _go_on(request, person, begin(request, person, back, now))


def step(name: str) -> Callable[[Step], Callable[[HttpRequest], HttpResponse]]:
    """A page for whom has come as far as the step of this name; others are sent to where they are."""

    def wrapped(view: Step) -> Callable[[HttpRequest], HttpResponse]:
        @never_cache
        def page(request: HttpRequest) -> HttpResponse:
            if request.user.is_authenticated:
                return redirect("home")
            found = begun_by(request, timezone.now())
            if found is None:
                return redirect("login")
            due = next_step(*found)
            return view(request, *found) if due == name else redirect(due or "login")

        return page

    return wrapped


@step("login_code")
def code(request: HttpRequest, person: User, begun: Begun) -> HttpResponse:
    """The second factor: a code of the app, a recovery code, or a passkey."""
    values: dict[str, Any] = {"passkey": factors.has_passkey(person) and factors.works_here(request)}
    if request.method == "POST":
        counted = [Counted(ACCOUNT, f"code {person.pk}")]
        if wait := take_try(counted, now := timezone.now()):
            note_slowed(person.username, counted[0], now)
            return _slow_down(request, "account/code.html", wait, _with_passkey(person, values))
        answer = request.POST.get("credential", "")
        if factors.check_passkey(person, answer) if answer else factors.check_code(person, _digits(request)):
            forgive(counted)
            begun.factor = True
            return _go_on(request, person, begun)
        note_code(person)
        values["wrong"] = True
    return render(request, "account/code.html", _with_passkey(person, values))


@step("login_enrol")
def enrol(request: HttpRequest, person: User, begun: Begun) -> HttpResponse:
    """The first sign-in: an app or a passkey becomes this person's second factor."""
    wrong = False
    if not begun.secret:
        begun.secret = factors.new_secret()
        keep(request, begun)
    if request.method == "POST":
        answer, secret = request.POST.get("credential", ""), begun.secret
        counted = [Counted(ACCOUNT, f"code {person.pk}")]
        if wait := take_try(counted, now := timezone.now()):
            note_slowed(person.username, counted[0], now)
            return _slow_down(request, "account/enrol.html", wait, _to_enrol(request, person, begun))
        with transaction.atomic():
            made = factors.add_passkey(person, answer) if answer else factors.add_app(person, secret, _digits(request))
            if made:
                begun.codes = factors.fresh_recovery_codes(person)
                record(Verb.FACTOR_MADE, "user", person.pk, city_id=person.city_id, actor_id=person.pk, factor="passkey" if answer else "app")  # fmt: skip
        if made:
            forgive(counted)
            begun.factor, begun.secret = True, ""
            return _go_on(request, person, begun)
        note_code(person, setting_up=True)
        wrong = True
    return render(request, "account/enrol.html", _to_enrol(request, person, begun) | {"wrong": wrong})


@step("login_recovery")
def recovery(request: HttpRequest, person: User, begun: Begun) -> HttpResponse:
    """The recovery codes, once."""
    if request.method == "POST":
        begun.codes = None
        return _go_on(request, person, begun)
    return render(request, "account/recovery.html", {"codes": begun.codes} | factors.head_of_codes(request, person))


@step("login_password")
def own_password(request: HttpRequest, person: User, begun: Begun) -> HttpResponse:
    """A password that only this person knows instead of the one they were given."""
    wrong: list[str] = []
    if request.method == "POST":
        password, wrong = new_password(request.POST, person)
        if not wrong:
            people.choose_password(person, password)
            begun.account = person.get_session_auth_hash()
            return _go_on(request, person, begun)
    return render(request, "account/new_password.html", {"wrong": wrong, "name": person.username})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("login")


def _go_on(request: HttpRequest, person: User, begun: Begun) -> HttpResponse:
    """To the next step, or in."""
    due = next_step(person, begun)
    if due:
        keep(request, begun)
        return redirect(due)
    finish(request, person, begun)
    response = HttpResponseRedirect(_safe(request, begun.next) or "/")
    response.set_cookie("trikeye_known", Signer(salt="known").sign(str(person.pk)), max_age=KNOWN_DAYS * 86400, httponly=True, samesite="Lax", secure=request.is_secure())  # fmt: skip
    return response


def _account_of(request: HttpRequest, name: str) -> str:
    """Whose tries these are: those of the account, but of a browser that this person has signed in with before, its own. So strangers cannot slow them down there."""
    try:
        known = Signer(salt="known").unsign(request.COOKIES.get("trikeye_known", ""))
    except BadSignature:
        return f"name {name.casefold()}"
    own = User.objects.filter(username=name).values_list("pk", flat=True).first()
    return f"known {known} {request.COOKIES['trikeye_known']}" if str(own) == known else f"name {name.casefold()}"


def _slow_down(request: HttpRequest, template: str, wait: int, values: dict[str, Any]) -> HttpResponse:
    response = render(request, template, values | {"wait": span(wait)}, status=429)
    response.headers["Retry-After"] = str(wait)
    return response


def _with_passkey(person: User, values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"options": factors.passkey_to_show(person)} if values["passkey"] else {})


def _to_enrol(request: HttpRequest, person: User, begun: Begun) -> dict[str, Any]:
    picture, address = factors.secret_picture(person, begun.secret)
    values: dict[str, Any] = {"picture": picture, "address": address, "secret": factors.in_fours(begun.secret)}
    return values | ({"passkey": True, "options": factors.passkey_to_make(person)} if factors.works_here(request) else {})  # fmt: skip


def _digits(request: HttpRequest) -> str:
    return "".join(request.POST.get("code", "").split())[:20]


def _safe(request: HttpRequest, address: str) -> str:
    return address if url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()) else ""
