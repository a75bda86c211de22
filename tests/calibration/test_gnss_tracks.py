"""Recorded positions out of CSV and GPX: what a column or an element says widens the error or leaves a point out."""

from __future__ import annotations

import pytest

from calibration.tracks import MalformedTrack, track_of_csv, track_of_gpx


def gpx(*points: str) -> bytes:
    """A GPX 1.1 file of such points, a second apart."""
    inside = "".join(
        f'<trkpt lat="{37.87 + i * 4e-5:.6f}" lon="112.55"><time>2026-05-01T02:00:{i:02}Z</time>{said}</trkpt>'
        for i, said in enumerate(points)
    )
    return f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{inside}</trkseg></trk></gpx>'.encode()


def test_points_of_gpx_have_headings_by_the_way_and_errors_by_what_they_say() -> None:
    told = track_of_gpx(
        gpx("", "<hdop>2.0</hdop>", "<fix>2d</fix><hdop>2.0</hdop>", "<hdop>bad</hdop>", "", ""), "a.gpx"
    )
    assert [each.t_s for each in told] == [0, 1, 2, 3, 4, 5]
    assert [each.sigma_m for each in told] == pytest.approx([4, 8, 16, 4, 4, 4])
    assert told[3].heading_deg == pytest.approx(0, abs=1) or told[3].heading_deg == pytest.approx(360, abs=1)
    assert told[3].speed_mps == pytest.approx(4.44, abs=0.1)


def test_a_point_of_gpx_without_fix_or_time_is_none() -> None:
    data = gpx("", "<fix>none</fix>", "").replace(b"2026-05-01T02:00:02Z", b"")
    assert len(track_of_gpx(data, "a.gpx")) == 1


@pytest.mark.parametrize("data", [b"<gpx", b"<!DOCTYPE x><gpx/>", gpx("").replace(b"2026-05-01", b"today"), gpx("").replace(b"37.87", b"north")])  # fmt: skip
def test_gpx_that_cannot_be_read_is_named(data: bytes) -> None:
    with pytest.raises(MalformedTrack, match=r"a\.gpx"):
        track_of_gpx(data, "a.gpx")


def test_rows_of_csv_come_in_order_of_time_whatever_theirs() -> None:
    told = track_of_csv(
        "t_s,lat,lon,pos_accuracy_m\n2,37.87008,112.55,1.5\n0,37.87,112.55,\n1,37.87004,112.55,3\n9,0,0,1\n", "t", 1.0
    )
    assert [(each.t_s, each.sigma_m) for each in told] == [(0.0, 4.0), (1.0, 3.0), (2.0, 1.5)]


def test_frames_are_numbers_or_names_of_pictures() -> None:
    told = track_of_csv("frame,lat,lon\nb.jpg,37.87,112.55\n3,37.87,112.55\n", "t", 2.0, ["a.jpg", "b.jpg"])
    assert [each.t_s for each in told] == [0.5, 1.5]


@pytest.mark.parametrize(
    ("text", "says"),
    [("lon\n1\n", "lat is missing"), ("lat,lon\n1,1\n", "t_s and frame are missing"), ("t_s,lat,lon\n0,37,112\n1,x,112\n", "line 3"), ("t_s,lat,lon,pos_accuracy_m\n0,37,112,far\n", "line 2"),
     ("t_s,lat,lon\n0,37\n", "line 2")],
)  # fmt: skip
def test_csv_that_cannot_be_read_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(MalformedTrack, match=says):
        track_of_csv(text, "track.csv", 1.0)
