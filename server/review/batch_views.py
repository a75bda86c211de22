"""What the queue page's script asks for to answer twelve cards together."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from server.errors import answer
from server.review.answers import BadVerdict, Given, unreadable
from server.review.batch import answer_batch, is_off, lease_batch
from server.review.counts import forget, queue_counts
from server.review.looks import ages_hidden
from server.review.pictured import cells_of
from server.words import category_name


@require_POST
def lease_cells(request: HttpRequest) -> HttpResponse:
    """Twelve cells as HTML; 204 where nothing may be answered together, with the reason in X-Why, percent-encoded."""
    person: Any = request.user
    now = timezone.now()
    lease = lease_batch(person, now, shadow=request.GET.get("filter") == "shadow")
    if lease is None:
        why = _("One card at a time today: a card whose answer is known was missed in a batch.") if is_off(person, now) else _("Nothing to answer together now: it takes twelve cards of one kind, none of them urgent, of which 98 in 100 were right until now.")  # fmt: skip
        return HttpResponse(status=204, headers={"X-Why": quote(why)})
    hidden = ages_hidden(person, lease.cases, now)
    cells = cells_of(lease.cases, hidden, person)
    return render(request, "batch_cells.html", {"cells": cells, "title": category_name(lease.batch.category), "batch": lease.batch})  # fmt: skip


@require_POST
def answer_cells(request: HttpRequest) -> HttpResponse:
    """One answer for a batch; a resend of the same id changes nothing."""
    person: Any = request.user
    form, now = request.POST, timezone.now()
    if form.get("person", str(person.pk)) != str(person.pk):
        return answer(request, 403, "person", _("Somebody else is signed in"), _("Sign in as yourself in another tab; what waits here is sent then."))  # fmt: skip
    try:
        given = Given(form.get("answer", ""), int(form["reason"]) if form.get("reason") else None, words=form.get("words", ""))  # fmt: skip
        done = answer_batch(person, UUID(form.get("id", "")), _ids(form.get("cases", "")), _ids(form.get("out", "")), given, int(form.get("shown_ms") or 0), now)  # fmt: skip
    except BadVerdict as wrong:
        return answer(request, 400, "refused", _("The server refused the answer; open the batch again"), str(wrong))
    except (ValueError, OverflowError):
        return answer(request, 400, "refused", _("The server refused the answer; open the batch again"), unreadable())
    forget()
    return JsonResponse({"decided": done.decided, "out": done.out, **queue_counts(person, now).told})


def _ids(words: str) -> set[int]:
    return {int(each) for each in words.split(",") if each}
