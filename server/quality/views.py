"""The pages of quality: a city, a category, a vehicle, and a supervisor's word on a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from server.accounts.models import User
from server.accounts.views import cities_asked
from server.fleet.heartbeats import vehicles_for
from server.fleet.models import City
from server.quality import figures
from server.quality.figures import Period
from server.quality.models import DayFigure
from server.quality.rules import (
    FAST_COUNT,
    FAST_SHARE,
    TOO_FAST_MS,
    Advice,
    Share,
    Tally,
    added,
    total,
    week_of,
    weeks,
)
from server.quality.services import day_of
from server.quality.wishes import NotAdvised, Wanted, take_back, want, wanted_in
from server.review.rules import REASONS
from server.words import category_name, screening_name

SPANS = (4, 13, 52)
"""Weeks that may be looked at."""
MOST_REASONS, MOST_CONFUSIONS = 4, 10


@require_GET
def quality(request: HttpRequest) -> HttpResponse:
    """How good deciding is in a city."""
    cities, city = cities_asked(request)
    if city is None:
        return render(request, "quality.html", {"city": None})
    return _page(request, cities, city)


@require_POST
def threshold(request: HttpRequest) -> HttpResponse:
    """A supervisor takes the advice for a category, or takes a wish back: category, and the threshold that was read, empty to take back."""
    cities, city = cities_asked(request)
    person: Any = request.user
    if city is None:
        raise Http404
    category, said = request.POST.get("category", ""), request.POST.get("threshold", "")
    try:
        if said:
            want(_period(request, city), category, said, person, timezone.now())
        else:
            take_back(city, category, person, timezone.now())
    except NotAdvised as wrong:
        return _page(request, cities, city, str(wrong), 409)
    return redirect(f"/quality/{_query(request, city, _span(request))}#thresholds")


@require_GET
def category(request: HttpRequest, key: str) -> HttpResponse:
    """One category: over the weeks, by pack, by vehicle."""
    cities, city = cities_asked(request)
    if city is None:
        raise Http404
    period = _period(request, city)
    of_all = period.of(DayFigure, vehicle=None, category=key)
    packs = figures.by_week(of_all, "pack")
    tally = total(figures.by_pack(period, key).values())
    if not DayFigure.objects.filter(city=city, category=key).exists():
        raise Http404
    return render(request, "quality_category.html", _frame(request, cities, period) | {
        "key": key, "name": category_name(key), "all": _shown(tally), "weeks": _by_week(period, figures.by_week(of_all)[""]), "reasons": _reasons(tally, len(REASONS)),
        "packs": [{"name": name or "–", **_shown(each)} for name, each in sorted(figures.by_pack(period, key).items())],
        "pack_weeks": _pack_weeks(period, packs), "pack_names": sorted(packs), "seconds": figures.medians(period).get(key),
        "vehicles": [{"name": name, **_shown(each)} for name, each in figures.by_vehicle(period, key).items()],
        "confusions": [(category_name(became), count) for _was, became, count in figures.confusions([(key, tally)])],
    })  # fmt: skip


@require_GET
def vehicle(request: HttpRequest, name: str) -> HttpResponse:
    """One vehicle: over the weeks, by category."""
    found = get_object_or_404(vehicles_for(request.user).select_related("city"), name=name)
    period = _period(request, found.city)
    by_week = figures.by_week(period.of(DayFigure, vehicle=found))[""]
    tallies = figures.of_vehicle(period, found)
    return render(request, "quality_vehicle.html", _frame(request, [], period) | {
        "name": name, "all": _shown(total(tallies.values())), "weeks": _by_week(period, by_week),
        "categories": [{"key": key, "name": category_name(key), **_shown(each)} for key, each in sorted(tallies.items())],
    })  # fmt: skip


def _page(request: HttpRequest, cities: list[City], city: City, wrong: str = "", status: int = 200) -> HttpResponse:
    person: Any = request.user
    period = _period(request, city)
    tallies, seconds = figures.by_category(period), figures.medians(period)
    loss = figures.screening_loss(period)
    is_supervisor = person.role == User.Role.SUPERVISOR
    return render(request, "quality.html", _frame(request, cities, period) | {
        "wrong": wrong, "all": _shown(total(tallies.values())),
        "weeks": _by_week(period, figures.by_week(period.of(DayFigure, vehicle=None))[""]),
        "categories": [{"key": key, "name": category_name(key), "seconds": seconds.get(key), "reasons": _reasons(each, MOST_REASONS), **_shown(each)}
                       for key, each in sorted(tallies.items(), key=lambda item: (-item[1].confirmed.of, item[0]))],
        "loss": [(screening_name(reason), _share(share)) for reason, share in sorted(loss.items())], "lost": _share(added(loss.values())), "blind_share": settings.BLIND_SHARE * 100,
        "agreement": (found := figures.agreement(period)), "agreed": _share(found.raw),
        "confusions": [(category_name(was), category_name(became), count) for was, became, count in figures.confusions(tallies.items())[:MOST_CONFUSIONS]],
        **_advices(period), "aim": settings.AIM, "is_supervisor": is_supervisor, "too_fast": {"seconds": TOO_FAST_MS / 1000, "count": FAST_COUNT, "share": f"{FAST_SHARE:.0%}"}, "persons": figures.persons(period) if is_supervisor else [],
    }, status=status)  # fmt: skip


def _frame(request: HttpRequest, cities: list[City], period: Period) -> dict[str, Any]:
    """What every page of quality shows: the city, the span, and links to others."""
    span, city = _span(request), period.city
    return {
        "city": city, "city_name": _name_of(city), "cities": [(each == city, _name_of(each), _query(request, each, span)) for each in cities],
        "spans": [(each == span, each, _query(request, city, each)) for each in SPANS], "query": _query(request, city, span), "period": period,
    }  # fmt: skip


def _span(request: HttpRequest) -> int:
    asked = request.GET.get("weeks", "")
    return int(asked) if asked.isdecimal() and int(asked) in SPANS else SPANS[1]


def _period(request: HttpRequest, city: City) -> Period:
    today = day_of(timezone.now())
    first = week_of(today) - timedelta(weeks=_span(request) - 1)
    return Period(city, first, today, figures.is_real_in(city))


def _query(request: HttpRequest, city: City, span: int) -> str:
    return f"?city={city.key}&weeks={span}"


def _name_of(city: City) -> str:
    return city.name_en if get_language() == "en" else city.name_zh


def _share(share: Share) -> dict[str, Any]:
    """A share for a page: in per cent, its interval, and where these lie in a bar 100 wide."""
    low, high = share.interval
    value = share.value
    return {
        "of": share.of, "part": share.part, "value": None if value is None else round(100 * value, 1), "low": round(100 * low, 1), "high": round(100 * high, 1),
        "width": round(100 * (high - low), 1),
    }  # fmt: skip


def _shown(tally: Tally) -> dict[str, Any]:
    return {"confirmed": _share(tally.confirmed), "precision": _share(tally.precision), "unsure": tally.unsure}


def _reasons(tally: Tally, most: int) -> list[tuple[int, str, int, float]]:
    """Number, words, count and share of the rejections, the commonest first."""
    rejected = sum(tally.reasons.values())
    found = sorted(tally.reasons.items(), key=lambda each: (-each[1], each[0]))[:most]
    return [(reason, str(REASONS[reason]), count, round(100 * count / rejected)) for reason, count in found]


def _by_week(period: Period, by_week: Mapping[date, Tally]) -> list[dict[str, Any]]:
    return [{"monday": monday, **_shown(by_week.get(monday, Tally()))} for monday in weeks(period.first, period.last)]


def _pack_weeks(period: Period, packs: Mapping[str, Mapping[date, Tally]]) -> list[tuple[date, list[dict[str, Any]]]]:
    return [
        (monday, [_share(packs[name].get(monday, Tally()).precision) for name in sorted(packs)])
        for monday in weeks(period.first, period.last)
    ]


def _advices(period: Period) -> dict[str, list[dict[str, Any]]]:
    """Rows of the thresholds: those on which there is something to say or to take back, and the others, which are many."""
    wanted = wanted_in(period.city)
    advices = figures.advices(period, settings.AIM)
    keys = sorted({*advices, *wanted}, key=lambda key: (_rank(advices.get(key)), category_name(key)))
    rows: list[dict[str, Any]] = [{
        "key": key, "name": category_name(key), "advice": (advice := advices.get(key)), "precision": _share(advice.precision) if advice else None,
        "threshold": None if advice is None or advice.threshold is None else f"{advice.threshold:.2f}",
        "wanted": wanted.get(key), "words": _advice_words(advice), "may_want": _may_want(advice, wanted.get(key)),
    } for key in keys]  # fmt: skip
    told = [row for row in rows if row["wanted"] or (row["advice"] and row["advice"].threshold)]
    return {"advised": told, "unadvised": [row for row in rows if row not in told]}


def _rank(advice: Advice | None) -> int:
    """Advised thresholds first, then those that more verdicts may show, then the rest."""
    return 3 if advice is None else 0 if advice.threshold else 1 if advice.lacks else 2


def _may_want(advice: Advice | None, wanted: Wanted | None) -> bool:
    """Whether there is an advice that not every vehicle was asked for yet."""
    if advice is None or not advice.threshold:
        return False
    return wanted is None or wanted.least_probability != advice.threshold or wanted.asked < wanted.vehicles


def _advice_words(advice: Advice | None) -> str:
    """What follows from the verdicts, in a sentence."""
    if advice is None or not advice.precision.of:
        return _("no verdicts in these weeks")
    if advice.threshold is None:
        if advice.lacks:
            return _("needs about %(number)d more verdicts") % {"number": advice.lacks}
        return _("no threshold is surely good enough: the network must learn")
    if advice.threshold == 0:
        return _("good enough without a threshold")
    return _("%(threshold).2f would lose %(lost)d of %(confirmed)d confirmed cases and spare %(spared)d wrong ones") % {
        "threshold": advice.threshold, "lost": advice.lost, "confirmed": advice.lost + advice.kept, "spared": advice.spared,
    }  # fmt: skip
