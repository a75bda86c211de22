"""The pages of those who look after the reviewing: what they link to among each other."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server.roles import may

PAGES: tuple[tuple[str, str | Promise], ...] = (
    ("review_disputes", _("Disputes")),
    ("review_gold", _("Gold cards")),
    ("review_faces", _("Faces and plates")),
)


def supervises(person: Any) -> list[tuple[str, str | Promise]]:
    """Address and name of those that a person may open."""
    return [page for page in PAGES if may(person, page[0])]
