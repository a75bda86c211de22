"""Place names where people read them."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import PHONE, Deal, Open

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LEGIBLE_PX = 12
SIZE_PX = "(each) => parseFloat(getComputedStyle(each).fontSize)"


def test_on_a_phone_a_case_of_the_list_has_a_line_for_its_place(open_page: Open, deal: Deal, reviewer: Any) -> None:
    """Number, category and place each on a line of its own, and the time in sight, whatever else a row has."""
    from server.places.models import CasePlace

    (case,) = deal(1)
    CasePlace.objects.create(case=case, named_by=1, lat_deg=case.lat_deg, lon_deg=case.lon_deg, road_zh="桃园北路")
    page = open_page("/cases/", reviewer, **PHONE)
    cells = {name: page.locator(f"tbody td.{name}") for name in ("no", "name", "severity", "place", "state", "seen")}
    assert cells["no"].inner_text() == str(case.number)
    assert cells["name"].inner_text() == "打包垃圾"
    assert cells["place"].inner_text() == "桃园北路"
    boxes = {name: cell.bounding_box() for name, cell in cells.items()}
    tops = {name: box["y"] for name, box in boxes.items() if box and box["height"] >= LEGIBLE_PX}
    assert tops.keys() == cells.keys(), "each is to be seen"
    assert tops["no"] < tops["name"] < tops["place"] < tops["seen"]
    assert all(
        box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["viewport"]["width"] for box in boxes.values()
    )
    assert all(float(cell.evaluate(SIZE_PX)) >= LEGIBLE_PX for cell in cells.values())
