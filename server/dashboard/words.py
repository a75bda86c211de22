"""Figures of the overview and the report in the reader's words."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from server.dashboard.rules import Step
from server.dashboard.services import AtRisk


def capped(number: int, cap: int) -> str:
    """A number that was counted up to `cap`."""
    return str(number) if number < cap else f"{cap - 1}+"


def length(seconds: float | None) -> str:
    """A length of time, to one decimal where it is short of its unit's tenfold."""
    if seconds is None:
        return "–"
    for unit_s, words in ((86400, _("%(number)s d")), (3600, _("%(number)s h")), (60, _("%(number)s min"))):
        if seconds >= unit_s:
            number = seconds / unit_s
            return words % {"number": f"{number:.1f}" if number < 10 else f"{number:.0f}"}
    return _("%(number)s s") % {"number": f"{seconds:.0f}"}


def left_words(risk: AtRisk) -> str:
    """How long a case may still take, or by how much it is late."""
    hours = abs(risk.left) / timedelta(hours=1)
    if hours < 1:
        words = _("%(minutes)s minutes late") if risk.is_late else _("%(minutes)s minutes left")
        return words % {"minutes": f"{60 * hours:.0f}"}
    number = f"{hours:.1f}" if hours < 10 else f"{hours:.0f}"
    if risk.is_working:
        words = _("%(hours)s working hours late") if risk.is_late else _("%(hours)s working hours left")
    else:
        words = _("%(hours)s hours late") if risk.is_late else _("%(hours)s hours left")
    return words % {"hours": number}


def figure_name(name: str) -> str:
    """A figure of a day."""
    return {
        "seen": pgettext("cases of a day", "new"), "confirmed": pgettext("cases of a day", "confirmed"), "handed_over": pgettext("cases of a day", "handed over"),
        "fixed": pgettext("cases of a day", "fixed"), "in_time": pgettext("cases of a day", "fixed in time"), "late": pgettext("cases of a day", "fixed late"),
        "overdue": pgettext("cases of a day", "overdue"), "returned": pgettext("cases of a day", "returned"), "retracted": pgettext("cases of a day", "taken back"),
    }[name]  # fmt: skip


def step_name(step: Step) -> str:
    """A step of a case's way."""
    return {
        Step.CONFIRMED: _("seen → confirmed"),
        Step.HANDED_OVER: _("confirmed → handed over"),
        Step.FIXED: _("handed over → fixed"),
    }[step]
