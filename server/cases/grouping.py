"""Which sightings of several passes are one thing, when all sightings of a pass share their receiver's shift. Pure: metres in, labels out.

The model: a sighting lies at its thing, moved by its pass's shift, plus an error of its own, all Gaussian; each thing costs a price. The labels sought are
those that cost least; given labels, shifts and places drop out in closed form (least squares, a block a pass). Labels are found by alternation, as in
iterative closest points (Besl and McKay 1992): each pass is laid on the map that the *other* passes make, whole and one-to-one, until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Equations = tuple[Array, Array, float]
"""Normal equations of the things' places by pass, shifts eliminated: [p, 2k, 2k], right sides [p, 2k], and the part of the squared sigmas that is left."""

FARTHEST_M = 15.0
"""Two sightings farther apart are not tied together, and none is laid on a thing farther away, however unsure it is."""
GATE_D2 = 9.21  # 99 % of two dimensions
LINK_D2 = 13.82  # 99.9 % of two dimensions
"""Two sightings are tied together if they are nearer than this; it is also what a thing costs."""
ANCHORS = 4
"""So many sightings of a pass propose shifts; in a row of fifty bins the others would only propose the same."""
ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Seen:
    """Sightings [n] of a neighbourhood, those of a pass beside each other: places [n, 2] in m, covariances of their own errors [n, 2, 2] in m², the number of
    their pass [n] from 0 on with none left out, and the variance of each pass's shift [p] in m² per axis."""

    places_m: Array
    own_m2: Array
    passes: Labels
    shift_m2: Array

    @cached_property
    def weights(self) -> Array:
        """Inverse covariances [n, 2, 2]."""
        return np.linalg.inv(self.own_m2)

    @cached_property
    def equations(self) -> dict[bytes, Equations]:
        """Of the labels that were tried."""
        return {}

    @cached_property
    def sizes(self) -> Labels:
        """How many sightings a pass has [p]."""
        return np.bincount(self.passes)

    @cached_property
    def table(self) -> Labels:
        """The numbers of each pass's sightings, [p, m], filled up with -1."""
        table = np.full((len(self.sizes), self.sizes.max()), -1)
        table[self.passes, self.rank] = np.arange(len(self.passes))
        return table

    @cached_property
    def rank(self) -> Labels:
        """Which one of its pass a sighting is, from 0 on [n]."""
        return np.arange(len(self.passes)) - (self.sizes.cumsum() - self.sizes)[self.passes]


@dataclass(frozen=True, eq=False)
class _Others:
    """For each of p passes what all others say of k things: places [p, k, 2], covariances [p, k, k, 2, 2], and whether they say anything [p, k]."""

    places_m: Array
    covariance_m2: Array
    known: Mask


def things(seen: Seen) -> Labels:
    """The number of each sighting's thing [n]; no two sightings of a pass have the same. The order of what is given settles ties alone.

    Things are formed at the price of a gate, rather too many, then made one where that costs less, and settled again at their full price: it grows with
    the passes, since the farthest of many sightings of one thing lies farther off (two parameters, Schwarz 1978).
    """
    price = LINK_D2 + 2 * log(len(seen.shift_m2))
    if _is_one(seen, price):
        return np.zeros_like(seen.passes)
    richest = seen.passes == seen.sizes.argmax()
    formed = _settled(seen, _numbered(np.where(richest, np.arange(len(richest)), -1)), GATE_D2)
    merged = _merged(seen, formed, price)
    if merged.max() + 1 == seen.sizes.max():  # fewer there cannot be
        return merged
    labels = _settled(seen, merged, price)
    return labels if np.array_equal(labels, merged) else _merged(seen, labels, price)


def _is_one(seen: Seen, price: float) -> bool:
    """Whether all are one thing for sure: no pass saw two, and as one they cost less than any two things would."""
    away = seen.places_m - seen.places_m.mean(0)
    near = np.hypot(away[:, 0], away[:, 1]).max() <= FARTHEST_M
    return bool(near and seen.sizes.max() == 1 and _cost(seen, np.zeros_like(seen.passes), price) < 2 * price)


