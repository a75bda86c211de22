"""Which looks at a thing are shown: the best, one from afar and one from near. Pure: looks in, looks out."""

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


def shown(views: Sequence[TrackView], best: TrackView, is_cut: IsCut) -> Shown:
    """From afar: the first look at the whole thing; from near: the largest whole one. Each only if its size is APART from the best one's."""
    far, near = _ends(views, is_cut)
    size_px = _size_px(best)
    return Shown(
        best,
        far if far is not None and APART * _size_px(far) <= size_px else None,
        near if near is not None and _size_px(near) >= APART * size_px else None,
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
