"""A person's own last answers, the newest first: what each card was proposed as, and what they said. Nothing of what others answered, nor of why the card was dealt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cases_for, home_city_id
from server.cases.views import address_of
from server.review.models import Verdict
from server.review.pictured import Thumb, thumbs
from server.review.rules import Kind
from server.words import answer_name, category_name

A_PAGE = 50
BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Own(NamedTuple):
    """One answer. `address` of its case and `picture` for who may still see it, else "" and None; `more` was put right or written with it."""

    at: datetime
    number: int
    address: str
    picture: Thumb | None
    proposed: str
    answer: str
    more: str
    undone_at: datetime | None


def own_answers(person: User, before: str = "") -> tuple[list[Own], str]:
    """A page of them, after the row `before`, and the row before which the next begins, "" at the end. A walk along the index of the person's answers."""
    rows = Verdict.objects.filter(person=person).exclude(answer="skip").exclude(kind=Kind.SETTLED)
    if (last := _row_of(before)) is not None:
        rows = rows.filter(at__lte=last[0]).exclude(at=last[0], id__gte=last[1])
    found = list(rows.select_related("case", "case__city", "merge__into").order_by("-at", "-id")[: A_PAGE + 1])
    shown, is_more = found[:A_PAGE], len(found) > A_PAGE
    seen = {*cases_for(person).filter(id__in=[row.case_id for row in shown]).values_list("id", flat=True)}
    pictures, home_id = thumbs(seen, person), home_city_id(person)
    own = [
        Own(row.at, row.case.number, address_of(row.case, home_id) if row.case_id in seen else "", pictures.get(row.case_id),
            category_name(row.proposed) if row.proposed else "", _said(row), _more(row), row.undone_at)
        for row in shown
    ]  # fmt: skip
    return own, _name(shown[-1]) if is_more else ""


def _said(row: Verdict) -> str:
    if row.answer == "confirm" and row.category:
        return _("relabelled as %(category)s") % {"category": category_name(row.category)}
    if (merge := getattr(row, "merge", None)) is not None:
        return _("merged into case %(number)s") % {"number": merge.into.number}
    return answer_name(row.answer, row.reason)


def _more(row: Verdict) -> str:
    put_right = [_("Box corrected")] * (row.box is not None) + [_("Place corrected")] * (row.lat_deg is not None)
    return " · ".join([*put_right, *([row.words] if row.words else [])])


def _name(row: Verdict) -> str:
    """The row in an address: when, and which of that moment."""
    return f"{(row.at - BEGAN) // MICROSECOND}-{row.pk.hex}"


def _row_of(name: str) -> tuple[datetime, UUID] | None:
    """What `_name` named; None for anything else."""
    instant, _dash, key = name.partition("-")
    if not (instant.isascii() and instant.isdecimal() and len(instant) <= 17):
        return None
    try:
        return BEGAN + int(instant) * MICROSECOND, UUID(key)
    except ValueError:
        return None
