"""What the queue says while it has no card: who has the last ones and till when, what else there is, and what one can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from server.accounts.models import User
from server.accounts.services import cities_for
from server.cases.models import Case, Sighting
from server.fleet.models import Vehicle
from server.review.counts import queue_counts, with_counts
from server.review.mine import summed_up, today
from server.review.narrowed import part_of, words_of
from server.review.rules import UNDECIDED
from server.review.services import FREE_COUNTED, count_free, runs
from server.roles import may


@dataclass(frozen=True)
class Held:
    """The cards in colleagues' hands, how many colleagues these are, and when the last lease ends."""

    cards: int
    people: int
    until: datetime | None


def held_by_others(person: User, now: datetime, *, shadow: bool) -> Held:
    """Of the cards this person might get. Leases alone are read: a handful for each colleague at work."""
    cities = cities_for(person)
    rows = Case.objects.filter(runs(now)).exclude(lease_by=person)
    leases = [
        (by, until)
        for by, until, city, state, kind in rows.values_list("lease_by", "lease_until", "city_id", "state", "shadow")
        if until is not None and city in cities and state in UNDECIDED and kind is shadow
    ]
    return Held(len(leases), len({by for by, _ in leases}), max((until for _, until in leases), default=None))


@require_GET
def nothing(request: HttpRequest) -> HttpResponse:
    """The queue without a card, as a piece of its page. `rested`: it gave its cards back because nobody was there."""
    person: Any = request.user
    now, shadow, part = timezone.now(), request.GET.get("filter") == "shadow", part_of(request.GET)
    pace, counts = today(person, now), queue_counts(person, now, shadow=shadow)
    free = count_free(person, now, shadow=shadow, part=part)
    page = {
        "shadow": shadow,
        "asked_for": words_of(part, person),
        "part": part,
        "elsewhere": counts.in_shadow if shadow else counts.waiting,
        "held": held_by_others(person, now, shadow=shadow),
        "free": str(free) if free < FREE_COUNTED else f"{FREE_COUNTED - 1}+",
        "any_free": free > 0,
        "rested": "rested" in request.GET,
        "counts": counts,
        "last_sighting": Sighting.objects.order_by("-received_at").values_list("received_at", flat=True).first(),
        "no_vehicle": not Vehicle.objects.exists(),
        "may_see_fleet": may(person, "vehicles"),
        "pace": summed_up(pace) if pace else "",
    }
    return with_counts(render(request, "nothing.html", page), counts)
