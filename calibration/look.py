"""From pictures to views of a board: those of a set, or of a camera that is watched until it has shown enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from calibration.board import Board
from calibration.find import Grey, find, may_show, squares_seen
from calibration.solve import guessed_tilt_deg
from calibration.views import LEAST_VIEWS, Refused, View, are_alike, coverage, lacking, widest_edge_px

WANTED_VIEWS = 20
MOST_VIEWS = 60
NOT_FOUND = "no {} found: it must be whole, flat, sharp and well lit, with a white rim"
HINT_PICTURES = 5


def look(
    pictures: Iterable[tuple[str, Grey]], board: Board, tell: Callable[[str], None]
) -> tuple[list[View], dict[str, str]]:
    """The views of a board, and why there is none in the other pictures. Raises Refused if another board is in them."""
    views: list[View] = []
    missed: dict[str, str] = {}
    unknown: list[Grey] = []
    for number, (name, grey) in enumerate(pictures, start=1):
        tell(f"picture {number}, {name}: a {board.words} found in {len(views)}")
        if (view := find(name, grey, board)) is not None:
            views.append(view)
        else:
            missed[name] = NOT_FOUND.format(board.words)
            unknown += [grey] * (len(unknown) < HINT_PICTURES)
    if len(views) < LEAST_VIEWS and len(views) < len(missed) and board.kind == "chessboard":
        seen = Counter(squares for grey in unknown if (squares := squares_seen(grey)) not in (None, board.squares))
        if seen:
            across, down = seen.most_common(1)[0][0] or board.squares
            raise Refused(
                f"a {board.words} was found in {len(views)} of {len(views) + len(missed)} pictures; what they show has {across}x{down} squares: "
                f"give --squares {across}x{down} (outer squares count)"
            )
    return views, missed


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
