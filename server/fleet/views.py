"""The page of vehicles: worst first, in one word what is wrong, in one sentence what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from models.contract import Health
from models.troubles import SEVERITIES, trouble_of
from server.fleet.heartbeats import Row, overview, vehicles_for
from server.words import clock_name, gate_reason_name, span, stretch_name

OLD_FIX_S = 5.0


@require_GET
def vehicles(request: HttpRequest) -> HttpResponse:
    """Every vehicle the reader looks after. Nothing that persons decided is on it, and no position."""
    person: Any = request.user
    now = timezone.now()
    rows = overview(vehicles_for(person), now)
    counts = [(each, sum(row.severity == each for row in rows)) for each in SEVERITIES]
    return render(request, "vehicles.html", {"rows": [_shown(row, now) for row in rows], "counts": counts, "now": now})


def _shown(row: Row, now: datetime) -> dict[str, Any]:
    language = get_language() or "zh-hans"
    worst, *others = (trouble_of(key) for key in row.troubles)
    health = row.known.health
    return {
        "name": row.vehicle.name, "severity": worst.severity, "word": worst.word(language), "do": worst.remedy(language) if worst.severity != "well" else "",
        "others": [each.word(language) for each in others], "online": row.known.online, "heard_at": row.heard_at,
        "heard": _ago(row.heard_at, now),
        "sighting_at": row.vehicle.last_sighting_at, "sighting": _ago(row.vehicle.last_sighting_at, now),
        **(_figures(health) if health else {}),
    }  # fmt: skip


def _ago(at: datetime | None, now: datetime) -> str:
    return _("%(span)s ago") % {"span": span(max(0.0, (now - at).total_seconds()))} if at else "–"


def _figures(health: Health) -> dict[str, Any]:
    box, fix = health.outbox, health.fix
    top = max(health.gate.items(), key=lambda each: each[1], default=None)
    total = sum(health.gate.values())
    return {
        "outbox": f"{box.waiting}" if box else "–", "oldest": span(box.oldest_s) if box and box.oldest_s else "",
        "looks": f"{health.rates_per_s['inferred']:.1f}/s" if "inferred" in health.rates_per_s else "–",
        "rarer": stretch_name(health.look_stretched_by) if health.look_stretched_by else "",
        "gate": f"{gate_reason_name(top[0])} {round(100 * top[1] / total)}%" if top and total else "",
        "fix": f"±{fix.sigma_m:.0f}\u00a0m" if fix else "–", "fix_age": span(fix.age_s) if fix and fix.age_s > OLD_FIX_S else "",
        "clock": clock_name(health.at.source), "heat": f"{max(health.temperatures_c.values()):.0f} °C" if health.temperatures_c else "–",
        "disk": f"{health.disk_free_bytes / 1e9:.1f} GB" if health.disk_free_bytes is not None else "–",
        "pack": health.pack.name if health.pack else "–", "revision": health.settings_revision,
    }  # fmt: skip
