"""The problems of a street: 14 categories, several of each, never two of a kind close together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.ride.street import KERB_HEIGHT_M, KERB_M, WALL_M, Site, _wall, darker, decal, road_sign

APART_M = 14.0
FIRST_M, LAST_M = 22.0, 340.0
Maker = Callable[[Site, float, int], bool]


def add_problems(site: Site) -> None:
    """Spread every category over the street: one per stretch, at a free spot of its strip."""
    for maker, category, count in MAKERS:
        step = (LAST_M - FIRST_M) / count
        for number in range(count):
            for _ in range(60):
                x = float(site.rng.uniform(FIRST_M + number * step, FIRST_M + (number + 1) * step))
                side = -1 if site.rng.random() < 0.72 else 1
                near = any(abs(x - other.foot_m[0]) < APART_M for other in site.placed if other.category == category)
                if not near and maker(site, x, side):
                    break


def _kerbside(site: Site, x: float, side: int, length: float, margin: float = 1.0) -> bool:
    if not site.free(f"kerb{side}", x - 0.8, x + length, margin):
        return False
    site.take(f"kerb{side}", x - 0.8, x + length)
    return True


def garbage(site: Site, x: float, side: int) -> bool:
    """Litter on the pavement's edge: flat scraps and a few crumpled lumps."""
    rng = site.rng
    length, width = float(rng.uniform(1.3, 2.1)), float(rng.uniform(1.0, 1.5))
    if not _kerbside(site, x, side, length):
        return False
    y, z = side * (KERB_M + 0.35 + width / 2), KERB_HEIGHT_M
    site.place("garbage", (x, y), (length, width, 0.25), "exposed_garbage")
    w = width / 2
    for lift in (0.015, 0.05):
        site.mesh.quad(
            (x, y + w, z + lift),
            (x, y - w, z + lift),
            (x + length, y - w, z + lift),
            (x + length, y + w, z + lift),
            site.paint("litter"),
        )
    tones = (
        (0.8, 0.8, 0.78),
        (0.7, 0.15, 0.12),
        (0.15, 0.3, 0.6),
        (0.75, 0.6, 0.2),
        (0.4, 0.28, 0.18),
        (0.2, 0.45, 0.25),
        (0.05, 0.05, 0.06),
    )
    for _ in range(26):
        px, py = x + length / 2 + rng.normal(0, length / 5), y + rng.normal(0, width / 5)
        size = rng.uniform(0.06, 0.17, 3) * (1.5, 1.5, 1.0)
        tone = tones[int(rng.integers(len(tones)))]
        if rng.random() < 0.5:
            site.mesh.box(
                (px, py, z + size[2] / 2),
                size,
                site.paint("cloth", tone),
                yaw=float(rng.uniform(0, 6)),
                tilt=float(rng.normal(0, 0.4)),
            )
        else:
            site.mesh.ball(
                (px, py, z + size[2] * 0.4), size * 0.6, site.paint("plastic_bag", tone), rng, 0.25, detail=6
            )
    site.done()
    return True


def bags(site: Site, x: float, side: int) -> bool:
    """Filled bags at the kerb."""
    rng = site.rng
    if not _kerbside(site, x, side, 1.5):
        return False
    y, z = side * (KERB_M + 0.9), KERB_HEIGHT_M
    tones = (
        (0.03, 0.03, 0.035),
        (0.03, 0.03, 0.035),
        (0.55, 0.1, 0.1),
        (0.1, 0.22, 0.5),
        (0.75, 0.76, 0.74),
        (0.1, 0.3, 0.16),
    )
    tone = tones[int(rng.integers(len(tones)))]
    site.place("garbage_bag", (x, y), (1.4, 1.0, 0.7), "bagged_garbage")
    for _ in range(int(rng.integers(3, 6))):
        px, py, r = x + 0.65 + rng.uniform(-0.4, 0.4), y + rng.uniform(-0.35, 0.35), float(rng.uniform(0.28, 0.4))
        tint = tone if rng.random() < 0.75 else tones[int(rng.integers(len(tones)))]
        paint = site.paint("plastic_bag", tint, gloss=0.7)
        site.mesh.ball((px, py, z + r * 0.72), (r, r * 0.95, r * 0.9), paint, rng, 0.12, detail=12, flat_below=z)
        site.mesh.tube((px, py, z + r * 1.45), (px + rng.normal(0, 0.05), py, z + r * 1.95), (0.05, 0.11), paint)
    site.done()
    return True


