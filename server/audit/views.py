"""The page of the audit: who did what, when, to what; for auditors, and for supervisors of their own city."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from server.audit.details import detail_line
from server.audit.models import AuditRow
from server.audit.rules import BY_STRANGERS, Verb
from server.audit.seals import heads
from server.audit.search import KINDS, MOST_EXPORTED, asked, look
from server.audit.services import record
from server.audit.things import case_things, chain_names, named, names_to_offer, reasons_of, things_of, with_names
from server.errors import answer
from server.keeping.hidden import hidden_pictures, picture_numbers
from server.keeping.services import erase
from server.roles import may
from server.words import deed_name, happened, kind_name

COLUMNS = ("id", "at", "city", "person", "verb", "kind", "object", "detail", "at_local", "reason")
"""Heads of the table; docs/interface.md says what each holds. They stay, in every language: programs read them."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BACK_TO = ("audit", "review_faces")
ERASED_AT_ONCE, LONGEST_WHY = 20, 300


@never_cache
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """What was done, newest first, and what stands for faces that were recognised."""
    person: Any = request.user
    wanted = named(asked(request.GET), person)
    found = look(wanted, person.city_id)
    things, chains, hidden, reasons = things_of(found.rows, person), chain_names(), hidden_pictures(person), reasons_of(found.rows, person)  # fmt: skip
    cases, numbers = (
        case_things((each.case_id for each in hidden), person),
        picture_numbers(each.case_id for each in hidden),
    )
    kept: dict[str, str] = {name: str(value) for name, value in request.GET.items() if value and name != "before"}
    seals = heads([person.city.key] if person.city_id else None)
    return render(request, "audit.html", {
        "rows": [(row, deed_of(row), things[row.kind, row.object_id], detail_line(row.verb, said_in(detail, reasons.get(row.pk)))) for row, detail in with_names(found.rows, chains)], "asked": wanted, "cut": found.cut,
        "older": urlencode(kept | {"before": str(found.older)}) if found.older else "", "query": urlencode(kept), "kinds": [(kind, kind_name(kind)) for kind in KINDS],
        "verbs": sorted(((verb.value, deed_name(verb)) for verb in Verb), key=lambda each: each[1]), "seals": [(chains.get(each.chain, each.chain), each) for each in seals],
        "names": names_to_offer(person), "hidden": [(each, numbers[each.case_id, each.sha256], cases.get(each.case_id)) for each in hidden], "may_erase": may(person, "audit_erase"), "by_strangers": BY_STRANGERS,
        "meant": [{"name": name, "query": urlencode(kept | {"person": name})} for name in wanted.meant],
    })  # fmt: skip


@never_cache
@require_GET
def audit_csv(request: HttpRequest) -> HttpResponse:
    """The same rows as a table for other programs, MOST_EXPORTED at most; that somebody took them along is a row too."""
    person: Any = request.user
    rows: list[AuditRow] = []
    reasons: dict[int, str] = {}
    wanted = named(asked(request.GET), person)
    while len(rows) < MOST_EXPORTED:
        found = look(wanted, person.city_id, min(1000, MOST_EXPORTED - len(rows)))
        rows += found.rows
        reasons |= reasons_of(found.rows, person)
        if found.older is None:
            break
        wanted = replace(wanted, before=found.older)
    with transaction.atomic():
        record(Verb.AUDIT_READ, "user", person.pk, city_id=person.city_id, actor_id=person.pk, rows=len(rows))
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow(map(cell, (row.pk, row.at.isoformat(), row.city.key if row.city else "", row.actor.username if row.actor else "", row.verb, row.kind, row.object_id, detail_of(row), f"{timezone.localtime(row.at):%Y-%m-%d %H:%M:%S}", reasons.get(row.pk, ""))))  # fmt: skip
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="trikeye-audit-{timezone.localtime():%Y%m%d-%H%M}.csv"'  # fmt: skip
    return response


@require_POST
def audit_erase(request: HttpRequest) -> HttpResponse:
    """Erase pictures in which somebody was recognised, at once and for good: asked first, done where the form says it is `sure` and why."""
    person: Any = request.user
    wanted, back = list(dict.fromkeys(request.POST.getlist("picture")))[:ERASED_AT_ONCE], request.POST.get("back", "")
    back = back if back in BACK_TO else BACK_TO[0]
    due = [each for sha256 in wanted if sha256 for each in hidden_pictures(person, sha256)]
    if not due:
        return answer(request, 404, "not_hidden", _("Nothing to erase"), _("That picture is erased already, or is not hidden any more. Load the page again."))  # fmt: skip
    numbers, cases = picture_numbers(each.case_id for each in due), case_things((each.case_id for each in due), person)
    names = [_("picture %(number)s of %(case)s") % {"number": numbers[each.case_id, each.sha256], "case": cases[each.case_id].words} for each in due if each.case_id in cases]  # fmt: skip
    is_sure, why = request.POST.get("sure") == "yes", request.POST.get("why", "").strip()[:LONGEST_WHY]
    if not is_sure or not why:
        page = {"names": names, "pictures": list(dict.fromkeys(each.sha256 for each in due)), "back": back, "lacks_why": is_sure, "longest_why": LONGEST_WHY}  # fmt: skip
        return render(request, "erase.html", page, status=400 if is_sure else 200)
    erase(due, timezone.now(), by=person, why=why)
    messages.success(request, _("Erased for good: %(what)s.") % {"what": ", ".join(names)})
    return redirect(back)


def deed_of(row: AuditRow) -> str:
    """What was done, in words; what an older or a newer version wrote goes by its verb."""
    try:
        return happened(row.verb, row.detail)
    except (KeyError, ValueError):
        return deed_name(row.verb) if row.verb in set(Verb) else row.verb


def said_in(detail: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    """A row's detail with the words of its note in place of the note's number."""
    return {("reason" if key == "note" and reason else key): (reason if key == "note" and reason else value) for key, value in detail.items()}  # fmt: skip


def detail_of(row: AuditRow) -> str:
    """What else a row says, as it was written: for other programs."""
    return json.dumps(row.detail, ensure_ascii=False) if row.detail else ""


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
