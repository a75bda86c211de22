"""A reviewer's own reviews, for that reviewer alone: how many cards, how long each, how often a second opinion agreed, and the last answers (own.py)."""

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
from server.review.gold import Told, score_of, tell
from server.review.gold_views import said
from server.review.looks import named
from server.review.models import Dispute, Look, Verdict
from server.review.own import own_answers
from server.review.rules import Kind, LookKind

WEEKS = 6
MOST = 30_000
"""Answers of a person that are looked at, the newest: six weeks of a full day's work each day are fewer."""
LONGEST_MS = 120_000
"""A card shown longer was left lying; its time says nothing of a pace."""
SECONDS = 2000
"""Second opinions on a person's answers that are looked at, the newest."""
MISSED = 3
"""Missed gold cards that are named to who leaves; a cookie holds no more."""
Row = tuple[datetime, str, int]
CHANGE = "change"
"""A confirmation as another category, among the answers."""


@dataclass(frozen=True)
class Pace:
    """Of some span: how many cards were decided, confirmed, relabelled, rejected and left unsure, and the median of seconds (None if nothing was timed)."""

    name: str
    decided: int
    confirmed: int
    changed: int
    rejected: int
    unsure: int
    median_s: float | None


def pace_of(name: str, rows: Sequence[Row]) -> Pace:
    """The pace of some answers: (when, answer, milliseconds shown) each."""
    answers = [answer for _, answer, _ in rows]
    timed = [shown_ms for _, _, shown_ms in rows if 0 < shown_ms <= LONGEST_MS]
    seconds = round(median(timed) / 1000, 1) if timed else None
    confirmed, changed, rejected, unsure = (answers.count(each) for each in ("confirm", CHANGE, "reject", "unsure"))
    return Pace(name, len(rows), confirmed, changed, rejected, unsure, seconds)


def by_week(rows: Iterable[Row], today: date) -> list[tuple[date, list[Row]]]:
    """The answers of each week (Monday to Sunday, local days), the present one first, weeks without any left out."""
    monday = today - timedelta(days=today.weekday())
    weeks: dict[date, list[Row]] = {}
    for row in rows:
        day = timezone.localdate(row[0])
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(row)
    return sorted(((start, found) for start, found in weeks.items() if start <= monday), reverse=True)


def answered(person: User, since: datetime) -> list[Row]:
    """What a person answered since then; skipped and undone cards, and what they settled for others, left out."""
    rows = (
        Verdict.objects.filter(person=person, at__gte=since, undone_at=None)
        .exclude(answer="skip")
        .exclude(kind=Kind.SETTLED)
    )
    found = rows.order_by("-at").values_list("at", "answer", "category", "visible_ms")[:MOST]
    return [(at, CHANGE if answer == "confirm" and category else answer, ms) for at, answer, category, ms in found]


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
    seconds = (_("%(seconds).1f s") % {"seconds": pace.median_s}).replace(" ", "\u00a0")
    return _("Decided today: %(count)d, half of them within %(time)s. Thank you.") % {"count": pace.decided, "time": seconds}  # fmt: skip


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """Today, the last weeks and the last answers, one's own alone; older answers by `before`, a row."""
    person: Any = request.user
    before = request.GET.get("before", "")
    own, older = own_answers(person, before)
    return render(request, "mine.html", {"own": own, "older": older, "is_older": bool(before)} | ({} if before else _sums(person)))  # fmt: skip


def _sums(person: User) -> dict[str, Any]:
    now = timezone.now()
    rows = answered(person, _midnight(now) - timedelta(weeks=WEEKS))
    weeks = [pace_of(f"{start:%m-%d}", found) for start, found in by_week(rows, timezone.localdate(now))][:WEEKS]
    midnight = _midnight(now)
    day = [row for row in rows if row[0] >= midnight]
    since = midnight - timedelta(weeks=WEEKS)
    score = score_of(person, since)
    return {
        "today": summed_up(pace_of("", day)) if day else _("You have decided no card today."),
        "weeks": weeks,
        "agreed": agreed(person, since),
        "gold": score if score.of else None,
    }


@receiver(user_logged_out)
def sum_up_the_shift(sender: object, request: HttpRequest | None, user: User | None, **_kwargs: object) -> None:
    """Who signs out after a day's work reads its sum on the next page, and what they missed of the cards whose answer is known."""
    if request is None or user is None:
        return
    now = timezone.now()
    pace = today(user, now)
    for line in ([summed_up(pace)] if pace else []) + _known(tell(user, now, leaving=True)):
        messages.success(request, line, fail_silently=True)


def _known(told: Sequence[Told]) -> list[str]:
    """What is told of gold cards at the end of a shift: how many, and the missed ones."""
    judged = [each for each in told if each.is_right is not None]
    if not judged:
        return []
    missed = [each for each in judged if not each.is_right]
    values = {"of": len(judged), "right": len(judged) - len(missed)}
    return [_("Cards whose answer was known: %(right)d of %(of)d as expected.") % values, *map(_missed, missed[:MISSED])]  # fmt: skip


def _missed(each: Told) -> str:
    verdict, right = each.look.verdict, each.look.gold
    assert verdict is not None
    assert right is not None
    yours = said(verdict.answer, verdict.category or verdict.proposed, verdict.reason)
    return _("Case %(number)d: %(yours)s instead of %(right)s.") % {"number": each.look.case.number, "yours": yours, "right": said(right.answer, right.category)}  # fmt: skip
