"""Until when a city that has a case means to have dealt with it, in the reader's words."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from server.cases.models import Case
from server.categories.rules import category_of
from server.city.rules import due_of
from server.city.services import live


def deadline_line(case: Case, now: datetime) -> str:
    """One line while a city has the case: it counts from the first receipt. Empty before, afterwards, and where the category has no deadline."""
    told = deadline_words(case, now)
    return _("Deadline %(at)s") % {"at": told} if told else ""


def deadline_words(case: Case, now: datetime) -> str:
    """The same where a head says already that it is the deadline."""
    category = category_of(case.category)
    receipts = live().filter(case=case).exclude(receipted_at=None).order_by("receipted_at")
    since = receipts.values_list("receipted_at", flat=True).first()
    due = due_of(case.category, case.city.key, localtime(since)) if since else None
    if due is None:
        return ""
    is_working = category.deadline_clock == "working"
    hours = (_("%(hours)g working hours") if is_working else _("%(hours)g hours")) % {"hours": category.deadline_h}
    parts = [_("%(at)s (%(hours)s)") % {"at": date_format(due.at, "Y-m-d H:i"), "hours": hours}]
    if due.at < now:
        parts.append(_("overdue"))
    if due.unknown_years:
        parts.append(_("without the holidays of %(years)s, which are not known yet") % {"years": ", ".join(map(str, due.unknown_years))})  # fmt: skip
    return " · ".join(parts)
