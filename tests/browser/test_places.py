"""Place names where people read them."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import PHONE, Deal, Open

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_on_a_phone_a_case_of_the_list_has_a_line_for_its_place(open_page: Open, deal: Deal, reviewer: Any) -> None:
    """Cells are laid out by their number: one more among them put the time out of sight, and a bare 1 in its place."""
    from server.places.models import CasePlace

    (case,) = deal(1)
    CasePlace.objects.create(case=case, named_by=1, lat_deg=case.lat_deg, lon_deg=case.lon_deg, road_zh="桃园北路")
    page = open_page("/cases/", reviewer, **PHONE)
    assert page.locator("tbody td").nth(2).inner_text() == "桃园北路"
    boxes = [cell.bounding_box() for cell in page.locator("tbody td").all()]
    number, category, place, state, seen, sightings = (box["y"] if box else None for box in boxes)
    assert [number, place, state] == sorted({number, place, state} - {None})
    assert (category, seen, sightings) == (number, state, None)
