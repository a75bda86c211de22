"""Views of a board: which of them are good for anything, what they do not show yet, and whether what was calculated may be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera

Array = npt.NDArray[np.float64]
LEAST_VIEWS = 8
COLUMNS, ROWS = 6, 4
"""The picture's cells in which corners are counted."""
LEAST_COVERED = 0.5
LEAST_TILT_DEG = 12.0
BLURRED_PX, BLURRED_AT_PX = 6.0, 1920
"""Edges as wide as this blur a picture of that width, or of less."""
ALIKE_SHARE = 0.02
"""Views whose corners all lie closer than this share of the picture's width are the same one."""
MISFIT, MISFIT_PX = 3.0, 0.5
"""A view is off by more than so many times the median one, and by more than so much."""
WORST_PX, WORST_AT_PX = 1.5, 1280
"""The held-out error (median) up to which a camera is believed, in pictures of that width; wider ones have more pixels for the same angle."""
HOPELESS = 3.0
FOCAL_OFF, CENTRE_OFF = 0.03, 0.10
FISHEYE_GAIN = 0.8
"""The fisheye model is taken if its held-out error is less than this share of the pinhole's ..."""
WIDE, FISHEYE_SQUEEZE, FISHEYE_LOSS = 1.4, 0.5, 1.1
"""... or, of lenses from this width to focal length (70°) on that squeeze so much, if it is not more than so many times the pinhole's."""


class Refused(Exception):
    """No camera comes of these pictures; the text says why and what to do."""


@dataclass(frozen=True)
class View:
    """A board in a picture: its points on the board [N, 3] in mm (z = 0) and in the picture [N, 2] in pixels; edges are so wide."""

    name: str
    size_px: tuple[int, int]
    board_mm: Array
    points_px: Array
    edge_px: float | None = None


def sort_out(views: Sequence[View]) -> tuple[list[View], dict[str, str]]:
    """The views to calculate with, and why not the others, by name: odd in size, blurred, or the same again."""
    kept: list[View] = []
    refused: dict[str, str] = {}
    if not views:
        return kept, refused
    usual = Counter(view.size_px for view in views).most_common(1)[0][0]
    widest = widest_edge_px(usual[0])
    for view in views:
        if view.size_px != usual:
            refused[view.name] = f"is {view.size_px[0]}x{view.size_px[1]}, most are {usual[0]}x{usual[1]}"
        elif view.edge_px is not None and view.edge_px > widest:
            refused[view.name] = f"blurred: its edges are {view.edge_px:.1f} px wide, up to {widest:g} will do"
        elif like := next((other for other in kept if are_alike(view, other)), None):
            refused[view.name] = f"shows the board where {like.name} does"
        else:
            kept.append(view)
    return kept, refused


def widest_edge_px(width_px: int) -> float:
    """How wide edges may be before a picture of a width counts as blurred."""
    return BLURRED_PX * max(1.0, width_px / BLURRED_AT_PX)


def are_alike(a: View, b: View) -> bool:
    """Whether two views show the board at the same place; False if they have fewer than four points in common."""
    others = {tuple(point): at for point, at in zip(b.board_mm.tolist(), b.points_px, strict=True)}
    ways = [
        at - others[key]
        for point, at in zip(a.board_mm.tolist(), a.points_px, strict=True)
        if (key := tuple(point)) in others
    ]
    return len(ways) >= 4 and float(np.max(np.hypot(*np.array(ways).T))) < ALIKE_SHARE * a.size_px[0]


def coverage(views: Sequence[View]) -> npt.NDArray[np.int_]:
    """In how many views each cell [ROWS, COLUMNS] of the picture has a corner in it."""
    counts = np.zeros((ROWS, COLUMNS), np.int_)
    for view in views:
        width, height = view.size_px
        column = np.clip(view.points_px[:, 0] / width * COLUMNS, 0, COLUMNS - 1).astype(int)
        row = np.clip(view.points_px[:, 1] / height * ROWS, 0, ROWS - 1).astype(int)
        counts[tuple(np.array(sorted(set(zip(row.tolist(), column.tolist(), strict=True)))).T)] += 1
    return counts


def tilt_deg(normals: npt.ArrayLike) -> float:
    """How differently boards are tilted: the root mean square angle of their normals [N, 3] to the mean one."""
    units = np.asarray(normals, np.float64)
    mean = units.mean(axis=0)
    cosines = np.clip(units @ mean / np.linalg.norm(mean), -1, 1)
    return float(np.degrees(np.sqrt(np.mean(np.arccos(cosines) ** 2))))


def lacking(counts: npt.NDArray[np.int_], tilt: float) -> list[str]:
    """What is still to be shown, in words; empty if nothing is."""
    rows, columns = ("upper", "middle", "lower"), ("left", "middle", "right")
    empty = counts == 0
    words = []
    for row, part in enumerate((slice(0, 1), slice(1, ROWS - 1), slice(ROWS - 1, ROWS))):
        for column, side in enumerate((slice(0, 2), slice(2, COLUMNS - 2), slice(COLUMNS - 2, COLUMNS))):
            if empty[part, side].all():
                name = f"{rows[row]} {columns[column]}" if (row, column) != (1, 1) else "middle"
                words.append(f"the board in the {name} of the picture")
    if tilt < LEAST_TILT_DEG:
        words.append("the board tilted, by 20° to 40° to each side, up and down")
    return words


