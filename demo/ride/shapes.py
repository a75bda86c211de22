"""Meshes out of simple bodies. World axes: x along the street, y left, z up, metres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Colour = tuple[float, float, float]
Point = npt.ArrayLike
"""Three numbers x, y, z, as a tuple or an array."""
VERTEX_FLOATS = 14
"""Position 3, normal 3, uv 2, texture layer, tint 3, gloss, object id."""


@dataclass
class Paint:
    """How a surface looks: texture layer, tint (linear 0..1), gloss 0..1."""

    layer: int
    tint: Colour = (1.0, 1.0, 1.0)
    gloss: float = 0.0
    tile_m: float = 0.0  # 0: the texture spans the face once


@dataclass
class Mesh:
    """Triangles as rows of VERTEX_FLOATS, three rows a triangle; `object_id` is written into all that follows."""

    object_id: int = 0
    parts: list[Array] = field(default_factory=list)

    def triangles(self) -> Array:
        """All vertices, float32 [3 * triangles, VERTEX_FLOATS]."""
        return np.concatenate(self.parts) if self.parts else np.zeros((0, VERTEX_FLOATS), np.float32)

    def add(
        self, corners: npt.ArrayLike, uv: npt.ArrayLike, paint: Paint, normals: npt.ArrayLike | None = None
    ) -> None:
        """Triangles: corners [n, 3, 3], uv [n, 3, 2]; flat normals unless given [n, 3, 3]."""
        p = np.asarray(corners, np.float32)
        if normals is None:
            flat = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
            flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
            n = np.repeat(flat[:, None, :], 3, axis=1)
        else:
            n = np.asarray(normals, np.float32)
        rows = np.empty((*p.shape[:2], VERTEX_FLOATS), np.float32)
        rows[..., 0:3], rows[..., 3:6], rows[..., 6:8] = p, n, np.asarray(uv, np.float32)
        rows[..., 8], rows[..., 9:12], rows[..., 12], rows[..., 13] = (
            paint.layer,
            paint.tint,
            paint.gloss,
            self.object_id,
        )
        self.parts.append(rows.reshape(-1, VERTEX_FLOATS))

    def quad(self, a: Point, b: Point, c: Point, d: Point, paint: Paint,
             part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> None:  # fmt: skip
        """A face a, b, c, d counter-clockwise seen from its front; u runs a→b, v from the top edge (d, c) down.
        `part` (u0, v0, u1, v1) is what is used of a texture that does not tile."""
        pa, pb, pc, pd = (np.asarray(v, np.float32) for v in (a, b, c, d))
        u0, v0, u1, v1 = part
        if paint.tile_m:
            u1, v1 = float(np.linalg.norm(pb - pa)) / paint.tile_m, float(np.linalg.norm(pd - pa)) / paint.tile_m
        corners = np.array([[pa, pb, pc], [pa, pc, pd]], np.float32)
        self.add(corners, np.array([[[u0, v1], [u1, v1], [u1, v0]], [[u0, v1], [u1, v0], [u0, v0]]]), paint)

    def grid(self, points: Array, paint: Paint, uv_scale: tuple[float, float] = (1, 1)) -> None:
        """A smooth surface through points [rows, columns, 3]; normals from the neighbours."""
        du, dv = np.gradient(points, axis=1), np.gradient(points, axis=0)
        n = np.cross(du, dv)
        n /= np.maximum(np.linalg.norm(n, axis=2, keepdims=True), 1e-9)
        rows, columns = points.shape[:2]
        v, u = np.meshgrid(np.linspace(0, uv_scale[1], rows), np.linspace(0, uv_scale[0], columns), indexing="ij")
        uv = np.stack([u, v], 2)

        def corners(a: Array) -> Array:
            p00, p01, p10, p11 = a[:-1, :-1], a[:-1, 1:], a[1:, :-1], a[1:, 1:]
            return np.concatenate(
                [
                    np.stack([p00, p01, p11], 2).reshape(-1, 3, a.shape[2]),
                    np.stack([p00, p11, p10], 2).reshape(-1, 3, a.shape[2]),
                ]
            )

        self.add(corners(points), corners(uv.astype(np.float32)), paint, corners(n))

    def box(self, centre: Point, size: Point, paint: Paint, yaw: float = 0.0, skip_bottom: bool = True,
            faces: dict[str, Paint] | None = None, tilt: float = 0.0, pitch: float = 0.0) -> None:  # fmt: skip
        """A box of size (length x, width y, height z) about its centre; `faces` repaints front (+x), back, left (+y), right, top."""
        half, w, h = (s / 2 for s in (float(each) for each in np.asarray(size)))
        ring = {
            "front": [(half, -w, -h), (half, w, -h), (half, w, h), (half, -w, h)], "back": [(-half, w, -h), (-half, -w, -h), (-half, -w, h), (-half, w, h)],
            "left": [(half, w, -h), (-half, w, -h), (-half, w, h), (half, w, h)], "right": [(-half, -w, -h), (half, -w, -h), (half, -w, h), (-half, -w, h)],
            "top": [(-half, -w, h), (half, -w, h), (half, w, h), (-half, w, h)], "bottom": [(-half, w, -h), (half, w, -h), (half, -w, -h), (-half, -w, -h)],
        }  # fmt: skip
        turn = rotation(yaw, tilt, pitch)
        for name, corners in ring.items():
            if name == "bottom" and skip_bottom:
                continue
            a, b, c, d = (np.asarray(centre) + turn @ np.asarray(corner) for corner in corners)
            self.quad(a, b, c, d, (faces or {}).get(name, paint))

    def tube(
        self,
        start: Point,
        end: Point,
        radius: float | tuple[float, float],
        paint: Paint,
        sides: int = 8,
        caps: bool = False,
    ) -> None:
        """A (tapered) cylinder from start to end."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        axis = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        side = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
        side /= np.linalg.norm(side)
        up = np.cross(axis, side)
        r0, r1 = radius if isinstance(radius, tuple) else (radius, radius)
        t = np.linspace(0, 2 * np.pi, sides + 1)
        ring = np.cos(t)[:, None] * side + np.sin(t)[:, None] * up
        self.grid(np.stack([b + r1 * ring, a + r0 * ring]).astype(np.float32), paint)
        if caps:
            for middle, r, sign in ((a, r0, -1), (b, r1, 1)):
                rim = middle + r * ring
                fan = np.stack(
                    [
                        np.repeat(middle[None], sides, 0),
                        rim[:-1] if sign < 0 else rim[1:],
                        rim[1:] if sign < 0 else rim[:-1],
                    ],
                    1,
                )
                disc = np.stack(
                    [
                        np.full((sides, 2), 0.5),
                        0.5 + 0.5 * np.stack([np.cos(t[:-1]), np.sin(t[:-1])], 1),
                        0.5 + 0.5 * np.stack([np.cos(t[1:]), np.sin(t[1:])], 1),
                    ],
                    1,
                )
                self.add(fan, disc, paint)

    def ball(self, centre: Point, radii: Point, paint: Paint, rng: np.random.Generator | None = None, bumps: float = 0.0,
             detail: int = 10, flat_below: float | None = None, yaw: float = 0.0) -> None:  # fmt: skip
        """An ellipsoid, optionally bumpy and pressed flat at `flat_below` (height over the ground)."""
        v, u = np.meshgrid(np.linspace(0, np.pi, detail), np.linspace(0, 2 * np.pi, 2 * detail), indexing="ij")
        unit = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], 2)
        scale = np.ones(v.shape)
        if rng is not None and bumps:
            for _ in range(7):
                direction, frequency = rng.normal(size=3), rng.uniform(2, 6)
                scale += bumps / 3 * np.sin(frequency * (unit @ direction) + rng.uniform(0, 6))
        points = unit * scale[..., None] * np.asarray(radii)
        points = points @ rotation(yaw).T + np.asarray(centre)
        if flat_below is not None:
            points[..., 2] = np.maximum(points[..., 2], flat_below)
        self.grid(points.astype(np.float32), paint)


def rotation(yaw: float, roll: float = 0.0, pitch: float = 0.0) -> npt.NDArray[np.float64]:
    """Turn by pitch about y, roll about x, then yaw about z (radians)."""
    c, s = np.cos(yaw), np.sin(yaw)
    cr, sr = np.cos(roll), np.sin(roll)
    cp, sp = np.cos(pitch), np.sin(pitch)
    return np.asarray(
        np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
        @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    )
