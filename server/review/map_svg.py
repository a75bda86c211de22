"""A map without tiles: 150 m around a case, north up, drawn as SVG with attributes only (no inline style, so that the content policy stays strict)."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians, sin

from django.utils.translation import gettext as _

from calibration.geodesy import metres_per_degree
from server.cases.models import Case, Sighting
from server.cases.rules import ellipse_95

WIDTH, HEIGHT, SPAN_M, THIN_PX = 360, 220, 150.0, 6
SCALE = WIDTH / SPAN_M


@dataclass(frozen=True)
class MapPoint:
    """A neighbouring case."""

    number: int
    lat_deg: float
    lon_deg: float


def draw_map(case: Case, sighting: Sighting, tracks: list[list[tuple[float, float]]], near: list[MapPoint]) -> str:
    """The map of one case: roads from tracks, 95 % ellipse, view wedge, neighbours, scale bar."""
    per_lat, per_lon = metres_per_degree(case.lat_deg)

    def xy(lat: float, lon: float) -> tuple[float, float]:
        return WIDTH / 2 + (lon - case.lon_deg) * per_lon * SCALE, HEIGHT / 2 - (lat - case.lat_deg) * per_lat * SCALE

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" class="map-ground"/>']
    if roads := "".join(_road([xy(*point) for point in line]) for line in tracks):
        # Drawn twice, edge and surface, and sent once.
        parts.append(f'<defs><path id="roads-{case.pk}" d="{roads}"/></defs>')
        parts += [f'<use href="#roads-{case.pk}" class="{kind}"/>' for kind in ("map-road-edge", "map-road")]
    camera = xy(sighting.fix_lat_deg, sighting.fix_lon_deg)
    parts.append(_wedge(camera, sighting))
    major, minor, turn = ellipse_95(case.covariance_ee, case.covariance_en, case.covariance_nn)
    middle = f"{WIDTH / 2:.1f}", f"{HEIGHT / 2:.1f}"
    parts.append(
        f'<ellipse cx="{middle[0]}" cy="{middle[1]}" rx="{major * SCALE:.1f}" ry="{minor * SCALE:.1f}" transform="rotate({-turn:.1f} {middle[0]} {middle[1]})" class="map-error"/>'
    )
    parts.append(f'<circle cx="{middle[0]}" cy="{middle[1]}" r="4" class="map-case"/>')
    for order, point in enumerate(near, start=1):
        x, y = xy(point.lat_deg, point.lon_deg)
        parts.append(
            f'<g class="map-near"><rect x="{x - 8:.1f}" y="{y - 8:.1f}" width="16" height="16" rx="3"/><text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{order}</text></g>'
        )
    bar = 20 * SCALE
    parts.append(f'<path d="M12 {HEIGHT - 14}v4h{bar:.0f}v-4" class="map-scale"/><text x="16" y="{HEIGHT - 16}" class="map-text">{_("%(metres)s m") % {"metres": 20}}</text>'
                 f'<path d="M{WIDTH - 18} 26l5 -14l5 14l-5 -4z" class="map-north"/><text x="{WIDTH - 13}" y="40" text-anchor="middle" class="map-text">N</text>')  # fmt: skip
    words = _("Map: the case in the middle, uncertain by %(error).1f m") % {"error": major}
    return f'<svg class="map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}" data-per-m="{SCALE:.4f}" data-m-per-lat="{per_lat:.1f}" data-m-per-lon="{per_lon:.1f}">{"".join(parts)}</svg>'


def _road(points_px: list[tuple[float, float]]) -> str:
    """A line through the points, to whole pixels; those that lie within THIN_PX of the last are left out."""
    kept: list[tuple[int, int]] = []
    for x, y in points_px:
        if not kept or hypot(x - kept[-1][0], y - kept[-1][1]) >= THIN_PX:
            kept.append((round(x), round(y)))
    return "M" + "L".join(f"{x} {y}" for x, y in kept) if len(kept) > 1 else ""


def _wedge(camera: tuple[float, float], sighting: Sighting) -> str:
    reach, half = min(sighting.range_m, 60.0) * SCALE, radians(9)
    middle = radians(sighting.bearing_deg)
    a, b = ((camera[0] + reach * sin(middle + side), camera[1] - reach * cos(middle + side)) for side in (-half, half))
    return f'<path d="M{camera[0]:.1f} {camera[1]:.1f}L{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}Z" class="map-view"/><circle cx="{camera[0]:.1f}" cy="{camera[1]:.1f}" r="3" class="map-camera"/>'
