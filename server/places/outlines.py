"""Where outlines cross and overlap. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from server.places.rules import Array, encloses, way_to

DEEP_DEG = 1e-8
"""A millimetre: what touches only, or misses by a rounding, does not cross."""
MUTUAL_DEG, MUTUAL_M = 2e-5, 2.0
"""Two metres: neighbours are drawn one by one, and their common border never lies quite the same."""


@dataclass(frozen=True)
class Crossing:
    """Two outlines, by their places in the list (the same one twice: it crosses itself), and where."""

    first: int
    second: int
    lon_deg: float
    lat_deg: float


def crossings(outlines: Sequence[Array], mutual: bool) -> Iterator[Crossing]:
    """One crossing of each outline that crosses itself and, if `mutual`, of each pair that crosses each other. Edges are swept from west to east."""
    if not outlines:
        return
    edges = np.concatenate(outlines)
    owner = np.repeat(np.arange(len(outlines)), [len(each) for each in outlines])
    west = np.minimum(edges[:, 0], edges[:, 2])
    order = np.argsort(west, kind="stable")
    edges, owner, west = edges[order], owner[order], west[order]
    east, south, north = np.maximum(edges[:, 0], edges[:, 2]), edges[:, 1::2].min(axis=1), edges[:, 1::2].max(axis=1)
    ends = np.searchsorted(west, east, side="right")
    told = set()
    for here in range(len(edges)):
        near = slice(here + 1, ends[here])
        meets = (south[near] <= north[here]) & (north[near] >= south[here])
        if not mutual:
            meets &= owner[near] == owner[here]
        others = here + 1 + np.flatnonzero(meets)
        same = owner[others] == owner[here]
        for number in others[_cross(edges[here], edges[others], np.where(same, DEEP_DEG, MUTUAL_DEG))]:
            first, second = sorted((int(owner[here]), int(owner[number])))
            if (first, second) not in told:
                told.add((first, second))
                yield Crossing(first, second, *_where(edges[here], edges[number]))


def _cross(edge: Array, others: Array, deep_deg: Array) -> np.typing.NDArray[np.bool_]:
    """Which of the others cross an edge so that each end of both lies further than `deep_deg` beyond the other."""
    a, b, c, d = edge[:2], edge[2:], others[:, :2], others[:, 2:]
    along, length = b - a, np.hypot(*(b - a))
    theirs, their_length = d - c, np.hypot(*(d - c).T)
    of_c, of_d = _turn(along, c - a) / (length or 1.0), _turn(along, d - a) / (length or 1.0)
    of_a, of_b = (_turn(theirs, end - c) / np.where(their_length, their_length, 1.0) for end in (a, b))
    apart = (of_c * of_d < 0) & (of_a * of_b < 0)
    return np.asarray(apart & (np.minimum.reduce([abs(of_a), abs(of_b), abs(of_c), abs(of_d)]) > deep_deg))


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
    lows, highs = (np.array([pick(each.reshape(-1, 2), axis=0) for each in outlines]) for pick in (np.min, np.max))
    told = set()
    for number, edges in enumerate(outlines):
        for lon, lat in (*((edges[:, :2] + edges[:, 2:]) / 2), _within(edges)):
            here = np.flatnonzero(((lows < (lon, lat)) & (highs > (lon, lat))).all(axis=1))
            for other in here[here != number]:
                first, second = sorted((number, int(other)))
                if (first, second) in told or not encloses(outlines[other], lat, lon):
                    continue
                if np.hypot(*way_to(outlines[other], lat, lon)) > MUTUAL_M:
                    told.add((first, second))
                    yield Crossing(first, second, float(lon), float(lat))


def _within(edges: Array) -> tuple[float, float]:
    """A point inside of an outline: in the middle of its widest stretch, where it has no corner for the longest."""
    heights = np.unique(edges[:, 1::2])
    gap = int(np.argmax(np.diff(heights)))
    lat = (heights[gap] + heights[gap + 1]) / 2
    x1, y1, x2, y2 = edges[(edges[:, 1] > lat) != (edges[:, 3] > lat)].T
    lons = np.sort(x1 + (lat - y1) * (x2 - x1) / (y2 - y1))
    widest = int(np.argmax(lons[1::2] - lons[::2]))
    return float(lons[2 * widest : 2 * widest + 2].mean()), float(lat)
