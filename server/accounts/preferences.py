"""What a person chose for themselves: the keys of the queue."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from server.accounts.models import User
from server.review.keys import PRESET_NAMES, PRESETS, NotAKey, Taken, label_of, layout, with_key


@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of the queue: another preset, one key more, or none for a deed. A key that is taken already is told, and may be exchanged."""
    person: Any = request.user
    values: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        form = request.POST
        deed, code = form.get("deed", ""), form.get("code", "")
        try:
            keep(person, form["preset"] if form.get("preset") in PRESETS else "", deed, code, "exchange" in form)
            return HttpResponseRedirect(reverse("my_keys") + (f"#{deed}" if deed else ""))
        except Taken as taken:
            now = layout(person.keys)
            values = {"taken": {"deed": now[deed], "by": now[taken.deed], "code": code, "label": label_of(code)}}
            status = 409
        except NotAKey:
            values, status = {"refused": _("This key cannot be taken. Choose a letter, a digit, a sign, or one of F2 to F10.")}, 400  # fmt: skip
    presets = [(name, words, name == person.keys.get("preset", "left")) for name, words in PRESET_NAMES.items()]
    values |= {"keys": layout(person.keys).values(), "presets": presets, "has_own": bool(person.keys.get("own"))}
    return render(request, "keys.html", values, status=status)


def keep(person: User, preset: str, deed: str, code: str, exchange: bool) -> None:
    """Keep a preset, which forgets what was chosen otherwise, or the key of one deed. Raises NotAKey, Taken."""
    chosen = {"preset": preset, "own": {}} if preset else with_key(person.keys, deed, code, exchange=exchange)
    User.objects.filter(pk=person.pk).update(keys=chosen)
