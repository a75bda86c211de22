"""Bytes of receivers: whole sentences whatever lies between them, one position an instant, none out of an instant without fix."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import degrees_of, nmea, pvt, ubx

from calibration.gnss import Position
from calibration.receiver import Listener, read_log

HERE = (37.87, 112.55)
RTCM = bytes.fromhex("d300133ed7d30202980edeef34b4bd62ac0941986f33360b98")
"""A message of RTCM 3 (type 1005)."""


def told(*sentences: bytes) -> list[Position]:
    """The positions of a stream that ends after these."""
    return list(Listener().feed(b"".join(sentences), is_all=True))


def gga(clock: str = "100000.00", place: str = degrees_of(*HERE), quality: int = 1, satellites: str = "09", hdop: str = "1.0", talker: str = "GN") -> bytes:  # fmt: skip
    return nmea(f"{talker}GGA,{clock},{place},{quality},{satellites},{hdop},780.0,M,-20.0,M,,")


def rmc(clock: str = "100000.00", place: str = degrees_of(*HERE), status: str = "A", day: str = "010526", talker: str = "GN", motion: str = "10.0,90.0") -> bytes:  # fmt: skip
    return nmea(f"{talker}RMC,{clock},{status},{place},{motion},{day},,,A")


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "BD"])
def test_an_instant_is_one_position_whoever_talks(talker: str) -> None:
    (position,) = told(gga(talker=talker), rmc(talker=talker))
    assert (position.lat_deg, position.lon_deg) == pytest.approx(HERE, abs=1e-8)
    assert (position.speed_mps, position.heading_deg) == pytest.approx((5.144, 90.0), abs=1e-3)
    assert (position.utc, position.utc_trusted) == (datetime(2026, 5, 1, 10, tzinfo=UTC), True)


@pytest.mark.parametrize(
    "sentences",
    [
        (gga(quality=0), rmc()),
        (gga(), rmc(status="V")),
        (gga(), rmc(), nmea(f"GNGLL,{degrees_of(*HERE)},100000.00,V,N")),
        (gga(quality=6), rmc()),
        (gga(place=",,,"), rmc(place=",,,")),
        (gga(place=",,,"), rmc()),
        (gga(place="3752.2,,11233.0,E"), rmc()),
        (gga(place="0000.0000,N,00000.0000,E"), rmc(place="0000.0000,N,00000.0000,E")),
        (nmea(f"GNRMC,100000.00,A,{degrees_of(*HERE)},10.0,90.0,010526,,,N"),),
        (nmea(f"GNGNS,100000.00,{degrees_of(*HERE)},NN,09,1.0,780,-20,,"),),
        (rmc(clock=""),),
        (rmc(clock="250000"),),
        (pvt(*HERE, 36000, fix_type=0),),
        (pvt(*HERE, 36000, fix_type=1),),
        (pvt(*HERE, 36000, fix_type=5),),
        (pvt(*HERE, 36000, flags=0),),
        (rmc(status="V"), pvt(*HERE, 36000)),
    ],
)
def test_an_instant_of_which_anything_says_no_fix_has_no_position(sentences: tuple[bytes, ...]) -> None:
    assert told(*sentences) == []


def test_a_lost_fix_never_gives_the_last_position_again() -> None:
    had = [gga("100000.00") + rmc("100000.00"), gga("100001.00") + rmc("100001.00")]
    lost = [gga(f"1000{second:02}.00", quality=0) + rmc(f"1000{second:02}.00", status="V") for second in range(2, 9)]
    assert len(told(*had, *lost)) == 2


def test_a_position_comes_with_the_sentence_that_completes_what_the_receiver_usually_says() -> None:
    listener = Listener()
    for second in range(3):
        list(listener.feed(gga(f"10000{second}.00") + rmc(f"10000{second}.00")))
    assert list(listener.feed(gga("100003.00"))) == []
    (position,) = listener.feed(rmc("100003.00"))
    assert position.t_s == pytest.approx(3.0 - 0.0)
    assert list(listener.feed(gga("100004.00"))) == [], "one instant, one position"


def test_a_sentence_that_is_missing_once_delays_its_instant_and_loses_nothing() -> None:
    clocks = [f"10000{second}.00" for second in range(6)]
    stream = [gga(clock) + (b"" if clock == clocks[3] else rmc(clock)) for clock in clocks]
    assert [position.t_s for position in told(*stream)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_ubx_is_whole_at_once_and_nmea_of_its_instant_adds_nothing() -> None:
    listener = Listener()
    (position,) = listener.feed(pvt(*HERE, 36000.2, h_acc_m=0.9))
    assert (position.lat_deg, position.lon_deg) == pytest.approx(HERE, abs=1e-7)
    assert (position.sigma_m, position.speed_mps, position.heading_deg) == pytest.approx((0.9, 5.0, 90.0))
    assert position.utc == datetime(2026, 5, 1, 10, 0, 0, 200000, tzinfo=UTC)
    assert list(listener.feed(gga("100000.20") + rmc("100000.20"))) == []


def test_where_ubx_comes_after_nmea_it_is_waited_for() -> None:
    stream = [gga(f"10000{second}.00") + rmc(f"10000{second}.00") + pvt(*HERE, 36000 + second, h_acc_m=0.9) for second in range(4)]  # fmt: skip
    assert [position.sigma_m for position in told(*stream)] == pytest.approx([0.9] * 4)


def test_one_stream_may_mix_nmea_ubx_rtcm_and_noise_in_any_chunks() -> None:
    stream = b"# a comment, $ 5\n" + b"".join(
        gga(f"10000{second}.00") + RTCM + ubx(1, 0x35, bytes(range(36))) + rmc(f"10000{second}.00") + b"\xb5\x62\xff$G\xd3\x00\r\n"
        for second in range(6)
    )  # fmt: skip
    whole = told(stream)
    assert [position.t_s for position in whole] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    for size in (1, 7, 100):
        listener = Listener()
        chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
        found = [position for chunk in chunks for position in listener.feed(chunk)]
        assert [*found, *listener.feed(b"", is_all=True)] == whole


def test_a_header_that_promises_more_than_comes_loses_nothing_behind_it() -> None:
    stream = b"\xb5\x62\x01\x07\xa0\x0f" + b"".join(gga(f"10000{second}.00") + rmc(f"10000{second}.00") for second in range(3))  # fmt: skip
    assert len(told(stream)) == 3
    assert len(told(b"\xb5\x62\x01\x07\xff\xff" + stream)) == 3


@given(st.binary(max_size=400))
def test_no_bytes_raise_and_a_sentence_after_them_is_found(noise: bytes) -> None:
    positions = told(noise, b"\r\n", gga(), rmc())
    assert positions
    assert positions[-1].lat_deg == pytest.approx(HERE[0], abs=1e-8)


@given(st.randoms(use_true_random=False))
def test_what_a_bad_cable_makes_of_a_log_never_raises_and_tells_no_place_that_was_not_said(chance: random.Random) -> None:  # fmt: skip
    stream = bytearray(b"".join(gga(f"1000{second:02}.00") + rmc(f"1000{second:02}.00") + pvt(*HERE, 36000 + second) for second in range(20)))  # fmt: skip
    for _ in range(chance.randrange(1, 200)):
        stream[chance.randrange(len(stream))] = chance.randrange(256)
    bad: list[str] = []
    for position in Listener(bad.append).feed(bytes(stream), is_all=True):
        assert (position.lat_deg, position.lon_deg) == pytest.approx(HERE, abs=1e-7)


def test_sentences_that_are_broken_inside_a_right_checksum_are_counted_and_passed_over() -> None:
    bad: list[str] = []
    broken = [nmea("GPRMC"), nmea("GPGGA,1,2,3"), nmea("GPGGA,100000.00,x,N,y,E,one,09,1.0,,,,,,"), ubx(1, 7, b"short"), b"$GPRMC,garbage*00\r\n"]  # fmt: skip
    listener = Listener(bad.append)
    assert list(listener.feed(b"".join(broken), is_all=True)) == []
    assert len(bad) == len(broken)


def sigma_m(*sentences: bytes) -> float:
    (position,) = told(*sentences)
    return position.sigma_m


def test_what_makes_a_fix_less_sure_widens_it() -> None:
    flat, gst = nmea("GNGSA,A,2,05,12,30,,,,,,,,,,2.0,1.0,1.0"), nmea("GNGST,100000.00,5.0,,,,2.5,3.5,6.0")
    plain = sigma_m(gga(), rmc())
    assert plain == pytest.approx(4.0)
    assert sigma_m(gga(hdop="3.0"), rmc()) == pytest.approx(3 * plain)
    assert sigma_m(flat, gga(), rmc()) == pytest.approx(2 * plain)
    assert sigma_m(gga(satellites="04"), rmc()) == pytest.approx(2 * plain)
    assert sigma_m(rmc()) > plain, "a sentence that tells no HDOP is no sentence of a good one"
    assert sigma_m(gga(quality=2), rmc()) == pytest.approx(plain / 2)
    assert sigma_m(gst, gga(), rmc()) == pytest.approx(3.5)
    assert sigma_m(gga(quality=4), rmc()) < 0.1
    assert sigma_m(pvt(*HERE, 36000, fix_type=2, h_acc_m=3.0)) == pytest.approx(6.0)
    assert sigma_m(pvt(*HERE, 36000, satellites=4, h_acc_m=3.0)) == pytest.approx(6.0)


def test_the_error_of_another_instant_is_not_this_ones() -> None:
    gst = nmea("GNGST,095950.00,5.0,,,,2.5,3.5,6.0")
    assert sigma_m(gst, gga(), rmc()) == pytest.approx(4.0)


@pytest.mark.parametrize(("day", "utc"), [("220899", datetime(1999, 8, 22, 10, tzinfo=UTC)), ("2208-1", None), ("", None)])  # fmt: skip
def test_a_date_that_cannot_be_is_distrusted_and_the_position_kept(day: str, utc: datetime | None) -> None:
    (position,) = told(gga(), rmc(day=day))
    assert (position.utc, position.utc_trusted) == (utc, False)
    assert position.lat_deg == pytest.approx(HERE[0])


def test_a_rollover_in_the_middle_of_a_log_leaves_its_time_running() -> None:
    stream = [gga(f"10000{second}.00") + rmc(f"10000{second}.00", day="060419" if second < 3 else "220899") for second in range(6)]  # fmt: skip
    assert [position.t_s for position in read_log(b"".join(stream))] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_leap_second_is_a_second() -> None:
    clocks = [("235958.00", "311226"), ("235959.00", "311226"), ("235960.00", "311226"), ("000000.00", "010127"), ("000001.00", "010127")]  # fmt: skip
    positions = told(*(gga(clock) + rmc(clock, day=day) for clock, day in clocks))
    assert len(positions) == 5
    assert [position.t_s for position in positions] == sorted(position.t_s for position in positions)
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    assert [(position.utc - midnight).total_seconds() for position in positions if position.utc] == [-2, -1, 0, 0, 1]


def test_midnight_is_no_restart() -> None:
    bad: list[str] = []
    stream = gga("235959.50") + rmc("235959.50") + gga("000000.50") + rmc("000000.50", day="020526")
    positions = list(Listener(bad.append).feed(stream, is_all=True))
    assert [position.t_s for position in positions] == [0.0, 1.0]
    assert bad == []


def test_a_receiver_that_starts_again_and_goes_back_in_time_is_counted_and_heard_on() -> None:
    bad: list[str] = []
    clocks = ["100000.00", "100001.00", "095000.00", "095001.00"]
    positions = list(Listener(bad.append).feed(b"".join(gga(c) + rmc(c) for c in clocks), is_all=True))
    assert [position.t_s for position in positions] == [0.0, 1.0, 1.0, 2.0]
    assert all(a.t_s <= b.t_s for a, b in pairwise(positions))
    assert len(bad) == 1
    assert "back" in bad[0]


def test_a_clock_that_wavers_is_no_restart_and_leaves_the_axis_where_it_is() -> None:
    bad: list[str] = []
    clocks = ["100000.00", "100001.00", "100000.70", "100002.00"]
    positions = list(Listener(bad.append).feed(b"".join(gga(c) + rmc(c) for c in clocks), is_all=True))
    assert [position.t_s for position in positions] == pytest.approx([0.0, 1.0, 1.0, 2.0])
    assert bad == []


def test_a_speed_that_no_vehicle_drives_is_none() -> None:
    (position,) = told(rmc(motion="999.9,90.0"))
    assert (position.speed_mps, position.heading_deg) == (None, None)
