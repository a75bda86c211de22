"""What a person puts right on a card beside the category: the box in a picture, and the place on the map."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import hypot, isfinite

from django.utils.translation import gettext as _

from calibration.geodesy import offset_m
from server.cases.models import Case, Picture
from server.cases.services import refresh
from server.review.rules import FARTHEST_PUT_M, SMALLEST_BOX_PX


class BadCorrection(ValueError):
    """A correction that cannot be taken; the text says why."""


@dataclass(frozen=True)
class Correction:
    """`box_px` (left, top, right, bottom) in the picture `sha256`; `place_deg` latitude and longitude, WGS-84. What is None was right."""

    box_px: tuple[float, float, float, float] | None = None
    sha256: str = ""
    place_deg: tuple[float, float] | None = None


def check(correction: Correction, case: Case, shown_deg: tuple[float, float]) -> None:
    """Raises BadCorrection for a box outside of a picture of the case, or a place farther than FARTHEST_PUT_M from where it was shown."""
    if correction.box_px is not None:
        picture = Picture.objects.filter(sighting__case=case, sha256=correction.sha256, hidden_at=None).first()
        if picture is None:
            raise BadCorrection(_("The box is in no picture of this case; load the page again."))
        left, top, right, bottom = correction.box_px
        if not (left >= 0 and right <= picture.width and top >= 0 and bottom <= picture.height):
            raise BadCorrection(_("The box must lie inside the picture."))
        if not (right - left >= SMALLEST_BOX_PX and bottom - top >= SMALLEST_BOX_PX):
            raise BadCorrection(
                _("The box must be %(pixels)d pixels wide and high at least.") % {"pixels": SMALLEST_BOX_PX}
            )
    if correction.place_deg is not None:
        lat_deg, lon_deg = correction.place_deg
        if not (isfinite(lat_deg) and isfinite(lon_deg) and abs(lat_deg) <= 90 and abs(lon_deg) <= 180):
            raise BadCorrection(_("The place must be a latitude and a longitude in degrees."))
        if hypot(*offset_m(*shown_deg, lat_deg, lon_deg)) > FARTHEST_PUT_M:
            raise BadCorrection(_("A place may be moved by %(metres)d m at most.") % {"metres": FARTHEST_PUT_M})


def put(case_id: int, place_deg: tuple[float, float]) -> None:
    """Put a case where a person says; from now on joins leave it there."""
    Case.objects.filter(id=case_id).update(lat_deg=place_deg[0], lon_deg=place_deg[1], placed_by_hand=True)


def put_back(case_id: int, now: datetime) -> None:
    """Put a case back to where its sightings say."""
    if Case.objects.filter(id=case_id, placed_by_hand=True).update(placed_by_hand=False):
        refresh(case_id, now)