def overflowing_bin(site: Site, x: float, side: int) -> bool:
    """A bin whose lid no longer closes, and what fell beside it."""
    rng = site.rng
    if not _kerbside(site, x, side, 1.4):
        return False
    y, z = side * (KERB_M + 1.0), KERB_HEIGHT_M
    colour = ((0.16, 0.42, 0.24), (0.2, 0.32, 0.5), (0.35, 0.36, 0.38))[int(rng.integers(3))]
    site.place("bin_overflow", (x, y), (1.2, 1.2, 1.5), "overflowing_bin")
    site.mesh.box((x + 0.45, y, z + 0.5), (0.66, 0.76, 1.0), site.paint("bin_side", colour))
    site.mesh.box((x + 0.82, y, z + 1.25), (0.08, 0.76, 0.62), site.paint("metal", darker(colour)), pitch=0.35)
    tones = (
        (0.85, 0.84, 0.8),
        (0.04, 0.04, 0.05),
        (0.7, 0.15, 0.12),
        (0.72, 0.58, 0.22),
        (0.5, 0.36, 0.22),
        (0.2, 0.4, 0.7),
    )
    for number in range(19):
        tone, on_top = tones[int(rng.integers(len(tones)))], number < 12
        px = x + 0.45 + rng.normal(0, 0.2) if on_top else x + rng.uniform(0, 1.1)
        py = y + rng.normal(0, 0.2) if on_top else y + rng.uniform(0.45, 0.75) * rng.choice([-1, 1])
        pz = z + rng.uniform(0.98, 1.4) if on_top else z + 0.1
        r = rng.uniform(0.1, 0.2)
        if rng.random() < 0.6:
            site.mesh.ball(
                (px, py, pz),
                (r, r, r * 0.8),
                site.paint("plastic_bag", tone, gloss=0.4),
                rng,
                0.2,
                detail=7,
                flat_below=z,
            )
        else:
            site.mesh.box(
                (px, py, pz),
                (r * 1.6, r * 1.3, r),
                site.paint("cloth", tone),
                yaw=float(rng.uniform(0, 6)),
                tilt=float(rng.normal(0, 0.5)),
            )
    site.done()
    return True


def waste_pile(site: Site, x: float, side: int) -> bool:
    """A heap of rubble: a bumpy cone with stones and bricks on it."""
    rng = site.rng
    length, width, height = float(rng.uniform(1.8, 2.6)), float(rng.uniform(1.5, 2.0)), float(rng.uniform(0.55, 0.9))
    if not _kerbside(site, x, side, length):
        return False
    y, z = side * (KERB_M + 0.5 + width / 2), KERB_HEIGHT_M
    site.place("rubble", (x, y), (length, width, height), "waste_pile")
    v, u = np.meshgrid(np.linspace(0, 1, 16), np.linspace(0, 2 * np.pi, 30), indexing="ij")
    bump = 1 + 0.16 * np.sin(3 * u + rng.uniform(0, 6)) + 0.08 * np.sin(7 * u + 9 * v)
    top = height * (1 - v) ** 0.9 * (1 + 0.12 * np.sin(5 * u + 11 * v))
    points = np.stack(
        [x + length / 2 * (1 + v * bump * np.cos(u) * 0.9), y + width / 2 * v * bump * np.sin(u) * 0.9, z + top], 2
    )
    paint = site.paint("rubble")
    site.mesh.grid(points.astype(np.float32), paint, (2.0, 1.0))
    for _ in range(46):
        a, r = rng.uniform(0, 6.3), float(rng.random()) ** 0.6 * 0.9
        size = rng.uniform(0.08, 0.26, 3)
        tone = (0.5, 0.2, 0.13) if rng.random() < 0.4 else tuple(rng.uniform(0.35, 0.65) * np.array((1, 0.97, 0.92)))
        site.mesh.box((x + length / 2 * (1 + r * np.cos(a) * 0.9), y + width / 2 * r * np.sin(a) * 0.9, z + height * (1 - r) ** 0.9 + 0.03), size,
                      site.paint("concrete", tone), yaw=float(rng.uniform(0, 6)), tilt=float(rng.normal(0, 0.5)))  # fmt: skip
    site.done()
    return True


