"""Until when a city that has a case means to have dealt with it, in the reader's words."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from models.deadlines import WorkCalendar
from models.taxonomy import city_codes
from server.cases.models import Case
from server.cases.rules import AT_CITY
from server.categories.rules import category_of


def deadline_line(case: Case, now: datetime) -> str:
    """One line while a city has the case. Empty before, afterwards, and where the category has no deadline."""
    told = deadline_words(case, now)
    return _("Deadline %(at)s") % {"at": told} if told else ""


def deadline_words(case: Case, now: datetime) -> str:
    """The same where a head says already that it is the deadline: the one that the case has, as lists and figures read it."""
    category = category_of(case.category)
    if case.state not in AT_CITY or case.deadline_at is None:
        return ""
    is_working = category.deadline_clock == "working"
    hours = (_("%(hours)g working hours") if is_working else _("%(hours)g hours")) % {"hours": category.deadline_h or 0}
    at = localtime(case.deadline_at)
    parts = [_("%(at)s (time allowed: %(hours)s)") % {"at": date_format(at, "Y-m-d H:i"), "hours": hours}]
    if at < now:
        parts.append(_("overdue"))
    if years := _unknown_years(case, at) if is_working else []:
        parts.append(_("without the holidays of %(years)s, which are not known yet") % {"years": ", ".join(map(str, years))})  # fmt: skip
    return " · ".join(parts)


def _unknown_years(case: Case, at: datetime) -> list[int]:
    """The years on the way to a deadline whose holidays nobody has told."""
    known, since = city_codes(case.city.key), localtime(case.handed_over_at or at)
    calendar = known.calendar if known else WorkCalendar()
    return [year for year in range(since.year, at.year + 1) if not calendar.knows(year)]
