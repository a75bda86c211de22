"""A reviewer's own pace, for that reviewer alone: how many cards, how long each, and how often a second opinion agreed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.contrib import messages
from django.contrib.auth.signals import user_logged_out
from django.db.models import Exists, OuterRef
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server.accounts.models import User
from server.review.gold import score_of
from server.review.looks import named
from server.review.models import Dispute, Look, Verdict
from server.review.rules import LookKind

WEEKS = 6
MOST = 30_000
"""Answers of a person that are looked at, the newest: six weeks of a full day's work each day are fewer."""
LONGEST_MS = 120_000
"""A card shown longer was left lying; its time says nothing of a pace."""
SECONDS = 2000
"""Second opinions on a person's answers that are looked at, the newest."""
Row = tuple[datetime, str, int]


@dataclass(frozen=True)
class Pace:
    """Of some span: how many cards were decided, confirmed, rejected and left unsure, and the median of seconds (None if nothing was timed)."""

    name: str
    decided: int
    confirmed: int
    rejected: int
    unsure: int
    median_s: float | None


def pace_of(name: str, rows: Sequence[Row]) -> Pace:
    """The pace of some answers: (when, answer, milliseconds shown) each."""
    answers = [answer for _, answer, _ in rows]
    timed = [shown_ms for _, _, shown_ms in rows if 0 < shown_ms <= LONGEST_MS]
    seconds = round(median(timed) / 1000, 1) if timed else None
    return Pace(name, len(rows), answers.count("confirm"), answers.count("reject"), answers.count("unsure"), seconds)


def by_week(rows: Iterable[Row], today: date) -> list[tuple[date, list[Row]]]:
    """The answers of each week (Monday to Sunday, local days), the present one first, weeks without any left out."""
    monday = today - timedelta(days=today.weekday())
    weeks: dict[date, list[Row]] = {}
    for row in rows:
        day = timezone.localdate(row[0])
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return sorted(((start, found) for start, found in weeks.items() if start <= monday), reverse=True)


def answered(person: User, since: datetime) -> list[Row]:
    """What a person answered since then, skipped and undone cards left out."""
    rows = Verdict.objects.filter(person=person, at__gte=since, undone_at=None).exclude(answer="skip")
    return list(rows.order_by("-at").values_list("at", "answer", "visible_ms")[:MOST])


def today(person: User, now: datetime) -> Pace | None:
    """The pace of a person's local day; None before their first answer."""
    rows = answered(person, _midnight(now))
    return pace_of("", rows) if rows else None


@dataclass(frozen=True)
class Agreed:
    """Of a person's answers, how many a colleague looked at again, blind, and how many of these got the same answer."""

    of: int
    same: int


def agreed(person: User, since: datetime) -> Agreed | None:
    """How often second opinions came to the same answer; what a supervisor has not settled is not counted, and nothing is None."""
    open_ = Dispute.objects.filter(first=OuterRef("about"), settled_at=None)
    looks = Look.objects.filter(~Exists(open_), kind=LookKind.SECOND, about__person=person, about__at__gte=since, about__undone_at=None, verdict__undone_at=None)  # fmt: skip
    pairs = [
        (named(look.about), named(look.verdict))
        for look in looks.select_related("about", "verdict").order_by("-about__at")[:SECONDS]
        if look.about is not None and look.verdict is not None and look.verdict.answer in ("confirm", "reject")
    ]
    return Agreed(len(pairs), sum(first == second for first, second in pairs)) if pairs else None


def _midnight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def summed_up(pace: Pace) -> str:
    """A day in one line."""
    if pace.median_s is None:
        return _("Decided today: %(count)d. Thank you.") % {"count": pace.decided}
    return _("Decided today: %(count)d, half of them within %(seconds).1f s. Thank you.") % {"count": pace.decided, "seconds": pace.median_s}  # fmt: skip


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """Today and the last weeks, one's own alone."""
    person: Any = request.user
    now = timezone.now()
    rows = answered(person, _midnight(now) - timedelta(weeks=WEEKS))
    weeks = [pace_of(f"{start:%m-%d}", found) for start, found in by_week(rows, timezone.localdate(now))][:WEEKS]
    midnight = _midnight(now)
    day = [row for row in rows if row[0] >= midnight]
    since = midnight - timedelta(weeks=WEEKS)
    score = score_of(person, since)
    values = {
        "today": summed_up(pace_of("", day)) if day else _("You have decided no card today."),
        "weeks": weeks,
        "agreed": agreed(person, since),
        "gold": score if score.of else None,
    }
    return render(request, "mine.html", values)


@receiver(user_logged_out)
def sum_up_the_shift(sender: object, request: HttpRequest | None, user: User | None, **_kwargs: object) -> None:
    """Who signs out after a day's work reads its sum on the next page."""
    pace = today(user, timezone.now()) if request is not None and user is not None else None
    if pace is not None and request is not None:
        messages.success(request, summed_up(pace), fail_silently=True)
