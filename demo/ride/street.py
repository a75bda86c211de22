"""A street by seed: what stands where, and its mesh. x runs along the street, y to the left, the carriageway is 10 m wide."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from demo.ride import people, vehicles
from demo.ride.shapes import Array, Mesh, Paint
from demo.ride.textures import Textures

LENGTH_M = 390.0
KERB_M = 5.0
KERB_HEIGHT_M = 0.14
WALL_M = 9.2
Rng = np.random.Generator
Xyz = tuple[float, float, float]


@dataclass(frozen=True)
class Placed:
    """A labelled thing. `foot_m` is the ground point at the middle of the edge that faces oncoming cameras (x, y)."""

    id: int
    label: str
    category: str
    foot_m: tuple[float, float]
    size_m: tuple[float, float, float]


@dataclass
class Site:
    """The street while it is being built: mesh, textures, what was placed, and which stretches of each strip are taken."""

    rng: Rng
    textures: Textures
    mesh: Mesh = field(default_factory=Mesh)
    placed: list[Placed] = field(default_factory=list)
    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def paint(
        self, name: str, tint: tuple[float, float, float] = (1, 1, 1), gloss: float = 0.0, tile_m: float = 0.0
    ) -> Paint:
        return Paint(self.textures.pick(name, self.rng), tint, gloss, tile_m)

    def place(
        self, label: str, foot_m: tuple[float, float], size_m: tuple[float, float, float], category: str = ""
    ) -> None:
        """Start a labelled thing: all triangles until `done` are its own."""
        self.mesh.object_id = len(self.placed) + 1
        self.placed.append(Placed(self.mesh.object_id, label, category, foot_m, size_m))

    def done(self) -> None:
        self.mesh.object_id = 0

    def free(self, strip: str, start: float, end: float, margin: float = 1.2) -> bool:
        return all(end + margin < a or start - margin > b for a, b in self.taken.get(strip, []))

    def take(self, strip: str, start: float, end: float) -> None:
        self.taken.setdefault(strip, []).append((start, end))


@dataclass(frozen=True)
class Zone:
    """A rectangle of the street in which a rule of the city holds: from and to along the street and across it, metres."""

    kind: str
    x_m: tuple[float, float]
    y_m: tuple[float, float]


@dataclass(frozen=True)
class Street:
    """What a renderer draws and what the truth is made of. `moving` is by thing how fast it drives along the street, m/s."""

    seed: int
    objects: tuple[Placed, ...]
    vertices: Array
    textures: Textures
    sun: tuple[float, float, float]
    sky: tuple[tuple[float, float, float], tuple[float, float, float]]
    zones: tuple[Zone, ...] = ()
    moving: dict[int, float] = field(default_factory=dict)

    def shift_m(self, thing: int, t_s: float) -> float:
        """How far a thing has come along the street since the ride began."""
        return self.moving.get(thing, 0.0) * t_s


def layout(seed: int) -> Street:
    """The whole street of one seed."""
    from demo.ride.problems import add_problems

    rng = np.random.default_rng([seed, 5])
    site = Site(rng, Textures(seed))
    add_problems(site)
    ground(site)
    for side in (-1, 1):
        facades(site, side)
        _verge(site, side)
    _traffic(site)
    _walkers(site)
    sun, sky = light(rng)
    return Street(seed, tuple(site.placed), site.mesh.triangles(), site.textures, sun, sky)


def light(rng: Rng) -> tuple[Xyz, tuple[Xyz, Xyz]]:
    """Where the sun stands, and the sky's colours at the horizon and overhead."""
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.1)
    sun = (float(np.cos(azimuth) * np.cos(height)), float(np.sin(azimuth) * np.cos(height)), float(np.sin(height)))
    grey = rng.uniform(0, 1)
    horizon = (0.80 - 0.06 * grey, 0.84 - 0.06 * grey, 0.88 - 0.08 * grey)
    zenith = (0.36 + 0.28 * grey, 0.52 + 0.16 * grey, 0.76 - 0.04 * grey)
    return sun, (horizon, zenith)


