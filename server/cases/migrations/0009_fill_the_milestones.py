"""Milestones of cases that are there: from their moves in the audit rows, and deadlines from receipts."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import migrations
from django.db.models import Q
from django.utils.timezone import localtime

from server.city.rules import due_of

AT_ONCE = 500
COLUMNS = ("confirmed_at", "handed_over_at", "fixed_at", "deadline_at")


def fill(apps: Any, schema_editor: Any) -> None:
    """By id, some hundred cases at a time."""
    case_model = apps.get_model("cases", "Case")
    last = 0
    while cases := list(case_model.objects.filter(id__gt=last).select_related("city").order_by("id")[:AT_ONCE]):
        last = cases[-1].pk
        moves, receipts = _moves(apps, cases), _receipts(apps, cases)
        for case in cases:
            for at, new in moves[str(case.pk)]:
                _follow(case, new, at)
            received_at = receipts.get(case.pk)
            due = due_of(case.category, case.city.key, localtime(received_at)) if received_at else None
            if due is not None and case.state in ("handed_over", "accepted", "fixed", "verified"):
                case.deadline_at = due.at
        reached = [case for case in cases if any(getattr(case, column) for column in COLUMNS)]
        case_model.objects.bulk_update(reached, COLUMNS)


def _moves(apps: Any, cases: list[Any]) -> dict[str, list[tuple[datetime, str]]]:
    """Of each case when it went where, in order."""
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    rows = apps.get_model("audit", "AuditRow").objects.filter(
        kind="case", object_id__in=[str(each.pk) for each in cases]
    )
    for case_id, at, detail in rows.filter(verb="case_moved").order_by("id").values_list("object_id", "at", "detail"):
        found[case_id].append((at, detail.get("new", "")))
    return found


def _receipts(apps: Any, cases: list[Any]) -> dict[int, datetime]:
    """Of each case since when a city has it; one that is fixed was the city's until then."""
    rows = apps.get_model("city", "Handover").objects.filter(case__in=cases, kind="case.confirmed")
    had = rows.filter(Q(ended_at=None) | Q(case__state__in=("fixed", "verified"))).exclude(receipted_at=None)
    return dict(had.order_by("-receipted_at").values_list("case_id", "receipted_at"))


def _follow(case: Any, new: str, at: datetime) -> None:
    """What server/cases/milestones.py does since."""
    if new == "confirmed":
        case.confirmed_at = at
    elif new == "handed_over":
        case.handed_over_at = case.handed_over_at or at
    elif new == "fixed":
        case.fixed_at = at
    elif new in ("queued", "disputed", "rejected"):
        case.confirmed_at = case.handed_over_at = case.fixed_at = None
    elif new == "reopened":
        case.fixed_at = None


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0008_milestones_of_a_case"),
        ("audit", "0001_initial"),
        ("city", "0003_destination_name_once"),
    ]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
