"""Coordinates of Chinese maps against the vectors of the libraries that everybody uses."""

from __future__ import annotations

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.chinese_maps import bd09_from_gcj02, gcj02_from_bd09, gcj02_from_wgs84, wgs84_from_gcj02
from calibration.geodesy import offset_m


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),  # eviltransform's own tests
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((39.915, 116.404), (39.91640428150164, 116.41024449916938)),  # coordtransform's own tests
    ],
)
def test_gcj02_is_what_the_usual_libraries_say(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert gcj02_from_wgs84(*wgs84) == pytest.approx(gcj02, abs=1e-11)


def test_bd09_is_what_the_usual_libraries_say() -> None:
    assert bd09_from_gcj02(39.915, 116.404) == pytest.approx((39.92133699351021, 116.41036949371029), abs=1e-11)
    assert gcj02_from_bd09(39.915, 116.404) == pytest.approx((39.90865673957631, 116.39762729119315), abs=1e-11)


@given(st.floats(18, 53), st.floats(74, 134))
def test_the_way_back_is_exact_to_a_millimetre(lat_deg: float, lon_deg: float) -> None:
    back = wgs84_from_gcj02(*gcj02_from_wgs84(lat_deg, lon_deg))
    assert hypot(*offset_m(lat_deg, lon_deg, *back)) < 1e-3


def test_in_taiyuan_the_shift_is_half_a_kilometre_to_the_east_and_abroad_there_is_none() -> None:
    east_m, north_m = offset_m(37.8706, 112.5489, *gcj02_from_wgs84(37.8706, 112.5489))
    assert hypot(east_m, north_m) == pytest.approx(557.3, abs=0.1)
    assert gcj02_from_wgs84(52.37, 4.9) == (52.37, 4.9)
