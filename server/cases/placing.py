"""Where a case lies that people put together: where its own sightings say, unless the rule of grouping too takes all of them for one thing. A point between two things is where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from server.cases.models import Case, Merge, Sighting
from server.cases.rows import Member
from server.cases.rules import Placed, Point, fused, group, kept_place


def point_of(row: Member | Sighting) -> Point:
    """What the grouping rule needs of a row."""
    covariance = (row.covariance_ee, row.covariance_en, row.covariance_nn)
    return Point(
        row.id, row.pass_id, row.lat_deg, row.lon_deg, covariance, row.fix_sigma_m, row.bearing_deg, row.vehicle_id
    )


def place_of(case_id: int | None, rows: Sequence[Member | Sighting]) -> Placed:
    """Latitude, longitude and covariance of a case with these sightings: of the thing that the first one is of which was not brought by a merge. Where nobody merged by hand, nothing is asked of the database."""
    points = [point_of(row) for row in rows]
    if case_id is None or len(rows) == 1 or not any(row.by_hand for row in rows) or len(groups := group(points)) == 1:
        return fused(points)
    came = _came_in(case_id)
    first = min(rows, key=lambda row: (row.id in came, row.received_at, row.id))
    own = next(some for some in groups if any(point.id == first.id for point in some))
    return kept_place(own, [point for some in groups if some is not own for point in some])


def merged_into(case_id: int) -> dict[int, int]:
    """The cases that became this one, by however many merges: id and number."""
    found: dict[int, int] = {}
    latest = [case_id]
    while latest:
        rows = Case.objects.filter(merged_into__in=latest).exclude(id__in=found).values_list("id", "number")
        found.update(rows)
        latest = [each for each, _ in rows]
    return found


def _came_in(case_id: int) -> set[UUID]:
    """The sightings that cases brought which were merged into this one."""
    brought = Merge.objects.filter(case__in=merged_into(case_id)).values_list("sightings", flat=True)
    return {UUID(each) for some in brought for each in some}
