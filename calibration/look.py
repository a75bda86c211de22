"""From pictures to views of a board: those of a set, or of a camera that is watched until it has shown enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from calibration.board import Board
from calibration.find import Grey, find, markers_seen, may_show, squares_seen
from calibration.solve import guessed_tilt_deg
from calibration.views import LEAST_VIEWS, Refused, View, are_alike, coverage, lacking, widest_edge_px

WANTED_VIEWS = 20
MOST_VIEWS = 60
NOT_FOUND = "no {} found: it must be whole, flat, sharp and well lit, with a white rim"


def look(
    pictures: Iterable[tuple[str, Grey]], board: Board, tell: Callable[[str], None], total: int | None = None
) -> tuple[list[View], dict[str, str]]:
    """The views of a board, and why there is none in the other pictures. Raises Refused if another board is in them.

    `tell` hears after each picture how far it is, of `total` where that is known.
    """
    views: list[View] = []
    missed: dict[str, str] = {}
    unknown: list[Grey] = []
    for number, (name, grey) in enumerate(pictures, start=1):
        if (view := find(name, grey, board)) is not None:
            views.append(view)
        else:
            missed[name] = NOT_FOUND.format(board.words)
            # Some of the first and some of the last: they may show different boards.
            if len(missed).bit_count() == 1:
                unknown.append(grey)
        tell(f"pictures looked at: {number}{f' of {total}' if total else ''}, a {board.words} found in {len(views)}")
    if len(views) < LEAST_VIEWS and len(views) < len(missed):
        shown = Counter(filter(None, (_shown(grey, board) for grey in unknown)))
        if shown:
            raise Refused(
                f"a {board.words} was found in {len(views)} of {len(views) + len(missed)} pictures; {_advice(shown, bool(views))}"
            )
    return views, missed


class Shown(NamedTuple):
    """Another board than the one looked for, and the arguments that tell it."""

    words: str
    flags: str
    is_other_kind: bool


def _advice(shown: Counter[Shown], is_found: bool) -> str:
    first = shown.most_common(1)[0][0]
    others = f"others show {' or '.join(each.words for each in shown)}"
    if len(shown) > 1 or (is_found and first.is_other_kind):
        return f"{others}: give pictures of one board alone (for {first.words}: {first.flags})"
    return f"{others}: give {first.flags}"


def _shown(grey: Grey, board: Board) -> Shown | None:
    """What other board a picture shows; None if nothing is sure."""
    dictionary, is_chessboard = markers_seen(grey, board.dictionary), board.kind == "chessboard"
    if dictionary is None:
        squares = squares_seen(grey)
        if squares is None or (is_chessboard and squares == board.squares):
            return None
        named = f"{squares[0]}x{squares[1]}"
        flags = f"--squares {named}{'' if is_chessboard else f' without --{board.kind}'} (outer squares count)"
        return Shown(f"a chessboard of {named} squares", flags, not is_chessboard)
    if is_chessboard:
        return Shown(f"markers of {dictionary}", f"--charuco or --aruco, with --dictionary {dictionary}", True)
    return (
        None
        if dictionary == board.dictionary
        else Shown(f"markers of {dictionary}", f"--dictionary {dictionary}", False)
    )


def watch(frames: Iterable[Grey], board: Board, views: list[View], tell: Callable[[str], None]) -> None:
    """Put views of a board that a camera shows, sharp and different, into `views`, until enough are there or the camera ends.

    `tell` hears with each view which part of the picture, and which tilt, is lacking.
    """
    tell(
        f"hold a {board.words} before the camera, still for a second, near and far, in all corners and tilted; left and right are the camera's; Ctrl-C ends it"
    )
    for grey in frames:
        view = find(f"view {len(views) + 1}", grey, board) if may_show(grey, board) else None
        if (
            view is None
            or (view.edge_px or 0) > widest_edge_px(view.size_px[0])
            or any(are_alike(view, other) for other in views)
        ):
            continue
        views.append(view)
        missing = lacking(coverage(views), guessed_tilt_deg(views))
        tell(guidance(views, missing))
        if (len(views) >= WANTED_VIEWS and not missing) or len(views) >= MOST_VIEWS:
            break


def guidance(views: list[View], missing: list[str]) -> str:
    """How far it is, where the board has been as a grid of the picture, and what to show next."""
    cells = ["".join(" #" if count else " ." for count in row) for row in coverage(views)]
    wanted = max(0, WANTED_VIEWS - len(views))
    following = missing[0] if missing else (f"{wanted} more, nearer, farther, tilted" if wanted else "that is enough")
    return "\n".join((f"{len(views)} views; next: {following}", *cells))