def ground(site: Site) -> None:
    m, end = site.mesh, LENGTH_M + 60
    road, pave, kerb = (
        site.paint("asphalt", tile_m=6.0),
        site.paint("paving", tile_m=2.4),
        site.paint("concrete", (0.9, 0.9, 0.88), tile_m=2.0),
    )
    for x in np.arange(-30, end, 10.0):
        m.quad((x, -KERB_M, 0), (x + 10, -KERB_M, 0), (x + 10, KERB_M, 0), (x, KERB_M, 0), road)
        for s in (-1, 1):
            inner, outer, h = s * KERB_M, s * (WALL_M + 0.5), KERB_HEIGHT_M
            m.quad((x, inner, 0), (x + 10, inner, 0), (x + 10, inner, h), (x, inner, h), kerb)
            m.quad((x, inner, h), (x + 10, inner, h), (x + 10, inner + s * 0.22, h), (x, inner + s * 0.22, h), kerb)
            m.quad((x, inner + s * 0.22, h), (x + 10, inner + s * 0.22, h), (x + 10, outer, h), (x, outer, h), pave)
    paint = site.paint("marking")
    for x in np.arange(-20, end, 6.0):
        m.quad((x, -0.07, 0.006), (x + 3, -0.07, 0.006), (x + 3, 0.07, 0.006), (x, 0.07, 0.006), paint)
    for x in np.arange(-30, end, 10.0):
        for y in (-4.55, 4.55):
            m.quad(
                (x, y - 0.06, 0.006), (x + 10, y - 0.06, 0.006), (x + 10, y + 0.06, 0.006), (x, y + 0.06, 0.006), paint
            )
    for _ in range(9):
        decal(
            site,
            "road_patch",
            "patch",
            float(site.rng.uniform(10, LENGTH_M)),
            float(site.rng.uniform(-4, 3.6)),
            (1.6, 1.3),
            "lane",
        )
    for _ in range(10):
        decal(
            site,
            "manhole_ok",
            "manhole",
            float(site.rng.uniform(10, LENGTH_M)),
            float(site.rng.uniform(-3.6, 3.6)),
            (0.78, 0.78),
            "lane",
        )


def decal(site: Site, label: str, texture: str, x: float, y: float, size: tuple[float, float], strip: str, category: str = "",
          z: float = 0.012, gloss: float = 0.0) -> bool:  # fmt: skip
    """A flat thing on the ground within `size` from x on, if the strip is free there: as large as what its texture leaves opaque."""
    if not site.free(strip, x, x + size[0], 0.6):
        return False
    site.take(strip, x, x + size[0])
    paint = site.paint(texture, gloss=gloss)
    u0, v0, u1, v1 = site.textures.opaque(paint.layer)
    near, far = x + (1 - v1) * size[0], x + (1 - v0) * size[0]
    left, right = y + (0.5 - u0) * size[1], y + (0.5 - u1) * size[1]
    height = z if abs(y) < KERB_M else z + KERB_HEIGHT_M
    site.place(label, (near, (left + right) / 2), (far - near, left - right, 0.0), category)
    site.mesh.quad(
        (near, left, height),
        (near, right, height),
        (far, right, height),
        (far, left, height),
        paint,
        part=(u0, v0, u1, v1),
    )
    site.done()
    return True


def facades(site: Site, side: int) -> None:
    rng, x = site.rng, -30.0
    while x < LENGTH_M + 60:
        width, floors, y = float(rng.uniform(11, 19)), int(rng.integers(2, 6)), side * (WALL_M + 0.05)
        wall = site.paint(
            str(rng.choice(["plaster", "brick", "plaster"])), tuple(rng.uniform(0.85, 1.05, 3)), tile_m=3.0
        )
        top = 3.6 + 3.0 * floors
        site.mesh.quad(*_wall(x, x + width, y, 3.4, top, side), paint=wall)
        for end in (x, x + width):
            site.mesh.quad((end, y, 0), (end, y + side * 9, 0), (end, y + side * 9, top), (end, y, top), wall)
        pane = site.paint("window")
        for floor in range(floors):
            for bay in np.arange(x + 0.9, x + width - 2.4, 3.0):
                base = 4.0 + 3.0 * floor
                site.mesh.quad(*_wall(bay, bay + 2.2, y - side * 0.03, base, base + 2.1, side), paint=pane)
                if rng.random() < 0.3:
                    site.mesh.box(
                        (bay + 1.1, y - side * 0.3, base - 0.2),
                        (0.85, 0.5, 0.6),
                        site.paint("metal", (0.85, 0.85, 0.82)),
                    )
        for bay in np.arange(x, x + width - 2.0, 4.4):
            _ground_floor(site, float(bay), min(float(bay) + 4.4, x + width), y, side, wall)
        x += width + float(rng.choice([0.0, 0.0, 2.5]))


