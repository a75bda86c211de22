"""WGS-84 to the coordinates of Chinese maps, for display alone: nothing is stored or computed in them.

GCJ-02 (Amap, Tencent and other public maps of China) is WGS-84 shifted by some hundred metres; BD-09 (Baidu) is that shifted once more. The formulas are the
ones that everybody uses (eviltransform, coordtransform); the official tables are secret, so they agree with each other, and with a map to its own accuracy.
"""

from __future__ import annotations

from math import atan2, cos, degrees, hypot, pi, radians, sin, sqrt

SEMI_MAJOR_M = 6378245.0
"""Of Krasovsky's ellipsoid: the shift is in metres on that, not on WGS-84's."""
ECCENTRICITY_2 = 0.00669342162296594323
BOUNDS_DEG = (0.8293, 55.8271, 72.004, 137.8347)
"""South, north, west and east of where the shift applies."""
BAIDU_SHIFT_DEG = (0.006, 0.0065)
BAIDU_TURN = pi * 3000.0 / 180.0
STEPS = 4


def is_shifted(lat_deg: float, lon_deg: float) -> bool:
    """Whether a point lies where Chinese maps are shifted."""
    south, north, west, east = BOUNDS_DEG
    return south <= lat_deg <= north and west <= lon_deg <= east


def gcj02_from_wgs84(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """Latitude and longitude on Amap and other public maps; as they are outside of China."""
    if not is_shifted(lat_deg, lon_deg):
        return lat_deg, lon_deg
    x, y = lon_deg - 105.0, lat_deg - 35.0
    north, east = _north_waves(x, y), _east_waves(x, y)
    across = 1 - ECCENTRICITY_2 * sin(radians(lat_deg)) ** 2
    meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / (across * sqrt(across))
    parallel = SEMI_MAJOR_M / sqrt(across) * cos(radians(lat_deg))
    return lat_deg + degrees(north / meridian), lon_deg + degrees(east / parallel)


def wgs84_from_gcj02(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """The inverse, by fixed-point iteration: less than a tenth of a millimetre off."""
    lat, lon = lat_deg, lon_deg
    for _ in range(STEPS):
        shifted_lat, shifted_lon = gcj02_from_wgs84(lat, lon)
        lat, lon = lat + lat_deg - shifted_lat, lon + lon_deg - shifted_lon
    return lat, lon


def bd09_from_gcj02(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """Latitude and longitude on Baidu's map."""
    length = hypot(lon_deg, lat_deg) + 0.00002 * sin(lat_deg * BAIDU_TURN)
    turn = atan2(lat_deg, lon_deg) + 0.000003 * cos(lon_deg * BAIDU_TURN)
    return length * sin(turn) + BAIDU_SHIFT_DEG[0], length * cos(turn) + BAIDU_SHIFT_DEG[1]


def gcj02_from_bd09(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """The inverse that everybody uses: some decimetres off."""
    lat, lon = lat_deg - BAIDU_SHIFT_DEG[0], lon_deg - BAIDU_SHIFT_DEG[1]
    length = hypot(lon, lat) - 0.00002 * sin(lat * BAIDU_TURN)
    turn = atan2(lat, lon) - 0.000003 * cos(lon * BAIDU_TURN)
    return length * sin(turn), length * cos(turn)


def _north_waves(x: float, y: float) -> float:
    base = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    return base + _shared_waves(x) + 2 / 3 * (
        20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)
    )  # fmt: skip


def _east_waves(x: float, y: float) -> float:
    base = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    return base + _shared_waves(x) + 2 / 3 * (
        20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)
    )  # fmt: skip


def _shared_waves(x: float) -> float:
    return 2 / 3 * (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi))