def check_enough(kept: Sequence[View], refused: dict[str, str], board: str) -> None:
    """Raises Refused if there are too few views to calculate with."""
    if len(kept) >= LEAST_VIEWS:
        return
    several = sum("shows the board where" in reason for reason in refused.values())
    if not kept:
        why = "count its squares, outer ones too (4x5 is not 5x4), and say what board it is (--charuco, --aruco, --dictionary)"
    elif several > len(kept):
        why = f"{several} more show it where others do: move and tilt the board from picture to picture"
    else:
        why = f"take at least {LEAST_VIEWS}, better 20, sharp ones, with the whole board in each, near and far, in all corners and tilted"
    raise Refused(
        f"a {board} is of use in {len(kept)} of {len(kept) + len(refused)} pictures, needed are {LEAST_VIEWS}; {why}"
    )


def check_spread(views: Sequence[View], tilt: float) -> None:
    """Raises Refused if the boards are all tilted alike, or leave half of the picture unseen."""
    counts = coverage(views)
    share = float(np.mean(counts > 0))
    if tilt < LEAST_TILT_DEG or share < LEAST_COVERED:
        missing = lacking(counts, tilt) or ["the board nearer to the edges of the picture"]
        raise Refused(
            f"the pictures are too much alike (the board covers {share:.0%} of the picture, needed are {LEAST_COVERED:.0%}, and its tilt varies by "
            f"{tilt:.0f}°, needed are {LEAST_TILT_DEG:.0f}°): take more with {'; '.join(missing)}"
        )


def misfits(errors_px: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which views do not fit the others, of the root mean square error [N] of each."""
    errors = np.asarray(errors_px, np.float64)
    return np.asarray(errors > max(MISFIT * float(np.median(errors)), MISFIT_PX))


def squeeze(camera: Camera, views: Sequence[View]) -> float:
    """How much less than a pinhole's a picture grows outwards, at the outermost point of the views: 0 not at all, 1 as a fisheye's (r = f·angle)."""
    points = np.concatenate([view.points_px for view in views])
    u, v = points[np.argmax(np.hypot(*((points - camera.centre_px) / camera.focal_px).T))]
    bent = np.hypot((u - camera.centre_px[0]) / camera.focal_px[0], (v - camera.centre_px[1]) / camera.focal_px[1])
    straight = np.hypot(*camera.ray(float(u), float(v)))
    return float((1 - bent / straight) / (1 - np.arctan(straight) / straight))


def is_fisheye(pinhole: Camera, views: Sequence[View], pinhole_px: Array, fisheye_px: Array) -> bool:
    """Whether left-out boards (errors in pixels) speak for a fisheye; if they speak for neither, whether the lens is wide and squeezes as one.

    Then boards tell the same, but no board was at the picture's very edge, and there a polynomial of the tangent is far off.
    """
    share = float(np.median(fisheye_px) / np.median(pinhole_px))
    is_wide = pinhole.size_px[0] / pinhole.focal_px[0] > WIDE
    return share < FISHEYE_GAIN or (share < FISHEYE_LOSS and is_wide and squeeze(pinhole, views) > FISHEYE_SQUEEZE)


def believed_px(width_px: int) -> float:
    """The held-out error (median) up to which a camera of such pictures is believed."""
    return WORST_PX * max(1.0, width_px / WORST_AT_PX)


def check_fit(camera: Camera, held_out_px: Array, board: str) -> None:
    """Raises Refused if boards that the camera was not made from are off by too much."""
    middle, worst = float(np.median(held_out_px)), believed_px(camera.size_px[0])
    if middle > HOPELESS * worst:
        raise Refused(f"a {board} does not fit what the pictures show, it is off by {middle:.0f} px: count its squares across and down again (4x5 is not 5x4), and measure marker and square")  # fmt: skip
    if middle > worst:
        raise Refused(f"boards that were left out are off by {middle:.2f} px, believed are {worst:.2f}: glue the board onto something flat, hold it still, and take sharper pictures")  # fmt: skip


def check_shape(camera: Camera) -> None:
    """Raises Refused for a camera that cannot be."""
    (width, height), (fx, fy), (cx, cy) = camera.size_px, camera.focal_px, camera.centre_px
    if abs(fx / fy - 1) > FOCAL_OFF:
        raise Refused(f"the focal lengths {fx:.0f} and {fy:.0f} px differ by more than {FOCAL_OFF:.0%}, which no lens does: tilt the board more, to all sides, and check that the pictures are not stretched")  # fmt: skip
    if max(abs(cx - width / 2) / width, abs(cy - height / 2) / height) > CENTRE_OFF:
        raise Refused(f"the principal point ({cx:.0f}, {cy:.0f}) lies more than {CENTRE_OFF:.0%} off the middle of {width}x{height}: show the board in all corners, tilted, and do not crop the pictures")  # fmt: skip