def furniture(site: Site, x: float, side: int) -> bool:
    """A sofa, a leaning mattress, or a cupboard."""
    rng = site.rng
    if not _kerbside(site, x, side, 2.2):
        return False
    y, z, kind, yaw = side * (KERB_M + 1.1), KERB_HEIGHT_M, int(rng.integers(3)), float(rng.normal(0, 0.35))
    site.place("dumped_bulky", (x, y), (1.8, 1.0, 1.1), "discarded_furniture")
    tone = ((0.42, 0.16, 0.1), (0.18, 0.26, 0.38), (0.55, 0.48, 0.36), (0.25, 0.32, 0.2))[int(rng.integers(4))]
    cx = x + 1.0
    if kind == 0:
        cloth = site.paint("cloth", tone)
        facing = 1.57 if side < 0 else -1.57
        for dx, dy, dz, size in ((0, 0, 0.28, (0.85, 1.9, 0.36)), (-0.36, 0, 0.62, (0.22, 1.9, 0.75)), (0, 0.87, 0.45, (0.85, 0.2, 0.55)), (0, -0.87, 0.45, (0.85, 0.2, 0.55)),
                                 (0.06, 0.42, 0.5, (0.66, 0.78, 0.14)), (0.06, -0.42, 0.5, (0.66, 0.78, 0.14))):  # fmt: skip
            c, s = np.cos(yaw + facing), np.sin(yaw + facing)
            site.mesh.box((cx + c * dx - s * dy, y + s * dx + c * dy, z + dz), size, cloth, yaw=yaw + facing)
    elif kind == 1:
        site.mesh.box(
            (cx, y, z + 0.62), (0.24, 1.5, 1.25), site.paint("mattress"), yaw=yaw + 0.3, pitch=0.3, skip_bottom=False
        )
        site.mesh.box((cx + 0.5, y, z + 0.14), (0.9, 1.2, 0.26), site.paint("mattress"), yaw=yaw)
    else:
        wood = site.paint("wood", (0.95, 0.85, 0.75))
        site.mesh.box((cx, y, z + 0.55), (0.55, 1.1, 1.1), wood, yaw=yaw, tilt=float(rng.normal(0, 0.12)))
        site.mesh.box((cx - 0.5, y + 0.35, z + 0.3), (0.04, 0.5, 0.75), wood, yaw=yaw + 0.5, pitch=-0.4)
        site.mesh.box((cx + 0.55, y - 0.2, z + 0.22), (0.45, 0.45, 0.42), site.paint("cloth", tone), yaw=yaw + 0.8)
    site.done()
    return True


def _lane(
    site: Site, x: float, label: str, texture: str, category: str, size: tuple[float, float], gloss: float = 0.0
) -> bool:
    return decal(site, label, texture, x, float(site.rng.uniform(-4.0, -0.9)), size, "lane", category, gloss=gloss)


def pothole(site: Site, x: float, side: int) -> bool:
    w = float(site.rng.uniform(0.9, 1.5))
    return _lane(site, x, "pothole", "pothole", "road_damage", (w * float(site.rng.uniform(1.0, 1.4)), w))


def crack(site: Site, x: float, side: int) -> bool:
    return _lane(site, x, "crack", "crack", "road_damage", (2.6, 2.0))


def footpath(site: Site, x: float, side: int) -> bool:
    if not _kerbside(site, x, -1, 2.4):
        return False
    return decal(site, "footpath_damaged", "broken_paving", x, -(KERB_M + 1.2), (2.2, 1.7), "path", "road_damage")


def open_manhole(site: Site, x: float, side: int) -> bool:
    return _lane(site, x, "manhole_bad", "open_manhole", "manhole_fault", (0.95, 0.95))


def puddle(site: Site, x: float, side: int) -> bool:
    return _lane(site, x, "water_on_road", "puddle", "road_ponding", (3.2, 2.3), gloss=0.5)


def sand(site: Site, x: float, side: int) -> bool:
    return _lane(site, x, "sand_on_road", "sand", "road_dirty", (3.4, 2.4))


def lamp(site: Site, x: float, side: int) -> bool:
    """A street light that leans far over, its head hanging."""
    if not _kerbside(site, x, side, 1.0):
        return False
    rng, y = site.rng, side * (KERB_M + 0.6)
    lean, along = float(rng.uniform(0.32, 0.6)) * -side, float(rng.normal(0, 0.15))
    height = float(rng.uniform(3.6, 4.6))
    foot = np.array((x, y, KERB_HEIGHT_M))
    top = foot + height * np.array((along, np.sin(lean), np.cos(lean)))
    metal = site.paint("metal", (0.5, 0.52, 0.54))
    site.place("streetlight_broken", (x, y), (0.4, 1.8, height), "streetlight_fault")
    site.mesh.tube(foot, top, (0.1, 0.07), metal, sides=10)
    elbow = top + np.array((0, -side * 0.7, -0.25))
    site.mesh.tube(top, elbow, 0.05, metal)
    site.mesh.box(
        elbow + np.array((0, -side * 0.2, -0.3)), (0.26, 0.24, 0.7), site.paint("metal", (0.75, 0.75, 0.72)), tilt=0.3
    )
    site.mesh.tube(elbow, elbow + np.array((0.05, 0.1, -1.1)), 0.015, site.paint("metal", (0.05, 0.05, 0.05)), sides=5)
    site.mesh.box(foot + np.array((0, 0, 0.15)), (0.5, 0.5, 0.3), site.paint("concrete", (0.7, 0.66, 0.6)), tilt=0.25)
    site.done()
    return True


