"""How long a session lasts: twelve hours, and for who sees pictures thirty minutes without a sign of them. Each answer says how long it still has (`X-Session-Ends`, seconds)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from server.accounts.models import User

IDLE = timedelta(minutes=30)
NOTED_EVERY = timedelta(minutes=1)
"""So often at most a session's last sign of life is written down: a write of the database each."""
BY_ITSELF = frozenset({"review_renew"})
"""Addresses that pages ask for without anybody being there; so is every request with the header `X-By-Itself`, and a look (GET) at "session"."""


def ends_at(began: datetime, seen: datetime, sees_pictures: bool) -> datetime:
    """When a session is over."""
    longest = began + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return min(longest, seen + IDLE) if sees_pictures else longest


@receiver(user_logged_in)
def begin_session(request: HttpRequest, user: User, **_: Any) -> None:
    """A session begins with its sign-in, which is a sign of life: the next one is written a minute later at the earliest, and some are gone by then."""
    now = timezone.now()
    request.session["began_s"] = request.session["seen_s"] = now.timestamp()
    User.objects.filter(pk=user.pk).update(last_seen_at=now)


def is_shut_out(request: HttpRequest) -> bool:
    """Whether nobody is signed in because whose session this was may no longer."""
    key = "" if request.user.is_authenticated else str(request.session.get(SESSION_KEY, ""))
    return key.isdigit() and User.objects.filter(pk=int(key), is_active=False).exists()


class Ends:
    """Ends sessions, and tells each answer's reader when theirs ends."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person, now = request.user, timezone.now()
        if not isinstance(person, User):
            return self.get_response(request)
        began, seen = (_moment(request, key, now) for key in ("began_s", "seen_s"))
        sees = person.role != User.Role.FLEET
        if now >= ends_at(began, seen, sees):
            logout(request)
            return self.get_response(request)
        if _is_by_hand(request):
            if not timedelta(0) <= now - seen < NOTED_EVERY:
                request.session["seen_s"] = now.timestamp()
                User.objects.filter(pk=person.pk).update(last_seen_at=now)
            seen = now
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers["X-Session-Ends"] = str(int((ends_at(began, seen, sees) - now).total_seconds()))
        return response


@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """Says by its headers how long the session still lasts (GET), and lets it last longer (POST)."""
    return HttpResponse(status=204)


def _is_by_hand(request: HttpRequest) -> bool:
    try:
        name = resolve(request.path_info).view_name
    except Resolver404:
        return True
    return not (name in BY_ITSELF or "X-By-Itself" in request.headers or (name == "session" and request.method == "GET"))  # fmt: skip


def _moment(request: HttpRequest, key: str, now: datetime) -> datetime:
    """A time kept in the session; one from before this was kept counts from now."""
    if key not in request.session:
        request.session[key] = now.timestamp()
    return datetime.fromtimestamp(request.session[key], tz=now.tzinfo)
