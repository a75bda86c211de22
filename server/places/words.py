"""What a case's place is called, in the reader's words."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server.cases.models import Case
from server.places.models import CasePlace
from server.places.rules import Named, words_of
from server.places.services import name_of, said_by


def place_line(case: Case) -> str:
    """One line: road, side, landmark, district and grid; what is lacking where nothing can be said."""
    place = name_of(case)
    if place is None:
        return _("Street: no road data of this city yet")
    grid = _("grid %(code)s") % {"code": place.grid} if place.grid else ""
    return " · ".join(filter(None, (_words(place), grid))) or _("No known road or landmark near")


def kept_line(case: Case) -> str:
    """The line of the row that is kept, without the grid, empty if there is none; for lists, which select it with their cases."""
    try:
        return _words(said_by(case.place))
    except CasePlace.DoesNotExist:
        return ""


def _words(place: Named) -> str:
    return words_of(place, get_language() or "zh-hans")
