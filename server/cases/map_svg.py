"""The map of cases as SVG with attributes only, for browsers without script or WebGL, for the dashboard and for print: every mark leads to its case, every heap closer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import hypot, inf, log10

from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from calibration.geodesy import metres_per_degree
from server.cases.geo import Box, Shape, shape_of
from server.cases.glyphs import glyph_of
from server.cases.map_rows import Found, Heap, Spot

WIDTH, SHAPE, APART_PX, LEAST_PX = 1000, 0.6, 42, 5
MARKS = {
    Shape.OPEN: "M-11 0a11 11 0 1 0 22 0a11 11 0 1 0 -22 0z", Shape.CITY: "M-10 -10h20v20h-20z", Shape.FIXED: "M-11 0l7 8l15 -17", Shape.BACK: "M0 -13l13 22h-26z",
    Shape.CLOSED: "M-8 -8l16 16m0 -16l-16 16",
}  # fmt: skip
"""Each around its middle, some twenty wide."""
LETTERS_Y, LETTERS = 23, (-13.0, 12.0, 13.0, 26.0)
"""Under each, where they stand on the same ground whatever the shape; and their room, from west and north to east and south."""
MARK_PX = 14.0
"""As far as a mark reaches from its middle, with its stroke."""


@dataclass(frozen=True)
class Lines:
    """Roads as lines of (latitude, longitude), or ground seen as bands, a line of one point being a round place; how wide they are, 0 for a thin line."""

    lines: list[list[tuple[float, float]]]
    kind: str = "road"
    wide_m: float = 0.0


def draw(box: Box, found: Found, roads: Lines, words: str, address_of: Callable[[Spot], str], closer: Callable[[Heap], str], apart_px: int = APART_PX, wide_px: int = WIDTH) -> str:  # fmt: skip
    """The map of a box that is SHAPE times as high as wide (Box.fitted), `wide_px` in its own pixels. `words` is what it says to those who cannot see it."""
    high_px = round(wide_px * SHAPE)

    def xy(lat: float, lon: float) -> tuple[float, float]:
        return (lon - box.west) / (box.east - box.west) * wide_px, (box.north - lat) / (box.north - box.south) * high_px

    px_per_m = wide_px / ((box.east - box.west) * metres_per_degree(box.middle[0])[1])
    parts = [f'<rect width="{wide_px}" height="{high_px}" class="ground"/>', _roads(roads, xy, px_per_m)]
    heaps, spots = _apart(found, xy, apart_px)
    heaps_at, spots_at = ([xy(each.lat_deg, each.lon_deg) for each in some] for some in (heaps, spots))
    parts += [_heap(heap, *at, closer(heap)) for heap, at in zip(heaps, heaps_at, strict=True)]
    circles = [*((x, y, _radius(heap) + 1) for heap, (x, y) in zip(heaps, heaps_at, strict=True)), *((x, y, MARK_PX) for x, y in spots_at)]  # fmt: skip
    parts += [_spot(spot, *at, address_of(spot), _has_room(*at, circles)) for spot, at in zip(spots, spots_at, strict=True)]  # fmt: skip
    parts.append(_scale(box, wide_px))
    return f'<svg class="cases-map" viewBox="0 0 {wide_px} {high_px}" role="group" aria-label="{escape(words)}">{"".join(parts)}</svg>'


def _apart(
    found: Found, xy: Callable[[float, float], tuple[float, float]], apart_px: int
) -> tuple[list[Heap], list[Spot]]:
    """What would lie on each other is a heap."""
    cells: dict[tuple[int, int], list[Spot | Heap]] = {}
    everything: list[Spot | Heap] = [*found.heaps, *found.spots]
    for each in everything:
        x, y = xy(each.lat_deg, each.lon_deg)
        cells.setdefault((round(x / apart_px), round(y / apart_px)), []).append(each)
    groups = _drawn_together(list(cells.values()), xy, apart_px)
    heaps = [_together(some) for some in groups if len(some) > 1 or isinstance(some[0], Heap)]
    return heaps, [some[0] for some in groups if len(some) == 1 and isinstance(some[0], Spot)]


def _drawn_together(parts: list[list[Spot | Heap]], xy: Callable[[float, float], tuple[float, float]], apart_px: int) -> list[list[Spot | Heap]]:  # fmt: skip
    """Parts of neighbouring cells whose middles are nearer than that go to the larger one."""
    placed: dict[tuple[int, int], list[tuple[float, float, list[Spot | Heap]]]] = {}
    for part in sorted(parts, key=lambda some: -_together(some).cases):
        middle = _together(part)
        x, y = xy(middle.lat_deg, middle.lon_deg)
        column, row = round(x / apart_px), round(y / apart_px)
        around = (each for i in (-1, 0, 1) for j in (-1, 0, 1) for each in placed.get((column + i, row + j), ()))
        near = [(hypot(x - to_x, y - to_y), some) for to_x, to_y, some in around]
        away, largest = min(near, key=lambda each: each[0], default=(inf, part))
        if away < apart_px:
            largest += part
        else:
            placed.setdefault((column, row), []).append((x, y, part))
    return [part for some in placed.values() for _x, _y, part in some]


def _together(some: list[Spot | Heap]) -> Heap:
    sizes = [each.cases if isinstance(each, Heap) else 1 for each in some]
    total = sum(sizes)
    lat, lon = (sum(size * place for size, place in zip(sizes, places, strict=True)) / total for places in ([each.lat_deg for each in some], [each.lon_deg for each in some]))  # fmt: skip
    return Heap(total, lat, lon)


def mark(shape: Shape) -> str:
    """A shape alone, for legends."""
    return f'<svg class="mark" viewBox="-14 -14 28 28" aria-hidden="true"><path d="{MARKS[shape]}" class="mark-{shape}"/></svg>'


def heap_mark() -> str:
    """A heap alone, for legends."""
    return '<svg class="mark" viewBox="-14 -14 28 28" aria-hidden="true"><circle r="13" class="heap"/><text y="5" class="heap-count">9</text></svg>'


def ground_mark(kind: str) -> str:
    """The ground that cases lie on alone, for legends."""
    path = (
        '<path d="M-11 6L11 -6" class="seen" stroke-width="12"/>'
        if kind == "seen"
        else '<path d="M-11 6L11 -6" class="road" stroke-width="6"/>'
    )
    return f'<svg class="mark cases-map" viewBox="-14 -14 28 28" aria-hidden="true">{path}</svg>'


def _has_room(x: float, y: float, circles: Iterable[tuple[float, float, float]]) -> bool:
    """Whether the letters of a mark there lie on none of these but the mark itself."""
    west, north, east, south = (side + at for side, at in zip(LETTERS, (x, y, x, y), strict=True))
    return all(hypot(max(west - to_x, 0, to_x - east), max(north - to_y, 0, to_y - south)) > radius for to_x, to_y, radius in circles if (to_x, to_y) != (x, y))  # fmt: skip


def _spot(spot: Spot, x: float, y: float, address: str, has_letters: bool) -> str:
    shape, language = shape_of(spot.state), get_language() or "zh-hans"
    drawn = f'<path d="{MARKS[shape]}" class="mark-{shape}"/>'
    letters = (
        f'<text y="{LETTERS_Y}" class="glyph">{escape(glyph_of(spot.category, language))}</text>' if has_letters else ""
    )
    name = _("Case %(number)d") % {"number": spot.number}
    return f'<a href="{escape(address)}" aria-label="{escape(name)}" transform="translate({x:.0f} {y:.0f})">{drawn}{letters}</a>'


def _radius(heap: Heap) -> float:
    return 12 + 5 * log10(max(heap.cases, 1))


def _heap(heap: Heap, x: float, y: float, address: str) -> str:
    name = _("%(number)d cases: closer") % {"number": heap.cases}
    return (f'<a href="{escape(address)}" aria-label="{escape(name)}" transform="translate({x:.0f} {y:.0f})"><circle r="{_radius(heap):.0f}" class="heap"/>'
            f'<text y="5" class="heap-count">{short(heap.cases)}</text></a>')  # fmt: skip


def short(number: int) -> str:
    """A number in four letters or less."""
    return str(number) if number < 1000 else f"{number / 1000:.1f}k" if number < 10_000 else f"{number // 1000}k"


def _roads(roads: Lines, xy: Callable[[float, float], tuple[float, float]], px_per_m: float) -> str:
    path = "".join(_path([xy(*point) for point in line]) for line in roads.lines)
    wide_px = min(max(roads.wide_m * px_per_m, LEAST_PX), 200.0)
    return f'<path d="{path}" class="{roads.kind}" stroke-width="{wide_px:.0f}"/>' if path else ""


def _path(points: Iterable[tuple[float, float]]) -> str:
    """To whole pixels, each once; a point alone has no length."""
    kept = list(dict.fromkeys((round(x), round(y)) for x, y in points))
    return "M" + "L".join(f"{x} {y}" for x, y in kept) + ("h0" if len(kept) == 1 else "")


def _north(x: float, y: float) -> str:
    """Where that is, beside the scale."""
    return f'<path d="M{x:.0f} {y:.0f}l7 -22l7 22l-7 -5z" class="north"/><text x="{x + 18:.0f}" y="{y:.0f}" class="scale-text">{_("N")}</text>'


def _scale(box: Box, wide_px: int) -> str:
    span_m, foot = (box.east - box.west) * metres_per_degree(box.middle[0])[1], round(wide_px * SHAPE)
    bar_m = next(step * 10**power for power in range(6, -2, -1) for step in (5, 2, 1) if step * 10**power <= span_m / 4)
    told = (
        _("%(km)s km") % {"km": f"{bar_m / 1000:g}"} if bar_m >= 1000 else _("%(metres)s m") % {"metres": f"{bar_m:g}"}
    )
    bar_px = bar_m / span_m * wide_px
    return (
        f'<path d="M20 {foot - 24}v8h{bar_px:.0f}v-8" class="scale"/><text x="28" y="{foot - 26}" class="scale-text">{told}</text>'
        + _north(bar_px + 36, foot - 16)
    )
