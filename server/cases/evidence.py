"""The two pictures of a case that are laid on each other: how it was when first seen, and how it is now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from server.review.pictured import Shown

SHAPE, ROOM, LEAST_PX = 4 / 3, 2.4, 160.0
"""A cut is so wide for its height, and so many times as large as the thing, if the picture has as much."""


class Cut(NamedTuple):
    """A picture, and the part of it that shows the thing: left, top, width and height in its pixels, as an SVG's viewBox."""

    shown: Shown
    view: str


class Pair(NamedTuple):
    """Before and after, the thing as large in both."""

    before: Cut
    after: Cut


def before_and_after(pictures: Sequence[Shown]) -> Pair | None:
    """The best picture of the first look and that of the newest one; None if there was one look alone."""
    best = sorted((each for each in pictures if each.role == "best"), key=lambda each: each.seen_at)
    if not best or best[0].seen_at == best[-1].seen_at:
        return None
    return Pair(Cut(best[0], view_of(best[0])), Cut(best[-1], view_of(best[-1])))


def view_of(shown: Shown) -> str:
    """The part of a picture around its box, within the picture; the whole picture where there is no box."""
    if shown.box is None:
        return f"0 0 {shown.width} {shown.height}"
    box = shown.box
    height = max(box["h"] * ROOM, box["w"] * ROOM / SHAPE, LEAST_PX)
    height = min(height, shown.height, shown.width / SHAPE)
    width = height * SHAPE
    left = min(max(box["x"] + box["w"] / 2 - width / 2, 0), shown.width - width)
    top = min(max(box["y"] + box["h"] / 2 - height / 2, 0), shown.height - height)
    return f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}"