def bad_sign(site: Site, x: float, side: int) -> bool:
    if not _kerbside(site, x, side, 0.8):
        return False
    road_sign(site, x, side * (KERB_M + 0.6), bad=True)
    return True


def _on_wall(
    site: Site, x: float, side: int, label: str, category: str, texture: str, size: tuple[float, float], low: float
) -> bool:
    if not site.free(f"wall{side}", x, x + size[0], 1.5):
        return False
    site.take(f"wall{side}", x - 0.5, x + size[0] + 0.5)
    paint = site.paint(texture)
    u0, v0, u1, v1 = site.textures.opaque(paint.layer)
    start, end = (u0, u1) if side > 0 else (1 - u1, 1 - u0)
    start, end, y = x + start * size[0], x + end * size[0], side * (WALL_M - 0.03)
    bottom, top = low + (1 - v1) * size[1], low + (1 - v0) * size[1]
    site.place(label, (start, y), (end - start, 0.05, top - bottom), category)
    site.mesh.quad(*_wall(start, end, y, bottom, top, side), paint=paint, part=(u0, v0, u1, v1))
    site.done()
    return True


def small_ads(site: Site, x: float, side: int) -> bool:
    w = float(site.rng.uniform(2.0, 3.0))
    return _on_wall(
        site,
        x,
        side,
        "graffiti",
        "small_ads",
        str(site.rng.choice(["graffiti", "graffiti", "stickers"])),
        (w, w * 0.62),
        float(site.rng.uniform(0.5, 0.9)),
    )


def facade(site: Site, x: float, side: int) -> bool:
    return _on_wall(
        site, x, side, "facade_unkept", "facade_dirty", "stain", (float(site.rng.uniform(3.4, 4.6)), 2.9), 0.3
    )


def torn_board(site: Site, x: float, side: int) -> bool:
    """An advertising board on two legs, turned towards the traffic, its sheet faded and torn."""
    if not (site.free(f"kerb{side}", x - 1.5, x + 1.5, 1.0) and site.free(f"wall{side}", x - 2, x + 6, 0.0)):
        return False
    site.take(f"kerb{side}", x - 0.6, x + 0.8)
    site.take(f"wall{side}", x - 1, x + 5)
    rng = site.rng
    y, w, h, z = side * (KERB_M + 2.0), float(rng.uniform(1.9, 2.5)), float(rng.uniform(1.2, 1.5)), 0.75
    lean, turn = float(rng.normal(0, 0.09)), -side * float(rng.uniform(0.1, 0.35))
    across = np.array((np.sin(turn), np.cos(turn), 0)) * w / 2
    tilt = np.array((lean, 0.15 * lean, 0))
    a, b = np.array((x, y, z)) + across, np.array((x, y, z)) - across
    up = np.array((0, 0, h)) + tilt
    site.place("bad_billboard", (x, y), (0.2, w, h), "damaged_ad_board")
    front = np.array((-0.04, 0, 0))
    site.mesh.quad(a + front, b + front, b + up + front, a + up + front, site.paint("torn_billboard"))
    frame = site.paint("metal", (0.36, 0.33, 0.31))
    for p, q in ((a, b), (b, b + up), (b + up, a + up), (a + up, a)):
        site.mesh.tube(p, q, 0.035, frame, sides=6)
    site.mesh.quad(b, a, a + up, b + up, site.paint("metal", (0.3, 0.3, 0.3)))
    for p in (a * 0.85 + b * 0.15, b * 0.85 + a * 0.15):
        site.mesh.tube((p[0], p[1], KERB_HEIGHT_M), p, 0.04, frame, sides=6)
    site.done()
    return True


MAKERS: tuple[tuple[Maker, str, int], ...] = (
    (garbage, "exposed_garbage", 4), (bags, "bagged_garbage", 4), (overflowing_bin, "overflowing_bin", 4), (waste_pile, "waste_pile", 3),
    (furniture, "discarded_furniture", 3), (pothole, "road_damage", 3), (crack, "road_damage", 2), (footpath, "road_damage", 2),
    (open_manhole, "manhole_fault", 4), (puddle, "road_ponding", 3), (sand, "road_dirty", 3), (lamp, "streetlight_fault", 3),
    (bad_sign, "traffic_sign_fault", 3), (small_ads, "small_ads", 4), (torn_board, "damaged_ad_board", 3), (facade, "facade_dirty", 3),
)  # fmt: skip
