"""Streets for the rules that ask where a thing stands: each stretch has one that breaks a rule on one side and, on the other, one that looks the
same and breaks none. Some drive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.ride import people, vehicles
from demo.ride.drive import drive
from demo.ride.stall import chair, parasol, table
from demo.ride.street import KERB_M, WALL_M, Site, Street, Zone, facades, ground, light
from demo.ride.textures import Textures

FIRST_M, STRETCH_M = 22.0, 15.0
BEFORE_M = 10.0
"""How far before its stretch's middle something that comes towards the vehicle meets it."""
ONCOMING_MPS, RIDER_MPS = -5.0, 2.6
Zones = list[Zone]
Scene = Callable[[Site, float, int, Zones], None]


def layout(seed: int) -> Street:
    """The whole street of one seed."""
    rng = np.random.default_rng([seed, 51])
    site, zones = Site(rng, Textures(seed)), list[Zone]()
    for number, (bad, good) in enumerate(zip(rng.permutation(len(BREAKING)), rng.permutation(len(KEEPING)), strict=True)):  # fmt: skip
        x, side = FIRST_M + number * STRETCH_M, -1 if rng.random() < 0.7 else 1
        BREAKING[bad](site, x, side, zones)
        KEEPING[good](site, x, -side, zones)
    moving = _drivers(site, seed, zones)
    ground(site)
    for side in (-1, 1):
        facades(site, side)
    sun, sky = light(rng)
    return Street(seed, tuple(site.placed), site.mesh.triangles(), site.textures, sun, sky, tuple(zones), moving)


def end_m() -> float:
    """Where the ride ends: the last stretch is still to be passed by."""
    return FIRST_M + STRETCH_M * len(BREAKING) - 3.0


def _zone(kind: str, x: float, side: int, length_m: float) -> Zone:
    """A stretch of one side, from the middle of its lane to the walls."""
    near, far = sorted((side * 2.0, side * WALL_M))
    return Zone(kind, (x - 3.0, x + length_m + 3.0), (near, far))


def _two_wheeler(site: Site, x: float, side: int, category: str = "") -> None:
    kind, turn = str(site.rng.choice(["bicycle", "motorcycle"])), float(site.rng.uniform(-0.5, 0.5))
    vehicles.two_wheeler(site, kind, x, side * (KERB_M + 0.9), turn, category)


def _bicycles(site: Site, x: float, side: int, count: int, category: str = "") -> None:
    """A row of bicycles across the pavement; the one in the middle stands for all."""
    for number in range(count):
        told = category if number == count // 2 else ""
        turn = float(np.pi / 2 + site.rng.normal(0, 0.12))
        vehicles.two_wheeler(site, "bicycle", x + 0.62 * number, side * (KERB_M + 1.2), turn, told)


def _furniture(site: Site, x: float, side: int, category: str = "") -> None:
    """A table with goods, two chairs and a parasol."""
    y = side * (KERB_M + 1.6)
    table(site, x, y, category)
    chair(site, x + 1.5, y + 0.1 * side)
    chair(site, x - 0.8, y + 0.2 * side)
    parasol(site, x + 0.9, y + 0.7 * side)


def _vendor(site: Site, x: float, side: int) -> None:
    people.person(site, x + 0.1, side * (KERB_M + 0.9), float(site.rng.normal(0, 0.5)))


def misparked_two_wheeler(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("no_parking", x, side, 2.0))
    _two_wheeler(site, x, side, "misparked_two_wheeler")


def two_wheeler_where_nothing_forbids(site: Site, x: float, side: int, zones: Zones) -> None:
    _two_wheeler(site, x, side)


def misparked_shared_bikes(site: Site, x: float, side: int, zones: Zones) -> None:
    _bicycles(site, x, side, int(site.rng.integers(5, 8)), "misparked_shared_bike")


def shared_bikes_where_they_may(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("parking", x, side, 4.0))
    _bicycles(site, x, side, int(site.rng.integers(5, 8)))


def three_bicycles(site: Site, x: float, side: int, zones: Zones) -> None:
    _bicycles(site, x, side, 3)


def misparked_car(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("no_parking", x, side, 5.0))
    _car(site, x, side, "misparked_car")


def car_where_nothing_forbids(site: Site, x: float, side: int, zones: Zones) -> None:
    _car(site, x, side)


def _car(site: Site, x: float, side: int, category: str = "") -> None:
    vehicles.car(site, x, side * 4.1, heading=-side, kind=str(site.rng.choice(["car", "car", "truck"])), category=category)  # fmt: skip


def roadside_stall(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("no_vending", x, side, 3.0))
    _furniture(site, x, side, "roadside_stall")
    _vendor(site, x, side)


def stall_where_nothing_forbids(site: Site, x: float, side: int, zones: Zones) -> None:
    _furniture(site, x, side)
    _vendor(site, x, side)


def table_without_anybody(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("no_vending", x, side, 3.0))
    _furniture(site, x, side)


def somebody_without_a_table(site: Site, x: float, side: int, zones: Zones) -> None:
    zones.append(_zone("no_vending", x, side, 3.0))
    _vendor(site, x, side)


BREAKING: tuple[Scene, ...] = (
    misparked_two_wheeler, misparked_two_wheeler, misparked_shared_bikes, misparked_car, misparked_car, roadside_stall, roadside_stall,
)  # fmt: skip
KEEPING: tuple[Scene, ...] = (
    two_wheeler_where_nothing_forbids, shared_bikes_where_they_may, three_bicycles, car_where_nothing_forbids, stall_where_nothing_forbids,
    table_without_anybody, somebody_without_a_table,
)  # fmt: skip


def _drivers(site: Site, seed: int, zones: Zones) -> dict[int, float]:
    """A car that comes towards the vehicle and a rider whom it overtakes, both on a road where parking is forbidden. Speeds by thing, m/s."""
    zones.append(Zone("no_parking", (FIRST_M, end_m()), (-3.6, 2.6)))
    speeds, moments = {}, drive(seed, until_m=end_m())
    for share in (0.3, 0.7):
        meets = moments[int(share * len(moments))]
        vehicles.car(site, meets.pose.x_m + BEFORE_M - ONCOMING_MPS * meets.t_s, 1.6, heading=-1)
        speeds[len(site.placed)] = ONCOMING_MPS
    meets = moments[len(moments) // 2]
    x = meets.pose.x_m + BEFORE_M / 2 - RIDER_MPS * meets.t_s
    vehicles.two_wheeler(site, "bicycle", x - 0.85, -3.3, 0.0)
    speeds[len(site.placed)] = RIDER_MPS
    people.person(site, x - 0.2, -3.3, 0.0, lift_m=0.3)
    speeds[len(site.placed)] = RIDER_MPS
    return speeds