def _settled(seen: Seen, labels: Labels, price: float) -> Labels:
    """The cheapest labels on the way from these to some that no pass would change. Who fits nothing begins a thing of its own, one pass at a time."""
    best, least, known = labels, np.inf, set[bytes]()
    for _ in range(ROUNDS + len(seen.shift_m2)):
        if labels.tobytes() in known or labels.max() < 0:
            if (labels >= 0).all():
                break
            labels = _numbered(_begun(seen, labels))
        known.add(labels.tobytes())
        if (cost := _cost(seen, labels, price)) < least:
            best, least = labels, cost
        labels = _numbered(_matched(seen, labels, _others(seen, labels), price))
    return _numbered(np.where(best < 0, len(best) + np.arange(len(best)), best))


def _begun(seen: Seen, labels: Labels) -> Labels:
    """Labels with the sightings that fit nothing begun as new things, those of one pass only: the others may fit those."""
    left = labels < 0
    richest = np.bincount(seen.passes[left]).argmax()
    return np.where(left & (seen.passes == richest), len(labels) + np.arange(len(labels)), labels)


def _numbered(labels: Labels) -> Labels:
    """The same things, numbered from 0 on by their first sighting; -1 stays."""
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) if each >= 0 else -1 for each in labels.tolist()])


def _equations(seen: Seen, labels: Labels) -> Equations:
    """Those of these labels, written down once."""
    key = labels.tobytes()
    if key not in seen.equations:
        seen.equations[key] = _eliminated(seen, labels)
    return seen.equations[key]


def _eliminated(seen: Seen, labels: Labels) -> Equations:
    told = labels >= 0
    of, thing, places = seen.passes[told], labels[told], seen.places_m[told]
    passes, count = len(seen.shift_m2), int(labels.max()) + 1
    weight = seen.weights[told]
    pull = _times(weight, places)
    weights, pulls = np.zeros((passes, 2, 2)), np.zeros((passes, 2))
    np.add.at(weights, of, weight)
    np.add.at(pulls, of, pull)
    loose = np.linalg.inv(weights + np.eye(2) / seen.shift_m2[:, None, None])
    taken = _times(loose, pulls)
    one, other = np.nonzero(of[:, None] == of)
    blocks = -weight[one] @ loose[of[one]] @ weight[other]
    blocks[one == other] += weight
    left, right = np.zeros((passes, count, 2, count, 2)), np.zeros((passes, count, 2))
    left[of[one], thing[one], :, thing[other], :] = blocks
    right[of, thing] = pull - _times(weight, taken[of])
    rest = float((pull * places).sum() - (pulls * taken).sum())
    return left.reshape(passes, 2 * count, -1), right.reshape(passes, -1), rest


