"""`trikeye edge replay` on a piece of the sample ride: same ids every time, no picture without redaction, every fault in words."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import cv2
import piexif
import pytest

import trikeye
from calibration.exif import read_exif
from edge.evidence import _dms
from edge.outbox import Outbox
from models.contract import MAX_MESSAGE_BYTES, Sighting, decode
from models.pixels import decode_jpeg

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample"
PACK = Path(__file__).resolve().parents[2] / "models" / "shipped" / "street"
FRAMES = 150


@pytest.fixture(scope="module")
def ride(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the sample ride, as stills."""
    folder = tmp_path_factory.mktemp("ride")
    for name in ("camera.toml", "ride.toml", "track.csv"):
        shutil.copy(SAMPLE / name, folder)
    video = cv2.VideoCapture(str(SAMPLE / "video.mp4"))
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"{number:04}.jpg"), video.read()[1])
    video.release()
    return folder


def sightings(data: Path) -> list[Sighting]:
    """What an outbox holds."""
    box = Outbox(data / "outbox.sqlite3")
    found = box.waiting(1000)
    box.close()
    assert all(len(each.body) <= MAX_MESSAGE_BYTES for each in found)
    return [decode(Sighting, each.body) for each in found]


def replay(capsys: pytest.CaptureFixture[str], ride: Path, data: Path, *more: str) -> dict[str, object]:
    """Run the verb; its last line."""
    assert trikeye.main(["edge", "replay", str(ride), "--json", "--data", str(data), *more]) == 0
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_a_replay_gives_the_same_ids_every_time_and_started_again_adds_nothing(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = replay(capsys, ride, tmp_path / "a")
    assert {"frames", "inferred", "sightings", "per_category", "gate_reasons", "no_fix", "seconds"} <= set(first)
    assert first["frames"] == FRAMES
    again = replay(capsys, ride, tmp_path / "a")
    assert (again["sightings"], again["known"]) == (0, first["sightings"])
    replay(capsys, ride, tmp_path / "b")
    here, there = sightings(tmp_path / "a"), sightings(tmp_path / "b")
    assert len(here) > 0
    assert [each.id for each in here] == [each.id for each in there]
    assert [each.place for each in here] == [each.place for each in there]
    for sighting in here:
        assert sighting.origin == "replay"
        assert sighting.redaction.digest != "0" * 64
        for picture in sighting.pictures:
            assert decode_jpeg(picture.bytes).shape[:2] == (picture.height, picture.width)
        shown = read_exif(sighting.pictures[0].bytes)
        assert shown is not None
        assert (shown.lat_deg, shown.lon_deg) == pytest.approx((sighting.fix.lat_deg, sighting.fix.lon_deg), abs=1e-7)
        assert sighting.id.int >> 80 <= int(sighting.seen_at.utc.timestamp() * 1000)
        assert isinstance(sighting.pass_id, UUID)


def test_a_ride_may_be_driven_on_another_day(ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay(capsys, ride, tmp_path / "then")
    replay(capsys, ride, tmp_path / "now", "--began", "2026-11-28T09:30:00+08:00")
    then, now = sightings(tmp_path / "then"), sightings(tmp_path / "now")
    assert [each.place for each in now] == [each.place for each in then]
    assert {after.seen_at.utc - before.seen_at.utc for before, after in zip(then, now, strict=True)} == {
        timedelta(days=26)
    }
    assert {each.seen_at.source for each in now} == {"file"}


@pytest.mark.parametrize("told", ["yesterday", "2026-11-28T09:30:00"])
def test_another_day_has_its_zone(ride: Path, capsys: pytest.CaptureFixture[str], told: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        trikeye.main(["edge", "replay", str(ride), "--began", told])
    assert f"{told} is no instant; write it as" in capsys.readouterr().err


def test_without_redaction_there_is_no_outbox_and_no_picture(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = tmp_path / "edge.toml"
    blind.write_text('[redact]\npack = "street"\n', "utf-8")
    assert trikeye.main(["edge", "replay", str(ride), "--data", str(tmp_path / "d"), "--config", str(blind)]) == 1
    assert "cannot redact" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_a_pack_with_a_wrong_digest_is_refused(ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "pack"
    shutil.copytree(PACK, bad)
    with (bad / "model.onnx").open("ab") as file:
        file.write(b"x")
    assert trikeye.main(["edge", "replay", str(ride), "--data", str(tmp_path / "d"), "--pack", str(bad)]) == 1
    assert "copy the pack again" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "content", "words"), [
    ("ride.toml", "fps = [", "correct it or remove it"),
    ("ride.toml", "fps = -3", "between 0.1 and 240"),
    ("ride.toml", 'start = "yesterday"', "correct it or remove it"),
    ("track.csv", "lon\n1\n", "column"),
    ("camera.toml", "version = 1", "camera.toml"),
    ("zones.geojson", "{}", "zones.geojson: type"),
])  # fmt: skip
def test_a_ride_with_a_broken_file_is_refused_in_words(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, words: str
) -> None:
    shutil.copy(ride / "0000.jpg", tmp_path)
    (tmp_path / name).write_text(content)
    assert trikeye.main(["edge", "replay", str(tmp_path), "--data", str(tmp_path / "d")]) == 1
    assert words in capsys.readouterr().err


def test_pictures_of_another_shape_than_the_camera_file_says_are_refused(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("0000.jpg", "track.csv"):
        shutil.copy(ride / name, tmp_path)
    card = (ride / "camera.toml").read_text("utf-8")
    (tmp_path / "camera.toml").write_text(card.replace("[960, 540]", "[960, 720]"), "utf-8")
    assert trikeye.main(["edge", "replay", str(tmp_path), "--data", str(tmp_path / "d")]) == 1
    said = capsys.readouterr().err
    assert "960x540" in said
    assert "960x720" in said


def test_an_empty_folder_says_what_a_ride_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trikeye.main(["edge", "replay", str(tmp_path)]) == 1
    assert "video.mp4" in capsys.readouterr().err


def test_pictures_without_a_position_make_no_sighting_which_is_a_failure_and_one_unreadable_is_counted(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        shutil.copy(ride / f"{number:04}.jpg", tmp_path)
    (tmp_path / "0009.jpg").write_bytes(b"\xff\xd8 no picture")
    assert trikeye.main(["edge", "replay", str(tmp_path), "--json", "--data", str(tmp_path / "d")]) == 1
    out, err = capsys.readouterr()
    assert "no frame had a position" in err
    done = json.loads(out)
    assert (done["frames"], done["no_fix"], done["sightings"]) == (3, 3, 0)
    assert done["gate_reasons"] == {"no_fix": 3, "unreadable": 1}


@pytest.mark.parametrize("value", [112.55, 37.87, 0.0, -73.999999999, 30.1, 59.99999999])
def test_degrees_survive_the_way_into_exif(value: float) -> None:
    degrees, minutes, seconds = (number / divisor for number, divisor in _dms(value))
    assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(abs(value), abs=2e-8)
    assert minutes < 60
    assert seconds < 60
    assert piexif.dump({"GPS": {piexif.GPSIFD.GPSLatitude: _dms(value)}})


def test_a_ride_through_a_zone_where_nobody_may_park_tells_who_does(
    ride: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the beginning of the sample ride a bicycle leans at the kerb and a bus stands on the road."""
    street = tmp_path / "ride"
    street.mkdir()
    for path in sorted(ride.glob("*.jpg"))[:80]:
        shutil.copy(path, street)
    for name in ("camera.toml", "ride.toml", "track.csv"):
        shutil.copy(ride / name, street)
    zones = json.loads((SAMPLE / "zones.geojson").read_text("utf-8"))
    zones["features"][0]["properties"]["kind"] = "no_parking"
    (street / "zones.geojson").write_text(json.dumps(zones), "utf-8")
    replay(capsys, street, tmp_path / "d")
    parked = [each for each in sightings(tmp_path / "d") if each.category.startswith("misparked_")]
    assert {each.category for each in parked} == {"misparked_two_wheeler", "misparked_car"}
    assert {each.detail for each in parked} <= {"bicycle", "motorcycle", "car", "bus", "truck"}
    assert all(each.pictures for each in parked)
