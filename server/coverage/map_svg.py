"""The map of last looks as SVG with attributes only, one path an age: a cell is a point with a round cap, eleven bytes, and older ones are smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from server.coverage.rules import SHAPE, Age, View, cell_width_m

WIDTH, HEIGHT = 1000, round(1000 * SHAPE)
SIZES = {Age.DAY: 1.0, Age.THREE_DAYS: 0.88, Age.WEEK: 0.76, Age.MONTH: 0.64, Age.OLDER: 0.52}
Points = Mapping[Age, Sequence[tuple[float, float]]]


def draw(view: View, points: Points, words: str) -> str:
    """Points are in shares of the view's width, right of and below its upper left corner; `words` is what the map says to those who cannot see it."""
    cell = max(cell_width_m(view.resolution) / view.span_m * WIDTH, 4.0)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" class="map-ground"/>']
    for age in reversed(Age):
        line = "".join(f"M{x * WIDTH:.0f} {y * WIDTH:.0f}h0" for x, y in points.get(age, ()))
        if line:
            parts.append(f'<path d="{line}" stroke-width="{cell * SIZES[age]:.1f}" class="look look-{age}"/>')
    bar_m = _round_below(view.span_m / 4)
    bar = bar_m / view.span_m * WIDTH
    told = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"
    parts.append(f'<path d="M20 {HEIGHT - 24}v8h{bar:.0f}v-8" class="map-scale"/><text x="28" y="{HEIGHT - 26}" class="map-text">{told}</text>'
                 f'<path d="M{WIDTH - 30} 44l9 -26l9 26l-9 -7z" class="map-north"/><text x="{WIDTH - 21}" y="64" text-anchor="middle" class="map-text">{_("N")}</text>')  # fmt: skip
    return (
        f'<svg class="map looks" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">{"".join(parts)}</svg>'
    )


def swatch(age: Age) -> str:
    """A cell of an age, for the legend."""
    return f'<svg class="swatch" viewBox="0 0 20 20" aria-hidden="true"><path d="M10 10h0" stroke-width="{18 * SIZES[age]:.1f}" class="look look-{age}"/></svg>'


def _round_below(metres: float) -> float:
    """The largest of 1, 2, 5, 10, 20, … that is not more."""
    found = 1.0
    for step in (2.0, 2.5, 2.0) * 8:
        if found * step > metres:
            return found
        found *= step
    return found
