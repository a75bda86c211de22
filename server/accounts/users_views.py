"""The page of people's accounts, for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from server.accounts import people
from server.accounts.factors import made_by
from server.accounts.models import User
from server.fleet.models import City

MOST = 500
"""Rows of the page; whoever has more people looks for one by name."""
ASKED_FIRST = frozenset({"password", "factor", "shut_out"})
"""What throws somebody out of their work at once: a slip of the mouse must not do it."""


@never_cache
@require_http_methods(["GET", "POST"])
def users(request: HttpRequest) -> HttpResponse:
    """Everybody with an account; a form each. A new password is shown in the answer, once."""
    told: dict[str, Any] = {}
    if request.method == "POST":
        try:
            told = _done(request)
        except people.NameTaken:
            told = {"wrong": _("There is somebody of this name already.")}
        except people.BadName:
            told = {
                "wrong": _("A user name has up to 150 letters (Chinese ones too), digits and @ . + - _, and no space.")
            }
        except people.LastAdministrator:
            told = {"wrong": _("That is the last administrator. Make somebody else one first.")}
        except ValidationError as wrong:
            told = {"wrong": " ".join(wrong.messages)}
        if "wrong" in told and request.POST.get("do") == "add":
            told["typed"] = {key: request.POST.get(key, "")[:200] for key in ("name", "role", "city")}
        if "ask" in told:
            return render(request, "users_ask.html", told)
        if not told:
            return redirect(f"{reverse('users')}?{request.GET.urlencode()}" if request.GET else "users")
    return render(request, "users.html", _listed(request) | told, status=400 if "wrong" in told else 200)


def _listed(request: HttpRequest) -> dict[str, Any]:
    name = request.GET.get("name", "").strip()[:150]
    has = Exists(made_by(OuterRef("pk")))
    rows = User.objects.select_related("city").annotate(has_factor=has).order_by("-is_active", "username")
    if name:
        rows = rows.filter(username__istartswith=name)
    found = list(rows[: MOST + 1])
    return {"people": found[:MOST], "more": len(found) > MOST, "name": name, "roles": User.Role.choices, "cities": City.objects.order_by("key")}  # fmt: skip


def _done(request: HttpRequest) -> dict[str, Any]:
    """Do what a form asks for; what the page then tells, nothing where the list says it, and the question (`ask`) where it must be asked first."""
    form, by = request.POST, request.user
    assert isinstance(by, User)
    deed = form.get("do", "")
    if deed == "add":
        return _added(form.get("name", "").strip(), form.get("role", ""), _city(form.get("city", "")), by)
    key = form.get("person", "")
    person = User.objects.filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
    if person is None:
        raise ValidationError(_("There is no such person any more."))
    if deed in ASKED_FIRST and form.get("sure") != "yes":
        return {"ask": deed, "person": person, "name": request.GET.get("name", "")}
    if deed == "place":
        role, city = _role(form.get("role", "")), _city(form.get("city", ""))
        changed = people.place_person(person, role, city, by=by)
        words = _("%(name)s: role and city are changed. This person is signed out.") if changed else _("%(name)s has this role and city already.")  # fmt: skip
    elif deed == "password":
        return {"fresh": person.username, "password": people.renew_password(person, by=by)}
    elif deed == "factor":
        people.reset_factors(person, by=by)
        words = _("The second factor of %(name)s is reset. The next sign-in sets up a new one.")
    elif deed in ("shut_out", "let_in"):
        people.put_in_use(person, deed == "let_in", by=by)
        words = _("%(name)s may sign in again.") if deed == "let_in" else _("%(name)s is deactivated: signed out, and cannot sign in any more.")  # fmt: skip
    else:
        raise ValidationError(_("The form is not one of this page. Load it again."))
    messages.success(request, words % {"name": person.username})
    return {}


def _added(name: str, role: str, city: City | None, by: User) -> dict[str, Any]:
    person, password = people.add_person(name, _role(role), city, by=by)
    return {"fresh": person.username, "password": password}


def _role(role: str) -> str:
    if role not in User.Role.values:
        raise ValidationError(_("Choose a role."))
    return role


def _city(key: str) -> City | None:
    city = City.objects.filter(key=key).first() if key else None
    if key and city is None:
        raise ValidationError(_("There is no such city."))
    return city
