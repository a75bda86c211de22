"""Where outlines cross and overlap. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.places.rules import Array, encloses, way_to

Places = npt.NDArray[np.int64]
DEEP_DEG = 1e-8
"""A millimetre: what touches only, or misses by a rounding, does not cross."""
MUTUAL_DEG, MUTUAL_M = 2e-5, 2.0
"""Two metres: neighbours are drawn one by one, and their common border never lies quite the same."""
MOST_LOOKS = 200


@dataclass(frozen=True)
class Crossing:
    """Two outlines, by their places in the list (the same one twice: it crosses itself), and where."""

    first: int
    second: int
    lon_deg: float
    lat_deg: float


def crossings(outlines: Sequence[Array], mutual: bool) -> list[Crossing]:
    """One crossing of each outline that crosses itself and, if `mutual`, of each pair that crosses each other."""
    if not outlines:
        return []
    edges = np.concatenate(outlines)
    owner = np.repeat(np.arange(len(outlines)), [len(each) for each in outlines])
    one, other = _meeting(np.hstack([np.minimum(edges[:, :2], edges[:, 2:]), np.maximum(edges[:, :2], edges[:, 2:])]))
    same = owner[one] == owner[other]
    cross = _cross(edges[one], edges[other], np.where(same, DEEP_DEG, MUTUAL_DEG)) & (same | mutual)
    found: dict[tuple[int, int], Crossing] = {}
    for here, there in zip(one[cross], other[cross], strict=True):
        first, second = sorted((int(owner[here]), int(owner[there])))
        found.setdefault((first, second), Crossing(first, second, *_where(edges[here], edges[there])))
    return list(found.values())


def _meeting(boxes: Array) -> tuple[Places, Places]:
    """Which boxes (west, south, east, north) meet, each pair once: swept from west to east in strips of latitude, all strips at a time."""
    low, heights = boxes[:, 1].min(), boxes[:, 3] - boxes[:, 1]
    height = max(float(np.ptp(boxes[:, 1::2])) / len(boxes) ** 0.5, 2 * float(heights.mean()), 1e-9)
    first, last = (np.floor((boxes[:, edge] - low) / height).astype(int) for edge in (1, 3))
    counts = last - first + 1
    box = np.repeat(np.arange(len(boxes)), counts)
    strip = np.arange(len(box)) - np.repeat(counts.cumsum() - counts, counts) + first[box]
    order = np.lexsort((boxes[box, 0], strip))
    box, strip = box[order], strip[order]
    west, south, east, north = boxes[box].T
    pairs = []
    here, step = np.arange(len(box)), 0
    while len(here):
        step += 1
        here = here[here + step < len(box)]
        here = here[(strip[here + step] == strip[here]) & (west[here + step] <= east[here])]
        meets = here[(south[here] <= north[here + step]) & (south[here + step] <= north[here])]
        pairs.append(np.sort(np.column_stack([box[meets], box[meets + step]]), axis=1))
    one, other = np.unique(np.concatenate(pairs), axis=0).T
    return one, other


def _cross(one: Array, other: Array, deep_deg: Array) -> npt.NDArray[np.bool_]:
    """Which edges cross those beside them so that each end of both lies further than `deep_deg` beyond the other."""
    a, b, c, d = one[:, :2], one[:, 2:], other[:, :2], other[:, 2:]
    of_c, of_d = (_turn(b - a, end - a) / _length(b - a) for end in (c, d))
    of_a, of_b = (_turn(d - c, end - c) / _length(d - c) for end in (a, b))
    apart = (of_c * of_d < 0) & (of_a * of_b < 0)
    return np.asarray(apart & (np.minimum.reduce([abs(of_a), abs(of_b), abs(of_c), abs(of_d)]) > deep_deg))


def _length(ways: Array) -> Array:
    length = np.hypot(ways[:, 0], ways[:, 1])
    return np.where(length, length, 1.0)


def _turn(one: Array, other: Array) -> Array:
    return np.asarray(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])


def _where(edge: Array, other: Array) -> tuple[float, float]:
    a, along = edge[:2], edge[2:] - edge[:2]
    theirs = other[2:] - other[:2]
    lon, lat = a + along * (_turn(other[:2] - a, theirs) / _turn(along, theirs))
    return float(lon), float(lat)


def overlaps(outlines: Sequence[Array]) -> Iterator[Crossing]:
    """One place of each pair of outlines where some point of one, of those in the middle of its edges and one within, lies inside of the other."""
    if not outlines:
        return
    ends = [each.reshape(-1, 2) for each in outlines]
    # A metre less on each side: neighbours that only touch need no look.
    lows, highs = (
        np.array([each.min(axis=0) for each in ends]) + 1e-5,
        np.array([each.max(axis=0) for each in ends]) - 1e-5,
    )
    for one, other in zip(*_meeting(np.hstack([lows, np.maximum(lows, highs)])), strict=True):
        inside = _inside(outlines[one], outlines[other]) or _inside(outlines[other], outlines[one])
        if inside:
            yield Crossing(int(one), int(other), *inside)


def _inside(one: Array, other: Array) -> tuple[float, float] | None:
    """A point of one outline that lies well inside of the other."""
    some = one[:: len(one) // MOST_LOOKS + 1]
    points = np.vstack([(some[:, :2] + some[:, 2:]) / 2, _within(one)])
    near = points[
        ((points > other.reshape(-1, 2).min(axis=0)) & (points < other.reshape(-1, 2).max(axis=0))).all(axis=1)
    ]
    for lon, lat in near:
        if encloses(other, lat, lon) and np.hypot(*way_to(other, lat, lon)) > MUTUAL_M:
            return float(lon), float(lat)
    return None


def _within(edges: Array) -> tuple[float, float]:
    """A point inside of an outline: in the middle of its widest stretch, where it has no corner for the longest."""
    heights = np.unique(edges[:, 1::2])
    gap = int(np.argmax(np.diff(heights)))
    lat = (heights[gap] + heights[gap + 1]) / 2
    x1, y1, x2, y2 = edges[(edges[:, 1] > lat) != (edges[:, 3] > lat)].T
    lons = np.sort(x1 + (lat - y1) * (x2 - x1) / (y2 - y1))
    widest = int(np.argmax(lons[1::2] - lons[::2]))
    return float(lons[2 * widest : 2 * widest + 2].mean()), float(lat)
