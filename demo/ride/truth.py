"""What stands in a frame: visible boxes out of the object numbers, and how much of each thing is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demo.ride.pose import NEAR_M, Pose, camera_axes, focal_px
from demo.ride.shapes import Array
from demo.ride.street import Placed, Street

SEEN_WITHIN_M = 40.0
LABELLED_SHORT_PX, LABELLED_SHARE = 8, 0.35


@dataclass(frozen=True)
class View:
    """One thing in one frame: visible box x1, y1, x2, y2 in pixels, visible share of its whole outline, range on the ground."""

    thing: Placed
    box_px: tuple[int, int, int, int]
    visible_share: float
    range_m: float

    @property
    def short_px(self) -> int:
        return min(self.box_px[2] - self.box_px[0], self.box_px[3] - self.box_px[1])


class Truth:
    """Knows the corners of every thing of a street."""

    def __init__(self, street: Street) -> None:
        self.street = street
        rows = street.vertices
        order = np.argsort(rows[:, 13], kind="stable")
        numbers = rows[order, 13].astype(int)
        self.corners: dict[int, Array] = {
            thing.id: rows[order[np.searchsorted(numbers, thing.id) : np.searchsorted(numbers, thing.id + 1)], :3]
            for thing in street.objects
        }  # fmt: skip

    def views(self, pose: Pose, ids: npt.NDArray[np.int32], t_s: float = 0.0) -> list[View]:
        """Every labelled thing with at least one visible pixel, nearest first."""
        height, width = ids.shape
        seen = []
        ys, xs = np.nonzero(ids)
        numbers = ids[ys, xs]
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        for number, chosen in zip(found, np.split(order, starts[1:]), strict=True):
            thing = self.street.objects[int(number) - 1]
            shift_m = self.street.shift_m(thing.id, t_s)
            away = float(np.hypot(thing.foot_m[0] + shift_m - pose.x_m, thing.foot_m[1] - pose.y_m))
            if away > SEEN_WITHIN_M:
                continue
            x, y = xs[chosen], ys[chosen]
            box = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
            whole = self._outline(thing, shift_m, pose, width, height)
            share = (box[2] - box[0]) * (box[3] - box[1]) / whole if whole > 0 else 0.0
            seen.append(View(thing, box, min(1.0, share), away))
        return sorted(seen, key=lambda view: view.range_m)

    def _outline(self, thing: Placed, shift_m: float, pose: Pose, width: int, height: int) -> float:
        """Area in px² of the box around all of the thing that is in front of the camera, the part outside of the picture included."""
        local = (self.corners[thing.id] - (pose.x_m - shift_m, pose.y_m, pose.z_m)) @ camera_axes(pose).T
        front = _in_front(local.reshape(-1, 3, 3))
        if len(front) == 0:
            return 0.0
        f = focal_px(width)
        u = np.clip(front[:, 0] / front[:, 2] * f + (width - 1) / 2, -width, 2 * width)
        v = np.clip(front[:, 1] / front[:, 2] * f + (height - 1) / 2, -height, 2 * height)
        return float((u.max() - u.min()) * (v.max() - v.min()))


def _in_front(triangles: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Corners of triangles [n, 3, 3] (right, down, ahead) cut off at the near plane, [m, 3]."""
    start, end = triangles.reshape(-1, 3), np.roll(triangles, -1, axis=1).reshape(-1, 3)
    crossing = (start[:, 2] > NEAR_M) != (end[:, 2] > NEAR_M)
    a, b = start[crossing], end[crossing]
    t = (NEAR_M - a[:, 2:]) / (b[:, 2:] - a[:, 2:])
    return np.concatenate([start[start[:, 2] > NEAR_M], a + t * (b - a)])