def _ground_floor(site: Site, start: float, end: float, y: float, side: int, wall: Paint) -> None:
    rng, strip = site.rng, f"wall{side}"
    busy = not site.free(strip, start, end, 0.0)
    kind = "wall" if busy else str(rng.choice(["shopfront", "shopfront", "shutter", "wall"]))
    site.mesh.quad(*_wall(start, end, y, 0, 3.4, side), paint=wall)
    if kind == "wall":
        return
    site.mesh.quad(*_wall(start + 0.25, end - 0.25, y - side * 0.06, 0.15, 2.55, side), paint=site.paint(kind))
    if rng.random() < 0.8:
        site.place("shop_sign", (start, y), (end - start, 0.2, 0.8))
        site.mesh.box(((start + end) / 2, y - side * 0.2, 3.0), (end - start - 0.3, 0.3, 0.8), site.paint("metal", (0.4, 0.4, 0.42)),
                      faces={"right" if side > 0 else "left": site.paint("shop_sign"), "back": site.paint("metal", (0.5, 0.5, 0.5))})  # fmt: skip
        site.done()


def _wall(start: float, end: float, y: float, low: float, high: float, side: int) -> tuple[Xyz, Xyz, Xyz, Xyz]:
    """A wall face seen from the road, left to right as a passer-by reads it."""
    a, b = (start, end) if side > 0 else (end, start)
    return (a, y, low), (b, y, low), (b, y, high), (a, y, high)


def _verge(site: Site, side: int) -> None:
    """Trees, lamps, good signs and good bins along the kerb, where nothing else stands."""
    rng, strip = site.rng, f"kerb{side}"
    for x in np.arange(4.0, LENGTH_M + 40, 9.0):
        at = float(x + rng.uniform(-1.5, 1.5))
        kind = str(rng.choice(["tree", "tree", "tree", "lamp", "sign_ok", "bin_ok", "bicycle", "motorcycle", "none"]))
        if not site.free(strip, at - 0.5, at + 1.8):
            continue
        site.take(strip, at - 0.5, at + 1.8)
        y = side * (KERB_M + 0.7)
        if kind == "tree":
            _tree(site, at, y)
        elif kind == "lamp":
            metal = site.paint("metal", (0.55, 0.57, 0.58))
            site.mesh.tube((at, y, 0), (at, y, 7.2), (0.09, 0.06), metal)
            site.mesh.tube((at, y, 7.2), (at, y - side * 1.8, 7.6), 0.05, metal)
            site.mesh.box((at, y - side * 1.9, 7.6), (0.3, 0.7, 0.12), metal)
        elif kind == "sign_ok":
            road_sign(site, at, y, bad=False)
        elif kind == "bin_ok":
            bin_with_lid(site, at, side * (KERB_M + 1.0))
        elif kind in ("bicycle", "motorcycle"):
            vehicles.two_wheeler(site, kind, at, side * (KERB_M + 0.9), float(rng.uniform(-0.4, 0.4)))


def _tree(site: Site, x: float, y: float) -> None:
    rng = site.rng
    trunk, height = site.paint("bark"), float(rng.uniform(2.6, 3.4))
    site.mesh.tube((x, y, 0), (x + rng.uniform(-0.1, 0.1), y, height + 1), (0.14, 0.08), trunk)
    leaf = site.paint("leaves", (1.0, 1.0, 0.9))
    for _ in range(34):
        centre = np.array((x, y, height + 1.4)) + rng.normal(0, (0.85, 0.85, 0.75))
        a, b = rng.normal(size=3), rng.normal(size=3)
        a /= np.linalg.norm(a)
        b -= a * (a @ b)
        b /= np.linalg.norm(b)
        s = rng.uniform(0.6, 0.95)
        site.mesh.quad(
            centre - s * a - s * b, centre + s * a - s * b, centre + s * a + s * b, centre - s * a + s * b, leaf
        )


