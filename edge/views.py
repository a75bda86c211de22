"""Which looks at a thing are shown: the best, one from afar and one from near, or else another moment. Pure: looks in, looks out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from edge.values import TrackView

APART = 1.5
"""By how much a thing must be larger or smaller than in the best picture, for another one to show something new."""
IsCut = Callable[[TrackView], bool]


@dataclass(frozen=True)
class Shown:
    """The looks that become pictures; no two are of one frame."""

    best: TrackView
    far: TrackView | None = None
    near: TrackView | None = None
    other: TrackView | None = None


def shown(views: Sequence[TrackView], best: TrackView, is_cut: IsCut) -> Shown:
    """From afar: the first look at the whole thing; from near: the largest whole one. Each only if its size is APART from the best one's.

    If neither is, whichever was seen longer before or after the best one: what has moved by then, or come from behind something, is seen.
    """
    far, near = _ends(views, is_cut)
    size_px = _size_px(best)
    is_far = far is not None and APART * _size_px(far) <= size_px
    is_near = near is not None and _size_px(near) >= APART * size_px
    others = [] if is_far or is_near else [each for each in (far, near) if each is not None and each is not best]
    return Shown(
        best,
        far if is_far else None,
        near if is_near else None,
        max(others, key=lambda each: abs(each.frame.monotonic_ns - best.frame.monotonic_ns), default=None),
    )


def showable(views: Sequence[TrackView], best: TrackView | None, is_cut: IsCut) -> list[TrackView]:
    """The looks that may be shown as far as one knows by now, three at most: theirs are the pixels to keep."""
    return [each for each in (best, *_ends(views, is_cut)) if each is not None]


def _ends(views: Sequence[TrackView], is_cut: IsCut) -> tuple[TrackView | None, TrackView | None]:
    whole = [view for view in views if not is_cut(view)]
    return (whole[0], max(whole, key=_size_px)) if whole else (None, None)


def _size_px(view: TrackView) -> float:
    x1, y1, x2, y2 = view.detection.box_px
    return sqrt(max(0.0, x2 - x1) * max(0.0, y2 - y1))