def _cost(seen: Seen, labels: Labels, price: float) -> float:
    left, right, rest = _equations(seen, labels)
    whole, sides = left.sum(0), right.sum(0)
    explained = sides @ np.linalg.solve(whole, sides)
    return float(rest - explained + price * (len(sides) // 2 + np.count_nonzero(labels < 0)))


def _others(seen: Seen, labels: Labels) -> _Others:
    """For each pass what the others say."""
    left, right, _ = _equations(seen, labels)
    passes, size = right.shape
    members = _members(seen, labels)
    known = members.sum(0) > members
    without = left.sum(0) - left
    without[:, np.arange(size), np.arange(size)] += ~known.repeat(2, axis=1)
    covariance = np.linalg.inv(without)
    places = _times(covariance, right.sum(0) - right).reshape(passes, -1, 2)
    return _Others(places, _by_thing(covariance), known)


def _matched(seen: Seen, labels: Labels, others: _Others, price: float) -> Labels:
    """Each pass laid on the map of the others: of the shifts that bring one of its sightings onto a thing, the one under which the whole pass fits best.

    A sighting that fits nothing stays alone in the thing it has begun, or is -1.
    """
    of, sizes = seen.passes, seen.sizes
    alone = np.einsum("pkkab->pkab", others.covariance_m2)
    gap = seen.places_m[:, None] - others.places_m[of]
    shift = np.eye(2) * seen.shift_m2[of, None, None, None]
    reached = others.known[of] & (np.hypot(gap[..., 0], gap[..., 1]) <= FARTHEST_M)
    lone = np.where(reached, _d2(gap, seen.own_m2[:, None] + alone[of] + shift), np.inf)
    anchor, to = np.nonzero((lone < price * np.minimum(sizes, 2)[of][:, None]) & (seen.rank < ANCHORS)[:, None])
    within, mates = of[anchor], seen.table[of[anchor]]
    toward = others.covariance_m2[within, to]
    between = alone[within] + alone[within, to][:, None] - toward - toward.swapaxes(-1, -2)
    own = seen.own_m2[anchor][:, None] + seen.own_m2[mates]
    apart = _d2(gap[mates] - gap[anchor, to][:, None, None], own[:, :, None] + between[:, None])
    apart[(mates < 0)[..., None] | ~reached[mates] | (apart >= price)] = np.inf
    partner, d2 = _one_to_one(apart)
    cost = lone[anchor, to] + np.where(partner >= 0, d2, price * (mates >= 0)).sum(1)
    best = np.lexsort((cost, within))
    best = best[np.diff(within[best], prepend=-1) > 0]
    best = best[cost[best] < price * sizes[within[best]]]
    result = np.where(others.known[of, labels], -1, labels)
    fits = partner[best] >= 0
    result[mates[best][fits]] = partner[best][fits]
    return result


def _one_to_one(apart: Array) -> tuple[Labels, Array]:
    """Nearest pairs first in each of [c, m, k]: the partner of each of m, or -1, and how far off it is: [c, m]."""
    apart = apart.copy()
    partner, far = np.full(apart.shape[:2], -1), np.full(apart.shape[:2], np.inf)
    while np.isfinite(apart).any():
        nearest, distance = apart.argmin(2), apart.min(2)
        mutual = np.take_along_axis(apart.argmin(1), nearest, 1) == np.arange(apart.shape[1])
        case, mate = np.nonzero(mutual & np.isfinite(distance))
        thing = nearest[case, mate]
        partner[case, mate], far[case, mate] = thing, distance[case, mate]
        apart[case, mate] = np.inf
        apart[case, :, thing] = np.inf
    return partner, far


def _merged(seen: Seen, labels: Labels, price: float) -> Labels:
    """Things that no pass saw both, made one as long as that costs less: what it costs is the squared distance of their places in sigmas."""
    left, right, _ = _equations(seen, labels)
    covariance = np.linalg.inv(left.sum(0))
    places = _times(covariance, right.sum(0)).reshape(-1, 2)
    blocks = _by_thing(covariance)
    alone = np.einsum("kkab->kab", blocks)
    gap = places[:, None] - places
    apart = _d2(gap, alone[:, None] + alone - blocks - blocks.swapaxes(-1, -2))
    members = _members(seen, labels)
    together = (members[:, :, None] & members[:, None]).any(0)
    apart[together | (np.hypot(gap[..., 0], gap[..., 1]) > FARTHEST_M)] = np.inf
    one, other = np.unravel_index(apart.argmin(), apart.shape)
    if apart[one, other] >= price:
        return labels
    return _merged(seen, _numbered(np.where(labels == other, one, labels)), price)


def _members(seen: Seen, labels: Labels) -> Mask:
    """Whether a pass saw a thing. [p, k]"""
    members = np.zeros((len(seen.shift_m2), labels.max() + 1), bool)
    members[seen.passes[labels >= 0], labels[labels >= 0]] = True
    return members


def _by_thing(covariance: Array) -> Array:
    """[..., 2k, 2k] as blocks [..., k, k, 2, 2]."""
    *outer, size, _ = covariance.shape
    return covariance.reshape(*outer, size // 2, 2, size // 2, 2).swapaxes(-2, -3)


def _times(matrices: Array, vectors: Array) -> Array:
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product


def _d2(gap: Array, covariance: Array) -> Array:
    """Squared sigmas of gaps [..., 2] under covariances [..., 2, 2]."""
    east, north = gap[..., 0], gap[..., 1]
    ee, en, nn = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    squared: Array = (nn * east**2 - 2 * en * east * north + ee * north**2) / np.maximum(ee * nn - en * en, 1e-12)
    return squared