def road_sign(site: Site, x: float, y: float, bad: bool) -> None:
    """A sign on a pole, facing the traffic that comes along +x; a bad one is faded, rusty, and bent."""
    rng = site.rng
    lean = float(rng.uniform(0.2, 0.45) * rng.choice([-1, 1])) if bad else 0.0
    top = np.array((x, y + np.sin(lean) * 2.2, 2.2 * np.cos(lean) + KERB_HEIGHT_M))
    site.place("sign_damaged" if bad else "sign_ok", (x, y), (0.1, 0.75, 2.6), "traffic_sign_fault" if bad else "")
    across = np.array((0, np.cos(lean), -np.sin(lean))) * 0.4
    up = np.array((0, np.sin(lean), np.cos(lean))) * 0.4
    twist = np.array((float(rng.uniform(-0.15, 0.15)), 0, 0)) if bad else np.zeros(3)
    front = top - np.array((0.06, 0, 0))
    site.mesh.quad(front + across - up - twist, front - across - up + twist, front - across + up + twist, front + across + up - twist,
                   site.paint("bad_road_sign" if bad else "road_sign"))  # fmt: skip
    site.done()
    site.mesh.tube((x, y, KERB_HEIGHT_M), top, 0.035, site.paint("metal", (0.62, 0.63, 0.64)))


def bin_with_lid(site: Site, x: float, y: float) -> None:
    """A litter bin in order: the contrast to an overflowing one."""
    colour = ((0.16, 0.42, 0.24), (0.2, 0.32, 0.5), (0.35, 0.36, 0.38))[int(site.rng.integers(3))]
    site.place("bin_ok", (x, y), (0.6, 0.7, 1.1))
    site.mesh.box((x + 0.3, y, KERB_HEIGHT_M + 0.5), (0.6, 0.68, 1.0), site.paint("bin_side", colour))
    site.mesh.box((x + 0.3, y, KERB_HEIGHT_M + 1.04), (0.68, 0.76, 0.1), site.paint("metal", darker(colour)))
    site.done()


def _traffic(site: Site) -> None:
    rng = site.rng
    for x in np.arange(12.0, LENGTH_M + 30, 7.5):
        at = float(x + rng.uniform(-0.8, 0.8))
        if rng.random() < 0.5 and site.free("kerb1", at, at + 4.6, 0.8) and site.free("wall1", at - 6, at + 4, 0.0):
            vehicles.car(site, at, 3.85, heading=-1)
    for x in (38.0, 96.0, 171.0, 245.0, 322.0):
        vehicles.car(
            site, float(x + rng.uniform(-9, 9)), 1.7, heading=-1, kind=str(rng.choice(["car", "car", "bus", "truck"]))
        )
    for x in np.arange(30.0, LENGTH_M, 52.0):
        at = float(x + rng.uniform(-9, 9))
        if (
            site.free("kerb-1", at - 6, at + 8, 0.0)
            and site.free("wall-1", at - 8, at + 10, 0.0)
            and site.free("lane", at - 1, at + 6, 0.0)
        ):
            vehicles.car(site, at, -4.15, heading=1)


def _walkers(site: Site) -> None:
    rng = site.rng
    for x in np.arange(9.0, LENGTH_M, 11.0):
        at, side = float(x + rng.uniform(-4, 4)), int(rng.choice([-1, 1]))
        y = side * float(rng.uniform(KERB_M + 1.6, WALL_M - 0.8))
        if site.free(f"kerb{side}", at - 3.0, at + 0.6, 0.0) and site.free(f"wall{side}", at - 3.5, at + 1.0, 0.0):
            people.person(site, at, y, float(rng.choice([0.0, np.pi])) + float(rng.normal(0, 0.5)))


def darker(colour: Xyz) -> Xyz:
    """A tint a shade darker."""
    return colour[0] * 0.8, colour[1] * 0.8, colour[2] * 0.8
